// Starts the chat page and joins its parts: what is sent, what is followed, what is shown.

import { newKey } from "../parley.js";
import { Announcer } from "./announcer.js";
import * as acts from "./acts.js";
import * as branches from "./branches.js";
import { listen } from "./actions.js";
import { asSent, get, parley, post } from "./api.js";
import * as chats from "./chats.js";
import { Composer, NO_COMPOSER } from "./composer.js";
import { fragmentOf } from "./html.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { isOfMessage, Outbox } from "./outbox.js";
import { byId, messagesPath, page } from "./page.js";
import { Pager } from "./pager.js";
import { textOf } from "./reducer.js";
import { Runs } from "./runs.js";
import { Scroller } from "./scroll.js";
import { begun, choicesSaved, chosen, listenToChoices, showChoices, showGone } from "./start.js";
import { StateLine, stateOf } from "./stateline.js";
import { showWaiting, waitingLine } from "./waiting.js";
import { leftOutInWords, whyInWords, WORDS } from "./words.js";

const AWAY_MS = 60_000; // who was away longer sees what others wrote meanwhile
const NEWS_MS = 5000; // a reader is told of others' messages at most this often

const log = new Log(byId("log"), page);
const scroller = new Scroller(byId("log"), byId("jump"));
const line = new StateLine(byId("state"));
const announcer = new Announcer(byId("status"), byId("answer"));
const place = (kind) => `${kind}:${page.user.id}:${page.chat ?? "new"}`;

let problem = null; // {text, action, act}: what went wrong last, until something goes right
let closed = ""; // why nothing can be written here any more
let ended = ""; // how the last answer ended, where it did not end well
let isSignedOut = false;
let isStopping = false;
let isFrameAsked = false;
let hiddenAt = 0;
let toldAt = 0;
let catching = null;
const toldOf = new Set(); // choices that were left out, each told once
const changed = new Set(); // entries to draw in the next frame

const outbox = new Outbox({ send: deliver, onSent, onRefused, onDelay, onWithdrawn, place: () => place("queue") });
const runs = new Runs({ onChange, onOver, onLost, isHidden: () => document.hidden });
// A stored form of such a message is older than what its events have drawn.
const isDrawn = ({ dataset: { run, status } }) => (status === "in_progress" ? runs.knows(run) : runs.has(run));
const pager = new Pager(log, scroller, { isDrawn, watch });
const live = new Live({
  isSending: () => outbox.isBusy,
  ...{ onPeople: hear, onMessage: arrived, onChanged, onSaidOf, onWelcome, onChat, onRights, onDeleted, onEnd: onLost },
  reload: () => catchUp(),
});
let people = null; // the others here, once there are any
const form = byId("composer");
const calls = { onSend: send, onStop: stop, onInput, onCount: (text) => announcer.say(text), onProblem: report, onOffer: offer, place };
const composer = form ? new Composer(form, calls) : NO_COMPOSER;

// --- Sending ----------------------------------------------------------------------------------------------------------

/** Send a text: it is shown at once, and goes out when all before it have. */
export function send(text, attachments) {
  problem = null;
  ended = "";
  people?.typed(false);
  const item = { key: newKey(), text, attachments, choices: chosen(), parent: log.parent };
  if (!pager.isAtEnd) pager.restart();
  queue(item);
  scroller.anchor(item.article);
}

function queue(item) {
  showWhetherEmpty(false);
  item.article = log.addOwn(item);
  item.foot = waitingLine(() => (outbox.cancel(item), refresh()));
  item.article.append(item.foot);
  outbox.add(item);
  refresh();
}

/** What is not sent after all is back in the composer: to be changed, to be kept, or to be thrown away there. */
function onWithdrawn(item) {
  item.article.remove();
  showWhetherEmpty();
  composer.giveBack([item]);
  refresh();
}

/** The first message makes its chat, or is refused and makes none. */
async function deliver(item) {
  const { key, text, attachments, parent } = item;
  if (!page.chat) return post("/api/chats/runs", begun(item), { key });
  await choicesSaved();
  return parley.sendMessage(page.chat, text, { key, attachments: attachments?.map(asSent), parent: parent ?? undefined });
}

/** The chat of this page is there now. */
function begin(chat) {
  page.chat = chat.id;
  page.hasProject = Boolean(chat.project);
  outbox.move();
  composer.moved();
  history.pushState(null, "", `/chats/${chat.id}/`);
  chats.begun(chat);
  if (chat.sharing !== "private") showSharing(chat);
  showChoices(chat);
  live.open(chat.id);
}

