// Starts the chat page and joins its parts: what is sent, what is followed, what is shown.

import { Announcer } from "./announcer.js";
import * as acts from "./acts.js";
import { get, parley, post } from "./api.js";
import { Composer, NO_COMPOSER } from "./composer.js";
import { fragmentOf } from "./html.js";
import { newKey } from "../parley.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { byId, page } from "./page.js";
import { textOf } from "./reducer.js";
import { Runs } from "./runs.js";
import { Scroller } from "./scroll.js";
import { StateLine } from "./stateline.js";
import { chosen, started } from "./start.js";
import { phaseInWords, WORDS } from "./words.js";

const AWAY_MS = 60_000; // who was away longer sees what others wrote meanwhile
const RECONNECTING_MS = 1000;
const MANY_TRIES = 6;

const log = new Log(byId("log"), page);
const scroller = new Scroller(byId("log"), byId("jump"));
const line = new StateLine(byId("state"));
const announcer = new Announcer(byId("status"), byId("answer"));
const place = (kind) => `${kind}:${page.user.id}:${page.chat ?? "new"}`;

let problem = null; // {text, action, act}: what went wrong last, until something goes right
let isSignedOut = false;
let isStopping = false;
let isFrameAsked = false;
let hiddenAt = 0;
const changed = new Set(); // entries to draw in the next frame

const outbox = new Outbox({ send: deliver, onSent, onRefused, onDelay, place: () => place("outbox") });
const runs = new Runs({ onChange, onOver, onLost });
const draftKey = () => place("draft");
const form = byId("composer");
const composer = form ? new Composer(form, { onSend: send, onStop: stop, onInput: refresh, draftKey }) : NO_COMPOSER;

// --- Sending ----------------------------------------------------------------------------------------------------------

/** Send a text: it is shown at once, and goes out when all before it have. */
export function send(text) {
  problem = null;
  queue({ key: newKey(), text, choices: chosen(), parent: log.parent });
  scroller.toEnd();
}

function queue(item) {
  document.body.classList.remove("empty");
  item.article = log.addOwn(item.text);
  outbox.add(item);
  refresh();
}

async function deliver(item) {
  if (!page.chat) await begin(item);
  return parley.sendMessage(page.chat, item.text, { key: item.key, ...(item.parent && { parent: item.parent }) });
}

/** The first message makes its chat. */
async function begin(item) {
  const chat = await post("/api/chats/", started(item), { key: `${item.key}.chat` });
  page.chat = chat.id;
  history.pushState(null, "", `/chats/${chat.id}/`);
  log.showChat(chat);
}

function onSent(item, { run, input, message }) {
  problem = null;
  log.confirm(item.article, input);
  watch({ run: run.id, article: log.addAnswer(message, run.id) });
  refresh();
}

/** A refused message goes back to the composer. */
function onRefused(item, error) {
  item.article.remove();
  if (!composer.text.trim()) composer.fill(item.text);
  report(WORDS.notSent({ why: error.message }));
}

function onDelay(error) {
  isSignedOut = error.status === 401;
  problem = { text: WORDS.notSent({ why: error.message }), action: WORDS.retry, act: () => outbox.wake() };
  refresh();
}

// --- Following --------------------------------------------------------------------------------------------------------

function watch(entry) {
  runs.add(entry);
  changed.add(entry);
}

function onChange(entry) {
  isSignedOut = false;
  changed.add(entry);
  refresh();
}

async function onOver(entry, hasEnd) {
  isStopping = false;
  runs.open.forEach((each) => changed.add(each));
  if (hasEnd) announce(entry.answer);
  refresh();
  await catchUp(entry.article.dataset.position);
}

function onLost(reason) {
  isSignedOut = reason === "signed_out";
  if (reason === "gone") report(WORDS.gone);
  refresh();
}

function announce(answer) {
  if (answer.phase === "completed") announcer.read(textOf(answer));
  else announcer.say(answer.phase === "failed" ? WORDS.answerFailed : WORDS.stopped);
}

/** Stop the answer that runs. */
export async function stop() {
  const run = runs.first?.run;
  if (!run || isStopping) return;
  isStopping = true;
  refresh();
  try {
    await parley.stop(run);
  } catch (error) {
    isStopping = false;
    report(WORDS.notDone({ why: error.message }), WORDS.retry, stop);
  }
}

// What one can do with a message, by its id: true when it was done, else the state line says why it was not.
export const regenerate = (id) => act(acts.regenerate, id);
export const retry = regenerate;
export const edit = (id, text) => act(acts.edit, id, text);
export const remove = (id) => act(acts.remove, id);
export const fork = (id) => act(acts.fork, id);
export const approve = (run, call, decision, reason) => act(acts.approve, run, call, decision, reason);

