// The chat in a frame: one chat, new or gone on with, by the chat page's own modules.

import { newKey } from "../parley.js";
import * as acts from "../chat/acts.js";
import { listen as listenToButtons } from "../chat/actions.js";
import { Announcer } from "../chat/announcer.js";
import { get, parley, post } from "../chat/api.js";
import { fragmentOf } from "../chat/html.js";
import { Log } from "../chat/log.js";
import { byId, page } from "../chat/page.js";
import { textOf } from "../chat/reducer.js";
import { Runs } from "../chat/runs.js";
import { Scroller } from "../chat/scroll.js";
import { StateLine } from "../chat/stateline.js";
import { leftOutInWords, phaseInWords, whyInWords, WORDS } from "../chat/words.js";
import { Box } from "./box.js";
import { signIn } from "./connection.js";
import * as host from "./host.js";
import { recallChat, recallText, rememberChat, rememberText, restore } from "./memory.js";

const RECONNECTING_MS = 1000; // a shorter break is not told

let log = null; // once it is known who reads
let place = {}; // {project, archetype} as the page gave them
let problem = null; // {text, action, act, isSignedOut}: what went wrong last
let isSending = false;
let isStopping = false;
let isFrameAsked = false;
const changed = new Set(); // entries to draw in the next frame

const line = new StateLine(byId("state"));
const announcer = new Announcer(byId("status"), byId("answer"));
const scroller = new Scroller(byId("log"), byId("jump"));
const box = new Box(byId("composer"), { onSend: (text) => send({ text, key: newKey() }), onStop: stop, onInput });
const runs = new Runs({ onChange, onOver, onLost, isHidden: () => document.hidden });
const isDrawn = ({ dataset: { run, status } }) => (status === "in_progress" ? runs.knows(run) : runs.has(run));
const isInline = () => document.body.matches(".inline");
const slot = () => `${page.user.id}:${place.project ?? ""}:${place.archetype ?? ""}`;

// --- Beginning --------------------------------------------------------------------------------------------------------

async function start({ project, archetype, chat, inline, kept }) {
  place = { project, archetype };
  restore(kept);
  document.body.classList.toggle("inline", inline !== null);
  if (isInline()) new ResizeObserver(tellHeight).observe(byId("log").querySelector(".column"));
  signIn();
  try {
    await begin(chat);
  } catch (error) {
    if (error.isLost === undefined) throw error; // no refusal of the server but our own mistake
    refuse(error, () => start({ project, archetype, chat, inline, kept }));
  }
}

/** Who reads, and the chat that they were in. */
async function begin(chat) {
  const me = await read("/api/users/me/");
  page.user = { id: me.id, name: me.name || me.email };
  log ??= new Log(byId("log"), page);
  problem = null;
  await open(chat);
  box.setOpen(true);
  box.giveBack(recallText(slot()));
  document.body.classList.add("ready");
  host.tell("ready", { chat: page.chat });
  refresh();
}

/** Go on with the chat that the page names, or the one there was here; where neither is there for this person, a new one begins. */
async function open(named) {
  page.chat = await found(named);
  if (named && !page.chat) host.tell("error", { code: "not_found" });
  byId("new").hidden = Boolean(page.chat); // the page says which chat it is
  page.chat ??= await found(recallChat(slot()));
  if (page.chat) return catchUp();
  if (place.project) await read(`/api/projects/${encodeURIComponent(place.project)}/`); // or it is said now that it is not there
}

/** The chat's id; null where it is not there any more, or is somebody else's. */
async function found(chat) {
  return chat ? read(`/api/chats/${encodeURIComponent(chat)}/`).then(({ id }) => id, passOver(400, 403, 404)) : null;
}

const read = async (path) => (await get(path)).json();

const passOver = (...statuses) => (error) => {
  if (!statuses.includes(error.status)) throw error;
  return null;
};

/** Begin another chat; the one there was stays on the server. */
function startNew() {
  rememberChat(slot());
  location.reload();
}

/** The page has signed its person out, or in as somebody else, who finds nothing of the first one here. */
function onLeave(isOther) {
  if (isOther) {
    rememberText(slot());
    rememberChat(slot());
  }
  location.reload();
}

// --- Sending ----------------------------------------------------------------------------------------------------------

