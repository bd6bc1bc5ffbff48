// The messages on the page: stored ones as the server rendered them, open ones drawn from their events.

import { dayInWords, dayOf, timeOf, timeOfDay, today } from "./days.js";
import { foldTools } from "./fold.js";
import { AnswerView, foldLong, identify, mend, newMessage, setContent, setTime } from "./render.js";
import { settle } from "./settle.js";
import { enliven } from "./text.js";

export class Log {
  #answers = new Map(); // message id -> the answer drawn last, of those that were open here
  #live = new Map(); // run -> the article it is drawn into, on the page or not

  constructor(element, page) {
    this.column = element.querySelector(".column");
    this.page = page;
  }

  /** An own message that is not confirmed yet. */
  addOwn(message) {
    const article = newMessage({ role: "user", author: this.page.user.name, isOwn: true });
    article.classList.add("pending");
    setContent(article, message.text, message.attachments);
    this.column.append(article);
    this.markDays();
    return article;
  }

  confirm(article, message) {
    identify(article, message);
    setTime(article, new Date(message.created_at));
    article.classList.remove("pending");
  }

  /** The empty article of an answer that was asked for; own messages that are still waiting stay below it. */
  addAnswer(message, run) {
    const article = newMessage({ role: "assistant", author: this.page.name, time: new Date(message.created_at) });
    identify(article, { ...message, run });
    this.#live.set(run, article);
    this.#insert(article);
    return article;
  }

  /** What somebody else in the chat has written. */
  addOther(message) {
    const { role, author, created_at, content, attachments } = message;
    const isOwn = author?.id === this.page.user.id;
    const article = newMessage({ role, author: author?.name ?? "", time: new Date(created_at), isOwn });
    identify(article, message);
    setContent(article, content, attachments);
    this.#insert(article);
  }

  /** The stored messages on the page, oldest first. */
  get stored() {
    return [...this.column.querySelectorAll(":scope > article[data-id]")];
  }

  /** The message that a new one follows, where an older branch is read; else undefined: the newest. */
  get parent() {
    return new URLSearchParams(location.search).has("at") ? this.last : undefined;
  }

  /** The last message on the page that is stored, or null. */
  get last() {
    return this.stored.at(-1)?.dataset.id ?? null;
  }

  /** Show an open answer as it is now; `ahead` others are answered before it. */
  draw(entry, now, ahead) {
    entry.view ??= new AnswerView(entry.article, this.page);
    try {
      entry.view.draw(entry.answer, now, ahead);
    } catch {
      this.#drawAnew(entry, now, ahead);
    }
    this.#answers.set(entry.article.dataset.id, entry.answer);
  }

