// The versions of a document, newest first: who made each, when, what it was, and the way back to it.

import { parley } from "./api.js";
import { onOneLine, visible } from "./hidden.js";
import { indented, read } from "./jsontext.js";
import { byId } from "./page.js";
import { WORDS } from "./words.js";

const LANGUAGE = document.documentElement.lang;

export const timeOf = (text) => new Date(text).toLocaleString(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });
export const whoOf = (row) => row.by_name || WORDS.somebody;

export class History {
  #place = byId("versions");
  #more = byId("more-versions");
  #next = null;

  /** `path`: of the document's REST; `canWrite`: whether one may go back; `onBack(version)`: somebody wants to. */
  constructor({ path, canWrite, onBack }) {
    Object.assign(this, { path, canWrite, onBack });
    this.#more.addEventListener("click", () => this.#load(this.#next));
  }

  /** Show the newest; gives the newest row, or nothing where there was no change yet. */
  async show() {
    const rows = await this.#load(`${this.path}versions/?page_size=20`, true);
    byId("no-versions").hidden = rows.length > 0;
    return rows[0];
  }

  async #load(address, isFirst = false) {
    const { results, next } = await (await parley.get(address)).json();
    const rows = results.map((row, index) => this.#row(row, isFirst && !index));
    if (isFirst) this.#place.replaceChildren(...rows);
    else this.#place.append(...rows);
    this.#next = next;
    this.#more.hidden = !next;
    return results;
  }

  #row(row, isNewest) {
    const found = byId("version-template").content.firstElementChild.cloneNode(true);
    found.querySelector("b").textContent = WORDS.documentVersion({ version: row.version });
    found.querySelector(".who").textContent = row.run ? WORDS.documentByAgent({ who: whoOf(row), when: timeOf(row.created_at) }) : WORDS.documentBy({ who: whoOf(row), when: timeOf(row.created_at) });
    found.querySelector(".note").textContent = onOneLine(row.note).replace(/^As version (\d+)$/, (_, version) => WORDS.documentAs({ version }));
    const back = found.querySelector(".back-to");
    if (isNewest || !this.canWrite) back.remove();
    else {
      back.append(Object.assign(document.createElement("span"), { className: "unseen", textContent: `: ${row.version}` }));
      back.addEventListener("click", () => this.onBack(row.version));
    }
    found.querySelector("details").addEventListener("toggle", ({ target }) => this.#fill(target, row.version), { once: true });
    return found;
  }

  async #fill(details, version) {
    const place = details.querySelector("pre");
    try {
      const text = await (await parley.get(`${this.path}versions/${version}/`)).text();
      const content = read(text).entries.find(([name]) => name === "content")[1];
      place.textContent = visible(indented(content));
    } catch {
      place.textContent = WORDS.notThere;
    }
  }
}