/** Nothing was said here yet, or what was said is taken back. */
function showWhetherEmpty(isEmpty = !page.chat && !outbox.items.length) {
  document.body.classList.toggle("empty", isEmpty);
}

function onSent(item, { chat, run, input, message }) {
  if (chat) begin(chat);
  problem = null;
  isSignedOut = false;
  if (item.foot.contains(document.activeElement)) composer.focus();
  item.foot.remove();
  if (byId(`message-${input.id}`)) item.article.remove(); // an earlier visit has sent it
  else log.confirm(item.article, input);
  if (!byId(`message-${message.id}`)) watch({ run: run.id, article: log.addAnswer(message, run.id) });
  if (item.parent) showNewest();
  if (!input.parent && log.stored[0]?.dataset.id !== input.id) catchUp(); // it begins anew: a command does
  chats.first();
  live.release();
  refresh();
}

/** What is refused goes back to the composer, never to nothing. */
function onRefused(items, error) {
  items.forEach((item) => item.article.remove());
  showWhetherEmpty();
  composer.giveBack(items);
  if (page.chat && error.status === 404) close(WORDS.gone);
  else if (page.chat && error.status === 403 && !isOfMessage(error)) close(WORDS.readOnly);
  else report(WORDS.notSent({ why: whyInWords(error) }));
  if (["model_gone", "plan_model"].includes(error.code)) showGone(byId("model").value, error.fields.successor?.[0]);
  live.release();
}

function onDelay({ status }) {
  isSignedOut = status === 401;
  live.release();
  refresh();
}

function onInput() {
  if (composer.text) people?.typed();
  if (problem && !problem.act) problem = null;
  refresh();
}

// --- Following --------------------------------------------------------------------------------------------------------

function watch(entry) {
  ended = "";
  if (runs.add(entry)) changed.add(entry);
}

function onChange(entry) {
  isSignedOut = false;
  if (entry.answer.workflow !== entry.workflow) showWorkflow((entry.workflow = entry.answer.workflow));
  changed.add(entry);
  refresh();
}

async function showWorkflow(told) {
  if (told) (await import("./workflow.js")).show(told);
}

async function onOver(entry, hasEnd) {
  isStopping = false;
  runs.open.forEach((each) => changed.add(each));
  if (hasEnd) announce(entry);
  refresh();
  const { position } = entry.article.dataset;
  await catchUp(entry.answer.phase === "failed" ? position - 1 : position); // what it failed by may be said at its question
}

function onLost(reason) {
  isSignedOut ||= reason === "signed_out";
  if (reason === "gone") close(WORDS.gone);
  if (reason === "failed") report(WORDS.notFollowed, WORDS.retry, () => ((problem = null), runs.wake()));
  refresh();
}

function announce(entry) {
  const { answer } = entry;
  ended = { failed: WORDS.answerFailed, cancelled: WORDS.stopped }[answer.phase] ?? "";
  if (answer.phase === "completed" && speech() === "whole") announcer.read(textOf(answer));
  else announcer.say(ended);
  if (speech() === "stream") speak(entry);
  tellLeftOut(answer);
}

/** A choice that the model's provider would not take is no failure, but one should know. */
function tellLeftOut({ leftOut, model }) {
  const news = leftOut.filter((each) => !toldOf.has(`${model} ${each}`));
  news.forEach((each) => toldOf.add(`${model} ${each}`));
  if (!news.length) return;
  report(leftOutInWords(news, model));
  problem.tone = "";
}

const speech = () => document.documentElement.dataset.speech;
const speak = async (entry) => (await import("./speak.js")).speak(announcer.answer, entry);

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
    report(WORDS.notDone({ why: whyInWords(error) }), WORDS.retry, stop);
  }
}

// What one can do with a message, by its id: true when it was done, else the state line says why it was not.
export const regenerate = (id) => act(acts.regenerate, id);
export const retry = regenerate;
export const edit = (id, text) => act(acts.edit, id, text);
export const remove = (id) => act(acts.remove, id);
export const fork = (id) => act(acts.fork, id);
export const approve = (...given) => act(acts.approve, ...given);

