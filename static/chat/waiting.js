// The line under a message that is not sent yet: what it waits for, and the way back to the composer.

import { setText } from "./card.js";
import { blank } from "./text.js";
import { WORDS } from "./words.js";

/** The line, hidden; `onCancel()` is called by its button. */
export function waitingLine(onCancel) {
  const line = blank("waits-template");
  line.querySelector("button").addEventListener("click", onCancel);
  return line;
}

/** Say how a message waits now. While it goes out for the first time nothing is said: it has most often arrived. */
export function showWaiting(item, outbox) {
  item.foot.hidden = outbox.isGoing(item) && !item.hasFailed;
  if (!item.foot.hidden) setText(item.foot.querySelector("span"), waitingInWords(item, outbox));
}

function waitingInWords(item, outbox) {
  if (item.isUnwanted) return WORDS.cancelling;
  if (outbox.isGoing(item)) return WORDS.triesAgain;
  if (!navigator.onLine) return WORDS.waitsForNetwork;
  const seconds = Math.ceil((outbox.until - Date.now()) / 1000);
  return item === outbox.items[0] && outbox.error?.isLost && seconds > 0 ? WORDS.waitsUntil({ seconds }) : WORDS.waits;
}
