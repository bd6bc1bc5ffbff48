// Files that go with a message: chosen, dropped or pasted. Chips over the text; each can be taken away again.

import { blank } from "./text.js";
import { WORDS } from "./words.js";

const MOST_BYTES = 4; // of one character
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export class Files {
  list = []; // as a message has them: {type, name, content} or {type, name, url}

  /** `onProblem(text)` is told what cannot go along. */
  constructor(element, onProblem) {
    this.element = element;
    this.onProblem = onProblem;
    this.limits = element.dataset; // most files, of so many characters
    element.addEventListener("click", ({ target }) => target.closest("button") && this.#drop(target.closest("li")));
  }

  /** Add these of the reader's files. */
  async add(files) {
    for (const file of files) {
      const isHuge = file.size > MOST_BYTES * this.limits.chars; // not even read
      const read = isHuge ? { type: "file", size: Infinity } : await (IMAGES.includes(file.type) ? imageOf(file) : textOf(file));
      this.put([{ name: file.name, ...read }]);
    }
  }

  /** Add attachments that are there already. */
  put(attachments) {
    for (const each of attachments) {
      const why = this.#refusal(each);
      if (why) this.onProblem(WORDS.notAttached({ name: each.name, why }));
      else this.list.push(each);
    }
    this.#show();
  }

  /** All of them; none is left. */
  take() {
    const taken = this.list.splice(0);
    this.#show();
    return taken;
  }

  #refusal({ content, url, size: length = (content ?? url).length }) {
    if (!length) return WORDS.unreadable;
    if (length > this.limits.chars) return WORDS.tooBig({ count: Number(this.limits.chars) });
    return this.list.length < this.limits.most ? "" : WORDS.tooManyFiles({ count: Number(this.limits.most) });
  }

  #drop(chip) {
    this.list.splice([...this.element.children].indexOf(chip), 1);
    this.#show();
  }

  #show() {
    this.element.hidden = !this.list.length;
    this.element.replaceChildren(...this.list.map(chipOf));
  }
}

function chipOf({ name, content, url }) {
  const chip = blank("file-template");
  const kilobytes = Math.ceil((content ? new Blob([content]).size : url.length * 0.75) / 1000);
  chip.querySelector("span").textContent = `${name} · ${kilobytes.toLocaleString(document.documentElement.lang)} kB`;
  chip.querySelector("button").setAttribute("aria-label", WORDS.remove({ name }));
  return chip;
}

function imageOf(file) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onloadend = () => resolve({ type: "image", url: reader.result ?? "" });
    reader.readAsDataURL(file);
  });
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
