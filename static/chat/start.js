// A chat that has not begun: where it belongs, who shall answer, and the examples that archetype offers.

import { byId, page } from "./page.js";

const TITLE_CHARS = 60;
const choice = byId;

/** What is chosen for a chat that does not exist yet. */
export function chosen() {
  if (page.chat) return {};
  const project = choice("project")?.selectedOptions[0];
  return {
    project: project?.value || null,
    organization: project?.dataset.organization,
    archetype: choice("archetype").value,
    model: choice("model").value,
  };
}

/** The body of the request that makes the chat of this first message. */
export function started({ text, choices }) {
  return { ...choices, title: titleOf(text) };
}

function titleOf(text) {
  const line = text.trim().split("\n")[0];
  return line.length > TITLE_CHARS ? `${line.slice(0, TITLE_CHARS - 1).trimEnd()}…` : line;
}

function showExamples() {
  const archetype = page.archetypes.find((each) => each.name === choice("archetype").value);
  const buttons = [...document.querySelectorAll(".examples button")];
  buttons.forEach((button, index) => {
    button.textContent = archetype?.examples[index] ?? "";
    button.parentElement.hidden = !button.textContent;
  });
}

choice("archetype")?.addEventListener("change", showExamples);
