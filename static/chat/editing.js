// Editing one's own message in place: it becomes a version beside the old one.

import { isSure } from "./deciding.js";
import { blank } from "./text.js";
import { WORDS } from "./words.js";

/** Put a form in the place of the text. */
export function edit(article) {
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
export function leave(article, button, event) {
  const form = article.querySelector(".edit-form");
  const box = form.querySelector("textarea");
  if (box.value !== box.defaultValue && !isSure(button, WORDS.dropChanges, event)) return;
  close(article);
  article.querySelector("[data-action=edit]").focus();
}

function close(article) {
  article.querySelector(".edit-form").remove();
  article.querySelector(".text").hidden = false;
  article.classList.remove("edited");
}

/** Send it; the form goes with the version it was for. */
export async function save(does, form, article) {
  const text = form.querySelector("textarea").value;
  const hasFiles = !article.querySelector(".attachments").hidden;
  if (!text.trim() && !hasFiles) return form.querySelector("textarea").focus();
  const button = form.querySelector("[type=submit]");
  if (button.disabled) return; // the second half of a double click
  button.disabled = true;
  const isDone = await does.edit(article.dataset.id, text);
  button.disabled = false;
  if (isDone) does.focus();
}
