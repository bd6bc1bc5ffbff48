// JSON text as a tree that keeps what JSON.parse loses: the order of names, and numbers as they were written. Knows no DOM.

const SPACE = /[ \t\n\r]*/y;
const PLAIN = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const IN_TEXT = /["\\\u0000-\u001f]/g;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const DEEPEST = 200;

/** The text is no JSON: `line` and `column` of the place, from 1. */
export class NotJson extends Error {
  constructor(text, at) {
    super(`no JSON at ${at}`);
    const before = text.slice(0, at);
    this.line = before.split("\n").length;
    this.column = at - before.lastIndexOf("\n");
  }
}

/** {kind: "object", entries: [[name, node]]}, {kind: "list", items: [node]} or {kind: "plain", text}. Throws NotJson. */
export function read(text) {
  let at = 0;
  const found = value(0);
  space();
  if (at < text.length) fail();
  return found;

  function value(depth) {
    space();
    if (depth > DEEPEST) fail();
    if (text[at] === "{") return { kind: "object", entries: inside("}", () => entry(depth)) };
    if (text[at] === "[") return { kind: "list", items: inside("]", () => value(depth + 1)) };
    return { kind: "plain", text: text[at] === '"' ? string() : plain() };
  }

  function inside(end, one) {
    const found = [];
    at += 1;
    space();
    if (text[at] === end) return (at += 1), found;
    for (;;) {
      found.push(one());
      space();
      if (text[at] === end) return (at += 1), found;
      if (text[at] !== ",") fail();
      at += 1;
    }
  }

  function entry(depth) {
    space();
    if (text[at] !== '"') fail();
    const name = JSON.parse(string());
    space();
    if (text[at] !== ":") fail();
    at += 1;
    return [name, value(depth + 1)];
  }

  function string() {
    const begin = at;
    at += 1;
    for (;;) {
      IN_TEXT.lastIndex = at;
      const mark = IN_TEXT.exec(text);
      if (!mark) return fail(text.length);
      at = mark.index;
      if (mark[0] === '"') return (at += 1), text.slice(begin, at);
      if (mark[0] !== "\\") fail();
      at += match(ESCAPE).length;
    }
  }

  function plain() {
    const begin = at;
    at += match(PLAIN).length;
    return text.slice(begin, at);
  }

  function space() {
    at += match(SPACE).length;
  }

  function match(pattern) {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? fail();
  }

  function fail(place = at) {
    throw new NotJson(text, place);
  }
}

/** A node as text, each name and item on a line of its own. */
export function indented(node, indent = "") {
  const parts = node.kind === "object" ? node.entries.map(([name, each]) => `${JSON.stringify(name)}: ${indented(each, `${indent}  `)}`) : node.items?.map((each) => indented(each, `${indent}  `));
  if (!parts) return node.text;
  const [open, close] = node.kind === "object" ? "{}" : "[]";
  return parts.length ? `${open}\n${parts.map((each) => `${indent}  ${each}`).join(",\n")}\n${indent}${close}` : open + close;
}
