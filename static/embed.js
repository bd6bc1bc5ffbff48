// <parley-chat>: this server's chat, in a frame on a page of yours. See docs/embed.md.

const WAIT_MS = 15_000;
const LOOK = new CSSStyleSheet();
LOOK.replaceSync(`:host { color-scheme: light dark }
:host([hidden]), :host([inline]) button { display: none !important }
button, iframe { position: fixed; inset: auto 1rem 1rem auto; z-index: 9999; box-shadow: 0 3px 16px #0005 }
button { padding: 1rem; border: 0; border-radius: 50%; background: var(--parley-accent, var(--parley-own, #1f5fa8)); color: var(--parley-on-accent, var(--parley-on-own, #fff)); cursor: pointer }
button::before { content: ""; display: block; padding: 12px; background: currentColor; clip-path: path("M2 4h20v13H11l-5 5v-5H2z") }
iframe { bottom: 5.5rem; width: min(25rem, 100vw - 2rem); height: min(40rem, 100dvh - 7rem); border: 0; border-radius: 12px }
@media (max-width: 30rem) { iframe { inset: 0; width: 100%; height: 100dvh; border-radius: 0 } }
:host([inline]) { display: block }
:host([inline]) iframe { position: static; width: 100%; height: clamp(16rem, var(--asked, 24rem), var(--parley-max-height, 44rem)) }`);

class ParleyChat extends HTMLElement {
  static observedAttributes = ["open", "label", "theme", "token"];
  #root = Object.assign(this.attachShadow({ mode: "open" }), { adoptedStyleSheets: [LOOK], onkeydown: ({ key }) => key === "Escape" && this.#close() });
  #button = make("button", { part: "launcher", onclick: () => this.toggleAttribute("open") });
  #frame;
  #port;
  #timer;

  connectedCallback() {
    this.#root.replaceChildren(make("link", { rel: "stylesheet", href: `${this.#server}/look.css` }), this.#button);
    this.#show();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#port?.close();
    this.#frame = this.#port = null;
    this.#root.replaceChildren();
  }

  attributeChangedCallback(name, was, value) {
    if (!this.#root.firstChild || was === value) return; // not set up
    if (name === "theme" || name === "token") this.#tell(name, value || null);
    else this.#show(name === "open");
  }

  get #server() {
    return new URL(this.#of("server") ?? import.meta.url, location).origin;
  }

  #of(name) {
    return this.getAttribute(name);
  }

  #show(isTurned) {
    const isOpen = this.hasAttribute("open");
    const isShown = isOpen || this.hasAttribute("inline");
    const title = this.#of("label") ?? "Chat";
    Object.assign(this.#button, { ariaLabel: title, ariaExpanded: isOpen });
    if (isShown && !this.#frame) this.#load();
    if (this.#frame) Object.assign(this.#frame, { title, hidden: !isShown });
    if (!isTurned) return;
    (isOpen ? this.#frame : this.#button).focus();
    if (isOpen) this.#tell("focus");
    this.#say(isOpen ? "open" : "close");
  }

  #close() {
    this.removeAttribute("open");
  }

  #load() {
    const src = `${this.#server}/embed/?theme=${this.#of("theme")}&lang=${this.#of("lang")}`;
    this.#frame = make("iframe", { src, allow: "clipboard-write", onload: () => this.#start() });
    this.#root.append(this.#frame);
    this.#timer = setTimeout(() => this.#fail(), WAIT_MS);
  }

  /** A dead frame may not cover the page. */
  #fail() {
    this.#close();
    if (!this.hasAttribute("inline")) this.#frame = this.#frame.remove();
    this.#say("error", { code: "no_answer" });
  }

  /** Hand the server's document alone its end. */
  #start() {
    const { port1, port2 } = new MessageChannel();
    this.#port?.close();
    this.#port = port1;
    port1.onmessage = ({ data }) => this.#hear(data);
    const start = { type: "parley:start", kept: this.#kept() };
    for (const each of ["project", "archetype", "chat", "inline"]) start[each] = this.#of(each);
    this.#frame.contentWindow.postMessage(start, this.#server, [port2]);
  }

  #hear({ type, value }) {
    clearTimeout(this.#timer);
    if (type === "token") this.#give();
    else if (type === "height") this.#frame.style.setProperty("--asked", `${+value}px`);
    else if (type === "keep") this.#kept(value);
    else if (type === "close") this.#close();
    else this.#say(type, value);
    if (type === "ready" && this.hasAttribute("open")) this.#tell("focus");
  }

  async #give() {
    const ask = async () => (this.tokenProvider ? this.tokenProvider() : this.#of("token"));
    this.#tell("token", `${(await ask().catch(() => {})) || ""}`);
  }

  #kept(value) {
    const key = ["parley-chat", this.#of("project"), this.#of("archetype")];
    try {
      if (value) sessionStorage[key] = value;
      return sessionStorage[key];
    } catch {} // no storage
  }

  #tell(type, value) {
    this.#port?.postMessage({ type, value });
  }

  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(`parley:${name}`, { bubbles: true, detail }));
  }
}

function make(name, values) {
  return Object.assign(document.createElement(name), values);
}

ParleyChat.prototype.tokenProvider = null; // React sets what is there
customElements.get("parley-chat") ?? customElements.define("parley-chat", ParleyChat);
