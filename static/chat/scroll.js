// The reader's own scroll: the log follows its end only while the reader is there, and nothing else moves it.

const NEAR_PX = 60; // this close to the end counts as at the end
const FAR_PX = 200; // from here on the button shows
const MOVED_PX = 3; // so far up is a wish to stay
const GAP_PX = 12; // between the top and the message that was just sent
const ACT_MS = 1000; // so long a wheel, a finger or a key goes on moving the log

export class Scroller {
  #isPinned = true;
  #written = -1; // the scrollTop that we set last
  #top = 0;
  #height = 0;
  #inner = 0; // the height that is seen of it
  #actedAt = -Infinity; // when the reader last did what moves the log
  #isHeld = false; // by a finger, or at its scrollbar
  #anchor = null; // the own message that was sent last: the answer grows into the space kept below it

  /** `onMove()` is called when the log has moved. */
  constructor(log, button) {
    this.log = log;
    this.button = button;
    this.column = log.querySelector(".column");
    this.onMove = () => {};
    log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#listen();
    document.addEventListener("selectionchange", () => this.#selected());
    new ResizeObserver(() => this.settle()).observe(log);
  }

  /** After the log has changed: follow its end if the reader is there, else say that there is something new. */
  settle() {
    this.#reserve();
    const height = this.log.scrollHeight;
    if (this.#isPinned) this.#write();
    else if (height > this.#height) this.button.classList.add("news");
    this.#measure();
    this.#showButton();
  }

  /** Go to the end, and stay there. */
  toEnd() {
    this.#isPinned = true;
    this.#actedAt = -Infinity; // what the reader did before this is done with
    this.settle();
  }

  /** Bring a message that was just sent near the top: below it there is room for the answer. */
  anchor(article) {
    this.#anchor = article;
    this.toEnd();
  }

  /** Do something above or around what is read without moving that. */
  hold(act, seen = this.#firstSeen()) {
    const before = seen?.getBoundingClientRect().top ?? 0;
    this.log.style.overflowAnchor = "none"; // else the browser corrects it as well
    const now = act() ?? seen;
    this.#reserve();
    const moved = now?.isConnected ? now.getBoundingClientRect().top - before : 0;
    if (moved) this.#write(this.log.scrollTop + moved);
    this.#measure();
    requestAnimationFrame(() => (this.log.style.overflowAnchor = ""));
    this.#showButton();
  }

  /** How far it is to the end, in pixels. */
  get distance() {
    return this.log.scrollHeight - this.log.clientHeight - this.log.scrollTop;
  }

  #reserve() {
    if (this.#anchor && !this.#anchor.isConnected) this.#anchor = null;
    const room = this.#anchor ? this.#anchor.offsetTop - this.column.offsetTop + this.log.clientHeight - GAP_PX : 0;
    const wanted = room ? `${room}px` : "";
    if (this.column.style.minHeight !== wanted) this.column.style.minHeight = wanted;
  }

  #measure() {
    this.#height = this.log.scrollHeight;
    this.#inner = this.log.clientHeight;
  }

  #write(top = this.log.scrollHeight) {
    this.log.scrollTop = top;
    this.#written = this.#top = this.log.scrollTop;
  }

  /** What a reader does to move the log. A browser that corrects it by itself sends none of these. */
  #listen() {
    const act = () => (this.#actedAt = performance.now());
    const hold = (isHeld) => () => ((this.#isHeld = isHeld), act());
    const listen = (target, names, hear) => names.forEach((name) => target.addEventListener(name, hear, { passive: true }));
    listen(this.log, ["wheel", "touchmove"], act);
    listen(this.log, ["touchstart"], hold(true));
    listen(this.log, ["pointerdown"], (event) => (event.target === this.log || event.button === 1) && hold(true)());
    listen(window, ["touchend", "touchcancel", "pointerup", "pointercancel"], () => this.#isHeld && hold(false)());
    listen(window, ["keydown"], ({ target }) => target.closest?.("input, textarea, select") || act());
  }

  #scrolled() {
    const top = this.log.scrollTop;
    if (Math.abs(top - this.#written) >= 1 && this.#isReaders()) {
      if (top <= this.#top - MOVED_PX) this.#isPinned = false;
      else if (top > this.#top && this.distance <= NEAR_PX) this.#isPinned = true;
    }
    this.#top = top;
    this.#showButton();
    this.onMove();
  }

  /** The browser moves the log only where heights change; what moves it far from its end without that is a search, or a reader's tool. */
  #isReaders() {
    const { scrollHeight, clientHeight } = this.log;
    const isSame = scrollHeight === this.#height && clientHeight === this.#inner;
    return this.#isHeld || performance.now() - this.#actedAt < ACT_MS || (isSame && this.distance > NEAR_PX);
  }

  /** Selecting text in the log is reading: do not pull it away. */
  #selected() {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && this.log.contains(selection.anchorNode)) this.#isPinned = false;
  }

  #firstSeen() {
    const top = this.log.getBoundingClientRect().top;
    return [...this.column.querySelectorAll(":scope > article")].find((each) => each.getBoundingClientRect().bottom > top);
  }

  #showButton() {
    const distance = this.distance;
    if (distance > FAR_PX) this.button.hidden = false;
    if (distance <= NEAR_PX && !this.isCut) {
      this.button.hidden = true;
      this.button.classList.remove("news");
    }
  }
}
