// Answers to elements, through the page's templates. Text goes in as text, never as HTML.

import { endInWords, shortArgument, thoughtInWords, toolInWords, WORDS } from "./words.js";
import { isOver } from "./reducer.js";

const NODE_CHARS = 2000; // a longer text node makes each further piece slow

/** A copy of the first element of a template. */
export function blank(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** A message's empty article. */
export function newMessage({ role, author, time = new Date() }) {
  const article = blank("message-template");
  article.classList.add(role);
  article.dataset.role = role;
  article.querySelector(".author").textContent = author;
  setTime(article.querySelector("time"), time);
  return article;
}

/** Give an article its id; its heading names it. */
export function identify(article, { id, position = "", run = "" }) {
  const heading = article.querySelector("h2");
  article.id = `message-${id}`;
  heading.id = `name-${id}`;
  article.setAttribute("aria-labelledby", heading.id);
  Object.assign(article.dataset, { id, position, run: run ?? "" });
}

/** Show a time of the reader's own clock. */
export function setTime(element, time) {
  element.dateTime = time.toISOString();
  element.textContent = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  element.title = time.toLocaleString();
}

/** Put an own message's text in its article. */
export function setOwnText(article, text) {
  const element = blank("text-template");
  element.classList.add("plain");
  element.textContent = text;
  article.querySelector(".parts").replaceChildren(element);
}

/** Draws one answer into its article, again and again; only what changed is touched. */
export class AnswerView {
  constructor(article, page) {
    this.article = article;
    this.page = page;
    this.parts = article.querySelector(".parts");
    this.end = article.querySelector(".end");
    this.views = [];
    this.parts.replaceChildren();
  }

  /** Make the article look as this answer; `now` in seconds, `ahead` answers come before it. */
  draw(answer, now, ahead) {
    answer.parts.forEach((part, index) => this.#drawPart(part, index, answer, now));
    while (this.views.length > answer.parts.length) this.views.pop().element.remove();
    const isOpen = !isOver(answer);
    this.article.classList.toggle("open", isOpen);
    this.article.classList.toggle("writing", answer.phase === "writing");
    this.article.dataset.status = isOpen ? "in_progress" : answer.phase;
    this.#drawEnd(answer, isOpen, ahead);
  }

  #drawPart(part, index, answer, now) {
    const key = keyOf(part);
    if (this.views[index]?.key !== key || !this.views[index].draw(part, answer, now)) this.#replace(part, index, answer, now, key);
  }

  #replace(part, index, answer, now, key) {
    const view = VIEWS[part.type]();
    view.key = key;
    view.draw(part, answer, now);
    if (this.views[index]) this.views[index].element.replaceWith(view.element);
    else this.parts.append(view.element);
    this.views[index] = view;
  }

  #drawEnd(answer, isOpen, ahead) {
    const waiting = ahead > 0 ? WORDS.waitingFor({ count: ahead }) : "";
    setText(this.end, isOpen ? waiting : endInWords(answer, this.page));
    this.end.classList.toggle("bad", answer.phase === "failed");
    this.end.hidden = !this.end.textContent;
  }
}

function keyOf(part) {
  return part.type === "tool" ? `tool ${part.call}` : `${part.type} ${part.turn}`;
}

const VIEWS = { text: textView, reasoning: reasoningView, tool: toolView };

/** A view's `draw` says whether it could show the part; if not, a new view takes its place. */
function textView() {
  const element = blank("text-template");
  element.classList.add("plain");
  const writer = new Writer(element);
  const draw = (part) => {
    element.classList.toggle("taken-back", part.isTakenBack);
    return writer.write(part.text);
  };
  return { element, draw };
}

function reasoningView() {
  const element = blank("reasoning-template");
  const label = element.querySelector(".label");
  const writer = new Writer(element.querySelector(".thoughts"));
  const draw = (part, answer) => {
    const isGoingOn = answer.parts.at(-1) === part && answer.phase === "thinking";
    setText(label, isGoingOn ? WORDS.thinking : thoughtInWords(part.until - part.from));
    element.classList.toggle("taken-back", part.isTakenBack);
    return writer.write(part.text);
  };
  return { element, draw };
}

function toolView() {
  const element = blank("tool-template");
  const find = (name) => element.querySelector(name);
  const draw = (tool, _answer, now) => {
    element.dataset.status = tool.status;
    element.dataset.call = tool.call;
    element.classList.toggle("inner", tool.agent !== "");
    setText(find(".name"), tool.name);
    setText(find(".argument"), shortArgument(tool.arguments));
    setText(find(".status"), toolInWords(tool, now));
    setText(find(".arguments"), pretty(tool.arguments));
    find(".outcome").hidden = tool.status === "running" || tool.status === "unfinished";
    setText(find(".outcome h3"), tool.status === "returned" ? WORDS.result : WORDS.error);
    setText(find(".result"), tool.status === "returned" ? pretty(tool.result) : (tool.error ?? ""));
    find(".cut").hidden = !tool.isCut;
    return true;
  };
  return { element, draw };
}

/** JSON as people read it; a text as it is. */
function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value ?? {}, null, 2);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Writes a growing text into an element piece by piece, so that a selection in it stays. */
class Writer {
  #shown = 0;
  #head = "";
  #node = null;

  constructor(element) {
    this.element = element;
  }

  /** Append what is new. False when this is another text than the one begun. */
  write(text) {
    if (text.length < this.#shown || !text.startsWith(this.#head)) return false;
    if (text.length > this.#shown) this.#append(text.slice(this.#shown));
    this.#shown = text.length;
    if (this.#head.length < 64) this.#head = text.slice(0, 64);
    return true;
  }

  #append(piece) {
    if (this.#node && this.#node.length < NODE_CHARS) this.#node.appendData(piece);
    else this.element.append((this.#node = document.createTextNode(piece)));
  }
}
