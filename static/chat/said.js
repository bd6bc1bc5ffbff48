// What people say of a message: ratings with reasons, reactions, annotations. Loaded with the first of them.

import { newKey } from "../parley.js";
import { get, parley, post } from "./api.js";
import { LOCALE } from "./days.js";
import { isSure } from "./deciding.js";
import { page } from "./page.js";
import { blank } from "./text.js";
import { whyInWords, WORDS } from "./words.js";

const BETWEEN = "[\\s*_~`>#|\\\\\\[\\]()-]+"; // what Markdown may have between two words that stand side by side
const of = (article, what = "") => `/api/messages/${article.dataset.id}/${what}`;
const read = async (article, what) => (await get(of(article, what))).json();
const change = (method, article, what, body) => parley.change(method, of(article, what), body);
const part = (article, name) => article.querySelector(`:scope > ${name}`);

/** Show what was said of a message: its JSON. */
export function draw(article, { feedback, reactions, annotations }) {
  for (const button of article.querySelectorAll(".rate button")) {
    button.ariaPressed = String(feedback.mine?.rating === button.dataset.rating);
    button.querySelector(".count").textContent = feedback[button.dataset.rating] || "";
  }
  const place = part(article, ".said");
  if (!place) return; // others took it
  const notes = place.querySelector(".notes");
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.emoji : undefined;
  place.replaceChildren(...reactions.map(chipOf), ...(annotations ? [noted(annotations, Boolean(notes))] : []), ...(annotations && notes ? [notes] : []));
  place.hidden = !place.children.length;
  if (focused) (place.querySelector(`[data-emoji="${focused}"]`) ?? place.querySelector("button"))?.focus();
  if (notes && annotations) fill(article, notes);
}

function chipOf({ emoji, count, mine }) {
  const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip", textContent: `${emoji} ${count}` });
  Object.assign(chip.dataset, { action: "react", emoji });
  chip.ariaPressed = String(mine);
  chip.disabled = document.body.classList.contains("read-only");
  return chip;
}

function noted(count, isOpen) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: WORDS.annotations({ count }) });
  button.dataset.action = "notes";
  button.ariaExpanded = String(isOpen);
  return button;
}

/** Do it, then show how things are; whether it was done. */
async function act(does, article, doing) {
  try {
    await doing();
    draw(article, await read(article));
    return true;
  } catch (error) {
    if (error.isLost === undefined) throw error;
    does.report(WORDS.notDone({ why: whyInWords(error) }));
    return false;
  }
}

/** Good or bad, or neither at the second press. For bad ones the reasons are asked. */
export async function rate(does, button, article) {
  const { rating } = button.dataset;
  const isTakenBack = button.ariaPressed === "true";
  leave(article, { keepsFocus: true });
  const isDone = await act(does, article, async () => {
    if (isTakenBack) return change("DELETE", article, "feedback/");
    const { mine } = (await read(article)).feedback; // what was said in words stays
    return change("PUT", article, "feedback/", { rating, comment: mine?.comment ?? "", reasons: [] });
  });
  if (isDone && rating === "down" && !isTakenBack) ask(article);
}

async function ask(article) {
  const form = opened(article, "reasons-template");
  const { mine } = (await read(article)).feedback;
  form.comment.value ||= mine?.comment ?? "";
  form.querySelector("input").focus();
}

/** Put an emoji on the message, or take one's own off. */
export function react(does, button, article) {
  const { emoji } = button.dataset;
  const method = button.ariaPressed === "true" ? "DELETE" : "PUT";
  if (button.closest(".emoji")) leave(article);
  return act(does, article, () => change(method, article, `reactions/${encodeURIComponent(emoji)}/`));
}

/** The emoji that one may react with. */
export function offer(article) {
  opened(article, "emoji-template").querySelector("button").focus();
}

