// A document as a tree that folds: what lies inside a fold is drawn when it is opened, so many things at a time.

import { onOneLine, visible } from "./hidden.js";
import { WORDS } from "./words.js";

const AT_ONCE = 200;
const LONG_CHARS = 300;

/** Show the node in the place; what was open by its path is open again. */
export function draw(place, node) {
  const open = new Set([...place.querySelectorAll("details[open]")].map((each) => each.dataset.path));
  const isFirst = !place.childElementCount;
  place.replaceChildren(node.kind === "plain" ? plain(node) : list(node, "", (path) => open.has(path) || (isFirst && !path.slice(1).includes("/") && sizeOf(node) < 20)));
}

const sizeOf = (node) => (node.entries ?? node.items).length;
const escaped = (name) => String(name).replaceAll("~", "~0").replaceAll("/", "~1");

function list(node, path, isOpen) {
  const pairs = node.entries ?? node.items.map((each, index) => [index, each]);
  const found = element("ul", node.kind);
  if (!pairs.length) found.append(element("li", "quiet", node.kind === "object" ? "{ }" : "[ ]"));
  more(found, pairs, path, isOpen);
  return found;
}

function more(place, pairs, path, isOpen) {
  place.append(...pairs.slice(0, AT_ONCE).map(([name, node]) => item(name, node, `${path}/${escaped(name)}`, isOpen)));
  const rest = pairs.slice(AT_ONCE);
  if (!rest.length) return;
  const button = element("button", "link", WORDS.documentMore({ count: rest.length }));
  button.type = "button";
  const line = element("li");
  line.append(button);
  place.append(line);
  button.addEventListener("click", () => (line.remove(), more(place, rest, path, isOpen)));
}

function item(name, node, path, isOpen) {
  const found = element("li");
  if (node.kind === "plain") {
    found.append(label(name), " ", plain(node));
    return found;
  }
  const details = element("details");
  const summary = element("summary");
  const size = sizeOf(node);
  summary.append(label(name), " ", element("span", "quiet", node.kind === "object" ? `{${size}}` : `[${size}]`));
  details.dataset.path = path;
  details.append(summary);
  const fill = () => details.childElementCount === 1 && details.append(list(node, path, isOpen));
  details.addEventListener("toggle", fill, { once: true });
  if (isOpen(path)) (details.open = true), fill();
  found.append(details);
  return found;
}

function label(name) {
  const found = element("span", "name", onOneLine(String(name)));
  found.dir = "auto";
  return found;
}

function plain(node) {
  const kind = node.text.startsWith('"') ? "string" : "other";
  const text = kind === "string" ? JSON.parse(node.text) : node.text;
  const found = element("span", kind, visible(text.length > LONG_CHARS ? `${text.slice(0, LONG_CHARS)}…` : text));
  if (kind === "string") found.dir = "auto";
  return found;
}

function element(name, className = "", text = "") {
  const found = document.createElement(name);
  if (className) found.className = className;
  if (text) found.textContent = text;
  return found;
}
