// What a reader sets for this browser: what Enter does, and when a screen reader hears an answer. early.js reads it.

import { byId } from "./page.js";

const dialog = byId("settings");
const { dataset } = document.documentElement;

/** Show the settings as they are. */
export function open() {
  for (const choice of dialog.querySelectorAll("input")) choice.checked = dataset[choice.name] === choice.value;
  dialog.showModal();
}

dialog.addEventListener("change", ({ target: { name, value } }) => {
  dataset[name] = value;
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing: it holds for this page.
  }
});
