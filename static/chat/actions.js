// What one can do with the messages, by their buttons: copy, edit, delete, regenerate, versions, fork, approvals.

import { WORDS } from "./words.js";

const SURE_MS = 4000; // a second press on Delete within this means it
const editing = () => import("./editing.js");

/** Let the buttons of the log do `does`: the functions of app.js. */
export function listen(element, does) {
  element.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-action]");
    const article = button?.closest("article");
    if (button) ACTIONS[button.dataset.action]?.(does, button, article);
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const article = event.target.closest("article");
    if (event.target.matches(".edit-form")) editing().then(({ save }) => save(does, event.target, article));
    else decide(does, event.target, event.submitter, article);
  });
  element.addEventListener("keydown", (event) => event.key === "Escape" && escape(event));
  document.addEventListener("click", ({ target }) => closeMenus(target.closest(".more")));
}

const ACTIONS = {
  copy: (does, button, article) => does.copy(button, article.dataset.id),
  "copy-code": (does, button) => does.copy(button),
  rest: (does, button, article) => does.showRest(button, article.dataset.id),
  edit: (_does, _button, article) => editing().then(({ edit }) => edit(article)),
  "cancel-edit": (_does, button, article) => editing().then(({ leave }) => leave(article, button)),
  regenerate: (does, button, article) => once(button, () => does.regenerate(article.dataset.id)),
  version: (does, button, article) => step(does, button, article),
  fork: (does, button, article) => once(button, () => does.fork(article.dataset.id)),
  delete: (does, button, article) => remove(does, button, article),
  // No button of submit: Enter in the reason denies.
  allow: (does, button, article) => decide(does, button.form, button, article),
  older: (does) => does.older(),
  example: (does, button) => does.fill(button.textContent),
};

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
  const form = event.target.closest(".edit-form");
  if (!menu && !form) return;
  event.stopPropagation();
  if (form) return form.querySelector("[data-action]").click();
  menu.open = false;
  menu.querySelector("summary").focus();
}

// --- Deleting, deciding -----------------------------------------------------------------------------------------------

function remove(does, button, article) {
  if (isSure(button, WORDS.reallyDelete)) does.remove(article.dataset.id).then((isDone) => isDone && does.focus());
}

/** Whether this is the second press; the first one asks by the button itself. */
export function isSure(button, question) {
  if (button.dataset.asked) return true;
  const word = button.textContent;
  const name = button.getAttribute("aria-label");
  button.dataset.asked = "yes";
  button.textContent = question;
  if (name) button.setAttribute("aria-label", question);
  setTimeout(() => {
    delete button.dataset.asked;
    button.textContent = word;
    if (name) button.setAttribute("aria-label", name);
  }, SURE_MS);
  return false;
}

async function decide(does, form, button, article) {
  const { call } = form.closest(".tool").dataset;
  const buttons = form.querySelectorAll("button");
  for (const each of buttons) each.disabled = true;
  const isDone = await does.approve(article.dataset.run, call, button.dataset.action, form.reason.value.trim());
  if (!isDone) for (const each of buttons) each.disabled = false;
}
