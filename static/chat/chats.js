// The list of chats, newest first, and the head of the chat one reads.

import { byId, page } from "./page.js";
import { blank } from "./text.js";
import { WORDS } from "./words.js";

const nav = byId("nav");

/** The chat of this page was made: its title, its place in the list, no more choices. */
export function begun(chat) {
  document.body.classList.add("has-chat");
  for (const each of document.querySelectorAll(".about, .head [data-menu]")) each.hidden = false;
  nav.querySelector(".new").removeAttribute("aria-current");
  const link = linkTo(chat);
  link.querySelector("a").setAttribute("aria-current", "page");
  listOf(chat.project ?? "").prepend(link);
  titled(chat);
}

/** A chat has another title, agent or model. */
export function titled({ id, title, archetype, model }) {
  for (const link of linksTo(id)) link.replaceChildren(title);
  if (id !== page.chat) return;
  document.querySelector("h1").textContent = title;
  document.title = `${title} · Parley`;
  const agent = page.archetypes.find((each) => each.name === archetype)?.label ?? archetype;
  document.querySelector(".agent").textContent = `${agent} · ${page.models[model] ?? model}`;
}

/** Where a chat stands in the list. */
export function linksTo(id) {
  return nav.querySelectorAll(`a[href="/chats/${id}/"]`);
}

/** Something was said in the chat of this page: it comes first. */
export function first() {
  const item = nav.querySelector(".chats section a[aria-current]")?.closest("li");
  const section = item?.closest("section");
  item?.parentElement.prepend(item);
  section?.parentElement.prepend(section);
}

/** A link to a chat, as the list has it. */
export function linkTo({ id, title: text }) {
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
