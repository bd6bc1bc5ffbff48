// An answer for a screen reader as it comes, for who wants it so: whole sentences, at most once a second.

import { isOver, textOf } from "./reducer.js";

const SENTENCES = /^.*(?:[.!?]\s|\n)/s;
const said = new WeakMap(); // the entry of a run -> how much of its text was said

/** Say what has come since the last time, up to the end of a sentence; the rest when the answer is over. */
export function speak(region, entry) {
  const text = textOf(entry.answer);
  const known = said.get(entry) ?? 0;
  const from = known > text.length ? 0 : known; // it was taken back
  const piece = isOver(entry.answer) ? text.slice(from) : (text.slice(from).match(SENTENCES)?.[0] ?? "");
  said.set(entry, from + piece.length);
  if (!known) region.replaceChildren();
  if (piece.trim()) region.append(Object.assign(document.createElement("p"), { textContent: piece }));
}
