// The list of chats: search, rename, delete; the newest first.

import { newKey } from "../parley.js";
import { get, parley } from "./api.js";
import { byId, page } from "./page.js";
import { blank } from "./render.js";
import { whyInWords, WORDS } from "./words.js";

const PAUSE_MS = 250; // after the last key of a search
const FOUND_MOST = 50;
const [nav, menu, search, found] = ["nav", "chat-menu", "search", "found"].map(byId);
const title = document.querySelector(".head h1");
let chosen = null; // {id, title} of the chat whose menu is open
let timer = 0;
let asked = 0;

/** A chat of this page was made: its title, its place in the list, no more choices. */
export function begun(chat) {
  document.body.classList.add("has-chat");
  for (const each of document.querySelectorAll(".about, .head [data-menu]")) each.hidden = false;
  const agent = page.archetypes.find((each) => each.name === chat.archetype)?.label ?? chat.archetype;
  document.querySelector(".about .agent").textContent = `${agent} · ${page.models[chat.model] ?? chat.model}`;
  nav.querySelector(".new").removeAttribute("aria-current");
  const link = linkTo(chat);
  link.querySelector("a").setAttribute("aria-current", "page");
  listOf(chat.project ?? "").prepend(link);
  titled(chat);
}

/** A chat has another title. */
export function titled({ id, title: text }) {
  for (const link of nav.querySelectorAll(`a[href="/chats/${id}/"]`)) link.replaceChildren(text);
  if (id !== page.chat) return;
  title.textContent = text;
  document.title = `${text} · Parley`;
}

/** Something was said in the chat of this page: it comes first. */
export function first() {
  const item = nav.querySelector(".chats section a[aria-current]")?.closest("li");
  const section = item?.closest("section");
  item?.parentElement.prepend(item);
  section?.parentElement.prepend(section);
}

function linkTo({ id, title: text }) {
  const item = blank("chat-link-template");
  Object.assign(item.querySelector("a"), { href: `/chats/${id}/`, textContent: text || WORDS.startNew });
  return item;
}

function listOf(project) {
  const there = nav.querySelector(`section[data-project="${project}"]`);
  if (there) return there.querySelector("ul");
  const section = blank("chat-section-template");
  section.dataset.project = project;
  section.querySelector("h2").textContent = document.querySelector(`#project option[value="${project}"]`)?.textContent ?? "";
  nav.querySelector(".chats").prepend(section);
  return section.querySelector("ul");
}

// --- Search -----------------------------------------------------------------------------------------------------------

search.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});

async function look() {
  const text = search.value.trim();
  const mine = ++asked;
  nav.classList.toggle("searching", text !== "");
  if (!text) return;
  const query = new URLSearchParams({ search: text, status: "active", page_size: FOUND_MOST });
  const chats = await get(`/api/chats/?${query}`).then(async (answer) => (await answer.json()).results, whyInWords);
  if (mine !== asked) return;
  const isTold = typeof chats === "string" || !chats.length;
  found.replaceChildren(...(isTold ? [] : chats.map(linkTo)));
  found.nextElementSibling.textContent = isTold ? (chats.length ? chats : WORDS.noChats) : "";
}

// --- Rename, delete ---------------------------------------------------------------------------------------------------

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-menu]");
  if (!button) return;
  const link = button.closest("li")?.querySelector("a");
  chosen = link ? { id: link.pathname.split("/")[2], title: link.textContent } : { id: page.chat, title: title.textContent };
  const { bottom, right } = button.getBoundingClientRect();
  menu.showPopover();
  menu.style.insetBlockStart = `${Math.min(bottom, innerHeight - menu.offsetHeight - 8)}px`;
  menu.style.insetInlineStart = `${Math.max(8, Math.min(right - 40, innerWidth - menu.offsetWidth - 8))}px`;
  menu.querySelector("button").focus();
});

menu.addEventListener("click", ({ target }) => {
  const dialog = byId(target.closest("button")?.dataset.dialog);
  if (!dialog) return;
  menu.hidePopover();
  const box = dialog.querySelector("input");
  if (box) box.value = chosen.title;
  for (const each of dialog.querySelectorAll(".chat-title")) each.textContent = chosen.title;
  tell(dialog, "");
  dialog.showModal();
  box?.select();
});

const DONE = {
  rename: async ({ id }) => titled(await parley.change("PATCH", `/api/chats/${id}/`, { title: byId("new-title").value.trim() })),
  delete: async ({ id }) => {
    await parley.change("DELETE", `/api/chats/${id}/`, undefined, newKey());
    if (id === page.chat) return location.assign("/");
    for (const link of nav.querySelectorAll(`a[href="/chats/${id}/"]`)) link.closest("li").remove();
  },
};

for (const [name, act] of Object.entries(DONE)) {
  byId(name).addEventListener("submit", async (event) => {
    if (event.submitter?.value !== "yes") return; // Cancel closes it
    event.preventDefault();
    try {
      await act(chosen);
      byId(name).close();
    } catch (error) {
      tell(byId(name), WORDS.notDone({ why: whyInWords(error) }));
    }
  });
}

function tell(dialog, text) {
  dialog.querySelector(".problem").textContent = text;
}
