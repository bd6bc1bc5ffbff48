// What one can do with the messages, by their buttons: copy, edit, delete, regenerate, versions, fork, approvals.

import { toggleFold } from "./render.js";
import { wrap } from "./text.js";

const editing = () => import("./editing.js");
const building = () => import("./building.js");
const cited = () => import("./cited.js");
const deciding = () => import("./deciding.js");
const viewing = () => import("./viewing.js");
const said = () => import("./said.js");
let passage = ""; // that was selected when the menu was opened: opening it may end the selection

/** Let the buttons of the log do `does`: the functions of app.js. */
export function listen(element, does) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    const article = button?.closest("article");
    if (button) ACTIONS[button.dataset.action]?.(does, button, article, event);
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const article = event.target.closest("article");
    if (event.target.matches(".said-form")) said().then(({ send }) => send(does, event.target, article));
    else if (event.target.matches(".edit-form")) editing().then(({ save }) => save(does, event.target, article));
    else decide(does, event.target, event.submitter, article);
  });
  element.addEventListener("pointerdown", ({ target }) => target.closest(".more > summary") && (passage = String(getSelection())));
  element.addEventListener("keydown", (event) => event.key === "Escape" && escape(event));
  element.addEventListener("toggle", ({ target }) => target.matches(".words") && viewing().then(({ read }) => read(target)), true); // it does not bubble
  document.addEventListener("click", ({ target }) => closeMenus(target.closest(".more")));
}

const ACTIONS = {
  copy: (does, button, article) => does.copy(button, article.dataset.id),
  "copy-code": (does, button) => does.copy(button),
  rest: (does, button, article) => does.showRest(button, article.dataset.id),
  edit: (_does, _button, article) => editing().then(({ edit }) => edit(article)),
  "cancel-edit": (_does, button, article, event) => editing().then(({ leave }) => leave(article, button, event)),
  regenerate: (does, button, article) => once(button, () => does.regenerate(article.dataset.id)),
  "stop-build": (does, button) => building().then(({ stop }) => once(button, () => stop(does, button))),
  "show-code": (does, button) => building().then(({ toggle }) => once(button, () => toggle(does, button))),
  wrap: () => wrap(),
  version: (does, button, article) => step(does, button, article),
  fork: (does, button, article) => once(button, () => does.fork(article.dataset.id)),
  delete: (...given) => deciding().then(({ remove }) => remove(...given)),
  rate: (does, button, article) => said().then(({ rate }) => once(button, () => rate(does, button, article))),
  react: (does, button, article) => said().then(({ react }) => once(button, () => react(does, button, article))),
  emoji: (_does, _button, article) => said().then(({ offer }) => offer(article)),
  note: (_does, _button, article) => said().then(({ note }) => note(article, String(getSelection()) || passage)),
  notes: (does, button, article) => said().then(({ notes }) => once(button, () => notes(does, button, article))),
  "remove-note": (does, button, article, event) => said().then(({ remove }) => remove(does, button, article, event)),
  "leave-said": (_does, _button, article) => said().then(({ leave }) => leave(article)),
  source: (_does, button, article) => cited().then(({ open }) => open(button, article)),
  unfold: (_does, _button, article) => toggleFold(article),
  // No button of submit: Enter in the reason denies.
  allow: (does, button, article) => decide(does, button.form, button, article),
  look: (_does, button) => viewing().then(({ look }) => look(button)),
  models: async () => (await import("./models.js")).open(),
  older: (does) => does.older(),
  example: (does, button) => does.fill(button.textContent),
};

/** Allow or deny; the form's part is loaded with the first question. */
function decide(...given) {
  deciding().then((part) => part.decide(...given));
}

/** A double click does it once. */
function once(button, act) {
  if (button.dataset.busy) return;
  button.dataset.busy = "yes";
  act().finally(() => delete button.dataset.busy);
}

/** Read another version; the button that was pressed keeps the focus, where it is still of use. */
async function step(does, button, article) {
  const { to } = button.dataset;
  const name = button.getAttribute("aria-label");
  await does.switchVersion(to, article);
  const buttons = [...document.querySelectorAll(`[id="message-${to}"] [data-action=version]:not(:disabled)`)];
  (buttons.find((each) => each.getAttribute("aria-label") === name) ?? buttons[0])?.focus();
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll(".more[open]")) if (menu !== except) menu.open = false;
}

function escape(event) {
  const menu = event.target.closest(".more[open]");
  const form = event.target.closest(".edit-form, .said-form");
  if (!menu && !form) return;
  event.stopPropagation();
  if (form) return form.querySelector("[data-action=cancel-edit], [data-action=leave-said]").click();
  menu.open = false;
  menu.querySelector("summary").focus();
}
