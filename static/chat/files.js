// Files that go with a message: chosen, dropped or pasted. Chips over the text; each can be taken away again.

import { thumbnail } from "./attachments.js";
import { nameOf } from "./names.js";
import { byId, page } from "./page.js";
import { blank } from "./text.js";
import { labelOf, WORDS } from "./words.js";

const MOST_BYTES = 4; // of one character
const LEFT_BYTES = 0.75; // of a request's body: the message's own text needs the rest

export class Files {
  list = []; // as a message has them: {type, name, content} or {type, name, url}

  /** `onProblem(text)` is told what cannot go along, `onChange()` that the list is another. */
  constructor(element, { onProblem, onChange }) {
    this.element = element;
    Object.assign(this, { onProblem, onChange });
    // Most files, of so many characters, all of them in so many bytes; a picture's longest side.
    const { most, chars, bytes, side } = element.dataset;
    this.limits = { most: Number(most), chars: Number(chars), bytes: Number(bytes) * LEFT_BYTES, side: Number(side) };
    element.addEventListener("click", ({ target }) => target.closest("button") && this.#drop(target.closest("li")));
  }

  /** Add these of the reader's files, and say of each one that cannot go along why. */
  async add(files) {
    const read = [];
    for (const file of files) read.push({ name: nameOf(file), ...(await this.#read(file)) });
    return this.put(read);
  }

  /** Add attachments that are there already; gives whether all of them were. */
  put(attachments) {
    const refused = attachments.filter((each) => !this.#take(each));
    if (refused.length) this.onProblem(refused.map(({ name, why }) => WORDS.notAttached({ name, why })).join("\n"));
    this.#changed();
    return !refused.length;
  }

  /** Put back what had been taken, also where it is more than may go with one message: that is said when it is sent. */
  restore(attachments) {
    this.list.push(...attachments);
    this.#changed();
  }

  /** All of them; none is left. */
  take() {
    const taken = this.list.splice(0);
    if (taken.length) this.#changed();
    return taken;
  }

  /** Why they cannot be sent together, or nothing. */
  get tooMany() {
    if (this.list.length > this.limits.most) return WORDS.tooManyFiles({ count: this.limits.most });
    return this.#bytes > this.limits.bytes ? this.#tooMuch : "";
  }

  get #bytes() {
    return this.list.reduce((sum, each) => sum + bytesOf(each), 0);
  }

  get #tooMuch() {
    return WORDS.tooMuch({ megabytes: (this.limits.bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }) });
  }

  async #read(file) {
    if (file.type.startsWith("image/") && file.type !== "image/svg+xml") return (await import("./pictures.js")).read(file, this.limits);
    // What is far too long is not even read.
    return file.size > MOST_BYTES * this.limits.chars ? { type: "file", size: file.size } : textOf(file);
  }

  #take(each) {
    each.why = this.#refusal(each);
    if (each.why) return false;
    const { type, name, content, url } = each;
    this.list.push(url ? { type, name, url } : { type, name, content });
    return true;
  }

  #refusal({ content, url, size = (content ?? url ?? "").length, ...each }) {
    if (each.type === "image" && isBlind()) return WORDS.noPictures({ name: labelOf(byId("model").value) });
    if (!size) return WORDS.unreadable;
    if (size > this.limits.chars) return url || each.type === "image" ? this.#tooLarge : WORDS.tooBig({ count: this.limits.chars });
    if (this.list.length >= this.limits.most) return WORDS.tooManyFiles({ count: this.limits.most });
    return this.#bytes + bytesOf({ content, url, ...each }) > this.limits.bytes ? this.#tooMuch : "";
  }

  get #tooLarge() {
    return WORDS.pictureTooBig({ kilobytes: Math.floor((this.limits.chars * 0.75) / 1000).toLocaleString(document.documentElement.lang) });
  }

  /** Take one away; the focus goes on to the next, else to the one before, else to where the message is written. */
  #drop(chip) {
    const at = [...this.element.children].indexOf(chip);
    const hadFocus = chip.contains(document.activeElement);
    this.list.splice(at, 1);
    this.#changed();
    const next = this.element.children[Math.min(at, this.list.length - 1)];
    if (hadFocus) (next?.querySelector("button") ?? this.element.closest("form").querySelector("textarea")).focus();
  }

  #changed() {
    this.element.hidden = !this.list.length;
    this.element.replaceChildren(...this.list.map(chipOf));
    this.onChange();
  }
}

/** Whether the chosen model is known not to see pictures. */
export function isBlind() {
  const model = page.models[byId("model").value];
  return Boolean(model) && !model.abilities.includes("images");
}

/** As they are sent. */
function bytesOf(attachment) {
  return new Blob([JSON.stringify(attachment)]).size;
}

function chipOf(attachment) {
  const { name, content, url } = attachment;
  const chip = blank("file-template");
  const kilobytes = Math.ceil((content ? new Blob([content]).size : url.length * 0.75) / 1000);
  const size = `${kilobytes.toLocaleString(document.documentElement.lang)} kB`;
  const picture = thumbnail(attachment);
  if (picture) chip.prepend(picture);
  chip.querySelector("bdi").textContent = name || WORDS.picture;
  chip.querySelector(".size").textContent = ` · ${size}`;
  chip.querySelector("button").setAttribute("aria-label", WORDS.remove({ name: name || WORDS.picture }));
  return chip;
}

/** Without content where it is no text. */
async function textOf(file) {
  try {
    const content = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    return { type: "file", content: content.includes("\0") ? "" : content };
  } catch {
    return { type: "file", content: "" };
  }
}
