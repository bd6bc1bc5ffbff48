// What one can do with the messages, by their buttons: copy, edit, delete, regenerate, versions, fork, approvals.

import { blank } from "./text.js";
import { WORDS } from "./words.js";

const SURE_MS = 4000; // a second press on Delete within this means it

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
    if (event.target.matches(".edit-form")) save(does, event.target, article);
    else decide(does, event.target, event.submitter, article);
  });
  element.addEventListener("keydown", (event) => event.key === "Escape" && escape(event));
  document.addEventListener("click", ({ target }) => closeMenus(target.closest(".more")));
}

const ACTIONS = {
  copy: (does, button, article) => does.copy(button, article.dataset.id),
  "copy-code": (does, button) => does.copy(button),
  rest: (does, button, article) => does.showRest(button, article.dataset.id),
  edit: (_does, _button, article) => edit(article),
  "cancel-edit": (_does, button, article) => leave(article, button),
  regenerate: (does, _button, article) => does.regenerate(article.dataset.id),
  version: (does, button, article) => step(does, button, article),
  fork: (does, _button, article) => does.fork(article.dataset.id),
  delete: (does, button, article) => remove(does, button, article),
  older: (does) => does.older(),
  example: (does, button) => does.fill(button.textContent),
};

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
  if (form) return leave(form.closest("article"), form.querySelector("[data-action]"));
  menu.open = false;
  menu.querySelector("summary").focus();
}

// --- Editing in place -------------------------------------------------------------------------------------------------

function edit(article) {
  if (article.querySelector(".edit-form")) return;
  const text = article.querySelector(".text");
  const form = blank("edit-template");
  const box = form.querySelector("textarea");
  box.value = box.defaultValue = text.textContent;
  text.hidden = true;
  article.querySelector(".parts").append(form);
  article.classList.add("edited");
  box.focus();
}

/** Back to the text as it is; what was changed is dropped at the second press only. */
function leave(article, button) {
  const form = article.querySelector(".edit-form");
  const box = form.querySelector("textarea");
  if (box.value !== box.defaultValue && !isSure(button, WORDS.dropChanges)) return;
  close(article);
  article.querySelector("[data-action=edit]").focus();
}

function close(article) {
  article.querySelector(".edit-form").remove();
  article.querySelector(".text").hidden = false;
  article.classList.remove("edited");
}

async function save(does, form, article) {
  const text = form.querySelector("textarea").value.trim();
  if (!text) return form.querySelector("textarea").focus();
  const button = form.querySelector("[type=submit]");
  button.disabled = true; // a double click saves once
  const isDone = await does.edit(article.dataset.id, text);
  button.disabled = false;
  if (isDone) does.focus();
}

// --- Deleting, deciding -----------------------------------------------------------------------------------------------

function remove(does, button, article) {
  if (isSure(button, WORDS.reallyDelete)) does.remove(article.dataset.id).then((isDone) => isDone && does.focus());
}

/** Whether this is the second press; the first one asks by the button itself. */
function isSure(button, question) {
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
