// The end of an answer's text that is in no block yet, while it comes.

import { keepIn, Writer } from "./writer.js";

const FENCE = /^ {0,3}(```|~~~)/;
const TABLE_CHARS = 20_000; // a longer one is shown as it was typed until it is whole
const RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?\s*$/; // what stands under a table's head
const LINK = /(?<!!)\[([^[\]\n]*)\]\((?:https?:\/\/[^()\s]*|h(?:t(?:t(?:p(?:s?(?::\/?)?)?)?)?)?)?(?:\)|$)/g;

/** The end of a text that is in no block yet: as it was typed, but a table as one, and of a link its words. */
export class OpenText {
  constructor(element) {
    this.element = element;
    this.before = writing(element);
    this.table = null; // and what is behind it
  }

  show(text) {
    const isFence = FENCE.test(text.replace(/^[\r\n]+/, ""));
    const { before, rows, after } = isFence ? { before: text, rows: [] } : parted(text);
    this.element.classList.toggle("fence", isFence);
    this.element.dir = isFence ? "ltr" : "auto"; // code runs from left to right in every language
    this.before.show(isFence ? text : wordsOf(before));
    if (rows.length) this.#showTable(rows, after);
    else this.table = null;
    keepIn(this.element, [this.before, ...(this.table ? [this.table, this.table.behind] : [])].map(({ element }) => element));
  }

  #showTable(rows, after) {
    this.table ??= newTable();
    const { table, behind } = this.table;
    [...table.rows].slice(rows.length).forEach((row) => row.remove());
    rows.forEach((row, index) => showRow(table, row, index));
    behind.show(wordsOf(after));
  }
}

function writing(parent) {
  const element = document.createElement("span");
  parent.append(element);
  return new Writer(element);
}

function newTable() {
  const [element, table] = ["div", "table"].map((name) => document.createElement(name));
  element.className = "wide";
  element.append(table);
  table.dir = "auto";
  return { element, table, behind: writing(document.createDocumentFragment()) };
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

function showRow(table, cells, index) {
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
