// What was said, whole: a message's own text or a block of code to be copied, and all of a tool's result.

import { parley } from "./api.js";
import { pretty } from "./card.js";
import { copyBy } from "./copying.js";
import { textOf } from "./reducer.js";
import { whyInWords, WORDS } from "./words.js";

/**
 * Copy the code that the button is at, or the message's text, Markdown and all; `drawn`: its answer, if it was open here. Gives what to
 * say of it.
 */
export async function copy(button, id, drawn) {
  try {
    const code = button.closest(".code")?.querySelector("pre").textContent;
    return await copyBy(button, code ?? (drawn ? textOf(drawn) : (await read(id)).content));
  } catch (error) {
    if (error.isLost === undefined) throw error; // no refusal of the server but our own mistake
    return WORDS.notDone({ why: whyInWords(error) });
  }
}

/** Show all of the tool's result. */
export async function showRest(button, id, drawn) {
  const { call } = button.closest(".tool").dataset;
  const isIt = (part) => part.call === call;
  const found = drawn?.parts.find(isIt) ?? (await read(id)).parts.find((part) => isIt(part) && part.type === "tool_result");
  const result = button.parentElement.querySelector(".result");
  result.textContent = pretty(found.result ?? found.error);
  button.hidden = true;
  result.focus();
}

async function read(id) {
  return (await parley.get(`/api/messages/${id}/`)).json();
}
