// The list of chats, newest first, and the head of the chat one reads.

import { get } from "./api.js";
import { branchOf } from "./branches.js";
import { dayOf, LOCALE, monthInWords, timeOf } from "./days.js";
import { fragmentOf } from "./html.js";
import { byId, page } from "./page.js";
import { blank } from "./text.js";
import { labelOf, whyInWords, WORDS } from "./words.js";

const AHEAD_PX = 600; // so far before its end more of the list is fetched

const nav = byId("nav");
const list = nav.querySelector(".chats");
let isFetching = false;

/** The chat of this page was made: its title, its place in the list, no more choices. */
export function begun(chat) {
  document.body.classList.add("has-chat");
  for (const each of document.querySelectorAll(".about, .head [data-menu]")) each.hidden = false;
  nav.querySelector(".new").removeAttribute("aria-current");
  const link = linkTo(chat);
  link.querySelector("a").setAttribute("aria-current", "page");
  listOf(chat.project ?? "", () => list.querySelector("section") ?? list.querySelector(".further")).prepend(link);
  titled(chat);
  markTimes();
}

/** A chat has another title, agent or model, or one may do something else in it. */
export function titled(chat) {
  const { id, title, archetype, model } = chat;
  for (const link of linksTo(id)) {
    link.replaceChildren(title);
    link.closest("li").dataset.may = mayOf(chat);
  }
  if (id !== page.chat) return;
  document.querySelector(".head [data-menu]").dataset.may = mayOf(chat);
  document.querySelector("h1").textContent = title;
  document.title = `${title} · ${page.name}`;
  const agent = page.archetypes.find((each) => each.name === archetype)?.label ?? archetype;
  document.querySelector(".agent").textContent = `${agent} · ${labelOf(model)}`;
}

/** What a chat's menu may offer, as in chat/page/listing.py. */
function mayOf({ permissions, user }) {
  return [permissions.includes("write") && "write", user === page.user.id && "own"].filter(Boolean).join(" ");
}

/** Where a chat stands in the list. */
export function linksTo(id) {
  return nav.querySelectorAll(`.chats ul a[href^="/chats/${id}/"]`);
}

/** Something was said in the chat of this page: it comes first. */
export function first() {
  const item = nav.querySelector(".chats section li a[aria-current]")?.closest("li");
  if (!item) return;
  const section = item.closest("section");
  item.dataset.at = new Date().toISOString();
  item.parentElement.prepend(item);
  section.parentElement.insertBefore(section, list.querySelector("section"));
  markTimes();
}

/** A link to a chat, as the list has it. */
export function linkTo(chat) {
  const item = blank("chat-link-template");
  Object.assign(item.dataset, { may: mayOf(chat), at: chat.last_activity_at });
  Object.assign(item.querySelector("a"), { href: `/chats/${chat.id}/`, textContent: chat.title || WORDS.startNew });
  return item;
}

/** The list of a project's chats; where there is none yet it is made, before what `next()` gives. */
function listOf(project, next) {
  const there = list.querySelector(`section[data-project="${project}"]`);
  if (there) return there.querySelector("ul");
  const section = blank("chat-section-template");
  section.dataset.project = project;
  section.querySelector("h2").textContent = document.querySelector(`#project option[value="${project}"]`)?.textContent ?? "";
  list.insertBefore(section, next());
  return section.querySelector("ul");
}

/** Say when something was said last: a line before the first chat of today, of yesterday, of each month. */
export function markTimes() {
  for (const line of list.querySelectorAll(".when")) line.remove();
  for (const chats of list.querySelectorAll("section ul")) markTimesOf(chats);
}

function markTimesOf(chats) {
  let before = "";
  for (const item of chats.querySelectorAll("li[data-at]")) {
    const day = dayOf(item.dataset.at);
    const words = monthInWords(day);
    item.querySelector("a").title = new Date(item.dataset.at).toLocaleString(LOCALE, { dateStyle: "long", timeStyle: "short" });
    if (words !== before) item.before(lineOf(day, words));
    before = words;
  }
}

function lineOf(day, words) {
  const line = Object.assign(document.createElement("li"), { className: "when" });
  line.append(timeOf(day, words));
  return line;
}

// --- Those behind the first ones ---

async function fetchMore(button) {
  if (isFetching) return;
  isFetching = true;
  try {
    const answer = await get(`/chats/?after=${encodeURIComponent(button.dataset.next)}`, "text/html");
    take(fragmentOf(await answer.text()), button);
  } catch (error) {
    if (error.isLost === undefined) throw error;
    button.textContent = WORDS.notDone({ why: whyInWords(error) });
  } finally {
    isFetching = false;
  }
}

function take(fragment, button) {
  const hadFocus = document.activeElement === button;
  const further = list.querySelector(".further");
  const links = [];
  for (const section of fragment.querySelectorAll("section")) {
    const there = list.querySelector(`section[data-project="${section.dataset.project}"]`);
    const fresh = [...section.querySelectorAll("li")].filter((each) => !linksTo(idOf(each)).length);
    links.push(...fresh);
    if (there) there.querySelector("ul").append(...fresh);
    else further.before(section);
  }
  further.replaceWith(fragment.querySelector(".further"));
  markTimes();
  if (hadFocus) links[0]?.querySelector("a").focus();
}

const idOf = (item) => item.querySelector("a").pathname.split("/")[2];

/** A chat is opened on the branch that was read in it last. */
function choosePath({ target }) {
  const link = target.closest(".chats ul a"); // a message that was found is on a branch of its own
  const leaf = link && branchOf(link.pathname.split("/")[2]);
  if (link) link.search = leaf ? `?at=${leaf}` : "";
}

for (const name of ["click", "auxclick"]) list.addEventListener(name, choosePath);
list.addEventListener("click", ({ target }) => target.closest("[data-next]") && fetchMore(target.closest("[data-next]")));
list.addEventListener("scroll", () => {
  const button = list.querySelector(".further:not([hidden]) [data-next]");
  const isNear = list.scrollHeight - list.clientHeight - list.scrollTop < AHEAD_PX;
  if (button && isNear && !nav.matches(".searching")) fetchMore(button);
}, { passive: true });
markTimes();
