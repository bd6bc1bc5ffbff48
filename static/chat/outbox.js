// What was written and is not confirmed yet: sent one after the other, again with the same key until it is known to have
// arrived, and kept over a reload. Knows no DOM.

import { pauseMs } from "../parley.js";
import { keep, keptUnder } from "./store.js";
import { living, tab } from "./tabs.js";

/** Whether what may not be sent is this one message: others may. */
export const isOfMessage = ({ code }) => ["command_not_allowed", "plan_model"].includes(code);

export class Outbox {
  items = []; // {key, text, attachments, choices, parent, at}, oldest first
  isBusy = false; // the first is on its way
  error = null; // why the first was not taken yet
  until = 0; // when it is tried again, ms
  #tries = 0;
  #timer = 0;

  /**
   * `send(item)` posts and gives the reply; `onSent(item, reply)` and `onRefused(items, error)` end items; `onDelay()` says that they
   * wait; `onWithdrawn(item)` ends one that was cancelled; `place()` names where they are kept.
   */
  constructor({ send, onSent, onRefused, onDelay, onWithdrawn, place }) {
    Object.assign(this, { send, onSent, onRefused, onDelay, onWithdrawn, place });
  }

  /** What an earlier visit left here, oldest first; what another tab is about to send is that one's. */
  async kept() {
    const mine = await tab;
    const found = (await keptUnder(`${this.place()}:`)).map(([, item]) => item);
    const others = found.some((each) => each.tab !== mine) ? await living() : new Set();
    return found.filter((each) => !others.has(each.tab));
  }

  /** Send it when all before it are sent. */
  add(item) {
    item.at ??= Date.now();
    this.items.push(item);
    this.#keep(item);
    this.wake();
  }

  /** Whether it is on its way. */
  isGoing(item) {
    return this.isBusy && item === this.items[0];
  }

  /** Do not send it after all. One that is on its way may arrive: it is withdrawn only when it is known to have failed. */
  cancel(item) {
    if (this.isGoing(item)) return (item.isUnwanted = true);
    this.#drop([item]);
    this.onWithdrawn(item);
  }

  /** Try now. */
  wake() {
    clearTimeout(this.#timer);
    if (!this.isBusy && this.items.length && navigator.onLine) this.#next();
  }

  /** Its place has another name now. */
  move() {
    this.items.forEach((item) => (keep(item.kept), this.#keep(item)));
  }

  async #next() {
    const item = this.items[0];
    this.isBusy = true;
    const [reply, error] = await this.send(item).then((reply) => [reply], (error) => [null, error]);
    this.isBusy = false;
    if (!error) {
      this.error = null;
      this.#tries = 0;
      this.#drop([item]);
      this.onSent(item, reply);
    } else if (error.isLost === undefined) throw error; // no refusal of the server but our own mistake
    else if (!this.#isRefused(error)) return this.#later(error);
    this.wake();
  }

  /** A refusal of this message, or of all where none may be sent any more. */
  #isRefused(error) {
    if (error.isLost || error.status === 401) return false;
    const refused = (error.status === 403 && !isOfMessage(error)) || error.status === 404 ? [...this.items] : [this.items[0]];
    this.error = null;
    this.#drop(refused);
    this.onRefused(refused, error);
    return true;
  }

  #later(error) {
    const wait = error.retryAfterS ? error.retryAfterS * 1000 : pauseMs(this.#tries++);
    this.error = error;
    this.until = Date.now() + wait;
    this.items[0].hasFailed = true;
    if (error.status !== 401) this.#timer = setTimeout(() => this.wake(), wait);
    if (this.items[0].isUnwanted) this.cancel(this.items[0]);
    this.onDelay(error);
  }

  #drop(items) {
    this.items = this.items.filter((each) => !items.includes(each));
    if (!this.items.length) [this.error, this.#tries] = [null, 0];
    items.forEach((each) => keep(each.kept));
  }

  async #keep(item) {
    const { key, text, attachments, choices, parent, at } = item;
    item.kept = `${this.place()}:${at}:${key}`;
    const value = { key, text, attachments, choices, parent, at, tab: await tab };
    if (this.items.includes(item)) keep(item.kept, value); // it may be sent by now
  }
}