async function send(item) {
  problem = null;
  isSending = true;
  item.article ??= log.addOwn({ text: item.text, attachments: [] });
  rememberText(slot(), item.text); // until it is known to have arrived
  if (isInline()) scroller.toEnd();
  else scroller.anchor(item.article); // below it there is room for the answer
  refresh();
  try {
    sent(item, await deliver(item));
  } catch (error) {
    if (error.isLost === undefined) throw error;
    notSent(item, error);
  }
  isSending = false;
  refresh();
}

function deliver({ text, key }) {
  if (page.chat) return parley.sendMessage(page.chat, text, { key });
  const { project, archetype } = place; // of which organization, the server knows
  return post("/api/chats/runs", { chat: { project, ...(archetype ? { archetype } : {}) }, content: text }, { key });
}

function sent({ article }, { chat, run, input, message }) {
  if (chat) rememberChat(slot(), (page.chat = chat.id));
  rememberText(slot(), box.text.value);
  log.confirm(article, input);
  watch({ run: run.id, article: log.addAnswer(message, run.id) });
  tellOf(run.id, message.id, "queued");
}

/** What may have arrived is sent again with its key, at the press of a button; what was refused goes back to the box. */
function notSent(item, error) {
  if (error.isLost || error.status === 401) return refuse(error, () => send(item));
  item.article.remove();
  box.giveBack(item.text);
  refuse(error);
}

function onInput(text) {
  if (!page.user) return;
  if (!isSending) rememberText(slot(), text);
  if (problem && !problem.act) problem = null;
  refresh();
}

// --- Following --------------------------------------------------------------------------------------------------------

function watch(entry) {
  if (runs.add(entry)) changed.add(entry);
}

function onChange(entry) {
  changed.add(entry);
  refresh();
}

async function onOver(entry, hasEnd) {
  isStopping = false;
  if (hasEnd) announce(entry);
  await catchUp();
}

function announce({ run, article, answer }) {
  tellOf(run, article.dataset.id, answer.phase);
  if (answer.phase === "completed") announcer.read(textOf(answer));
  else announcer.say(answer.phase === "failed" ? WORDS.answerFailed : WORDS.stopped);
  if (answer.leftOut.length) problem = { text: leftOutInWords(answer.leftOut, answer.model) };
  if (answer.phase === "failed") problem = { text: WORDS.answerFailed, action: WORDS.retry, act: () => regenerate(article.dataset.id) };
}

/** The page is told of ids and states. What was said is between the person and the server. */
function tellOf(run, message, state) {
  host.tell("message", { chat: page.chat, run, message, state });
}

function onLost(reason) {
  const isSignedOut = reason === "signed_out";
  const act = isSignedOut ? signInAgain : () => ((problem = null), runs.wake(), refresh());
  report(isSignedOut ? WORDS.signedOut : reason === "gone" ? WORDS.gone : WORDS.notFollowed, WORDS.retry, act);
  problem.isSignedOut = isSignedOut;
  if (isSignedOut) host.tell("error", { code: "signed_out" });
}

async function signInAgain() {
  problem = null;
  if (await host.newToken()) runs.resume();
  else onLost("signed_out");
  refresh();
}

async function stop() {
  const run = runs.first?.run;
  if (!run || isStopping) return;
  isStopping = true;
  refresh();
  await act(() => parley.stop(run), stop);
}

const regenerate = (id) => act(async () => (await acts.regenerate(id), await catchUp()), () => regenerate(id));
const approve = (...given) => act(() => acts.approve(...given));

/** Do it; true when it was done, else the state line says why it was not. */
async function act(doing, again) {
  problem = null;
  try {
    await doing();
    return true;
  } catch (error) {
    if (error.isLost === undefined) throw error;
    isStopping = false;
    report(WORDS.notDone({ why: whyInWords(error) }), again && WORDS.retry, again);
    return false;
  }
}

// --- The stored messages, as the server renders them ------------------------------------------------------------------

async function load(query) {
  const path = `/embed/chats/${page.chat}/messages/?lang=${document.documentElement.lang}&${query}`;
  return fragmentOf(await (await get(path, "text/html")).text());
}

