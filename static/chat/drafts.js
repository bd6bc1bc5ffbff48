// What is in the box and not sent: the text, the files and what is chosen, kept for each tab by itself. A tab that finds none of its own takes
// over that of one that is closed; where that one is shown again after all, its box is emptied: the text is elsewhere.

import { keep, keepNow, kept, keptUnder, take } from "./store.js";
import { living, tab } from "./tabs.js";

const MOVED_MS = 7 * 86_400_000; // so long a tab may sleep and still be told that its text is elsewhere

export class Draft {
  #written = {}; // kind -> where it was kept last
  #name = ""; // of this tab, once it is known

  /** `place(kind)` names where things of this kind are kept: by person and chat. */
  constructor(place) {
    this.place = place;
    tab.then((name) => (this.#name = name));
  }

  /** {text, files, choices}: this tab's own, or the newest of those whose tabs are closed; null where there is none. */
  async read() {
    const mine = await tab;
    const found = (await keptUnder(this.place("draft"))).map(([key, value]) => ({ key, ...shaped(value) }));
    const others = found.some(({ key }) => tabOf(key) !== mine) ? await living() : new Set();
    const isFree = ({ key, text, hasFiles, isMoved }) => !isMoved && (text || hasFiles) && !others.has(tabOf(key));
    const isMine = (each) => tabOf(each.key) === mine && !each.isMoved && isSomething(each);
    const free = found.filter((each) => isMine(each) || isFree(each));
    const rank = ({ key, at = 0 }) => (tabOf(key) === mine ? Infinity : at);
    this.#forgetMoved(found);
    const draft = free.sort((one, other) => rank(other) - rank(one))[0];
    return draft ? this.#claim(draft, mine) : null;
  }

  async #claim({ key, ...draft }, mine) {
    const files = `${this.place("files")}:${tabOf(key)}`;
    if (tabOf(key) === mine) return { ...draft, files: (await kept(files)) ?? [] };
    const taken = await take(key, { isMoved: true, at: Date.now() });
    return taken && !taken.isMoved ? { ...draft, files: (await take(files)) ?? [] } : this.read(); // another was quicker
  }

  #forgetMoved(found) {
    found.filter(({ isMoved, at }) => isMoved && Date.now() - at > MOVED_MS).forEach(({ key }) => keep(key));
  }

  /** Keep the text and what is chosen; gives whether they will be there after a reload. */
  save(value) {
    return this.#put("draft", isSomething(value) && { ...value, at: Date.now() });
  }

  /** The same as the page goes away; also that there is nothing any more. */
  saveNow(value) {
    if (this.#name) keepNow(`${this.place("draft")}:${this.#name}`, { ...value, at: Date.now() }, !isSomething(value));
    else this.save(value);
  }

  /** Keep the files; they are many times as large, so only when they change. */
  saveFiles(files) {
    return this.#put("files", files.length && files);
  }

  /** Whether another tab has taken it over while this one was away. */
  async isElsewhere() {
    const moved = (await keptUnder(await this.#key("draft"))).some(([, { isMoved }]) => isMoved);
    if (moved) await keep(await this.#key("draft"));
    return moved;
  }

  async #put(kind, value) {
    const key = await this.#key(kind);
    const former = this.#written[kind];
    if (former && former !== key) keep(former); // the chat has begun, and has another name
    this.#written[kind] = key;
    return keep(key, value);
  }

  async #key(kind) {
    return `${this.place(kind)}:${await tab}`;
  }
}

const isSomething = ({ text, choices, hasFiles }) => Boolean(text || choices || hasFiles);

/** Of a key "draft:person:chat:tab"; older ones end in the chat. */
function tabOf(key) {
  return key.split(":")[3] ?? "";
}

/** Older ones are texts alone. */
function shaped(value) {
  return typeof value === "string" ? { text: value } : value;
}
