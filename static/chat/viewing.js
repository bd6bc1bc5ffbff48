// What a message's file holds, when the reader asks: a picture large, over the page, and the words of a sound or a document.

import "./styled.js";
import { get } from "./api.js";
import { byId } from "./page.js";
import { whyInWords, WORDS } from "./words.js";

const dialog = byId("picture");
const picture = dialog.querySelector("img");

dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside it
dialog.addEventListener("close", () => picture.removeAttribute("src"));

/** Open the picture of a small one's button; where it is closed, the focus is at the button again. */
export function look(button) {
  const { alt } = button.querySelector("img");
  picture.src = button.dataset.source;
  picture.alt = alt;
  dialog.querySelector("bdi").textContent = alt;
  dialog.showModal();
}

/** Fill in the words of a file, once they are opened. */
export async function read(details) {
  const place = details.querySelector("p");
  if (!details.open || place.textContent) return;
  try {
    place.textContent = (await (await get(details.dataset.source, "text/plain")).text()) || WORDS.noText;
  } catch (error) {
    if (error.isLost === undefined) throw error; // no refusal of the server but our own mistake
    place.textContent = WORDS.notDone({ why: whyInWords(error) });
    details.addEventListener("toggle", () => (place.textContent = ""), { once: true }); // opened again, it is asked for again
  }
}
