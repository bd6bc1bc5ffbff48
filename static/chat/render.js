// Answers to elements, through the page's templates. Text goes in as text, never as HTML.

import { setText, toolView } from "./card.js";
import { LOCALE, timeOfDay } from "./days.js";
import { isOver } from "./reducer.js";
import { blank, markTakenBack, textView } from "./text.js";
import { adviceInWords, endInWords, failureInWords, thoughtInWords, WORDS } from "./words.js";
import { keepIn, Writer } from "./writer.js";

export { blank };

const MOST_LINES = 12;
const LINE_CHARS = 100; // more than fit on a line, so that what counts as long is

/** A message's empty article. */
export function newMessage({ role, author, time = new Date(), isOwn = false }) {
  const article = blank("message-template");
  article.classList.add(role);
  article.classList.toggle("own", isOwn);
  if (isOwn) article.querySelector(".parts").translate = false; // to edit it is to change what one wrote
  article.dataset.role = role;
  article.querySelector(".author").textContent = author;
  setTime(article, time);
  return article;
}

/** Give an article the parts again that every message has, where one of them is gone. */
export function mend(article) {
  const fresh = blank("message-template");
  const isGone = (part) => !article.querySelector(`:scope > .${part.classList[0] ?? "x"}, :scope > ${part.localName}:not([class])`);
  for (const part of [...fresh.children].filter(isGone)) article.append(part);
}

/** Give an article its id; its heading names it. */
export function identify(article, { id, position = "", parent = "", run = "" }) {
  const heading = article.querySelector("h2");
  article.id = `message-${id}`;
  if (heading) heading.id = `name-${id}`;
  article.setAttribute("aria-labelledby", `name-${id}`);
  Object.assign(article.dataset, { id, position, parent: parent ?? "", run: run ?? "" });
}

/** Show a message's time by the reader's own clock, and let its buttons say what they are for. */
export function setTime(article, time) {
  const element = article.querySelector("time");
  if (!element) return; // taken away by others
  element.dateTime = time.toISOString();
  element.textContent = timeOfDay(time);
  element.title = time.toLocaleString(LOCALE);
  const message = article.querySelector("h2").textContent;
  for (const button of article.querySelectorAll(":scope > .actions :is(button:not([data-to]), summary)")) {
    button.setAttribute("aria-label", WORDS.of({ what: (button.querySelector(".unseen") ?? button).textContent, message }));
  }
}

/** Put what a person wrote in its article, and the names of the files that go with it. */
export function setContent(article, text, attachments = []) {
  const element = blank("text-template");
  element.classList.add("plain");
  element.textContent = text;
  article.querySelector(".parts").replaceChildren(element);
  if (attachments.length) showFiles(article.querySelector(".attachments"), attachments);
  foldLong(article);
}

/** The part that shows them is loaded with the first file: where it is one's own, before. */
async function showFiles(list, attachments) {
  (await import("./attachments.js")).showAttachments(list, attachments);
}

/** Show twelve lines of a person's long message, and a button for the rest. */
export function foldLong(article) {
  const lines = article.querySelector(".parts").textContent.split("\n");
  const isLong = lines.reduce((sum, { length }) => sum + Math.ceil(length / LINE_CHARS || 1), 0) > MOST_LINES;
  article.querySelector(".unfold").hidden = !isLong;
}

/** Show all of it, or twelve lines again; the reader stays at the message. */
export function toggleFold(article) {
  const button = article.querySelector(".unfold");
  const isOpen = button.ariaExpanded === "true";
  button.ariaExpanded = String(!isOpen);
  button.textContent = isOpen ? WORDS.showMore : WORDS.showLess;
  if (isOpen) article.scrollIntoView({ block: "nearest" });
}

/** Draws one answer into its article, again and again; only what changed is touched. */
export class AnswerView {
  constructor(article, page) {
    this.article = article;
    this.page = page;
    this.parts = article.querySelector(".parts");
    this.views = [];
    this.cited = ""; // what was shown of its sources
    this.parts.replaceChildren();
    this.parts.translate = false; // what is being written is ours; once it is over it may be translated
  }