  /** Others (a translation, an extension) have taken away what is drawn into: from the page's own templates again. */
  #drawAnew(entry, now, ahead) {
    mend(entry.article);
    entry.view = new AnswerView(entry.article, this.page);
    entry.view.draw(entry.answer, now, ahead);
  }

  /** Bring what the server rendered to life; gives the open answers that are not drawn yet: [{run, article}]. */
  adopt(root = this.column, isDrawn = () => false) {
    for (const article of root.querySelectorAll("article[data-id]")) setTime(article, new Date(article.querySelector("time").dateTime));
    for (const each of root.querySelectorAll(".decision time")) each.textContent = timeOfDay(each.dateTime);
    for (const text of root.querySelectorAll(".text:not(.plain)")) text.replaceChildren(...text.children);
    enliven(root);
    for (const article of root.querySelectorAll("article.user")) foldLong(article);
    for (const article of root.querySelectorAll("article:not([data-status=in_progress], .pending)")) foldTools(article);
    this.#cite(root);
    const open = [...root.querySelectorAll("article[data-status=in_progress]")].filter((each) => each.dataset.run && !isDrawn(each));
    for (const each of open) if (!this.#live.has(each.dataset.run)) this.#live.set(each.dataset.run, each);
    return open.map((each) => ({ run: each.dataset.run, article: this.#live.get(each.dataset.run) }));
  }

  /**
   * Take over stored messages, in order: of those that were on the page `before` they were read, the ones from the first of
   * them up to position `to` are theirs. Those that `isDrawn(article)` are drawn from their events and stay. Gives those newly open.
   */
  merge(fragment, isDrawn, { before, from = Infinity, to = Infinity }) {
    const open = this.adopt(fragment, isDrawn);
    const fresh = [...fragment.querySelectorAll("article")].filter((each) => positionOf(each) <= to);
    const first = Math.min(from, fresh[0] ? positionOf(fresh[0]) : Infinity);
    const ids = new Set(fresh.map((article) => article.id));
    const isTheirs = (old) => positionOf(old) >= first && positionOf(old) <= to && !ids.has(old.id);
    const gone = before.filter(isTheirs);
    const left = gone.find((old) => old.contains(document.activeElement));
    gone.forEach((old) => old.remove());
    this.#dropStrangers(fresh[0]);
    for (const article of fresh) {
      const old = document.getElementById(article.id);
      if (!old) this.#insert(this.own(article, isDrawn));
      else if (!isDrawn(article)) settle(old, article);
    }
    this.#cite(this.column);
    this.markDays();
    if (left) focusOn(this.stored.find((each) => each.dataset.parent === left.dataset.parent) ?? this.stored.at(-1));
    return open.map(({ run, article }) => ({ run, article: document.getElementById(article.id) })).filter((each) => each.article);
  }

  /** Marks in answers that name sources become buttons. */
  #cite(root) {
    const named = [...root.querySelectorAll("article:has(> .cited:not([hidden]))")];
    if (named.length) import("./cited.js").then(({ mark }) => named.forEach((article) => mark(article)));
  }

  /** The article of a stored message, or the one its events are drawn into. */
  own(article, isDrawn) {
    return (isDrawn(article) && this.#live.get(article.dataset.run)) || article;
  }

  /** Messages above that the first of these does not follow are of another branch, or far away. */
  #dropStrangers(first) {
    if (!first) return;
    const before = this.stored.filter((each) => positionOf(each) < positionOf(first));
    if (before.length && before.at(-1).dataset.id !== first.dataset.parent) before.forEach((each) => each.remove());
  }

  /** The answer of this message as it was drawn last; undefined where it was over before. */
  drawn(id) {
    return this.#answers.get(id);
  }

  /** Put an article where it belongs: by its position, before own messages that are still waiting. */
  #insert(article) {
    const next = this.stored.find((each) => positionOf(each) > positionOf(article));
    this.column.insertBefore(article, next ?? this.column.querySelector(":scope > .pending"));
    this.markDays();
  }

  /** A line before the first message of each day; none where all are of today. */
  markDays() {
    let before = today();
    for (const article of this.column.querySelectorAll(":scope > article")) {
      const moment = article.querySelector("time")?.dateTime;
      const line = article.previousElementSibling?.matches(".day") ? article.previousElementSibling : null;
      const day = moment ? dayOf(moment) : before;
      if (day === before) line?.remove();
      else markDay(article, line, day);
      before = day;
    }
    for (const line of this.column.querySelectorAll(":scope > .day")) if (!line.nextElementSibling?.matches("article")) line.remove();
  }
}

/** The reader was at a message that has made room for this one. */
function focusOn(article) {
  if (!article || document.activeElement !== document.body) return;
  article.tabIndex = -1;
  article.focus({ preventScroll: true });
}

function markDay(article, there, day) {
  const line = there ?? Object.assign(document.createElement("p"), { className: "day" });
  if (!there) article.before(line);
  const words = dayInWords(day);
  if (line.textContent !== words) line.replaceChildren(timeOf(day, words));
}

function positionOf(article) {
  return Number(article.dataset.position);
}