/** Read the branch that this message is on, as it was read last; the choice is in the address. */
export async function switchVersion(id, sibling) {
  const before = location.search || location.pathname;
  leaveBranch();
  history.replaceState(null, "", `?at=${branches.leafBelow(id)}`);
  const leaf = await pager.switchTo(sibling);
  if (leaf === undefined) history.replaceState(null, "", before); // it could not be read
  else if (leaf) showBranch(leaf);
  else showNewest();
  refresh();
}

/** What is read below each version is read there again when one comes back to it; `id`: a message that gets another beside it. */
function leaveBranch(id) {
  const versions = log.stored.filter((each) => each.dataset.id === id || each.querySelector(".versions"));
  if (log.last) branches.leave(versions.map((each) => each.dataset.id), log.last);
}

function showBranch(leaf) {
  history.replaceState(null, "", `?at=${leaf}`);
  branches.chose(leaf);
}

/** The newest branch again, once something was added to it. */
function showNewest() {
  history.replaceState(null, "", location.pathname);
  branches.chose("");
}

async function act(doing, ...given) {
  problem = null;
  ended = "";
  if (doing === acts.regenerate || doing === acts.edit) leaveBranch(given[0]);
  let done;
  try {
    done = await doing(...given);
  } catch (error) {
    isSignedOut = error.status === 401;
    report(WORDS.notDone({ why: whyInWords(error) }), WORDS.retry, () => act(doing, ...given));
    return false;
  }
  if (doing === acts.regenerate || doing === acts.edit) showNewest();
  await catchUp();
  const asked = doing === acts.edit && byId(`message-${done.input.id}`);
  if (asked) scroller.anchor(asked);
  return true;
}

/** Take the stored messages from a position on as the server renders them. */
export async function catchUp(from = 0) {
  while (catching) await catching;
  if (!page.chat) return;
  catching = load(from);
  await catching;
  catching = null;
  refresh();
}

async function load(from) {
  if (!pager.isAtEnd && !from) return; // the newest are not on the page
  const path = messagesPath(from ? `after=${from - 1}` : "from=0");
  const { search } = location;
  const before = log.stored; // what comes while they are read is not of theirs
  const html = await get(path, "text/html").then((found) => found.text(), () => null);
  if (html === null || search !== location.search) return; // what is shown stays; the reader may have turned to another version
  const fragment = fragmentOf(html);
  drawChanged(); // what is over is not drawn any more once its stored form is here
  log.merge(fragment, isDrawn, { before, from: Number(from) || undefined, to: pager.reach(fragment, from) }).forEach(watch);
}

// --- What others do ---------------------------------------------------------------------------------------------------

function arrived(message) {
  if (byId(`message-${message.id}`)) return;
  const isOpen = message.status === "in_progress" && message.run;
  if (message.parent !== log.last || (message.role === "assistant" && !isOpen)) return catchUp();
  showWhetherEmpty(false);
  if (isOpen) watch({ run: message.run, article: log.addAnswer(message, message.run) });
  else log.addOther(message);
  if (!isOpen && message.author && message.author.id !== page.user.id) tellOf(message.author);
  refresh();
}

/** Of people; the part that shows them is loaded with the first of them. */
async function hear(message) {
  if (!people && message.type !== "presence" && message.type !== "typing") return;
  const { People } = await import("./people.js");
  people ??= new People({ faces: byId("people"), line: byId("typing"), me: page.user, tell: (message) => live.tell(message) });
  people.hear(message);
}

function tellOf({ name }) {
  if (Date.now() - toldAt > NEWS_MS) announcer.say(WORDS.newFrom({ name }));
  toldAt = Date.now();
}

function onChanged(message) {
  if (!runs.has(message.run) || message.work) catchUp(message.position);
}

async function onSaidOf({ message, ...said }) {
  const article = byId(`message-${message}`);
  if (article) (await import("./said.js")).draw(article, said);
}

function onWelcome(chat, isFirst) {
  isSignedOut = false;
  if (!isFirst || (chat.live_run && !runs.has(chat.live_run)) || (chat.leaf !== log.last && !log.parent)) catchUp();
  refresh();
}

function onChat(chat) {
  chats.titled(chat);
  showChoices(chat);
  showSharing(chat);
}

async function showSharing(chat) {
  try {
    await (await import("./share.js")).showSharing(chat);
  } catch (error) {
    if (error.isLost === undefined) throw error; // what is shown stays; the socket tells of a right that is gone
  }
}

