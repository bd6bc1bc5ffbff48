// The models, one below the other, with what each can do, reads and costs: to compare them and choose one.

import { byId } from "./page.js";
import { chooseModel } from "./start.js";

const dialog = byId("models");
const chosen = () => dialog.querySelector("input:checked");

/** Show them, the present one chosen. */
export function open() {
  const { value } = byId("model");
  for (const choice of dialog.querySelectorAll("input")) choice.checked = choice.value === value;
  dialog.returnValue = "";
  dialog.showModal();
  (chosen() ?? dialog.querySelector("input"))?.focus();
}

dialog.addEventListener("close", () => {
  const name = dialog.returnValue === "yes" && chosen()?.value;
  if (name && name !== byId("model").value) chooseModel(name);
});