async function catchUp() {
  const before = log.stored;
  const fragment = await load("from=0").catch((error) => (before.length ? null : Promise.reject(error)));
  if (!fragment) return refresh(); // what is shown stays
  drawChanged();
  const isFirst = !before.length;
  log.merge(fragment, isDrawn, { before, from: undefined }).forEach(watch);
  showEarlier();
  if (isFirst) scroller.toEnd();
  refresh();
}

async function older() {
  const fragment = await load(`before=${log.stored[0].dataset.position}`);
  log.adopt(fragment, isDrawn);
  scroller.hold(() => (log.column.prepend(...fragment.children), log.markDays()));
  showEarlier();
}

function showEarlier() {
  document.querySelector(".earlier").hidden = !log.stored[0]?.dataset.parent;
}

// --- Showing ----------------------------------------------------------------------------------------------------------

function report(text, action, act) {
  problem = { text, action, act };
  announcer.say(text);
  refresh();
}

function refuse(error, again) {
  const isSignedOut = error.status === 401;
  const signedOut = page.user ? WORDS.signedOut : WORDS.signInAtPage;
  report(isSignedOut ? signedOut : WORDS.notSent({ why: whyInWords(error) }), again && WORDS.retry, again);
  problem.isSignedOut = isSignedOut;
  host.tell("error", { code: isSignedOut ? "signed_out" : error.code || "no_server" });
}

function refresh() {
  if (isFrameAsked) return;
  isFrameAsked = true;
  requestAnimationFrame(draw);
}

function drawChanged() {
  const now = Date.now() / 1000;
  for (const entry of changed) log.draw(entry, now, runs.ahead(entry));
  changed.clear();
}

function draw() {
  isFrameAsked = false;
  drawChanged();
  document.body.classList.toggle("empty", !log?.column.querySelector("article"));
  box.setRunning(runs.length > 0);
  const state = stateNow();
  line.show(state);
  if (state.isSaid) announcer.say(state.text.split(" · ")[0]);
  scroller.settle();
}

function stateNow() {
  const { connection, first } = runs;
  if (!navigator.onLine) return { kind: "offline", text: WORDS.offline, tone: "warn", isSaid: true };
  if (first && !connection.isOpen && Date.now() - connection.since > RECONNECTING_MS) return { kind: "reconnecting", text: WORDS.reconnecting, tone: "warn" };
  if (problem) return { kind: "problem", tone: problem.act ? "bad" : "", ...problem };
  if (first) return { kind: first.answer.phase, text: isStopping ? WORDS.stopping : phaseInWords(first.answer, Date.now() / 1000), isSaid: true };
  return isSending ? { kind: "sending", text: WORDS.sending } : { kind: "quiet", text: "" };
}

/** As high as what is in it: the page keeps it within its bounds. */
function tellHeight() {
  const rest = byId("log").parentElement.clientHeight - byId("log").clientHeight;
  host.tell("height", byId("log").querySelector(".column").offsetHeight + rest);
}

// --- The frame itself -------------------------------------------------------------------------------------------------

listenToButtons(byId("log"), {
  ...{ approve, regenerate },
  older: () => act(older),
  showRest: async (button, id) => (await import("../chat/sources.js")).showRest(button, id, log.drawn(id)),
  copy: async (button, id) => announcer.say(await (await import("../chat/sources.js")).copy(button, id, log.drawn(id))),
});
byId("new").addEventListener("click", startNew);
byId("close").addEventListener("click", () => host.tell("close"));
byId("jump").addEventListener("click", () => scroller.toEnd());
addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && host.tell("close"));
addEventListener("online", () => (runs.wake(), refresh()));
addEventListener("offline", refresh);
addEventListener("pagehide", () => runs.pause());
addEventListener("pageshow", ({ persisted }) => persisted && runs.resume());
document.addEventListener("visibilitychange", () => document.hidden || (runs.resume(), runs.wake()));
setInterval(() => {
  runs.open.forEach((entry) => changed.add(entry));
  if (runs.first) refresh();
}, 1000);

box.setOpen(false);
host.listen({
  onStart: start,
  onTheme: (theme) => (document.documentElement.dataset.theme = ["light", "dark"].includes(theme) ? theme : "system"),
  onFocus: () => box.focus(),
  onToken: () => problem?.isSignedOut && problem.act?.(),
  onLeave,
});