/** A form for a note; the passage may have been selected. */
export function note(article, selected) {
  const form = opened(article, "note-template");
  const isHere = article.querySelector(".parts").textContent.includes(selected.trim().slice(0, 20));
  form.quote.value = isHere ? selected.trim().replace(/\s+/g, " ") : "";
  (form.quote.value ? form.body : form.quote).focus();
}

/** Send what a form says. */
export async function send(does, form, article) {
  const button = form.querySelector("[type=submit]");
  if (button.disabled) return; // the second half of a double click
  button.disabled = true;
  const isDone = await (form.dataset.kind === "note" ? sendNote : sendReasons)(does, form, article);
  button.disabled = false;
  if (isDone) leave(article);
}

function sendReasons(does, form, article) {
  const given = new FormData(form);
  const body = { rating: "down", reasons: given.getAll("reasons"), comment: given.get("comment").trim() };
  return act(does, article, () => change("PUT", article, "feedback/", body));
}

async function sendNote(does, form, article) {
  form.quote.setCustomValidity("");
  const { content } = await read(article);
  const place = placeOf(content, form.quote.value);
  if (!place) {
    form.quote.setCustomValidity(WORDS.passageNotFound);
    form.quote.addEventListener("input", () => form.quote.setCustomValidity(""), { once: true });
    form.quote.reportValidity();
    return false;
  }
  form.dataset.key ??= newKey();
  return act(does, article, () => post(of(article, "annotations/"), { ...place, body: form.body.value }, { key: form.dataset.key }));
}

/** Where the words stand in the message as it was written, in code points. */
function placeOf(content, words) {
  const spelled = words.trim().split(/\s+/).map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const found = spelled[0] && new RegExp(spelled.join(BETWEEN)).exec(content);
  if (!found) return undefined;
  const start = [...content.slice(0, found.index)].length;
  return { start, end: start + [...found[0]].length, quote: found[0] };
}

/** Open the annotations of a message, or close them. */
export async function notes(does, button, article) {
  const place = part(article, ".said");
  const list = place.querySelector(".notes");
  button.ariaExpanded = String(!list);
  if (list) return list.remove();
  const fresh = blank("notes-template");
  place.append(fresh);
  try {
    await fill(article, fresh);
  } catch (error) {
    if (error.isLost === undefined) throw error;
    does.report(WORDS.notDone({ why: whyInWords(error) }));
  }
}

async function fill(article, list) {
  const { results } = await read(article, "annotations/?page_size=100");
  list.replaceChildren(...results.map(rowOf));
}

function rowOf({ id, author, quote, body, detached, created_at }) {
  const row = blank("noted-template");
  row.dataset.note = id;
  row.querySelector("blockquote").textContent = quote;
  row.querySelector(".body").textContent = body;
  row.querySelector(".by").textContent = author.name;
  const time = row.querySelector("time");
  time.dateTime = created_at;
  time.textContent = new Date(created_at).toLocaleString(LOCALE, { dateStyle: "medium", timeStyle: "short" });
  row.querySelector(".detached").hidden = !detached;
  row.querySelector("button").hidden = author.id !== page.user.id;
  return row;
}

/** Delete one's own note, at the second press. */
export function remove(does, button, article, event) {
  if (!isSure(button, WORDS.reallyDelete, event)) return;
  act(does, article, () => change("DELETE", article, `annotations/${button.closest("[data-note]").dataset.note}/`));
}

/** Close what is open at a message; the focus goes back to its buttons. */
export function leave(article, { keepsFocus = false } = {}) {
  const form = part(article, ".said-form");
  const wasFocused = form?.contains(document.activeElement) && !keepsFocus;
  form?.remove();
  if (wasFocused) (article.querySelector(".rate [aria-pressed=true]") ?? article.querySelector(".actions button")).focus();
}

function opened(article, id) {
  leave(article, { keepsFocus: true });
  const form = blank(id);
  part(article, ".actions").after(form);
  for (const menu of article.querySelectorAll(".more[open]")) menu.open = false;
  return form;
}
