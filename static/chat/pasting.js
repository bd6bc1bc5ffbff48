// A long text that was pasted, as a file.

/** It leaves the box when it is a file, and not before; `attach(files)` gives their items. */
export async function toFile(box, text, attach) {
  const [item] = await attach([new File([text], "pasted.txt", { type: "text/plain" })]);
  if (await item?.settled) cut(box, text);
  box.focus();
}

/** Take a text out of the box in a way that can be undone; where it was changed since, it stays. */
function cut(box, text) {
  const at = box.value.lastIndexOf(text);
  if (at < 0) return;
  box.focus();
  box.setSelectionRange(at, at + text.length);
  if (document.execCommand("delete")) return;
  box.setRangeText("");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}
