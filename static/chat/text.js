// An answer's text while it comes: whole blocks as the server rendered them, and behind them the open rest as it was typed.

import { fragmentOf } from "./html.js";
import { WORDS } from "./words.js";

const NODE_CHARS = 2000; // a longer text node makes each further piece slow
const LONG_LINES = 30; // longer code scrolls in a box of its own
const FENCE = /^ {0,3}(```|~~~)/;
const TABLE_CHARS = 20_000; // a longer one is shown as it was typed until it is whole
const RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?\s*$/; // what stands under a table's head
const LINK = /(?<!!)\[([^[\]\n]*)\]\((?:https?:\/\/[^()\s]*|h(?:t(?:t(?:p(?:s?(?::\/?)?)?)?)?)?)?(?:\)|$)/g;

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
  const open = new OpenText(rest);
  const shown = []; // of each block: its HTML and its elements
  let cut = 0; // how much of the text is shown as blocks
  const isSame = begins();
  const draw = (part) => {
    markTakenBack(element, part);
    if (part.blocks.length < shown.length || !isSame(part.text)) return false;
    if (!isSelected(rest)) part.blocks.forEach((html, index) => shown[index]?.html === html || show(part, html, index));
    open.show(part.text.slice(cut));
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
    if (index === part.blocks.length - 1) cut = part.cut;
  };
  return { element, draw };
}

/** Whether each text that it is asked about begins as those before did: a function. */
function begins() {
  let [head, length] = ["", 0];
  return (text) => {
    if (text.length < length || !text.startsWith(head)) return false;
    length = text.length;
    if (head.length < 64) head = text.slice(0, 64);
    return true;
  };
}

/** The end of a text that is in no block yet: as it was typed, but a table as one, and of a link its words. */
class OpenText {
  constructor(element) {
    this.element = element;
    this.before = new Writer(element);
    this.table = null; // and what is behind it
  }

  show(text) {
    const isFence = FENCE.test(text.replace(/^[\r\n]+/, ""));
    const { before, rows, after } = isFence ? { before: text, rows: [] } : parted(text);
    this.element.classList.toggle("fence", isFence);
    this.before.show(isFence ? text : wordsOf(before));
    if (!rows.length) return this.#end();
    this.table ??= this.#begin();
    [...this.table.rows].slice(rows.length).forEach((row) => row.remove());
    rows.forEach((row, index) => showRow(this.table, row, index));
    this.table.behind.show(wordsOf(after));
  }

  #begin() {
    const [box, table, behind] = ["div", "table", "div"].map((name) => document.createElement(name));
    box.className = "wide";
    box.append(table);
    this.element.append(box, behind);
    return { box, table, rows: table.rows, last: behind, behind: new Writer(behind) };
  }

  #end() {
    this.table?.box.remove();
    this.table?.last.remove();
    this.table = null;
  }
}

/** A text before, in and behind the table in it: its rows are those of cells. */
function parted(text) {
  if (!text.includes("|") || text.length > TABLE_CHARS) return { before: text, rows: [] };
  const lines = text.split(/(?<=\n)/);
  const at = lines.findIndex((line, index) => isHeader(line, lines[index + 1]));
  if (at < 0) return { before: text, rows: [] };
  const end = lines.findIndex((line, index) => index > at && !line.trim());
  const [head, , ...body] = lines.slice(at, end < 0 ? lines.length : end);
  return { before: lines.slice(0, at).join(""), rows: [head, ...body].map(cellsOf), after: end < 0 ? "" : lines.slice(end).join("") };
}

/** Whether a whole line heads a table, as far as the next one has come. */
function isHeader(line, next) {
  if (!line.endsWith("\n") || !line.includes("|")) return false;
  if (next?.endsWith("\n")) return RULE.test(next) && cellsOf(next).length === cellsOf(line).length;
  return /^ {0,3}\|.*\|\s*$/.test(line) && /^[ \t|:-]*$/.test(next ?? "");
}

function cellsOf(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => wordsOf(cell.trim().replaceAll("\\|", "|")));
}

function showRow({ table }, cells, index) {
  const row = table.rows[index] ?? table.insertRow();
  cells.forEach((cell, at) => {
    const element = row.cells[at] ?? row.appendChild(document.createElement(index ? "td" : "th"));
    if (element.textContent !== cell) element.textContent = cell;
  });
  while (row.cells.length > cells.length) row.deleteCell(-1);
}

/** A text in which links are their words, also a link that has not come to its end. */
function wordsOf(text) {
  return text.includes("](") ? text.replace(LINK, "$1") : text;
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

/** Give rendered text what a reader needs: a copy button beside each code block, boxes that scroll by keyboard. */
export function enliven(root) {
  for (const block of root.querySelectorAll("pre")) if (!block.closest(".code, .inside, .plain")) frame(block);
  for (const table of root.querySelectorAll(".wide")) reachByKeyboard(table, WORDS.table);
}

function frame(block) {
  const box = document.createElement("div");
  box.className = "code";
  if (block.textContent.split("\n", LONG_LINES + 2).length > LONG_LINES + 1) box.classList.add("long");
  reachByKeyboard(block, WORDS.code);
  block.replaceWith(box);
  box.append(block, blank("copy-code-template"));
  if (block.matches(".unformatted")) box.before(why());
}

/** Why a block is shown as it was written. */
function why() {
  return Object.assign(document.createElement("p"), { className: "unformatted-why", textContent: WORDS.unformatted });
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

/** Writes a growing text into the beginning of an element piece by piece, so that a selection in it stays. */
export class Writer {
  #nodes = [];
  #shown = "";
  #isSame = begins();

  constructor(element) {
    this.element = element;
  }

  /** Append what is new. False when this is another text than the one begun. */
  write(text) {
    if (!this.#isSame(text)) return false;
    this.show(text);
    return true;
  }

  /** Show this text, and touch only what is another one. Empty lines before the first word are not shown. */
  show(text) {
    const wanted = text.replace(/^[\r\n]+/, "");
    const same = wanted.startsWith(this.#shown) ? this.#shown.length : common(wanted, this.#shown);
    this.#cutTo(same);
    if (wanted.length > same) this.#append(wanted.slice(same));
    this.#shown = wanted;
  }

  #cutTo(length) {
    for (let over = this.#shown.length - length; over > 0; ) {
      const last = this.#nodes.at(-1);
      const gone = Math.min(over, last.length);
      if (gone === last.length) this.#nodes.pop().remove();
      else last.deleteData(last.length - gone, gone);
      over -= gone;
    }
  }

  #append(piece) {
    const last = this.#nodes.at(-1);
    if (last && last.length < NODE_CHARS) last.appendData(piece);
    else this.#add(piece);
  }

  /** New nodes begin at a line where they can, so that the browser lays out whole lines again. */
  #add(piece) {
    for (let at = 0; at < piece.length; at += NODE_CHARS) {
      const node = document.createTextNode(piece.slice(at, at + NODE_CHARS));
      if (this.#nodes.length) this.#nodes.at(-1).after(node);
      else this.element.prepend(node);
      this.#nodes.push(node);
    }
  }
}

/** How many characters two texts have in common at their beginning. */
function common(one, other) {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}
