// The messages on the page: stored ones as the server rendered them, open ones drawn from their events.

import { get } from "./api.js";
import { AnswerView, blank, identify, newMessage, setOwnText, setTime } from "./render.js";
import { textOf } from "./reducer.js";
import { WORDS } from "./words.js";

const COPIED_MS = 2000;

export class Log {
  #answers = new Map(); // message id -> the answer drawn last, of those that were open here

  constructor(element, page) {
    this.column = element.querySelector(".column");
    this.page = page;
  }

  /** An own message that is not confirmed yet. */
  addOwn(text) {
    const article = newMessage({ role: "user", author: this.page.user.name });
    article.classList.add("pending");
    setOwnText(article, text);
    this.column.append(article);
    return article;
  }

  confirm(article, { id, position, created_at }) {
    identify(article, { id, position });
    setTime(article.querySelector("time"), new Date(created_at));
    article.classList.remove("pending");
  }

  /** The empty article of an answer that was asked for; own messages that are still waiting stay below it. */
  addAnswer({ id, position, created_at }, run) {
    const article = newMessage({ role: "assistant", author: "Parley", time: new Date(created_at) });
    identify(article, { id, position, run });
    this.#insert(article);
    return article;
  }

  /** What somebody else in the chat has written. */
  addOther({ id, position, created_at, role, author, content }) {
    const article = newMessage({ role, author: author?.name ?? "", time: new Date(created_at) });
    identify(article, { id, position });
    setOwnText(article, content);
    this.#insert(article);
  }

  /** The message that a new one follows, where an older branch is read; else undefined: the newest. */
  get parent() {
    if (!new URLSearchParams(location.search).has("at")) return undefined;
    return [...this.column.querySelectorAll("article[data-id]")].at(-1)?.dataset.id;
  }

  /** Show an open answer as it is now; `ahead` others are answered before it. */
  draw(entry, now, ahead) {
    entry.view ??= new AnswerView(entry.article, this.page);
    entry.view.draw(entry.answer, now, ahead);
    this.#answers.set(entry.article.dataset.id, entry.answer);
  }

  /** Bring what the server rendered to life; gives the open answers: [{run, article}]. */
  adopt(root = this.column) {
    for (const time of root.querySelectorAll("time")) setTime(time, new Date(time.dateTime));
    for (const block of root.querySelectorAll(".text pre")) this.#addCopyButton(block);
    for (const table of root.querySelectorAll(".text .wide")) reachByKeyboard(table, WORDS.table);
    const open = root.querySelectorAll("article[data-status=in_progress]");
    return [...open].filter((each) => each.dataset.run).map((each) => ({ run: each.dataset.run, article: each }));
  }

  /** Take over stored messages, in order; `isOpen(run)` are drawn from their events and stay. Gives those newly open. */
  merge(fragment, isOpen) {
    const fresh = [...fragment.querySelectorAll("article")];
    const open = this.adopt(fragment).filter(({ run }) => !isOpen(run));
    const first = Number(fresh[0]?.dataset.position ?? Infinity);
    const ids = new Set(fresh.map((article) => article.id));
    for (const old of this.column.querySelectorAll("article[data-id]")) {
      if (Number(old.dataset.position) >= first && !ids.has(old.id) && !isOpen(old.dataset.run)) old.remove();
    }
    for (const article of fresh) {
      const old = document.getElementById(article.id);
      if (!old) this.#insert(article);
      else if (!isOpen(old.dataset.run)) settle(old, article);
    }
    return open.map(({ run, article }) => ({ run, article: document.getElementById(article.id) }));
  }

  /** Copy a message's own text, Markdown and all, or a block of code. */
  async copy(button, id) {
    const code = button.closest(".code")?.querySelector("pre");
    await navigator.clipboard.writeText(code ? code.textContent : await this.#sourceOf(id));
    const word = button.textContent;
    button.textContent = WORDS.copied;
    setTimeout(() => (button.textContent = word), COPIED_MS);
  }

  /** The chat that the first message made: its title, its place in the list, no more choices. */
  showChat(chat) {
    document.body.classList.add("has-chat");
    document.querySelector(".head h1").textContent = chat.title;
    document.title = `${chat.title} · Parley`;
    document.querySelector(".about").hidden = false;
    const agent = this.page.archetypes.find((each) => each.name === chat.archetype)?.label ?? chat.archetype;
    document.querySelector(".about .agent").textContent = ` · ${agent} · ${chat.model}`;
    const link = blank("chat-link-template");
    Object.assign(link.querySelector("a"), { href: `/chats/${chat.id}/`, textContent: chat.title });
    document.querySelector("#nav .new").removeAttribute("aria-current");
    this.#listOf(chat.project ?? "").prepend(link);
  }

  #listOf(project) {
    const found = document.querySelector(`#nav section[data-project="${project}"]`);
    if (found) return found.querySelector("ul");
    const section = blank("chat-section-template");
    section.dataset.project = project;
    section.querySelector("h2").textContent = document.querySelector(`#project option[value="${project}"]`)?.textContent ?? "";
    document.querySelector("#nav .chats").prepend(section);
    return section.querySelector("ul");
  }

  #insert(article) {
    const pending = this.column.querySelector("article.pending");
    this.column.insertBefore(article, pending);
  }

  async #sourceOf(id) {
    const drawn = this.#answers.get(id);
    if (drawn) return textOf(drawn);
    return (await (await get(`/api/messages/${id}/`)).json()).content;
  }

  #addCopyButton(block) {
    const frame = document.createElement("div");
    frame.className = "code";
    reachByKeyboard(block, WORDS.code);
    block.replaceWith(frame);
    frame.append(block, blank("copy-code-template"));
  }
}

/** What scrolls sideways in a box of its own can be scrolled without a mouse, and has a name. */
function reachByKeyboard(element, name) {
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", name);
}

/** Give a message that is over its stored form: rendered text in place of plain, opened cards stay open. */
function settle(old, fresh) {
  const [before, after] = [old, fresh].map((each) => [...each.querySelectorAll(".parts > .text")]);
  const isSame = before.length === after.length && old.querySelector(".parts").childElementCount > 0;
  if (isSame) before.forEach((text, index) => unlessSelected(text, () => text.replaceWith(after[index])));
  else old.querySelector(".parts").replaceWith(fresh.querySelector(".parts"));
  old.dataset.status = fresh.dataset.status;
  old.classList.remove("open", "writing");
  const end = old.querySelector(".end");
  if (!end.textContent) end.replaceWith(fresh.querySelector(".end"));
  const actions = old.querySelector(".actions");
  if (!actions.contains(document.activeElement)) actions.replaceWith(fresh.querySelector(".actions"));
}

/** Replacing a text would end a selection in it: wait until the reader lets it go. */
function unlessSelected(element, act) {
  const selection = document.getSelection();
  const isHeld = () => !selection.isCollapsed && selection.containsNode(element, true);
  if (!isHeld()) return act();
  const check = () => {
    if (isHeld()) return;
    document.removeEventListener("selectionchange", check);
    act();
  };
  document.addEventListener("selectionchange", check);
}
