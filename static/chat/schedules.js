// The schedules of a chat: a dialog whose content the server renders. What is done in it goes by REST, then it is read anew.

import { newKey } from "../parley.js";
import { get, parley, post } from "./api.js";
import { LOCALE } from "./days.js";
import { fragmentOf } from "./html.js";
import { byId } from "./page.js";
import { whyInWords, WORDS } from "./words.js";

const dialog = byId("schedules");
const part = (name) => dialog.querySelector(name);
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
let chat = ""; // the id of the chat that it is open for

/** Open the dialog for a chat. */
export async function open(id) {
  chat = id;
  part(".loaded").replaceChildren();
  await act();
  dialog.showModal();
}

/** Do it, then show how things are; what was written into the form stays unless it was added. */
async function act(doing, isAdded = false) {
  let problem = "";
  try {
    await doing?.();
    await fill(isAdded);
  } catch (error) {
    problem = WORDS.notDone({ why: whyInWords(error) });
  }
  part(".said").textContent = problem;
}

async function fill(isAdded) {
  const html = await (await get(`/chats/${chat}/schedules/`, "text/html")).text();
  const fresh = fragmentOf(html).querySelector(".loaded");
  for (const time of fresh.querySelectorAll("time")) time.textContent = inWords(time.dateTime);
  const had = part(".schedule-form");
  const form = fresh.querySelector(".schedule-form");
  if (form) form.elements.time_zone.value = ZONE;
  if (had && form && !isAdded) form.replaceWith(had);
  const hadFocus = dialog.contains(document.activeElement);
  part(".loaded").replaceWith(fresh);
  if (hadFocus && !dialog.contains(document.activeElement)) part(".done").focus();
}

/** A moment by the reader's own clock. */
const inWords = (moment) => new Date(moment).toLocaleString(LOCALE, { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

/** Five fields of cron for what was chosen. */
function cronOf({ how, weekday, time, minute, cron }) {
  const [hours, minutes] = time.value.split(":").map(Number);
  return {
    day: `${minutes} ${hours} * * *`,
    weekdays: `${minutes} ${hours} * * 1-5`,
    week: `${minutes} ${hours} * * ${weekday.value}`,
    hour: `${minute.value} * * * *`,
    cron: cron.value,
  }[how.value];
}

const DOES = {
  now: (path) => post(`${path}run-now`, {}, { key: newKey() }),
  on: (path) => parley.change("PATCH", path, { is_on: true }),
  off: (path) => parley.change("PATCH", path, { is_on: false }),
  delete: (path) => parley.change("DELETE", path),
};

dialog.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-do]");
  if (!button) return;
  const path = `/api/schedules/${button.closest("[data-schedule]").dataset.schedule}/`;
  if (button.dataset.do === "delete" && !isSure(button)) return;
  act(() => DOES[button.dataset.do](path));
});

/** Whether it was pressed for the second time: the first one asks. */
function isSure(button) {
  if (button.dataset.asked) return true;
  button.dataset.asked = "yes";
  button.textContent = WORDS.reallyDelete;
  return false;
}

dialog.addEventListener("change", ({ target }) => {
  if (target.name !== "how") return;
  for (const label of dialog.querySelectorAll("[data-of]")) {
    label.hidden = !label.dataset.of.split(" ").includes(target.value);
    label.querySelector("input, select").disabled = label.hidden;
  }
});

dialog.addEventListener("submit", (event) => {
  if (!event.target.matches(".schedule-form")) return; // what closes it
  event.preventDefault();
  const { elements } = event.target;
  const body = { chat, prompt: elements.prompt.value, cron: cronOf(elements), time_zone: elements.time_zone.value.trim() };
  act(() => post("/api/schedules/", body, { key: newKey() }), true);
});
