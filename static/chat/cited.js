// The sources that an answer names: each mark in its text, such as [1], is a button that opens its source in the list below.

import { blank } from "./text.js";
import { WORDS } from "./words.js";

const MARK = /\[([1-9]\d{0,3})\]/;
const NO_TEXT = "a, button, code, pre, math"; // a mark in here is none

/** The sources of an open answer, below it, and its marks; chat/page/contents.py says the same of a stored one. */
export function draw(article, sources) {
  const section = article.querySelector(":scope > .cited");
  if (!section) return; // taken away by others
  const list = section.querySelector("ul");
  const known = new Map([...list.children].map((item) => [item.dataset.n, item]));
  const items = sources.toSorted((one, other) => one.n - other.n).map((source) => known.get(String(source.n)) ?? itemOf(source));
  if (items.length !== known.size || items.some((item) => !item.parentNode)) list.replaceChildren(...items);
  section.hidden = !items.length;
  mark(article);
}

function itemOf({ n, title, path, page, url, quote }) {
  const item = blank("source-template");
  item.dataset.n = n;
  item.querySelector(".n").textContent = `[${n}]`;
  item.querySelector(".title").textContent = title || url || WORDS.sourceUntitled;
  say(item.querySelector(".where"), [path, page && WORDS.sourcePage({ page })].filter(Boolean).join(" · "));
  say(item.querySelector("blockquote"), quote);
  const link = item.querySelector("a");
  link.hidden = !url;
  if (url) link.href = url;
  return item;
}

function say(element, text = "") {
  element.textContent = text;
  element.hidden = !text;
}

/** Make buttons of the marks in what is rendered of the answer, where there is such a source. */
export function mark(article) {
  const titles = new Map();
  for (const item of article.querySelectorAll(":scope > .cited li")) titles.set(item.dataset.n, item.querySelector(".title").textContent);
  for (const text of article.querySelectorAll(":scope > .parts > .text:not(.plain)")) {
    for (const block of text.children) if (!block.matches(".rest")) markIn(block, titles);
  }
}

function markIn(block, titles) {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) if (MARK.test(walker.currentNode.data) && !walker.currentNode.parentElement.closest(NO_TEXT)) nodes.push(walker.currentNode);
  for (const node of nodes) node.replaceWith(...pieces(node.data, titles));
}

/** The text with a button for each mark that names a source. */
function* pieces(text, titles) {
  for (const [index, piece] of text.split(/(\[[1-9]\d{0,3}\])/).entries()) {
    const n = piece.slice(1, -1);
    if (index % 2 && titles.has(n)) yield buttonOf(n, titles.get(n));
    else if (piece) yield piece;
  }
}

function buttonOf(n, title) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "cite", textContent: `[${n}]` });
  Object.assign(button.dataset, { action: "source", n });
  button.setAttribute("aria-label", WORDS.source({ n, title }));
  return button;
}

/** Open the source that the button names, and go there. */
export function open(button, article) {
  const details = article.querySelector(`:scope > .cited li[data-n="${button.dataset.n}"] details`);
  if (!details) return;
  details.open = true;
  details.querySelector("summary").focus({ preventScroll: true });
  details.scrollIntoView({ block: "nearest" });
}
