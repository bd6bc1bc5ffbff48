// The page of a project's document: read as a tree, changed as text, taken back by its history, and others' changes as they come.

import { RequestFailed } from "../parley.js";
import { parley } from "./api.js";
import { draw } from "./documenttree.js";
import { History, timeOf, whoOf } from "./documenthistory.js";
import { visible } from "./hidden.js";
import { NotJson, indented, read } from "./jsontext.js";
import { byId, data, page } from "./page.js";
import { WORDS, whyInWords } from "./words.js";

const PATH = `/api/projects/${page.project}/document/`;
const POLL_MS = 5_000; // where there is no socket
const TABS = ["tree", "text", "history"];
const [box, save, drop, told, wrong] = ["value", "save", "drop", "told", "wrong"].map(byId);
const history = new History({ path: PATH, canWrite: page.canWrite, onBack: undo });
let version = page.version; // the newest that is known
let base = page.version; // the one that the text in the box is for
let stored = indented(read(data("content"))); // what that version is, as the box has it
let isConnected = false;
let isSending = false; // what is heard meanwhile may be our own; nor is anything sent twice

const isDirty = () => box.value !== stored;

// --- Showing ----------------------------------------------------------------------------------------------------------

/** `sent`: what the box held when this was asked for; what was typed since then stays. */
function show(text, sent = box.value) {
  const node = read(text);
  draw(byId("tree-place"), node);
  stored = indented(node);
  if (box.value === sent) box.value = stored;
  check();
}

async function about(row) {
  byId("about").textContent = row ? WORDS.documentAbout({ version: row.version, who: whoOf(row), when: timeOf(row.created_at) }) : WORDS.documentNew;
}

function say(text, isBad = false) {
  told.textContent = text;
  told.className = isBad ? "told bad" : "told";
}

/** What is in the box, as far as it is JSON, and which buttons do something now. */
function check() {
  wrong.textContent = "";
  box.removeAttribute("aria-invalid");
  try {
    read(box.value);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    wrong.textContent = WORDS.documentBroken({ line: error.line, column: error.column });
    box.setAttribute("aria-invalid", "true");
  }
  if (!page.canWrite) return;
  save.disabled = isSending || !isDirty() || wrong.textContent !== "";
  drop.disabled = !isDirty();
}

// --- What others do ---------------------------------------------------------------------------------------------------

/** The document as it is now; nothing where it is the version that is known. */
async function fetchNewer(known) {
  const response = await parley.fetch(PATH, { headers: { "If-None-Match": `"${known}"` } });
  if (response.status === 304) return null;
  if (!response.ok) throw new RequestFailed("", { status: response.status });
  return { text: await response.text(), version: Number(response.headers.get("ETag").replaceAll(/\D/g, "")) };
}

/** Somebody has changed it, perhaps oneself: take it, unless there is text in the box that would be lost. */
async function catchUp() {
  if (isSending) return;
  const newer = await fetchNewer(version);
  if (isSending || !newer || newer.version <= version) return;
  version = newer.version;
  const row = await history.show();
  about(row);
  if (isDirty()) return conflict(row);
  take(newer);
  say(WORDS.documentChanged({ who: whoOf(row), version }));
}

function take(newer, sent) {
  base = version = newer.version;
  show(newer.text, sent);
  byId("conflict").hidden = true;
}

function conflict(row) {
  byId("conflict-told").textContent = WORDS.documentConflict({ who: whoOf(row), version: row.version, when: timeOf(row.created_at), base });
  byId("conflict").hidden = false;
  byId("theirs").hidden = true;
}

byId("reload")?.addEventListener("click", async () => {
  const dropped = box.value;
  take(await fetchNewer(-1), dropped);
  say("");
  box.focus();
});

byId("both")?.addEventListener("click", async () => {
  const newer = await fetchNewer(-1);
  base = version = newer.version;
  const node = read(newer.text);
  stored = indented(node);
  draw(byId("tree-place"), node);
  byId("theirs-text").textContent = visible(stored);
  byId("theirs").hidden = false;
  say(WORDS.documentBoth({ version }));
  check();
});

// --- Changing ---------------------------------------------------------------------------------------------------------

async function change(method, path, body) {
  const headers = { "Content-Type": "application/json", "If-Match": `"${base}"` };
  const response = await parley.request(path, { method, headers, body });
  return response.json();
}

/** Do it, and say why not where it was refused. */
async function attempt(act) {
  if (isSending) return;
  isSending = true;
  check();
  const error = await act().catch((refused) => refused);
  isSending = false;
  check();
  if (!error) return;
  if (error.status !== 412) return say(WORDS.notDone({ why: whyInWords(error) }), true);
  say("");
  await catchUp().catch(() => {});
}

async function put() {
  const sent = box.value;
  await change("PUT", PATH, sent);
  take(await fetchNewer(-1), sent); // as it is stored: a number may be written in another way
  about(await history.show());
  say(WORDS.documentSaved({ version }));
}

function undo(to) {
  return attempt(async () => {
    if (isDirty()) return say(WORDS.documentUnsaved, true);
    const shown = box.value;
    await change("POST", `${PATH}undo`, JSON.stringify({ to }));
    take(await fetchNewer(-1), shown);
    about(await history.show());
    say(WORDS.documentBack({ to, version }));
  });
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (save && !save.disabled) attempt(put);
});
drop?.addEventListener("click", async () => {
  box.value = stored;
  check();
  const dropped = box.value;
  if (version !== base) take(await fetchNewer(-1), dropped);
  say("");
  box.focus();
});
box.addEventListener("input", check);
addEventListener("beforeunload", (event) => isDirty() && event.preventDefault());

// --- Its three views ----------------------------------------------------------------------------------------------------

function choose(name, isFocused = false) {
  for (const each of TABS) {
    const tab = byId(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
    byId(each).hidden = each !== name;
  }
  if (isFocused) byId(`tab-${name}`).focus();
}

for (const [index, name] of TABS.entries()) {
  byId(`tab-${name}`).addEventListener("click", () => choose(name));
  byId(`tab-${name}`).addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step) choose(TABS.at((index + step) % TABS.length), true);
  });
}

// --- Its life ----------------------------------------------------------------------------------------------------------

const socket = parley.watchProject(page.project, {
  onMessage: (message) => (message.document?.version ?? message.version) > version && catchUp().catch(() => {}),
  onConnection: ({ isOpen }) => (isConnected = isOpen),
  onEnd: (reason) => ((isConnected = true), say(reason === "signed_out" ? WORDS.signedOut : WORDS.notThere, true)),
});
setInterval(() => isConnected || document.hidden || catchUp().catch(() => {}), POLL_MS);
addEventListener("online", () => socket.wake());
document.addEventListener("visibilitychange", () => document.hidden || socket.wake());

show(data("content"));
history.show().then(about).catch(() => {});
document.body.classList.add("ready");
