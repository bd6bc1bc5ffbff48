// Files that go with a message: chosen, dropped, pasted or recorded. Each is brought to the server at once, some at a time, and is a chip over the
// text: it can be stopped, tried again and taken away.

import "./styled.js";
import { pauseMs } from "../parley.js";
import { parley } from "./api.js";
import { Chip } from "./chips.js";
import { nameOf } from "./names.js";
import { byId, page } from "./page.js";
import { isHeic, smaller } from "./pictures.js";
import { chosen } from "./start.js";
import { upload } from "./uploading.js";
import { labelOf, whyInWords, WORDS } from "./words.js";

const AT_ONCE = 3;
const TRIES = 4; // where too much goes on at once
const LONGEST_WAIT_S = 20; // for that; longer is for the reader to decide
const READ_BYTES = 60_000_000; // of a picture, which is made smaller before it goes
const TEXT_MS = 2000; // between two looks at whether a file's text has been read
const TEXT_LOOKS = 60;

export class Files {
  items = []; // {name, file, attachment, state: "waiting", "going", "stored" or "failed", why, chip, ending}
  #told = []; // what was said of those that were refused since the last choice
  #preparing = Promise.resolve(); // one picture after the other: each takes much memory

  /** `onProblem(text)` is told what cannot go along, `onChange()` that something is another, `onSay(text)` what is to be heard. */
  constructor(element, { onProblem, onChange, onSay }) {
    this.element = element;
    Object.assign(this, { onProblem, onChange, onSay });
    const { most, bytes, side } = element.dataset; // most files, of so many bytes; a picture's longest side
    this.limits = { most: Number(most), bytes: Number(bytes), side: Number(side) };
    element.addEventListener("click", ({ target }) => this.#pressed(target.closest("button")));
  }

  /** Add the reader's files, and say of each that cannot go along why; gives the items of those that can. */
  add(files) {
    this.#told = [];
    const added = files.map((file) => this.#begin(file)).filter(Boolean);
    this.#changed();
    this.#next();
    return added;
  }

  /** Put back what was taken or kept: also where it is more than may go with one message, which is said when it is sent. */
  restore(kept) {
    this.#told = [];
    for (const each of kept) {
      if (each.unfinished) this.#refuse(WORDS.notFinished({ name: each.unfinished }));
      else this.#check(this.#put({ name: each.name || WORDS.picture, attachment: each, state: "stored" }));
    }
    this.#changed();
  }

  /** All that are there, as a message has them; none is left. */
  take() {
    const taken = this.attachments;
    this.items.splice(0).forEach((item) => this.#close(item));
    this.#changed();
    return taken;
  }

  get attachments() {
    return this.items.map(({ attachment }) => attachment).filter(Boolean);
  }

  /** Whether there is a picture among them, on its way or there. */
  get hasPictures() {
    return this.items.some(({ attachment, file }) => (attachment ?? file)?.type.startsWith("image"));
  }

  /** What a reload finds: those that are there, and the names of those that are not yet. */
  get kept() {
    return this.items.map(({ attachment, name }) => attachment ?? { unfinished: name });
  }

  /** How many are on their way. */
  get going() {
    return this.items.filter(({ state }) => state === "going" || state === "waiting").length;
  }

  /** Why they cannot be sent, or nothing. */
  get problem() {
    if (this.items.length > this.limits.most) return WORDS.tooManyFiles({ count: this.limits.most });
    const failed = this.items.find(({ state }) => state === "failed");
    return failed ? WORDS.notUploaded({ name: failed.name }) : "";
  }

  // --- One file's way ---

  #begin(file) {
    const name = nameOf(file);
    const why = this.#refusal(file);
    if (why) return this.#refuse(WORDS.notAttached({ name, why }));
    return this.#put({ name, file, state: "waiting" });
  }

  #refusal(file) {
    if (isPicture(file) && isBlind()) return WORDS.noPictures({ name: labelOf(byId("model").value) });
    if (!file.size) return WORDS.emptyFile;
    if (file.size > (isPicture(file) ? READ_BYTES : this.limits.bytes)) return this.#tooLarge(file.size);
    return this.items.length >= this.limits.most ? WORDS.tooManyFiles({ count: this.limits.most }) : "";
  }

  #tooLarge(size) {
    return WORDS.fileTooBig({ megabytes: megabytes(size), most: megabytes(this.limits.bytes) });
  }

