// To the clipboard, also where a page on plain http has no navigator.clipboard. For every button that copies.

import { WORDS } from "./words.js";

const COPIED_MS = 2000;

/** Copy a text and say so on the button for a while; gives what to say: that it is copied, or that it cannot be. */
export async function copyBy(button, text) {
  const isCopied = await copy(text);
  const said = isCopied ? WORDS.copied : WORDS.notCopied;
  const word = (button.dataset.word ??= button.textContent);
  clearTimeout(button.dataset.timer);
  if (isCopied) button.textContent = said;
  button.dataset.timer = setTimeout(() => (button.textContent = word), COPIED_MS);
  return said;
}

/** Whether the text is in the clipboard now. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text); // there is none, or it may not be used
  }
}

/** As a person does: select it, copy, and put everything back as it was. */
function copyByHand(text) {
  const { activeElement: before } = document;
  const selection = document.getSelection();
  const ranges = Array.from({ length: selection.rangeCount }, (_, index) => selection.getRangeAt(index));
  const box = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "unseen" });
  (before?.closest("dialog[open]") ?? document.body).append(box); // behind an open dialog nothing can be selected
  box.select();
  const isCopied = document.execCommand("copy");
  box.remove();
  before?.focus({ preventScroll: true });
  selection.removeAllRanges();
  ranges.forEach((range) => selection.addRange(range));
  return isCopied;
}
