// Where a new chat belongs, and at any time who answers: its agent and model, and the examples that an empty one offers.

import { asSent, parley } from "./api.js";
import { byId, page } from "./page.js";
import { WORDS } from "./words.js";

const NAMES = ["project", "archetype", "model", "effort"];
const choice = byId;
let saving = Promise.resolve(); // a choice that is on its way to the server
let made = null; // what was chosen for a chat that has not begun

/** What is chosen for a chat that does not exist yet. */
export function chosen() {
  if (page.chat) return {};
  const place = choice("project")?.selectedOptions[0];
  return {
    project: place?.value || null,
    organization: place?.dataset.organization,
    archetype: choice("archetype").value,
    model: choice("model").value,
    effort: choice("effort").value || null,
  };
}

/** What somebody has chosen here for a chat that has not begun, to be kept with its text; else undefined. */
export const choicesMade = () => (page.chat ? undefined : (made ?? undefined));

/** Choose that again, as far as it is still there. */
export function restoreChoices(choices) {
  if (!choices || page.chat) return;
  const { organization, ...values } = choices;
  for (const name of NAMES) {
    const options = [...choice(name).options];
    const option = options.find((each) => each.value === (values[name] ?? "") && [undefined, organization].includes(each.dataset.organization));
    if (option) option.selected = true;
  }
  showPlan();
  showEfforts(values.effort);
  made = chosen();
  showExamples();
}

/** The body of the request that makes a chat by its first message. */
export function begun({ text, attachments, choices }) {
  return { chat: choices, content: text, attachments: attachments?.map(asSent) };
}

/** Show who answers in the chat of this page. */
export function showChoices(chat) {
  for (const name of ["archetype", "model"]) select(choice(name), chat[name]);
  if (choice("effort")) choice("effort").dataset.is = chat.effort ?? "";
  showEfforts();
  if (plan()?.models.includes(chat.model)) showGone("");
}

/** The plan of where the chat is, or will be. */
const plan = () => page.plans[choice("project")?.selectedOptions[0]?.dataset.organization ?? Object.keys(page.plans)[0]];

/** What the plan does not have cannot be chosen, and says why; of a chat that has not begun its default is, in the place of what was. */
export function showPlan() {
  const here = plan();
  if (!here || page.chat) return;
  for (const option of choice("model").options) {
    const known = page.models[option.value];
    if (!known) continue;
    option.disabled = !here.models.includes(option.value);
    option.textContent = option.disabled ? `${known.label}, ${WORDS.notInPlan({ plan: here.name })}` : known.label;
  }
  for (const radio of document.querySelectorAll("#models input")) {
    radio.disabled = !here.models.includes(radio.value);
    radio.closest("label").querySelector(".refused").textContent = radio.disabled ? WORDS.notInPlan({ plan: here.name }) : "";
  }
  if (choice("model").selectedOptions[0]?.disabled) choice("model").value = here.model;
}

/** Those that the model has to choose from; nothing of a model without any. What was chosen comes back with a model that has it. */
export function showEfforts(wanted) {
  const box = choice("effort");
  if (!box) return;
  const { efforts = [] } = page.models[choice("model").value] ?? {};
  for (const option of box.options) option.hidden = option.disabled = option.value !== "" && !efforts.includes(option.value);
  const is = wanted ?? box.dataset.is;
  box.value = efforts.includes(is) ? is : "";
  box.closest("label").hidden = !efforts.length;
}

/** Say above the box that this model is not offered any more, or not in the plan, and what to take in its place; with no name, nothing. */
export function showGone(name, successor = "") {
  const line = byId("gone");
  if (!line) return;
  line.hidden = !name;
  if (!name) return;
  const button = line.querySelector("button");
  line.querySelector("span").textContent = (page.models[name] ? WORDS.modelOutside : WORDS.modelGone)({ name });
  button.hidden = !plan()?.models.includes(successor);
  button.value = successor;
  button.textContent = WORDS.goOnWith({ name: page.models[successor]?.label ?? successor });
}

/** Choose a model as if it had been picked in its list. */
export function chooseModel(name) {
  choice("model").value = name;
  choice("model").dispatchEvent(new Event("change", { bubbles: true }));
}

/** Settled when what was chosen holds for the next message, or is known not to. */
export const choicesSaved = () => saving;

/** Let the choices do: `onChosen(chat)` is told the chat that has changed, `onRefused(error, again)` why it has not. */
export function listenToChoices({ onChosen, onRefused }) {
  byId("composer")?.addEventListener("change", ({ target }) => {
    if (!NAMES.includes(target.id)) return;
    if (target.id === "effort" && !page.chat) target.dataset.is = target.value;
    if (target.id === "project") showPlan();
    if (target.id !== "effort") showEfforts();
    if (target.id === "model") showGone("");
    if (page.chat) change(target, { onChosen, onRefused });
    else made = chosen();
    showExamples();
  });
  byId("gone")?.querySelector("button").addEventListener("click", ({ target }) => (chooseModel(target.value), byId("text").focus()));
  document.querySelector("[data-models]")?.addEventListener("click", async () => (await import("./models.js")).open());
  showEfforts();
}

function change(target, { onChosen, onRefused }) {
  const { id, value } = target;
  const send = () => parley.change("PATCH", `/api/chats/${page.chat}/`, { [id]: value || null });
  saving = saving.then(send).then(onChosen, (error) => {
    if (error.isLost === undefined) throw error; // no refusal of the server but our own mistake
    select(target, target.dataset.is);
    onRefused(error, () => (select(target, value, { isSure: false }), change(target, { onChosen, onRefused })));
  });
}

/** One that is not offered any more stands there all the same, as what it is. */
function select(box, value, { isSure = true } = {}) {
  if (!box) return;
  if (![...box.options].some((each) => each.value === value)) {
    const gone = new Option(WORDS.notOffered({ name: value }), value);
    gone.disabled = true;
    box.prepend(gone);
  }
  box.value = value;
  if (isSure) box.dataset.is = value;
}

/** Those that are about files need a project. */
function showExamples() {
  const archetype = page.archetypes.find((each) => each.name === choice("archetype").value);
  const hasProject = page.chat ? page.hasProject : Boolean(choice("project").value);
  const examples = archetype && (hasProject || !archetype.needs_project) ? archetype.examples : [];
  const buttons = [...document.querySelectorAll(".examples button")];
  buttons.forEach((button, index) => {
    button.textContent = examples[index] ?? "";
    button.parentElement.hidden = !button.textContent;
  });
}
