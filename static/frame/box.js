// Where one writes: Enter sends, and one place for Send and Stop.

import { WORDS } from "../chat/words.js";

const NEAR = 0.9; // of the longest text: from here on it is said how much is left

export class Box {
  /** Called: `onSend(text)`, `onStop()`, `onInput(text)`. */
  constructor(form, { onSend, onStop, onInput }) {
    this.text = form.querySelector("textarea");
    this.send = form.querySelector(".send");
    this.stop = form.querySelector(".stop");
    this.counter = form.querySelector(".counter");
    Object.assign(this, { onSend, onInput });
    form.addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    this.stop.addEventListener("click", onStop);
    this.text.addEventListener("input", () => (this.#show(), onInput(this.text.value)));
    this.text.addEventListener("keydown", (event) => this.#key(event));
    this.#show();
  }

  /** Put a text back, before what was typed since. */
  giveBack(text) {
    this.text.value = [text, this.text.value].filter((each) => each.trim()).join("\n\n");
    this.#show();
    this.onInput(this.text.value);
  }

  setRunning(isRunning) {
    this.stop.hidden = !isRunning;
    this.send.hidden = isRunning;
  }

  setOpen(isOpen) {
    this.text.readOnly = !isOpen;
    this.#show();
  }

  focus() {
    this.text.focus();
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229) return;
    if (matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    if (!event.repeat) this.#submit();
  }

  #submit() {
    const text = this.text.value;
    if (this.send.disabled || this.send.hidden) return;
    this.text.value = "";
    this.#show();
    this.onInput("");
    this.onSend(text);
  }

  #show() {
    const most = Number(this.text.dataset.most);
    const length = [...this.text.value].length;
    this.counter.hidden = length < NEAR * most;
    this.counter.textContent = length > most ? WORDS.over({ count: length - most }) : WORDS.left({ count: most - length });
    this.send.disabled = !this.text.value.trim() || length > most || this.text.readOnly;
  }
}
