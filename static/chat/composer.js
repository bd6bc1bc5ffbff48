// The composer: a textarea that grows, Enter sends, and one place for Send and Stop. Keeps a draft per chat.

const TWICE_MS = 500; // a click on Stop within this is the second half of a double click on Send

/** In place of a composer for who may read only. */
export const NO_COMPOSER = { text: "", offersStop: true, fill() {}, setRunning() {} };

export class Composer {
  #escapedAt = 0;
  #isRunning = false;

  /** `onSend(text)`, `onStop()` and `onInput()` are called; `draftKey()` names the place of the draft. */
  constructor(form, { onSend, onStop, onInput, draftKey }) {
    this.form = form;
    this.box = form.querySelector("textarea");
    this.send = form.querySelector(".send");
    this.stop = form.querySelector(".stop");
    Object.assign(this, { onSend, onStop, onInput, draftKey });
    form.addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    this.stop.addEventListener("click", () => this.onStop());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("input", () => (this.#saveDraft(), this.#show(), this.onInput()));
    this.restore();
  }

  get text() {
    return this.box.value;
  }

  /** Put a text in the box, as if it had been typed, with the cursor at its end. */
  fill(text) {
    this.box.value = text;
    this.#saveDraft();
    this.#show();
    this.box.focus();
  }

  /** Take up the draft of this chat, if the box is empty. */
  restore() {
    if (!this.box.value) this.box.value = sessionStorage.getItem(this.draftKey()) ?? "";
    this.#show();
  }

  /** Whether an answer runs: an empty box then offers Stop. */
  setRunning(isRunning) {
    if (isRunning === this.#isRunning) return;
    this.#isRunning = isRunning;
    this.#show();
  }

  /** Whether its button is Stop now. */
  get offersStop() {
    return !this.stop.hidden;
  }

  #submit() {
    const text = this.box.value.trim();
    if (!text || this.box.disabled) return;
    sessionStorage.removeItem(this.draftKey());
    this.box.value = "";
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
    this.#submit();
  }

  /** Twice stops. */
  #escape() {
    const now = performance.now();
    if (this.#isRunning && now - this.#escapedAt < 1000) this.onStop();
    this.#escapedAt = now;
  }

  #saveDraft() {
    if (this.box.value) sessionStorage.setItem(this.draftKey(), this.box.value);
    else sessionStorage.removeItem(this.draftKey());
  }

  #show() {
    this.#grow();
    const offersStop = this.#isRunning && !this.box.value.trim();
    if (this.stop.hidden === offersStop) this.#swap(offersStop);
    this.send.disabled = !this.box.value.trim();
  }

  #swap(offersStop) {
    const hadFocus = document.activeElement === (offersStop ? this.send : this.stop);
    this.stop.hidden = !offersStop;
    this.send.hidden = offersStop;
    this.stop.disabled = true;
    setTimeout(() => (this.stop.disabled = false), TWICE_MS);
    if (hadFocus) this.box.focus();
  }

  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }
}
