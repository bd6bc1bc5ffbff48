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

/** Allow a tool call or deny it, as the button says; with what it wants, where it wants something. */
export async function decide(does, form, button, article) {
  const answers = form.querySelector("fieldset.decides");
  if (answers.disabled) return; // the second half of a double click
  const card = form.closest(".tool");
  const { action } = button.dataset;
  answers.disabled = true;
  const more = await moreOf(card, form, button);
  if (more) {
    card.querySelector("summary").focus(); // the question goes, its card stays
    if (await does.approve(article.dataset.run, card.dataset.call, action, more)) return;
  }
  answers.disabled = false;
  if (more) button.focus();
}

/** What goes with the decision; null where a field of a form says that it takes something else. */
async function moreOf(card, form, { dataset: { action, scope } }) {
  const { digest } = form.dataset;
  const isAnswered = action === "allow" && card.querySelector(".form") !== null;
  const input = isAnswered ? (await import("./forms.js")).answersIn(card) : undefined;
  if (input === null) return null;
  return { reason: form.reason.value.trim(), ...(scope && { scope }), ...(digest && { digest }), ...(input && { input }) };
}
