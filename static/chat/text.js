// An answer's text while it comes: whole blocks as the server rendered them, and behind them the open rest as it was typed.

import { fragmentOf } from "./html.js";
import { WORDS } from "./words.js";

const NODE_CHARS = 2000; // a longer text node makes each further piece slow
const LONG_LINES = 30; // longer code scrolls in a box of its own
const FENCE = /^ {0,3}(```|~~~)/;

const BLOCKS = "p, h1, h2, h3, h4, h5, h6, ul, ol, blockquote, table"; // each is read in its own direction

/** A copy of the first element of a template. */
export function blank(id) {
  return document.getElementById(id)?.content.firstElementChild.cloneNode(true);
}

/** Draws a text part; `draw` says whether it could, if not a new view takes its place. */
export function textView() {
  const element = blank("text-template");
  const rest = document.createElement("div");
  rest.className = "plain rest";
  element.append(rest);
  const writer = new Writer(rest);
  const shown = []; // of each block: its HTML and its elements
  const draw = (part) => {
    markTakenBack(element, part);
    keepIn(element, [...shown.flatMap(({ elements }) => elements), rest]);
    if (part.blocks.length < shown.length || !writer.write(part.text)) return false;
    if (!isSelected(rest)) part.blocks.forEach((html, index) => shown[index]?.html === html || show(part, html, index));
    rest.classList.toggle("fence", FENCE.test(writer.begin));
    return true;
  };
  const show = (part, html, index) => {
    const elements = lively(html);
    if (shown[index]) {
      rest.before(...elements); // a place that is sure to be there
      shown[index].elements[0]?.before(...elements);
      shown[index].elements.forEach((each) => each.remove());
    } else rest.before(...elements);
    shown[index] = { html, elements };
    if (index === part.blocks.length - 1) writer.drop(part.cut);
  };
  return { element, draw };
}

/** Dimmed and labelled until something comes in its place. */
export function markTakenBack(element, part) {
  element.classList.toggle("taken-back", part.isTakenBack);
  if (part.isTakenBack) element.dataset.label = WORDS.takenBack;
}

function lively(html) {
  const fragment = fragmentOf(html);
  enliven(fragment);
  return [...fragment.children];
}

/** Give rendered text what a reader needs: a bar above each code block, boxes that scroll by keyboard, each block's direction. */
export function enliven(root) {
  for (const block of root.querySelectorAll("pre")) if (!block.closest(".code, .inside, .plain")) frame(block);
  for (const block of root.querySelectorAll(BLOCKS)) if (hasOwnDirection(block)) block.dir = "auto";
  for (const table of root.querySelectorAll(".wide")) reachByKeyboard(table, WORDS.table);
}

/** Blocks of an answer's text; those inside others follow by style, as an outer one would not look into them. */
function hasOwnDirection(block) {
  const isText = !block.closest("article") || block.closest(".text:not(.plain)");
  return isText && !block.parentElement?.closest(BLOCKS);
}

function frame(block) {
  const box = document.createElement("div");
  box.className = "code";
  if (block.textContent.split("\n", LONG_LINES + 2).length > LONG_LINES + 1) box.classList.add("long");
  const { language } = block.dataset;
  reachByKeyboard(block, language ? WORDS.codeIn({ language }) : WORDS.code);
  block.translate = false;
  block.dir = "ltr";
  block.replaceWith(box);
  box.append(barOf(block), block);
}

/** What stands above a block of code: its language, and buttons to wrap its lines and to copy it. */
function barOf({ dataset: { language = "" } }) {
  const bar = blank("code-bar-template");
  bar.querySelector(".language").textContent = language;
  bar.querySelector("[data-action=wrap]").setAttribute("aria-pressed", String(isWrapped()));
  return bar;
}

const isWrapped = () => document.documentElement.dataset.wrap === "yes";

/** Wrap long lines of all code, or no longer; this browser remembers it. */
export function wrap() {
  const wanted = isWrapped() ? "no" : "yes";
  document.documentElement.dataset.wrap = wanted;
  for (const each of document.querySelectorAll("[data-action=wrap]")) each.setAttribute("aria-pressed", String(wanted === "yes"));
  try {
    localStorage.setItem("wrap", wanted);
  } catch {
    // A browser that keeps nothing: it holds for this page.
  }
}

/** What scrolls in a box of its own can be scrolled without a mouse, and has a name. */
function reachByKeyboard(element, name) {
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", name);
}

/** Whether the reader has selected something of it. */
export function isSelected(element) {
  const selection = document.getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}

/** Put our own elements back into it, where they are no longer there in their order. */
export function keepIn(element, own) {
  const isBefore = (each, next) => each.compareDocumentPosition(next) & Node.DOCUMENT_POSITION_FOLLOWING;
  const isWhole = own.every((each, index) => each.parentNode === element && (index === 0 || isBefore(own[index - 1], each)));
  if (!isWhole) element.replaceChildren(...own);
}

/**
 * Writes a growing text into an element piece by piece, so that a selection in it stays. It goes by its own nodes: where others
 * (a translation, an extension) have put something in their place, it writes its text anew.
 */
export class Writer {
  #from = 0; // where in the text the element begins
  #to = 0; // and ends
  #head = "";
  #nodes = []; // ours, in order

  constructor(element) {
    this.element = element;
    element.replaceChildren();
  }

  /** The beginning of what is in the element now. */
  get begin() {
    return this.#nodes[0]?.data ?? "";
  }

  /** Append what is new. False when this is another text than the one begun. */
  write(text) {
    if (text.length < this.#to || !text.startsWith(this.#head)) return false;
    if (!this.#isWhole()) this.#startAnew(text);
    if (text.length > this.#to) this.#append(text.slice(this.#to));
    this.#to = text.length;
    if (this.#head.length < 64) this.#head = text.slice(0, 64);
    return true;
  }

  /** Take away what stands before this place in the text. */
  drop(to) {
    let length = to - this.#from;
    this.#from = Math.max(to, this.#from);
    while (this.#nodes.length && length >= this.#nodes[0].length) {
      length -= this.#nodes[0].length;
      this.#nodes.shift().remove();
    }
    if (length > 0) this.#nodes[0]?.deleteData(0, length);
    this.#trim();
  }

  /** Whether the element holds our nodes, with as much text as we wrote, and nothing else. */
  #isWhole() {
    const { childNodes } = this.element;
    const length = this.#nodes.reduce((sum, node) => sum + node.length, 0);
    return childNodes.length === this.#nodes.length && length === this.#to - this.#from && this.#nodes.every((node, index) => childNodes[index] === node);
  }

  #startAnew(text) {
    this.element.replaceChildren();
    this.#nodes = [];
    this.#add(text.slice(this.#from, this.#to));
  }

  #append(piece) {
    const last = this.#nodes.at(-1);
    if (last && last.length < NODE_CHARS) last.appendData(piece);
    else this.#add(piece);
    this.#trim();
  }

  /** New nodes begin at a line where they can, so that the browser lays out whole lines again. */
  #add(piece) {
    for (let at = 0; at < piece.length; at += NODE_CHARS) {
      const node = new Text(piece.slice(at, at + NODE_CHARS));
      this.#nodes.push(node);
      this.element.append(node);
    }
  }

  /** Empty lines before the first word are not shown. */
  #trim() {
    const first = this.#nodes[0];
    const empty = first?.data.match(/^[\r\n]+/)?.[0].length ?? 0;
    if (!empty) return;
    this.#from += empty;
    if (empty === first.length) this.#nodes.shift().remove();
    else first.deleteData(0, empty);
  }
}
