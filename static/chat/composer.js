// The composer: a textarea that grows, Enter sends, and one place for Send and Stop. What is in it is kept until it is sent.

import { Draft } from "./drafts.js";
import { choicesMade, restoreChoices } from "./start.js";
import { labelOf, WORDS } from "./words.js";

const TWICE_MS = 500; // a click on Stop within this is the second half of a double click on Send
const DRAGGED_MS = 500; // between two events of files that are held over the page, at most
const PAUSE_MS = 300; // a draft is kept this long after the last key
const NEAR = 0.9; // of the longest text: from here on the counter shows

const LONG_PASTE = 4000; // characters: offered to go as a file

/** In place of a composer for who may read only. */
export const NO_COMPOSER = { text: "", offersStop: true, fill() {}, giveBack() {}, setRunning() {}, setOpen() {}, focus() {}, moved() {}, comeBack() {}, carry() {} };

export class Composer {
  #escapedAt = 0;
  #isRunning = false;
  #timer = 0;
  #over = 0; // characters too many
  #files = null;
  #slash = null;
  #loading = null;
  #reading = null; // the part for files is being loaded
  #isHeld = false; // sent, and waits for its files
  #dragging = 0;
  #recording = null; // a sound that is being spoken
  #unkept = new Set(); // what this browser does not keep: leaving the page would lose it
  #isComposing = false; // an input method is at work in the box