/** Read the branch that this message is on; the choice is in the address. */
export async function switchVersion(id) {
  history.replaceState(null, "", `?at=${id}`);
  await catchUp();
}

async function act(doing, ...given) {
  problem = null;
  try {
    await doing(...given);
    await catchUp();
    return true;
  } catch (error) {
    report(WORDS.notDone({ why: error.message }), WORDS.retry, () => act(doing, ...given));
    return false;
  }
}

/** Take the stored messages from a position on as the server renders them. */
async function catchUp(from = 0) {
  if (!page.chat) return;
  let html;
  try {
    const at = new URLSearchParams(location.search).get("at");
    html = await (await get(`/chats/${page.chat}/messages/?from=${from}${at ? `&at=${at}` : ""}`, "text/html")).text();
  } catch {
    return; // what is shown stays as it is
  }
  log.merge(fragmentOf(html), (run) => runs.has(run)).forEach(watch);
  refresh();
}

// --- Showing ----------------------------------------------------------------------------------------------------------

function report(text, action, act) {
  problem = { text, action, act };
  announcer.say(text);
  refresh();
}

/** Draw in the next frame, however often this is called before it. */
function refresh() {
  if (isFrameAsked) return;
  isFrameAsked = true;
  requestAnimationFrame(draw);
}

function draw() {
  isFrameAsked = false;
  const now = Date.now() / 1000;
  for (const entry of changed) log.draw(entry, now, runs.ahead(entry));
  changed.clear();
  composer.setRunning(runs.length > 0);
  const state = stateNow(now);
  line.show(state);
  if (state.isSaid) announcer.say(state.text.split(" · ")[0]);
  scroller.settle();
}

/** The state line: if several things hold, the first wins. */
function stateNow(now) {
  if (isSignedOut) return { kind: "out", text: WORDS.signedOut, tone: "bad", action: WORDS.signIn, act: signIn, isSaid: true };
  if (!navigator.onLine) return { kind: "offline", text: WORDS.offline, tone: "warn", isSaid: true };
  if (isReconnecting()) return reconnecting();
  if (problem) return { kind: "problem", tone: "bad", ...problem };
  if (outbox.length && !runs.first) return { kind: "sending", text: WORDS.sending };
  if (!runs.first) return { kind: "quiet", text: "" };
  return running(runs.first.answer, now);
}

function isReconnecting() {
  return runs.first && !runs.connection.isOpen && Date.now() - runs.connection.since > RECONNECTING_MS;
}

function reconnecting() {
  const hasTried = runs.connection.tries >= MANY_TRIES;
  const action = hasTried ? { action: WORDS.reconnect, act: () => runs.wake() } : {};
  return { kind: "reconnecting", text: WORDS.reconnecting, tone: "warn", ...action };
}

function running(answer, now) {
  const text = isStopping ? WORDS.stopping : phaseInWords(answer, now);
  const isOffered = composer.offersStop || isStopping || answer.phase === "sending";
  const action = isOffered ? {} : { action: WORDS.stop, act: stop };
  const tone = answer.phase === "retrying" ? "warn" : "";
  return { kind: `${isStopping} ${answer.phase}`, text, tone, isSaid: answer.phase !== "sending", ...action };
}

function signIn() {
  location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
}

// --- Coming and going -------------------------------------------------------------------------------------------------

function comeBack() {
  runs.resume();
  runs.wake();
  outbox.wake();
  if (hiddenAt && Date.now() - hiddenAt > AWAY_MS) catchUp();
  hiddenAt = 0;
  refresh();
}

document.addEventListener("visibilitychange", () => (document.hidden ? (hiddenAt = Date.now()) : comeBack()));
window.addEventListener("online", comeBack);
window.addEventListener("offline", refresh);
window.addEventListener("pagehide", () => runs.pause());
window.addEventListener("pageshow", (event) => event.persisted && (comeBack(), catchUp()));
window.addEventListener("popstate", () => location.reload());
setInterval(() => {
  runs.open.forEach((entry) => changed.add(entry));
  if (runs.first || outbox.length) refresh();
}, 1000);

byId("log").addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-action]");
  const id = button?.closest("article")?.dataset.id;
  if (button?.dataset.action === "regenerate") await regenerate(id);
  if (button?.dataset.action === "copy") await log.copy(button, id);
  if (button?.dataset.action === "example") composer.fill(button.textContent);
  if (button?.dataset.action?.startsWith("copy")) announcer.say(WORDS.copied);
});

log.adopt().forEach(watch);
outbox.kept().forEach(queue);
scroller.toEnd();
document.body.classList.add("ready");
refresh();