  #put(item) {
    item.settled = new Promise((resolve) => (item.settle = resolve)); // whether it is there, once that is known
    item.chip = new Chip(item);
    this.items.push(item);
    this.element.append(item.chip.element);
    requestAnimationFrame(() => (this.element.scrollTop = this.element.scrollHeight)); // where they are many, the newest is in sight
    return item;
  }

  /** Begin with those that wait, as many as may be under way at once. */
  #next() {
    const free = AT_ONCE - this.items.filter(({ state }) => state === "going").length;
    for (const item of this.items.filter(({ state }) => state === "waiting").slice(0, Math.max(0, free))) this.#bring(item);
  }

  async #bring(item) {
    this.#set(item, "going");
    item.ending = new AbortController();
    try {
      item.attachment = await this.#brought(item);
      this.#set(item, "stored");
    } catch (error) {
      if (item.ending.signal.aborted) return;
      if (!(error instanceof Refused) && error.isLost === undefined) throw error; // no refusal but our own mistake
      this.#failed(item, error);
    }
    item.settle(item.state === "stored");
    this.#changed();
    this.#next();
    if (!this.going && item.state === "stored") this.onSay(WORDS.uploaded({ count: this.attachments.length }));
    this.#followText(item);
  }

  async #brought(item) {
    const file = isPicture(item.file) ? await this.#smaller(item.file) : item.file;
    if (file.size > this.limits.bytes) throw new Refused(this.#tooLarge(file.size));
    for (let tries = 1; ; tries++) {
      try {
        return await upload(file, { name: nameOf(file), ...placeOf() }, { signal: item.ending.signal, onProgress: (part) => item.chip.move(part) });
      } catch (error) {
        if (error.status !== 429 || tries >= TRIES || error.retryAfterS > LONGEST_WAIT_S) throw error;
        await pause(error.retryAfterS * 1000 || pauseMs(tries));
      }
    }
  }

  async #smaller(file) {
    const turn = this.#preparing.then(() => smaller(file, this.limits.side));
    this.#preparing = turn.catch(() => {});
    const made = await turn;
    if (made === file && isHeic(file)) throw new Refused(WORDS.heic);
    return made;
  }

  /** What may go another time stays, with its reason; what the server will never take goes. */
  #failed(item, error) {
    const why = error instanceof Refused ? error.message : error.status === 413 ? this.#tooLarge(item.file.size) : whyInWords(ofFile(error));
    if (error.isLost || error.status === 401) return this.#set(item, "failed", why);
    this.#remove(item);
    this.#refuse(WORDS.notAttached({ name: item.name, why }));
  }

  #refuse(said) {
    this.#told.push(said);
    this.onProblem(this.#told.join("\n"));
  }

  #set(item, state, why = "") {
    Object.assign(item, { state, why });
    item.chip.show(item);
  }

  /** What was kept may be gone: the server keeps for a day what no message has. */
  async #check(item) {
    const found = await this.#read(item).catch((error) => (error.status === 404 ? null : item.attachment));
    if (!this.items.includes(item)) return;
    if (found) return this.#followText(Object.assign(item, { attachment: found }));
    this.#remove(item);
    this.#refuse(WORDS.notKept({ name: item.name }));
    this.#changed();
  }

  async #read({ attachment }) {
    return attachment.id ? (await parley.get(`/api/attachments/${attachment.id}/`)).json() : attachment;
  }

  /** Say when the text of one that is there has been read, or could not be. */
  async #followText(item) {
    if (item.attachment) item.chip.show(item);
    for (let looks = 0; looks < TEXT_LOOKS && item.attachment?.text?.state === "pending"; looks++) {
      await pause(TEXT_MS);
      if (!this.items.includes(item)) return;
      item.attachment = await this.#read(item).catch(() => item.attachment);
      item.chip.show(item);
    }
  }

  // --- What the reader does with one ---

  #pressed(button) {
    const item = this.items.find(({ chip }) => chip.element.contains(button));
    if (!button || !item) return;
    if (button.matches(".look")) import("./viewing.js").then(({ look }) => look(button));
    else if (button.matches(".retry")) this.#again(item);
    else this.#drop(item);
  }

  #again(item) {
    this.#set(item, "waiting");
    item.chip.part(".remove").focus(); // its button has gone
    this.#next();
    this.#changed();
  }

  /** Take one away; the focus goes on to the next, else to the one before, else to where the message is written. */
  #drop(item) {
    const at = this.items.indexOf(item);
    const hadFocus = item.chip.element.contains(document.activeElement);
    const { id } = item.attachment ?? {};
    if (id) parley.change("DELETE", `/api/attachments/${id}/`).catch(() => {}); // a message may have it; else the server drops it in a day
    this.#remove(item);
    this.#changed();
    this.#next();
    const next = this.items[Math.min(at, this.items.length - 1)];
    if (hadFocus) (next?.chip.part(".remove") ?? this.element.closest("form").querySelector("textarea")).focus();
  }

  #remove(item) {
    this.items = this.items.filter((each) => each !== item);
    this.#close(item);
  }

  #close(item) {
    item.ending?.abort();
    item.chip.close();
    item.settle(false);
  }

  #changed() {
    this.element.hidden = !this.items.length;
    this.onChange();
  }
}

/** A file that does not go along, with the reason in words. */
class Refused extends Error {}

const isPicture = ({ name, type }) => (type.startsWith("image/") && type !== "image/svg+xml") || isHeic({ name, type });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const megabytes = (bytes) => (bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });

/** Whose a file is: the chat's, or that of the organization where one is about to begin. */
function placeOf() {
  const { organization } = chosen();
  return page.chat ? { chat: page.chat } : organization ? { organization } : {};
}

/** Whether the chosen model is known not to see pictures. */
export function isBlind() {
  const model = page.models[byId("model").value];
  return Boolean(model) && !model.abilities.includes("images");
}

/** The same without the name of its field: the file's own stands before it. */
function ofFile({ status, code, message, fields, retryAfterS }) {
  return { status, code, retryAfterS, message: fields?.file?.[0] ?? message };
}