  /**
   * Called: `onSend(text, attachments)`, `onStop()`, `onInput()`, `onCount(text)` after a pause, `onProblem(text)` and
   * `onOffer(text, action, act)`;
   * `place(kind)` names where things of a kind are kept.
   */
  constructor(form, { onSend, onStop, onInput, onCount, onProblem, onOffer, place }) {
    this.form = form;
    this.box = form.querySelector("textarea");
    this.send = form.querySelector(".send");
    this.stop = form.querySelector(".stop");
    this.counter = form.querySelector(".counter");
    this.draft = new Draft(place);
    Object.assign(this, { onSend, onStop, onInput, onCount, onProblem, onOffer });
    form.addEventListener("submit", (event) => (event.preventDefault(), this.submit()));
    form.addEventListener("change", ({ target }) => (target.type === "file" ? this.#chosen(target) : this.#chose(target)));
    this.box.addEventListener("paste", (event) => this.#pasted(event));
    document.addEventListener("dragover", (event) => isOfFiles(event) && this.#dragged(event));
    document.addEventListener("drop", (event) => isOfFiles(event) && (event.preventDefault(), this.#attach(event.dataTransfer.files)));
    const mic = form.querySelector(".record");
    if (mic) mic.hidden = !(window.MediaRecorder && navigator.mediaDevices);
    mic?.addEventListener("click", () => this.#record());
    this.stop.addEventListener("click", () => this.onStop());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("compositionstart", () => (this.#isComposing = true));
    this.box.addEventListener("compositionend", () => (this.#isComposing = false));
    addEventListener("pagehide", () => this.draft.saveNow(this.#kept));
    this.#show();
    this.draft.read().then((found) => found && this.#restore(found));
  }

  get text() {
    return this.box.value;
  }

  /** Put a text in the box, behind what is there, as if it had been typed. */
  fill(text) {
    this.#write([this.box.value, text].filter((each) => each.trim()).join("\n\n"));
    this.focus();
  }

  /** Messages that could not be sent come back, before what was typed since; also more files than go with one message. */
  giveBack(messages) {
    this.#before(messages.map(({ text }) => text));
    const attachments = messages.flatMap((each) => each.attachments ?? []);
    if (attachments.length) this.#useFiles((all) => all.restore(attachments));
    if (!this.#isComposing) this.focus();
  }

  /** What an earlier visit left, before what was typed by now. */
  #restore({ text = "", files, choices }) {
    if (text !== this.box.value) this.#before([text]);
    if (files.length) this.#useFiles((all) => all.restore(files));
    restoreChoices(choices);
    this.#saveDraft();
  }

  #before(texts) {
    const write = () => this.#write([...texts, this.box.value].filter((text) => text.trim()).join("\n\n"));
    // A text that is put in while an input method is at work in it would end its word.
    if (this.#isComposing) this.box.addEventListener("compositionend", write, { once: true });
    else write();
  }

  /** The chat has got its name: what is in the box belongs to it now. */
  moved() {
    this.#saveDraft();
    this.#saveFiles();
  }

  /** Shown again after it was away: another tab may have taken over what is in the box. */
  async comeBack() {
    if (!(await this.draft.isElsewhere())) return;
    this.#files?.take();
    this.#write("");
  }

  /** Keep what is in the box for a new chat instead, before the page goes there. */
  async carry(place) {
    const other = new Draft(place);
    const there = await other.read();
    const text = [there?.text, this.box.value].filter(Boolean).join("\n\n");
    const files = [...(there?.files ?? []), ...(this.#files?.kept ?? [])];
    await Promise.all([other.save({ text, choices: there?.choices, hasFiles: files.length > 0 }), other.saveFiles(files)]);
    this.#files?.take();
    this.box.value = "";
    await this.#saveDraft();
  }

  focus() {
    this.box.focus();
  }

  /** Whether an answer runs: an empty box then offers Stop. */
  setRunning(isRunning) {
    if (isRunning === this.#isRunning) return;
    this.#isRunning = isRunning;
    this.#show();
  }

  /** Whether one may write here; what is typed stays and can be copied. */
  setOpen(isOpen) {
    this.box.readOnly = !isOpen;
    this.#show();
  }

  /** Whether its button is Stop now. */
  get offersStop() {
    return !this.stop.hidden;
  }

  #write(text) {
    this.box.value = text;
    this.#typed();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#paused(), PAUSE_MS);
    this.#show();
    this.onInput();
    if (this.box.value[0] === "/" || this.box.role) this.#list();
  }

  /** What "/" lists, loaded with the first one. */
  #list() {
    if (this.#slash) return this.#slash.update();
    this.#loading ??= import("./slash.js").then((slash) => (this.#slash = slash).update()).finally(() => (this.#loading = null));
  }

  /** Send what is in the box, as it was typed. */
  submit() {
    const text = this.box.value;
    if (this.box.readOnly) return;
    if (this.#loading) return this.#loading.then(() => this.#slash.enter() || this.submit());
    if (this.#reading) return (this.#isHeld = true), this.#reading.then(() => this.#release());
    const why = this.#isEmpty ? WORDS.empty : this.#over ? WORDS.tooLong({ count: Number(this.box.dataset.most) }) : this.#files?.problem;
    if (why) return this.onProblem(why);
    if (this.#recording || this.#files?.going) return this.#hold();
    this.onSend(text, this.#files?.take());
    this.box.value = "";
    this.#saveDraft();
    this.#show();
  }

  get #isEmpty() {
    return !this.box.value.trim() && !this.#files?.items.length && !this.#recording;
  }

  /** Send it when its files are there, and say so; until then it can be changed, or not be sent after all. */
  #hold() {
    this.#isHeld = true;
    this.#recording?.finish();
    this.onOffer(WORDS.sendsWhen({ count: this.#files?.going || 1 }), WORDS.notYet, () => (this.#isHeld = false));
  }

  /** What was held goes as soon as nothing is on its way any more; what cannot go says why. */
  #release() {
    if (!this.#isHeld || this.#recording || this.#reading) return;
    if (this.#files?.going) return this.#hold();
    this.#isHeld = false;
    if (this.#isEmpty) this.onProblem(""); // its file was taken away
    else this.submit();
  }

  /** Another agent, model or project. What a model cannot see it is told in words, and the reader that it is. */
  async #chose(target) {
    this.#saveDraft();
    if (target.id !== "model" || !(this.#files?.hasPictures || document.querySelector("#log .attachments img"))) return;
    const { isBlind } = await import("./files.js");
    if (isBlind()) this.onProblem(WORDS.picturesInWords({ name: labelOf(target.value) }));
  }

  // --- Files: their part is loaded with the first one ---

  #attach(files) {
    const chosen = [...files]; // a list that a drop brings is empty once it is over
    return this.box.readOnly ? [] : this.#useFiles((all) => all.add(chosen));
  }

  /** One after the other; what is sent waits for them. */
  #useFiles(act) {
    const done = Promise.all([import("./files.js"), this.#reading]).then(([{ Files }]) => {
      const calls = { onProblem: (why) => this.#tell(why), onSay: this.onCount, onChange: () => this.#changed() };
      this.#files ??= new Files(this.form.querySelector(".files"), calls);
      return act(this.#files);
    });
    this.#reading = done.catch(() => {}).finally(() => this.#reading === waited && (this.#reading = null));
    const waited = this.#reading;
    return done;
  }

  /** Say what is wrong with a file. What is held does not go without one that was refused meanwhile. */
  #tell(why) {
    this.#isHeld = false;
    this.onProblem(why);
  }

  #changed() {
    this.#saveFiles();
    this.#saveDraft();
    this.#show();
    queueMicrotask(() => this.#release());
  }

  /** While files are over the page, the box shows that it takes them. */
  #dragged(event) {
    event.preventDefault();
    this.form.classList.toggle("dropping", !this.box.readOnly);
    clearTimeout(this.#dragging);
    this.#dragging = setTimeout(() => this.form.classList.remove("dropping"), DRAGGED_MS);
  }

  async #chosen(input) {
    const files = [...input.files];
    input.value = "";
    await this.#attach(files);
    this.focus();
  }

  /** Files go along; a long text is offered to. */
  #pasted(event) {
    const { files } = event.clipboardData;
    const text = event.clipboardData.getData("text/plain").replaceAll("\r\n", "\n");
    if (files.length && !text) return event.preventDefault(), this.#attach(files);
    if (text.length > LONG_PASTE) this.onOffer(WORDS.pasted({ count: text.length }), WORDS.asFile, () => this.#toFile(text));
  }

  async #toFile(text) {
    (await import("./pasting.js")).toFile(this.box, text, (files) => this.#attach(files));
  }

  /** A sound, from the press of its button until it is ended; then it is a file as any other. */
  async #record() {
    const { Recording } = await import("./recording.js");
    if (this.#recording || this.box.readOnly) return;
    this.#recording = new Recording(this.form, (why) => this.#tell(why));
    this.#guard("recording", false);
    this.#show();
    const sound = await this.#recording.run();
    this.#recording = null;
    this.#guard("recording", true);
    if (sound) await this.#attach([sound]);
    else this.#release();
    this.#show();
    if (!this.#isHeld) this.focus();
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method is at work: its Enter is not ours
    if (event.key === "Escape") return this.#escape();
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    if (document.documentElement.dataset.enter === "line" && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (!event.repeat) this.submit();
  }

  /** Twice stops. */
  #escape() {
    const now = performance.now();
    if (this.#isRunning && now - this.#escapedAt < 1000) this.onStop();
    this.#escapedAt = now;
  }

  #paused() {
    this.#saveDraft();
    if (!this.counter.hidden) this.onCount(this.counter.textContent); // seen at each key, heard now
  }

  async #saveDraft() {
    clearTimeout(this.#timer);
    this.#guard("draft", await this.draft.save(this.#kept));
  }

  get #kept() {
    return { text: this.box.value, choices: choicesMade(), hasFiles: Boolean(this.#files?.items.length) };
  }

  async #saveFiles() {
    this.#guard("files", await this.draft.saveFiles(this.#files?.kept ?? []));
  }

  /** Where nothing can be kept, the browser asks before it leaves the page. */
  #guard(kind, isKept) {
    if (isKept) this.#unkept.delete(kind);
    else this.#unkept.add(kind);
    (this.#unkept.size ? addEventListener : removeEventListener)("beforeunload", this.#ask);
  }

  #ask = (event) => !this.#isEmpty && event.preventDefault();

  #show() {
    this.#grow();
    this.#count();
    const isEmpty = this.#isEmpty;
    const offersStop = this.#isRunning && isEmpty;
    if (this.stop.hidden === offersStop) this.#swap(offersStop);
    this.send.disabled = isEmpty || this.#over > 0 || this.box.readOnly;
  }

  #swap(offersStop) {
    const hadFocus = document.activeElement === (offersStop ? this.send : this.stop);
    this.stop.hidden = !offersStop;
    this.send.hidden = offersStop;
    this.stop.disabled = true;
    setTimeout(() => (this.stop.disabled = false), TWICE_MS);
    if (hadFocus) this.box.focus();
  }

  /** Near the longest text that may be sent, say how much is left. */
  #count() {
    const most = Number(this.box.dataset.most);
    const isNear = this.box.value.length > NEAR * most;
    const length = isNear ? [...this.box.value].length : 0; // as the server counts: whole characters
    this.#over = Math.max(0, length - most);
    this.counter.hidden = !isNear;
    this.counter.classList.toggle("bad", this.#over > 0);
    if (isNear) this.counter.textContent = this.#over ? WORDS.over({ count: this.#over }) : WORDS.left({ count: most - length });
  }

  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }
}

function isOfFiles({ dataTransfer }) {
  return dataTransfer.types.includes("Files");
}
