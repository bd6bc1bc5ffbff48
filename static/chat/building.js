// The cards of builds under an answer: a build is stopped, and the code it has written is shown. It is never run.

import { get, post } from "./api.js";
import { fragmentOf } from "./html.js";
import { whyInWords, WORDS } from "./words.js";

/** Ask the build to stop; its card says so once it has. */
export function stop(does, button) {
  return told(does, () => post(`/api/runs/${runOf(button)}/cancel`, {}));
}

/** Show the code, fetched when it is asked for the first time, or hide it again. */
export async function toggle(does, button) {
  const place = button.closest(".build").querySelector(".shown-code");
  if (!place.hasChildNodes()) {
    const found = await told(does, () => get(`/runs/${runOf(button)}/component/`, "text/html"));
    if (!found) return;
    place.append(fragmentOf(await found.text()));
  }
  place.hidden = !place.hidden;
  button.setAttribute("aria-expanded", String(!place.hidden));
  button.textContent = place.hidden ? WORDS.showCode : WORDS.hideCode;
}

const runOf = (button) => button.closest(".build").dataset.run;

/** What the server answers; nothing where it refuses, which is said. */
async function told(does, ask) {
  try {
    return await ask();
  } catch (error) {
    if (error.isLost === undefined) throw error; // no refusal of the server but our own mistake
    does.report(WORDS.notDone({ why: whyInWords(error) }));
  }
}
