// The runs of this chat that are not over: one is followed at a time, the others wait. Knows no DOM.

import { emptyAnswer, isOver, reduce } from "./reducer.js";
import { parley } from "./api.js";

const UNSEEN_CHARS = 256_000; // what a hidden page takes in before it lets go of the stream

export class Runs {
  #open = []; // {run, answer, ...}, in the order they are answered
  #over = new Set(); // the runs that were followed to their end
  #follower = null;
  #isPaused = false;
  #unseen = 0;
  connection = { isOpen: true, tries: 0, since: 0 };

  /** `onChange(entry)` after each event, `onOver(entry)` at its end, `onLost(reason)` when it cannot be followed. */
  constructor({ onChange, onOver, onLost, isHidden }) {
    Object.assign(this, { onChange, onOver, onLost, isHidden });
  }

  /** The run that is followed, or undefined. */
  get first() {
    return this.#open[0];
  }

  /** Those that are not over, in the order they are answered. */
  get open() {
    return [...this.#open];
  }

  get length() {
    return this.#open.length;
  }

  /** How many answers come before this one. */
  ahead(entry) {
    return Math.max(0, this.#open.indexOf(entry));
  }

  has(run) {
    return this.#open.some((entry) => entry.run === run);
  }

  /** Whether a stored form of this answer that is not over says less than its events did. */
  knows(run) {
    return this.has(run) || this.#over.has(run);
  }

  /** Follow `entry.run` as soon as the ones before it are over; false where it is followed already. */
  add(entry) {
    if (this.has(entry.run)) return false;
    entry.answer = emptyAnswer();
    this.#open.push(entry);
    this.#followFirst();
    return true;
  }

  /** Let go of the connection; `resume` goes on behind the last event that was taken in. */
  pause() {
    this.#isPaused = true;
    this.#follower?.close();
    this.#follower = null;
  }

  resume() {
    this.#isPaused = false;
    this.#unseen = 0;
    this.#followFirst();
  }

  /** Try at once, where the connection is lost or has gone stale. */
  wake() {
    this.#follower?.wake();
    this.#followFirst();
  }

  #followFirst() {
    const entry = this.#open[0];
    if (!entry || this.#follower || this.#isPaused) return;
    this.connection = { isOpen: true, tries: 0, since: Date.now() };
    this.#follower = parley.stream(entry.run, {
      after: cursorOf(entry),
      blocks: true,
      onEvent: (event) => this.#take(entry, event),
      onConnection: ({ isOpen, tries }) => this.#connected(entry, isOpen, tries),
      onEnd: (reason) => this.#ended(entry, reason),
    });
  }

  #take(entry, event) {
    const before = entry.answer;
    entry.answer = reduce(before, event);
    if (entry.answer !== before) this.onChange(entry);
    this.#unseen = this.isHidden() ? this.#unseen + (event.text?.length ?? 0) : 0;
    if (this.#unseen > UNSEEN_CHARS) this.pause(); // whoever comes back resumes
  }

  #connected(entry, isOpen, tries) {
    const since = isOpen === this.connection.isOpen ? this.connection.since : Date.now();
    this.connection = { isOpen, tries, since };
    this.onChange(entry);
  }

  #ended(entry, reason) {
    this.#follower = null;
    if (reason !== "ended") return this.onLost(reason);
    this.#open.shift();
    if (isOver(entry.answer)) this.#over.add(entry.run);
    this.onOver(entry, isOver(entry.answer));
    this.#followFirst();
  }
}

/** Behind the last event: what was shown and taken back since is then told by a turn.reset. */
function cursorOf({ run, answer }) {
  return answer.seq ? `${run}.${answer.attempt}.${answer.seq}` : "";
}
