// What was written and is not confirmed yet: sent one after the other, again with the same key until it is known to have
// arrived, and kept over a reload. Knows no DOM.

import { pauseMs } from "../parley.js";

export class Outbox {
  #items = [];
  #tries = 0;
  #isBusy = false;
  #timer = 0;

  /**
   * `send(item)` posts and gives the reply; `onSent(item, reply)`, `onRefused(item, error)` end an item;
   * `onDelay(error)` says that it will be tried again; `place()` names where the items are kept.
   */
  constructor({ send, onSent, onRefused, onDelay, place }) {
    Object.assign(this, { send, onSent, onRefused, onDelay, place });
  }

  get length() {
    return this.#items.length;
  }

  /** The items of this place that an earlier visit left, oldest first. */
  kept() {
    return JSON.parse(sessionStorage.getItem(this.place()) ?? "[]");
  }

  /** Send {key, text} when all before it are sent. */
  add(item) {
    this.#items.push(item);
    this.#keep();
    this.wake();
  }

  /** Try now. */
  wake() {
    clearTimeout(this.#timer);
    if (!this.#isBusy && this.#items.length) this.#next();
  }

  async #next() {
    const item = this.#items[0];
    this.#isBusy = true;
    try {
      const from = this.place();
      const reply = await this.send(item);
      this.#done(from);
      this.onSent(item, reply);
    } catch (error) {
      if (error.isLost === undefined) throw error; // no refusal of the server but our own mistake
      this.#failed(item, error);
    } finally {
      this.#isBusy = false;
    }
    if (!this.#timer) this.wake();
  }

  #done(from) {
    this.#items.shift();
    this.#tries = 0;
    this.#timer = 0;
    if (from !== this.place()) sessionStorage.removeItem(from); // a new chat has got its id
    this.#keep();
  }

  #failed(item, error) {
    if (!error.isLost && error.status !== 401) {
      this.#done(this.place());
      this.onRefused(item, error);
      return;
    }
    const wait = error.retryAfterS ? error.retryAfterS * 1000 : pauseMs(this.#tries++);
    this.#timer = setTimeout(() => ((this.#timer = 0), this.wake()), wait);
    this.onDelay(error);
  }

  #keep() {
    const items = this.#items.map(({ key, text, choices, parent }) => ({ key, text, choices, parent }));
    if (items.length) sessionStorage.setItem(this.place(), JSON.stringify(items));
    else sessionStorage.removeItem(this.place());
  }
}