function onRights(permissions) {
  const canWrite = permissions.includes("write");
  document.body.classList.toggle("read-only", !canWrite);
  if (canWrite && closed !== WORDS.readOnly) return;
  closed = canWrite ? "" : form ? WORDS.readOnly : "";
  composer.setOpen(canWrite);
  refresh();
}

function onDeleted(by) {
  close(by ? WORDS.deletedBy({ name: by.name }) : WORDS.gone);
}

function close(why) {
  closed ||= why;
  composer.setOpen(false);
  announcer.say(closed);
  refresh();
}

// --- Showing ----------------------------------------------------------------------------------------------------------

/** Say what went wrong, and perhaps what one can do. */
export function report(text, action, act) {
  problem = text ? { text, action, act } : null;
  announcer.say(text);
  refresh();
}

/** Offer something: no problem, and gone once it is done. */
function offer(text, action, act) {
  report(text, action, () => ((problem = null), act()));
  problem.tone = "";
}

/** Draw in the next frame, however often this is called before it. */
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
  for (const item of outbox.items) showWaiting(item, outbox);
  composer.setRunning(runs.length > 0);
  const state = stateOf({ isOnline: navigator.onLine, isSignedOut, closed, problem, outbox, runs, isStopping, ended, acts: offered });
  line.show(state);
  if (state.isSaid) announcer.say(state.text.split(" · ")[0]);
  scroller.settle();
}

// What the state line's button does.
const offered = {
  stop,
  offersStop: () => composer.offersStop,
  reconnect: () => runs.wake(),
  sendNow: () => outbox.wake(),
  startNew: async () => (await composer.carry((kind) => `${kind}:${page.user.id}:new`), location.assign("/")),
  signIn: () => location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`),
};

// --- Coming and going -------------------------------------------------------------------------------------------------

function comeBack() {
  composer.comeBack();
  runs.resume();
  runs.wake();
  outbox.wake();
  if (!closed) live.open(page.chat);
  if (hiddenAt && Date.now() - hiddenAt > AWAY_MS) {
    catchUp();
    log.markDays(); // it may be another day
    chats.markTimes();
  }
  hiddenAt = 0;
  refresh();
}

function leave() {
  runs.pause();
  live.close();
}

document.addEventListener("visibilitychange", () => (document.hidden ? (hiddenAt = Date.now()) : comeBack()));
addEventListener("online", comeBack);
addEventListener("offline", refresh);
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => event.persisted && (comeBack(), catchUp()));
addEventListener("popstate", () => location.reload());
setInterval(() => {
  runs.open.forEach((entry) => changed.add(entry));
  if (runs.first && speech() === "stream") speak(runs.first);
  if (runs.first || outbox.items.length) refresh();
}, 1000);

byId("text")?.addEventListener("compact", async () => (await act(acts.compact)) && announcer.say(WORDS.compacting));

for (const id of ["sharing", "people"]) {
  byId(id).addEventListener("click", async () => page.chat && (await import("./share.js")).open());
}

// What is loaded only when it is needed could not be.
addEventListener("unhandledrejection", ({ reason }) => /module/i.test(reason?.message) && report(WORDS.notDone({ why: WORDS.noServer })));

listen(byId("log"), {
  ...{ regenerate, edit, remove, fork, approve, switchVersion },
  older: () => pager.older(),
  showRest: async (button, id) => (await import("./sources.js")).showRest(button, id, log.drawn(id)),
  copy: async (button, id) => {
    const said = await (await import("./sources.js")).copy(button, id, log.drawn(id));
    if (said === WORDS.copied) announcer.say(said);
    else report(said);
  },
  fill: (text) => composer.fill(text),
  focus: () => composer.focus(),
  report,
});

listenToChoices({
  onChosen: (chat) => (chats.titled(chat), showChoices(chat)),
  onRefused: (error, again) => report(WORDS.notDone({ why: whyInWords(error) }), WORDS.retry, again),
});

log.adopt().forEach(watch);
log.markDays();
branches.chose(new URLSearchParams(location.search).get("at") ?? "");
outbox.kept().then((items) => (items.forEach(queue), items.length && scroller.toEnd()));
live.open(page.chat);
if (byId("grants").matches("[data-any]")) import("./grants.js").then(({ show }) => show());
scroller.toEnd();
pager.arrive();
document.body.classList.add("ready");
performance.mark("ready");
if (form?.dataset.early) {
  composer.setOpen(true);
  composer.submit(); // it was sent before this was here
}
refresh();
