// The one line above the composer: what goes on, and Stop, Retry or Reconnect at its end.

const SHORTEST_MS = 300; // a state that is shown stays at least this long

export class StateLine {
  #shown = {};
  #shownAt = 0;
  #timer = 0;

  constructor(element) {
    this.text = element.querySelector(".state-text");
    this.button = element.querySelector("button");
    this.button.addEventListener("click", () => this.#shown.act?.());
  }

  /** Show {kind, text, tone, action, act}; a state of another kind waits until the present one was seen. */
  show(state) {
    clearTimeout(this.#timer);
    const wait = this.#shownAt + SHORTEST_MS - performance.now();
    if (state.kind === this.#shown.kind || wait <= 0) this.#draw(state);
    else this.#timer = setTimeout(() => this.#draw(state), wait);
  }

  #draw(state) {
    if (state.kind !== this.#shown.kind) this.#shownAt = performance.now();
    this.#shown = state;
    if (this.text.textContent !== state.text) this.text.textContent = state.text;
    this.text.dataset.tone = state.tone ?? "";
    this.button.hidden = !state.action;
    if (state.action && this.button.textContent !== state.action) this.button.textContent = state.action;
  }
}
