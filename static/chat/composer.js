// The composer: a textarea that grows, Enter sends, and one place for Send and Stop. Keeps a draft per chat.

import { keep, kept } from "./store.js";
import { WORDS } from "./words.js";

const TWICE_MS = 500; // a click on Stop within this is the second half of a double click on Send
const PAUSE_MS = 300; // a draft is kept this long after the last key
const NEAR = 0.9; // of the longest text: from here on the counter shows

/** In place of a composer for who may read only. */
export const NO_COMPOSER = { text: "", offersStop: true, fill() {}, giveBack() {}, setRunning() {}, setOpen() {}, focus() {} };

export class Composer {
  #escapedAt = 0;
  #isRunning = false;
  #timer = 0;
  #over = 0; // characters too many

  /** `onSend(text)`, `onStop()`, `onInput()` and `onProblem(text)` are called; `draftKey()` names the place of the draft. */
  constructor(form, { onSend, onStop, onInput, onProblem, draftKey }) {
    this.form = form;
    this.box = form.querySelector("textarea");
    this.send = form.querySelector(".send");
    this.stop = form.querySelector(".stop");
    this.counter = form.querySelector(".counter");
    Object.assign(this, { onSend, onStop, onInput, onProblem, draftKey });
    form.addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    this.stop.addEventListener("click", () => this.onStop());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("input", () => this.#typed());
    addEventListener("pagehide", () => this.#saveDraft());
    this.#show();
    kept(draftKey()).then((draft) => draft && !this.box.value && this.#put(draft));
  }

  get text() {
    return this.box.value;
  }

  /** Put a text in the box, as if it had been typed, with the cursor at its end. */
  fill(text) {
    this.#put(text);
    this.focus();
  }

  /** Texts that could not be sent come back, before what was typed since. */
  giveBack(texts) {
    this.fill([...texts, this.box.value].filter((text) => text.trim()).join("\n\n"));
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

  #put(text) {
    this.box.value = text;
    this.#typed();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#saveDraft(), PAUSE_MS);
    this.#show();
    this.onInput();
  }

  #submit() {
    const text = this.box.value.trim();
    if (this.box.readOnly) return;
    if (!text) return this.onProblem(WORDS.empty);
    if (this.#over) return this.onProblem(WORDS.tooLong({ count: Number(this.box.dataset.most) }));
    this.box.value = "";
    this.#saveDraft();
    this.#show();
    this.onSend(text);
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method is at work: its Enter is not ours
    if (event.key === "Escape") return this.#escape();
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    const isTouch = matchMedia("(pointer: coarse)").matches;
    if (isTouch && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (!event.repeat) this.#submit();
  }

  /** Twice stops. */
  #escape() {
    const now = performance.now();
    if (this.#isRunning && now - this.#escapedAt < 1000) this.onStop();
    this.#escapedAt = now;
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