  /** Make the article look as this answer; `now` in seconds, `ahead` answers come before it. */
  draw(answer, now, ahead) {
    keepIn(this.parts, this.views.map(({ element }) => element));
    answer.parts.forEach((part, index) => this.#drawPart(part, index, answer, now));
    while (this.views.length > answer.parts.length) this.views.pop().element.remove();
    const isOpen = !isOver(answer);
    this.article.classList.toggle("open", isOpen);
    this.article.classList.toggle("writing", answer.phase === "writing");
    this.article.dataset.status = isOpen ? "in_progress" : answer.phase;
    if (!isOpen) this.parts.removeAttribute("translate");
    this.#drawSources(answer);
    this.#drawEnd(answer, isOpen, ahead);
  }

  /** Sources, and the marks in what has been rendered since; most answers have none. */
  #drawSources({ sources, parts }) {
    const state = `${sources.map(({ n }) => n)} ${parts.map(({ blocks }) => blocks?.length ?? 0)}`;
    if (state === this.cited || (!sources.length && !this.cited)) return;
    this.cited = state;
    import("./cited.js").then(({ draw }) => draw(this.article, sources));
  }

  #drawPart(part, index, answer, now) {
    const key = keyOf(part);
    if (this.#isLater(this.views[index], key, answer)) this.views.splice(index, 0, this.#gapBefore(this.views[index]));
    const view = this.views[index];
    if (view?.key !== key || !view.draw(part, answer, now)) this.#replace(part, index, answer, now, key);
  }

  /** Whether what is drawn here belongs further down: a part has come before it. */
  #isLater(view, key, answer) {
    return view && view.key !== key && answer.parts.some((part) => keyOf(part) === view.key);
  }

  /** A place for it; the views behind stay as they are, with what is opened, typed or focused in them. */
  #gapBefore({ element }) {
    const place = document.createElement("div");
    element.before(place);
    return { key: "", element: place };
  }

  #replace(part, index, answer, now, key) {
    const view = VIEWS[part.type]();
    const old = this.views[index]?.element;
    view.key = key;
    view.draw(part, answer, now);
    // What was taken back keeps its height until the new text has outgrown it.
    if (old?.classList.contains("taken-back")) view.element.style.minHeight = `${old.offsetHeight}px`;
    if (old) old.replaceWith(view.element);
    else this.parts.append(view.element);
    this.views[index] = view;
  }

  #drawEnd(answer, isOpen, ahead) {
    const end = this.article.querySelector(".end");
    const why = this.article.querySelector(".why");
    const isFailed = answer.phase === "failed";
    const waiting = ahead > 0 ? WORDS.waitingFor({ count: ahead }) : "";
    setText(end, isOpen ? waiting : isFailed ? "" : endInWords(answer, this.page));
    end.hidden = !end.textContent;
    if (isFailed) showWhy(why, answer.error);
    why.hidden = !isFailed;
  }
}

/** The server says the same of a stored one (chat/_message.html). */
function showWhy(why, error) {
  const button = why.querySelector("button");
  const code = Object.assign(document.createElement("code"), { textContent: error.code });
  why.replaceChildren([failureInWords(error), adviceInWords(error), ""].filter(Boolean).join(" ") + " ", code, " ", ...(button ? [button] : []));
  if (button) button.hidden = !error.code.startsWith("upstream_");
}

function keyOf(part) {
  return `${part.type} ${part.call ?? part.of ?? part.turn}`;
}

const VIEWS = { text: textView, reasoning: reasoningView, tool: toolView, files: filesView };

/** The files that came of a call; in a frame on another site, which has no session to fetch them by, their names. */
function filesView() {
  const element = Object.assign(document.createElement("ul"), { className: "attachments" });
  let shown = null;
  const draw = ({ files }) => {
    if (files === shown) return true;
    shown = files;
    const isFrame = document.body.matches(".frame");
    showFiles(element, isFrame ? files.map(({ type, name }) => ({ type, name })) : files);
    return true;
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
    markTakenBack(element, part);
    return writer.write(part.text);
  };
  return { element, draw };
}
