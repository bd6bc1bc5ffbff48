// The other people in this chat: who is here, who types.

import { blank } from "./render.js";
import { WORDS } from "./words.js";

const TYPING_MS = 5000; // gone after this long without a word of it
const TELL_MS = 3000; // at most this often
const LEAVE_MS = 5000; // who comes back within this never left
const INITIALS = 3;

export class People {
  #here = new Map(); // id -> name
  #leaving = new Map(); // id -> timer
  #typing = new Map(); // id -> {name, timer}
  #toldAt = 0;

  /** `faces` shows who is here, `line` who types; `tell(message)` says it on the socket. */
  constructor({ faces, line, me, tell }) {
    Object.assign(this, { faces, line, me, tell });
  }

  /** What the socket says of people. */
  hear({ type, user, is_here: isHere, is_typing: isTyping }) {
    if (type === "welcome") this.#here.clear();
    else if (type === "presence") this.#present(user, isHere);
    else if (type === "typing") this.#types(user, isTyping);
    else return;
    this.#show();
  }

  /** I am typing, or have sent it. */
  typed(isTyping = true) {
    if (!this.#here.size || (isTyping && Date.now() - this.#toldAt < TELL_MS)) return;
    this.#toldAt = isTyping ? Date.now() : 0;
    this.tell({ type: "typing", is_typing: isTyping });
  }

  #present({ id, name }, isHere) {
    clearTimeout(this.#leaving.get(id));
    if (isHere) this.#here.set(id, name);
    else this.#leaving.set(id, setTimeout(() => (this.#here.delete(id), this.#types({ id }, false), this.#show()), LEAVE_MS));
  }

  #types({ id, name }, isTyping) {
    clearTimeout(this.#typing.get(id)?.timer);
    if (isTyping && id !== this.me.id) this.#typing.set(id, { name, timer: setTimeout(() => (this.#types({ id }), this.#show()), TYPING_MS) });
    else this.#typing.delete(id);
  }

  #show() {
    const names = [...this.#here.values()];
    const everyone = names.length ? [WORDS.you({ name: this.me.name }), ...names] : [];
    this.faces.hidden = !everyone.length;
    this.faces.title = everyone.join(", ");
    this.faces.querySelector(".count").textContent = WORDS.people({ count: everyone.length });
    this.faces.querySelector(".initials").replaceChildren(...names.slice(0, INITIALS).map(faceOf));
    this.line.textContent = typingInWords([...this.#typing.values()].map(({ name }) => name));
  }
}

function faceOf(name) {
  const face = blank("face-template");
  const [first, ...more] = name.trim().split(/\s+/);
  face.textContent = [first, more.at(-1)].map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
  return face;
}

function typingInWords(names) {
  if (names.length > 2) return WORDS.manyWriting({ count: names.length });
  if (names.length === 2) return WORDS.areWriting({ first: names[0], second: names[1] });
  return names.length ? WORDS.isWriting({ name: names[0] }) : "";
}
