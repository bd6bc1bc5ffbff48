// The one line above the composer: what goes on, and Stop, Retry or Reconnect at its end.

import { setText } from "./card.js";
import { phaseInWords, WORDS } from "./words.js";

const SHORTEST_MS = 300; // a state that is shown stays at least this long
const RECONNECTING_MS = 1000; // a shorter break is not told
const MANY_TRIES = 6;

/** {kind, text, tone, action, act, isSaid}: what the line says. If several things hold, the first wins. Knows no DOM. */
export function stateOf({ isOnline, isSignedOut, closed, problem, outbox, runs, isStopping, ended, acts }) {
  const now = Date.now();
  const { connection, first } = runs;
  const waiting = outbox.items.length;
  if (isSignedOut) return { kind: "out", text: WORDS.signedOut, tone: "bad", action: WORDS.signIn, act: acts.signIn, isSaid: true };
  if (closed) return { kind: "closed", text: closed, tone: "bad", action: WORDS.startNew, act: acts.startNew };
  if (!isOnline) return { kind: "offline", text: waiting ? WORDS.offlineWaits({ count: waiting }) : WORDS.offline, tone: "warn", isSaid: true };
  if (first && !connection.isOpen && now - connection.since > RECONNECTING_MS) {
    const action = connection.tries >= MANY_TRIES ? { action: WORDS.reconnect, act: acts.reconnect } : {};
    return { kind: "reconnecting", text: WORDS.reconnecting, tone: "warn", isSaid: true, ...action };
  }
  if (problem) return { kind: "problem", tone: "bad", ...problem };
  if (outbox.error && waiting) return delayed(outbox, now, acts);
  if (first) return running(first.answer, now / 1000, isStopping, acts);
  if (waiting) return { kind: "sending", text: WORDS.sending };
  return { kind: "quiet", text: ended };
}

function delayed({ error, until }, now, acts) {
  const seconds = Math.max(1, Math.ceil((until - now) / 1000));
  const tooMany = error.code === "rate_limited" ? WORDS.tooOften : WORDS.tooMany;
  const text = error.status === 429 ? tooMany({ seconds }) : WORDS.unreachable;
  return { kind: "delayed", text, tone: "warn", action: WORDS.retry, act: acts.sendNow, isSaid: true };
}

function running(answer, now, isStopping, acts) {
  const text = isStopping ? WORDS.stopping : phaseInWords(answer, now);
  const isOffered = acts.offersStop() || isStopping || answer.phase === "sending";
  const tone = ["retrying", "approval"].includes(answer.phase) ? "warn" : "";
  return {
    ...{ kind: `${isStopping} ${answer.phase}`, text, tone, isSaid: answer.phase !== "sending" },
    ...(isOffered ? {} : { action: WORDS.stop, act: acts.stop }),
  };
}

export class StateLine {
  #shown = {};
  #shownAt = 0;
  #timer = 0;

  constructor(element) {
    this.text = element.querySelector(".state-text");
    this.button = element.querySelector("button");
    this.button.addEventListener("click", () => this.#shown.act?.());
  }

  /** Show a state; one of another kind waits until the present one was seen. */
  show(state) {
    clearTimeout(this.#timer);
    const wait = this.#shownAt + SHORTEST_MS - performance.now();
    if (state.kind === this.#shown.kind || wait <= 0) this.#draw(state);
    else this.#timer = setTimeout(() => this.#draw(state), wait);
  }

  #draw(state) {
    if (state.kind !== this.#shown.kind) this.#shownAt = performance.now();
    this.#shown = state;
    setText(this.text, state.text);
    this.text.dataset.tone = state.tone ?? "";
    this.button.hidden = !state.action;
    if (state.action) setText(this.button, state.action);
  }
}
