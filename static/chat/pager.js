// Keeps a bounded number of messages on the page: older ones load as the reader scrolls up, and the far side is let go.

import { get } from "./api.js";
import { fragmentOf } from "./html.js";
import { byId, messagesPath, page } from "./page.js";
import { WORDS } from "./words.js";

const LEEWAY = 20;
const MOST = matchMedia("(max-width: 40rem)").matches ? 120 : 300;
const AHEAD = 1.5; // screens before the edge at which the next messages are fetched

/** Whether there are more messages behind these, which the server has given. */
const haveMore = (articles) => Boolean(articles.at(-1)?.dataset.more);

export class Pager {
  #isBusy = false;
  isAtEnd = true; // the newest messages are on the page

  /** `isDrawn(article)` and `watch(entry)` are the page's own. */
  constructor(log, scroller, { isDrawn, watch }) {
    Object.assign(this, { log, scroller, isDrawn, watch, earlier: document.querySelector(".earlier") });
    scroller.onMove = () => this.check();
    scroller.button.addEventListener("click", () => this.toLatest());
    log.column.addEventListener("click", (event) => this.#follow(event));
    this.#show();
  }

  /** Fetch what comes next where the reader is near an edge. */
  check() {
    const { scrollTop, clientHeight } = this.scroller.log;
    if (scrollTop < AHEAD * clientHeight && this.#hasOlder) this.older();
    else if (!this.isAtEnd && this.scroller.distance < AHEAD * clientHeight) this.newer();
  }

  /** The messages before the first one. */
  older() {
    return this.#load(() => `before=${this.log.stored[0].dataset.position}`, (articles) => {
      this.scroller.hold(() => {
        this.log.column.prepend(...articles);
        this.#trim(this.log.stored.reverse(), () => (this.isAtEnd = false));
        this.log.markDays();
      });
    });
  }

  /** The messages behind the last one. */
  newer() {
    return this.#load(() => `after=${this.log.stored.at(-1).dataset.position}`, (articles, hasMore) => {
      this.isAtEnd = !hasMore;
      this.scroller.hold(() => {
        this.log.stored.at(-1).after(...articles);
        this.#trim(this.log.stored);
        this.log.markDays();
      });
    });
  }

  /** The newest messages, and to their end. */
  async toLatest() {
    if (!this.isAtEnd) await this.restart();
    this.scroller.toEnd();
  }

  /** Only the newest messages. */
  restart() {
    return this.#load(() => "from=0", (articles) => {
      this.log.stored.forEach((each) => each.remove());
      this.log.column.prepend(...articles);
      this.log.markDays();
      this.isAtEnd = true;
    });
  }

  /** The message at a position, at the top; it is fetched, with those behind it, where it is not on the page. */
  async goTo(id, position) {
    if (!byId(`message-${id}`)) {
      await this.#load(() => `after=${position - 1}`, (articles, hasMore) => {
        this.log.stored.forEach((each) => each.remove());
        this.log.column.prepend(...articles);
        this.log.markDays();
        this.isAtEnd = !hasMore;
      });
    }
    const article = byId(`message-${id}`);
    article?.scrollIntoView({ block: "start" });
    Object.assign(article ?? {}, { tabIndex: -1 }).focus?.({ preventScroll: true });
  }

  /** To the message that the address names, as links to it do. */
  async arrive() {
    const id = location.hash.match(/^#message-([\da-f-]{36})$/)?.[1];
    if (!id) return;
    const message = byId(`message-${id}`) ? {} : await get(`/api/messages/${id}/`).then((found) => found.json(), () => null);
    if (message) await this.goTo(id, message.position);
  }

  /** A link to where the model began to read leads there, on the page or not. */
  #follow(event) {
    const link = event.target.closest(".read-from a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.goTo(link.hash.replace("#message-", ""), Number(link.dataset.position));
  }

  /** The branch that the address chooses, in the place where this sibling is. Gives its last message, "" for the newest branch; undefined where it could not be read. */
  switchTo(sibling) {
    const first = Number(sibling.dataset.position);
    const before = this.log.stored.findLast((each) => Number(each.dataset.position) < first);
    return this.#load(() => `after=${before?.dataset.position ?? 0}`, (articles, hasMore) => {
      this.isAtEnd = !hasMore;
      this.scroller.hold(() => {
        this.log.stored.filter((each) => Number(each.dataset.position) >= first).forEach((each) => each.remove());
        if (before) before.after(...articles);
        else this.log.column.prepend(...articles);
        this.log.markDays();
        return articles[0];
      }, sibling);
    });
  }

  /** Up to which position messages that were fetched from `from` on speak for the page. */
  reach(fragment, from) {
    const fresh = [...fragment.querySelectorAll("article")];
    const last = this.isAtEnd ? Infinity : Number(this.log.stored.at(-1)?.dataset.position ?? 0);
    return from && haveMore(fresh) ? Math.min(last, Number(fresh.at(-1).dataset.position)) : last;
  }

  get #hasOlder() {
    return Boolean(this.log.stored[0]?.dataset.parent);
  }

  async #load(query, put) {
    if (this.#isBusy || !page.chat) return undefined;
    this.#isBusy = true;
    try {
      const answer = await get(messagesPath(query()), "text/html");
      const leaf = answer.headers.get("Parley-Branch") ?? "";
      const fragment = fragmentOf(await answer.text());
      const open = this.log.adopt(fragment, this.isDrawn);
      const fresh = [...fragment.querySelectorAll("article")];
      put(fresh.map((each) => this.log.own(each, this.isDrawn)), haveMore(fresh));
      open.forEach(this.watch);
      return leaf;
    } catch (error) {
      if (error.isLost === undefined) throw error; // what is shown stays as it is: scrolling asks again
      return undefined;
    } finally {
      this.#isBusy = false;
      this.#show();
    }
  }

  /** Let go of the messages farthest away, but of none that is being used. */
  #trim(articles, onTrimmed) {
    if (articles.length <= MOST + LEEWAY) return;
    const selection = document.getSelection();
    const isUsed = (each) => each.contains(document.activeElement) || each.querySelector("form") || (!selection.isCollapsed && selection.containsNode(each, true));
    for (const each of articles.slice(0, articles.length - MOST)) {
      if (isUsed(each)) break;
      each.remove();
      onTrimmed?.();
    }
  }

  #show() {
    this.earlier.hidden = !this.#hasOlder;
    this.scroller.isCut = !this.isAtEnd;
    this.scroller.button.lastChild.data = this.isAtEnd ? WORDS.jumpToLatest : WORDS.backToLatest;
    if (!this.isAtEnd) this.scroller.button.hidden = false;
  }
}
