// What is asked twice, and what a person decides: deleting, dropping a change, allowing a tool or not.

import { WORDS } from "./words.js";

const SURE_MS = 4000; // a second press within this means it
const TWICE_MS = 400; // but not the second half of a double click

/** Erase a message, at the second press. */
export function remove(does, button, article, event) {
  if (isSure(button, WORDS.reallyDelete, event)) does.remove(article.dataset.id).then((isDone) => isDone && does.focus());
}

/** Whether this is the second press; the first one asks by the button itself, which takes no answer at once. */
export function isSure(button, question, event) {
  if (button.dataset.asked) return button.ariaDisabled !== "true" && !(event?.detail > 1);
  const word = button.textContent;
  const name = button.getAttribute("aria-label");
  button.dataset.asked = "yes";
  button.textContent = question;
  button.ariaDisabled = "true";
  if (name) button.setAttribute("aria-label", question);
  setTimeout(() => (button.ariaDisabled = null), TWICE_MS);
  setTimeout(() => {
    delete button.dataset.asked;
    button.textContent = word;
    if (name) button.setAttribute("aria-label", name);
  }, SURE_MS);
  return false;
}

/** Allow a tool call or deny it, as the button says. */
export async function decide(does, form, button, article) {
  if (form.querySelector("fieldset").disabled) return; // the second half of a double click
  const card = form.closest(".tool");
  const { action, scope } = button.dataset;
  const { digest } = form.dataset;
  const answers = form.querySelector("fieldset");
  const more = { reason: form.reason.value.trim(), ...(scope && { scope }), ...(digest && { digest }) };
  card.querySelector("summary").focus(); // the question goes, its card stays
  answers.disabled = true;
  if (await does.approve(article.dataset.run, card.dataset.call, action, more)) return;
  answers.disabled = false;
  button.focus();
}
