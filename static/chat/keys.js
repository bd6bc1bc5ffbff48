// The keys of the page, for hands that stay on the keyboard; the list of them is in templates/chat/_dialogs.html.

import { byId } from "./page.js";

const messages = () => [...document.querySelectorAll("#log article")];
const current = () => document.activeElement.closest("#log article") ?? messages().at(-1);
const click = (selector, root = document) => root?.querySelector(`${selector}:not(:disabled)`)?.click();

const KEYS = {
  n: () => location.assign("/"),
  "/": () => byId("text")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  c: () => click("[data-action=copy]", current()),
  e: () => click("[data-action=edit]", messages().findLast((each) => each.matches(".own[data-id]"))),
  g: () => rate("up"),
  b: () => rate("down"),
  "[": () => turn("first"),
  "]": () => turn("last"),
  End: () => (byId("jump").hidden ? messages().at(-1)?.scrollIntoView({ block: "end" }) : byId("jump").click()),
  ",": async () => (await import("./settings.js")).open(),
  "?": () => byId("keys").showModal(),
};

/** Do what this key is for; false where it is for nothing. */
export function press(key) {
  KEYS[key]?.();
}

/** To the next message, or the one before. */
function step(by) {
  const all = messages();
  const at = all.indexOf(document.activeElement.closest("#log article"));
  const next = at < 0 ? all.at(-1) : all[at + by];
  if (!next) return;
  next.tabIndex = -1;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

/** Say that this answer is good or bad, or the last one where this is none. */
function rate(rating) {
  const answers = messages().filter((each) => each.matches(".assistant"));
  click(`[data-rating=${rating}]`, answers.find((each) => each === current()) ?? answers.at(-1));
}

/** Another version of this message, or of the nearest one above that has any. */
function turn(which) {
  const all = messages();
  const versions = all.slice(0, all.indexOf(current()) + 1).findLast((each) => each.querySelector(".versions"));
  click(`.versions button:${which}-of-type`, versions);
}
