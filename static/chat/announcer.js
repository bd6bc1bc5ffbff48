// What a screen reader hears: one short line for the state, and the answer once, at its end. Never a token.

import { WORDS } from "./words.js";

const REPEAT_MS = 10_000;
const WHOLE_CHARS = 600;

export class Announcer {
  #said = "";
  #saidAt = 0;

  constructor(status, answer) {
    this.status = status;
    this.answer = answer;
  }

  /** Say a state, unless it was said within the last ten seconds. */
  say(text) {
    const now = performance.now();
    if (!text || (text === this.#said && now - this.#saidAt < REPEAT_MS)) return;
    this.#said = text;
    this.#saidAt = now;
    this.status.textContent = text;
    setTimeout(() => this.status.textContent === text && (this.status.textContent = ""), 1000);
  }

  /** Read a short answer in full; of a long one its first sentence and its length. */
  read(text) {
    const words = text.split(/\s+/).filter(Boolean).length;
    const first = text.match(/^[^.!?\n]{0,300}[.!?]?/)?.[0] ?? "";
    this.answer.textContent = text.length <= WHOLE_CHARS ? text : `${first} ${WORDS.answerReadyLong({ count: words })}`;
  }
}
