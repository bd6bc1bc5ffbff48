// An answer's text while it comes: whole blocks as the server rendered them, and behind them the open rest as it was typed.

import { fragmentOf } from "./html.js";
import { OpenText } from "./opentext.js";
import { WORDS } from "./words.js";
import { begins, keepIn } from "./writer.js";

const LONG_LINES = 30; // longer code scrolls in a box of its own

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
    keepIn(element, [...shown.flatMap(({ elements }) => elements), rest]);
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

/** Give rendered text what a reader needs: a bar above each code block, boxes that scroll by keyboard. */
export function enliven(root) {
  for (const block of root.querySelectorAll("pre")) if (!block.closest(".code, .inside, .plain")) frame(block);
  for (const table of root.querySelectorAll(".wide")) reachByKeyboard(table, WORDS.table);
}

function frame(block) {
  const box = document.createElement("div");
  box.className = "code";
  if (block.textContent.split("\n", LONG_LINES + 2).length > LONG_LINES + 1) box.classList.add("long");
  const { language } = block.dataset;
  reachByKeyboard(block, language ? WORDS.codeIn({ language }) : WORDS.code);
  block.translate = false;
  block.replaceWith(box);
  box.append(barOf(block), block);
  if (block.matches(".unformatted")) box.before(whyOf(block));
}

/** Why a block is shown as it was written. */
function whyOf(block) {
  const textContent = block.matches(".failed") ? WORDS.notFormatted : WORDS.unformatted;
  return Object.assign(document.createElement("p"), { className: "unformatted-why", textContent });
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
