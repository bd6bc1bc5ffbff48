// Keeps the log at its end while the reader is there, and never moves it while they are not.

const NEAR_PX = 60; // this close to the end counts as at the end
const FAR_PX = 200; // from here on the button shows

export class Scroller {
  #isPinned = true;
  #written = -1; // the scrollTop that we set last; an event that finds another one is the reader's
  #height = 0;

  constructor(log, button) {
    this.log = log;
    this.button = button;
    log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    button.addEventListener("click", () => this.toEnd());
    document.addEventListener("selectionchange", () => this.#selected());
    new ResizeObserver(() => this.settle()).observe(log);
  }

  /** After the log has changed: follow its end if the reader is there, else say that there is something new. */
  settle() {
    if (this.#isPinned) this.#write();
    else if (this.log.scrollHeight > this.#height) this.button.classList.add("news");
    this.#height = this.log.scrollHeight;
    this.#showButton();
  }

  /** Go to the end, and stay there. */
  toEnd() {
    this.#isPinned = true;
    this.settle();
  }

  #write() {
    this.log.scrollTop = this.log.scrollHeight;
    this.#written = this.log.scrollTop;
  }

  #scrolled() {
    const top = this.log.scrollTop;
    const isOurs = Math.abs(top - this.#written) < 1;
    if (!isOurs) this.#isPinned = this.#toEnd() <= NEAR_PX && top >= this.#written - 3 ? true : this.#toEnd() <= 1;
    this.#written = top;
    this.#showButton();
  }

  /** Selecting text in the log is reading: do not pull it away. */
  #selected() {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && this.log.contains(selection.anchorNode)) this.#isPinned = false;
  }

  #showButton() {
    const distance = this.#toEnd();
    if (distance > FAR_PX) this.button.hidden = false;
    if (distance <= NEAR_PX) {
      this.button.hidden = true;
      this.button.classList.remove("news");
    }
  }

  #toEnd() {
    return this.log.scrollHeight - this.log.clientHeight - this.log.scrollTop;
  }
}
