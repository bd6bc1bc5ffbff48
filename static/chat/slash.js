// "/" at the start of the composer: a list of what one can do instead of writing. It filters as one types; the box keeps the focus.

import { fork } from "./acts.js";
import { byId, page } from "./page.js";
import { WORDS } from "./words.js";

const box = byId("text");
const list = byId("slash");
let found = []; // what fits: {label, act}
let at = 0;

/** Show what fits the text, or nothing where nothing does, or a command is named and what it takes is being typed. */
export function update() {
  const asked = box.value.startsWith("/") && !isNamed(box.value) && box.value.slice(1).toLowerCase();
  found = asked === false ? [] : commands().filter(({ label }) => label.toLowerCase().includes(asked));
  if (asked) found.sort((one, other) => begins(other, asked) - begins(one, asked));
  at = 0;
  show();
}

const begins = ({ label }, asked) => label.toLowerCase().startsWith(`/${asked}`);

function isNamed(text) {
  const [, name] = /^\/([a-z][a-z0-9_-]*)\s/.exec(text) ?? [];
  return page.slash.some((each) => each.name === name);
}

/** Do what is marked in the list; false where no list is shown. */
export function enter() {
  const isShown = found.length > 0;
  if (isShown) take(at);
  return isShown;
}

function commands() {
  const last = [...document.querySelectorAll("#log article[data-id]")].at(-1);
  const inChat = [
    { label: WORDS.fork, act: () => fork(last.dataset.id) },
    { label: WORDS.compact, act: () => box.dispatchEvent(new CustomEvent("compact")) },
    { label: WORDS.share, act: () => byId("sharing").click() },
  ];
  return [
    { label: WORDS.startNew, act: () => location.assign("/") },
    { label: WORDS.settings, act: async () => (await import("./settings.js")).open() },
    ...(page.chat && last ? inChat : []),
    ...page.slash.map((command) => ({ label: `/${command.name} ${command.help}`, act: () => type(command) })),
    ...page.commands.map((command) => ({ label: `/${command.name} ${command.label}`, act: () => begin(command) })),
    ...page.archetypes.map(({ name, label }) => ({ label: WORDS.agentIs({ name: label }), act: () => choose("archetype", name) })),
    ...Object.entries(page.models).filter(([name]) => !isDisabled(name)).map(([name, { label }]) => ({ label: WORDS.modelIs({ name: label }), act: () => choose("model", name) })),
  ];
}

/** Whether the plan does not have it. */
const isDisabled = (name) => [...byId("model").options].some((each) => each.value === name && each.disabled);
/** A command of the product: sent as it is, or to be completed first. */
function type({ name, takes }) {
  box.value = `/${name}${takes ? " " : ""}`;
  if (!takes) box.form.requestSubmit();
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/** An own app's command: its text is there to be completed and sent. */
function begin({ text, archetype }) {
  if (archetype) choose("archetype", archetype);
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.setSelectionRange(text.length, text.length);
}

/** For this chat from now on, or for the one that begins. */
function choose(what, name) {
  byId(what).value = name;
  byId(what).dispatchEvent(new Event("change", { bubbles: true }));
}

function show() {
  list.togglePopover(found.length > 0);
  list.replaceChildren(...found.map(({ label }, index) => {
    const option = Object.assign(document.createElement("li"), { id: `slash-${index}`, role: "option", textContent: label });
    option.setAttribute("aria-selected", String(index === at));
    return option;
  }));
  list.children[at]?.scrollIntoView({ block: "nearest" });
  if (!found.length) return ["role", "aria-controls", "aria-expanded", "aria-activedescendant"].forEach((name) => box.removeAttribute(name));
  const { left, top, width } = box.closest(".box").getBoundingClientRect();
  Object.assign(list.style, { left: `${left}px`, bottom: `${innerHeight - top + 4}px`, width: `${width}px` });
  box.role = "combobox";
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "true");
  box.setAttribute("aria-activedescendant", `slash-${at}`);
}

function take(index) {
  const { act } = found[index];
  box.value = "";
  box.dispatchEvent(new Event("input"));
  act();
}

function close() {
  found = [];
  show();
}

const KEYS = {
  ArrowDown: () => ((at = (at + 1) % found.length), show()),
  ArrowUp: () => ((at = (at + found.length - 1) % found.length), show()),
  Enter: () => take(at),
  Tab: () => take(at),
  Escape: close,
};

// Before the composer, for which Enter sends.
box.addEventListener("keydown", (event) => {
  if (!found.length || !KEYS[event.key] || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  KEYS[event.key]();
}, { capture: true });
box.addEventListener("blur", close);
list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
list.addEventListener("click", ({ target }) => target.closest("li") && take([...list.children].indexOf(target.closest("li"))));
