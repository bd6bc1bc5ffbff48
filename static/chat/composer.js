// The composer: a textarea that grows, Enter sends, and one place for Send and Stop. Keeps a draft per chat.

import { keep, kept } from "./store.js";
import { WORDS } from "./words.js";

const TWICE_MS = 500; // a click on Stop within this is the second half of a double click on Send
const PAUSE_MS = 300; // a draft is kept this long after the last key
const NEAR = 0.9; // of the longest text: from here on the counter shows

const LONG_PASTE = 4000; // characters: offered to go as a file

/** In place of a composer for who may read only. */
export const NO_COMPOSER = { text: "", offersStop: true, fill() {}, giveBack() {}, setRunning() {}, setOpen() {}, focus() {} };

export class Composer {
  #escapedAt = 0;
  #isRunning = false;
  #timer = 0;
  #over = 0; // characters too many
  #files = null;
  #slash = null;
  #loading = null;

  /**
   * Called: `onSend(text, attachments)`, `onStop()`, `onInput()`, `onCount(text)` after a pause, `onProblem(text)` and
   * `onOffer(text, action, act)`;
   * `draftKey()` names the place of the draft.
   */
  constructor(form, { onSend, onStop, onInput, onCount, onProblem, onOffer, draftKey }) {
    this.form = form;
    this.box = form.querySelector("textarea");
    this.send = form.querySelector(".send");
    this.stop = form.querySelector(".stop");
    this.counter = form.querySelector(".counter");
    Object.assign(this, { onSend, onStop, onInput, onCount, onProblem, onOffer, draftKey });
    form.addEventListener("submit", (event) => (event.preventDefault(), this.submit()));
    form.addEventListener("change", ({ target }) => target.type === "file" && this.#chosen(target));
    this.box.addEventListener("paste", (event) => this.#pasted(event));
    document.addEventListener("dragover", (event) => isOfFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => isOfFiles(event) && (event.preventDefault(), this.#attach(event.dataTransfer.files)));
    this.stop.addEventListener("click", () => this.onStop());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("input", () => this.#typed());
    addEventListener("pagehide", () => this.#saveDraft());
    this.#show();
    kept(draftKey()).then((draft) => draft && !this.box.value && this.#write(draft));
  }

  get text() {
    return this.box.value;
  }

  /** Put a text in the box, as if it had been typed, with the cursor at its end. */
  fill(text) {
    this.#write(text);
    this.focus();
  }

  /** Messages that could not be sent come back, before what was typed since. */
  giveBack(messages) {
    this.fill([...messages.map(({ text }) => text), this.box.value].filter((text) => text.trim()).join("\n\n"));
    const attachments = messages.flatMap((each) => each.attachments ?? []);
    if (attachments.length) this.#put(attachments);
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

  /** Send what is in the box. */
  submit() {
    const text = this.box.value.trim();
    if (this.box.readOnly) return;
    if (this.#loading) return this.#loading.then(() => this.#slash.enter() || this.submit());
    if (!text) return this.onProblem(WORDS.empty);
    if (this.#over) return this.onProblem(WORDS.tooLong({ count: Number(this.box.dataset.most) }));
    this.box.value = "";
    this.#saveDraft();
    this.#show();
    this.onSend(text, this.#files?.take());
  }

  // --- Files: their part is loaded with the first one ---

  #attach(files) {
    return this.#useFiles((all) => all.add(files));
  }

  #put(attachments) {
    return this.#useFiles((all) => all.put(attachments));
  }

  async #useFiles(act) {
    const { Files } = await import("./files.js");
    this.#files ??= new Files(this.form.querySelector(".files"), this.onProblem);
    return act(this.#files);
  }

  async #chosen(input) {
    await this.#attach([...input.files]);
    input.value = "";
    this.focus();
  }

  /** Files go along; a long text is offered to. */
  #pasted(event) {
    const { files } = event.clipboardData;
    const text = event.clipboardData.getData("text/plain");
    if (files.length && !text) return event.preventDefault(), this.#attach([...files]);
    if (text.length <= LONG_PASTE) return;
    this.onOffer(WORDS.pasted({ count: text.length }), WORDS.asFile, () => {
      this.fill(this.box.value.replace(text.replaceAll("\r\n", "\n"), () => ""));
      this.#put([{ type: "file", name: "pasted.txt", content: text }]);
    });
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

  #saveDraft() {
    clearTimeout(this.#timer);
    keep(this.draftKey(), this.box.value);
  }

  #show() {
    this.#grow();
    this.#count();
    const isEmpty = !this.box.value.trim();
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
