// The buttons of a pull request's page. What the server says against it is shown by the page, in the reader's language.

import { post } from "./api.js";

const { pull, head } = document.querySelector("main").dataset;
const buttons = [...document.querySelectorAll("[data-do]")];

for (const button of buttons) button.addEventListener("click", () => act(button.dataset.do));

async function act(what) {
  for (const each of buttons) each.disabled = true;
  try {
    await post(`/api/pulls/${pull}/${what}`, what === "merge" ? { head } : undefined);
    location.replace(location.pathname);
  } catch (error) {
    location.replace(`?said=${encodeURIComponent(error.code || "conflict")}`);
  }
}
