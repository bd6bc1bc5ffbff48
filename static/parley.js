// Parley for browsers: send, read, follow, stop, come back. Parley's own page is made with it; docs/parley-js.md is for yours.
// One file without dependencies: import it from here, or copy it. Knows no DOM but the CSRF cookie.

const TERMINALS = new Set(["run.completed", "run.failed", "run.cancelled"]);
const SILENCE_MS = 30_000; // the server says something every 10 s
const STALE_MS = 12_000; // older than this after a sleep: do not trust the connection
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 20_000;
const MOST_FAILURES = 10; // of the server, one after the other; then it is for a person to try again
const SOCKET_ENDS = { 4401: "signed_out", 4404: "gone" };

/** A request that was not done. `isLost`: nobody knows whether it arrived, so the same key may be sent again. */
export class RequestFailed extends Error {
  constructor(message, { status = 0, code = "", fields = {}, retryAfterS = 0 } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.retryAfterS = retryAfterS;
    this.isLost = status === 0 || status >= 500 || status === 429;
  }
}

export class Parley {
  /**
   * `base`: where Parley is, for a page that is elsewhere. `token`: a bearer token, or a function that gives one (it may be
   * async); without it the browser's session with Parley is used.
   */
  constructor({ base = "", token } = {}) {
    Object.assign(this, { base, token });
  }

  /** Send a message and start its answer: {run, input, message}. With the same `key` it is stored once, however often it is sent. */
  sendMessage(chat, content, { key = newKey(), ...more } = {}) {
    return this.post(`/api/chats/${chat}/runs`, { content, ...more }, { key });
  }

  /** A page of a chat's messages, newest first: {results, next}; hand `next` back in for the page before. */
  async getChatHistory(chat, { next, limit = 50 } = {}) {
    const path = next ?? `/api/chats/${chat}/messages/?ordering=-position&page_size=${limit}`;
    return (await this.get(path)).json();
  }

  /**
   * Follow a run from its start, or behind the cursor `after`, for as long as it takes. Calls `onEvent(event)`, then
   * `onConnection({isOpen, tries})` when the connection comes or goes, and once `onEnd(reason)`: "ended" (nothing more
   * will come), "signed_out", "gone" or "failed" (the server fails again and again). Gives {close, wake, cursor}: `close` ends it silently (the run goes on), `wake`
   * tries again now if the connection is lost or has gone stale, `cursor()` is where to go on later. With `blocks` the
   * answer's Markdown comes as HTML too.
   */
  stream(run, { after = "", blocks = false, onEvent, onConnection = () => {}, onEnd = () => {} }) {
    return follow(this, `/api/runs/${run}/events${blocks ? "?blocks=html" : ""}`, { cursor: after, onEvent, onConnection, onEnd });
  }

  /** Follow what runs in a chat now: as `stream` with the run's id in `run`, or null where nothing runs. */
  async resume(chat, handlers) {
    const { live_run: run } = await (await this.get(`/api/chats/${chat}/`)).json();
    return run && { run, ...this.stream(run, handlers) };
  }

  /** Stop a run; what has come stays. Its stream ends by itself. */
  stop(run) {
    return this.post(`/api/runs/${run}/cancel`, {});
  }

  /**
   * What happens in a chat, live: new messages, runs, who is here, who types. Calls `onMessage(message)`, `onConnection`
   * as `stream` does, and once `onEnd("signed_out" or "gone")`. Gives {send, close, wake}.
   */
  watch(chat, { onMessage, onConnection = () => {}, onEnd = () => {} }) {
    const place = { socket: `/ws/chats/${chat}/`, rest: `/api/chats/${chat}/`, ticket: { chat } };
    return watch(this, place, { onMessage, onConnection, onEnd });
  }

  /** What changes in a project itself, such as its document, live: as `watch`. For pages of Parley's own origin, by the session. */
  watchProject(project, { onMessage, onConnection = () => {}, onEnd = () => {} }) {
    const place = { socket: `/ws/projects/${project}/`, rest: `/api/projects/${project}/` };
    return watch(this, place, { onMessage, onConnection, onEnd });
  }

  /** GET; gives the response, or throws RequestFailed. */
  get(path, accept = "application/json") {
    return this.request(path, { headers: { Accept: accept } });
  }

  /** POST JSON; gives the JSON that comes back, or throws RequestFailed. */
  post(path, body, { key } = {}) {
    return this.change("POST", path, body, key);
  }

  /** As `post`, by another method. */
  async change(method, path, body, key) {
    const headers = { "Content-Type": "application/json" };
    if (key) headers["Idempotency-Key"] = key;
    const response = await this.request(path, { method, headers, body: body && JSON.stringify(body) });
    return response.status === 204 ? {} : response.json();
  }

  /** fetch, signed in; gives the response if it is a good one, or throws RequestFailed. */
  async request(path, options) {
    let response;
    try {
      response = await this.fetch(path, options);
    } catch {
      throw new RequestFailed("The server could not be reached.");
    }
    // A redirect is the way to the sign-in page.
    if (response.ok && !response.redirected) return response;
    throw await refusal(response);
  }

  /** fetch, signed in. */
  async fetch(path, { headers, ...options } = {}) {
    const url = new URL(path, new URL(this.base, location.href));
    const signed = { ...headers, ...(await this.credentials(options.method)) };
    return fetch(url, { ...options, headers: signed, credentials: this.token ? "omit" : "same-origin", cache: "no-store" });
  }

  async credentials(method) {
    if (this.token) return { Authorization: `Bearer ${await (typeof this.token === "function" ? this.token() : this.token)}` };
    return method ? { "X-CSRFToken": document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "" } : {};
  }
}

/** A key for a message: the same one each time it is sent. randomUUID is only there on https and localhost. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How long to wait before try number `tries` (from 0): doubling, half of it by chance, so that not all come at once. */
export function pauseMs(tries, random = Math.random) {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
  return longest / 2 + (random() * longest) / 2;
}

/** Cuts text into SSE frames; what is not whole yet is carried over to the next push. */
export class FrameParser {
  #open = ""; // the line that has no end yet
  #afterCr = false; // the last push ended in CR, so an LF that begins the next one belongs to it
  #data = [];
  #event = "";
  #id = "";

  /** The frames that this piece of text completes: [{id, event, data}]. */
  push(text) {
    const isSecondHalf = this.#afterCr && text.startsWith("\n");
    if (text) this.#afterCr = text.endsWith("\r");
    const lines = (this.#open + (isSecondHalf ? text.slice(1) : text)).split(/\r\n|\r|\n/);
    this.#open = lines.pop();
    return lines.map((line) => this.#line(line)).filter(Boolean);
  }

  #line(line) {
    if (line === "") return this.#frame();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.#data.push(value);
    if (name === "event") this.#event = value;
    if (name === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #frame() {
    const frame = { id: this.#id, event: this.#event, data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#data = [];
    this.#event = "";
    return isEmpty ? null : frame;
  }
}

/** What the server said where it did not do it: a RequestFailed. */
export async function refusal(response) {
  const error = (await response.json().catch(() => ({}))).error ?? {};
  const said = error.message ?? "The server could not answer.";
  const details = Object.values(error.fields ?? {}).flat().filter((detail) => !said.includes(detail));
  const retryAfterS = Number(response.headers.get("Retry-After")) || 0;
  const status = response.redirected ? 401 : response.status;
  return new RequestFailed([said, ...details].join(" "), { status, code: error.code, fields: error.fields, retryAfterS });
}

// --- A run's events over fetch ----------------------------------------------------------------------------------------

function follow(parley, path, { cursor, onEvent, onConnection, onEnd }) {
  let isClosed = false;
  let tries = 0;
  let failures = 0;
  let heardAt = 0;
  let connection = null; // an AbortController
  let endPause = null;
  loop();
  return { close, wake, cursor: () => cursor };

  async function loop() {
    while (!isClosed) {
      const end = await connect();
      if (isClosed) return;
      if (end.reason) {
        isClosed = true;
        onEnd(end.reason);
        return;
      }
      onConnection({ isOpen: false, tries });
      await pause(end.pauseMs ?? pauseMs(tries++));
    }
  }

  /** One connection, to its end: {reason} where it is not to be tried again, else {pauseMs?}. */
  async function connect() {
    connection = new AbortController();
    const ending = connection;
    const [begin, before] = [Date.now(), cursor];
    heardAt = begin;
    const guard = setInterval(() => Date.now() - heardAt > SILENCE_MS && ending.abort(), 1000);
    const end = await attempt(ending.signal);
    clearInterval(guard);
    if (!end.reason) ending.abort(); // else the server has closed it
    const isGood = cursor !== before || Date.now() - begin > STALE_MS;
    if (isGood) tries = failures = 0;
    else if (end.isFailure && ++failures >= MOST_FAILURES) return { reason: "failed" };
    return end;
  }

  async function attempt(signal) {
    const response = await request(signal);
    const refusal = response && refused(response);
    if (!response || refusal) return refusal ?? {};
    onConnection({ isOpen: true, tries });
    return read(response.body.getReader());
  }

  async function request(signal) {
    const headers = { Accept: "text/event-stream" };
    if (cursor) headers["Last-Event-ID"] = cursor;
    try {
      return await parley.fetch(path, { headers, signal });
    } catch {
      return null; // no network, or aborted
    }
  }

  function refused(response) {
    if (response.status === 200) return null;
    if (response.status === 204) return { reason: "ended" };
    if (response.status === 401) return { reason: "signed_out" };
    if (response.status === 403 || response.status === 404) return { reason: "gone" };
    if (cursor && (response.status === 400 || response.status === 410)) return startOver();
    const after = Number(response.headers.get("Retry-After"));
    return after > 0 ? { pauseMs: Math.min(after, 60) * 1000 * (1 + Math.random() / 4) } : { isFailure: true };
  }

  /** The server cannot go on from our cursor: forget what was shown and take the whole. */
  function startOver() {
    cursor = "";
    onEvent({ type: "log.reset" });
    return { pauseMs: 0 };
  }

  async function read(reader) {
    const decoder = new TextDecoder();
    const parser = new FrameParser();
    for (;;) {
      let piece;
      try {
        piece = await reader.read();
      } catch {
        return { isFailure: true }; // cut, or aborted
      }
      if (isClosed || piece.done) return { isFailure: true };
      heardAt = Date.now();
      for (const frame of parser.push(decoder.decode(piece.value, { stream: true }))) {
        const end = deliver(frame);
        if (end || isClosed) return end ?? {};
      }
    }
  }

  function deliver(frame) {
    if (frame.event === "reconnect") return { pauseMs: Math.random() * 400 };
    const event = JSON.parse(frame.data);
    cursor = frame.id || cursor;
    if (event.type === "log.reset") cursor = "";
    onEvent(event);
    return TERMINALS.has(event.type) ? { reason: "ended" } : null;
  }

  function pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endPause = () => (clearTimeout(timer), resolve());
    });
  }

  function close() {
    isClosed = true;
    connection?.abort();
    endPause?.();
  }

  function wake() {
    if (connection && Date.now() - heardAt > STALE_MS) connection.abort();
    endPause?.();
  }
}

// --- The WebSocket of a chat or project -------------------------------------------------------------------------------

function watch(parley, place, { onMessage, onConnection, onEnd }) {
  let socket = null;
  let round = 0; // of connections; what an earlier one still says is not heard
  let isWelcome = false;
  let tries = 0;
  let heardAt = 0;
  let timer = 0;
  const guard = setInterval(() => isOld(SILENCE_MS) && socket && drop(), 1000);
  open();
  return { send, close, wake };

  async function open() {
    clearTimeout(timer);
    const mine = ++round;
    isWelcome = false;
    heardAt = Date.now();
    try {
      const url = await address();
      if (mine !== round) return;
      socket = new WebSocket(url);
      socket.onmessage = ({ data }) => mine === round && hear(JSON.parse(data));
      socket.onclose = ({ code }) => lost(mine, code);
    } catch (error) {
      lost(mine, 0, error);
    }
  }

  async function address() {
    const url = new URL(place.socket, new URL(parley.base, location.href));
    url.protocol = url.protocol.replace("http", "ws");
    if (parley.token) url.searchParams.set("ticket", (await parley.post("/api/auth/ticket", place.ticket)).ticket);
    return url;
  }

  function hear(message) {
    heardAt = Date.now();
    tries = 0;
    if (message.type === "welcome") {
      isWelcome = true;
      onConnection({ isOpen: true, tries });
    }
    onMessage(message);
  }

  async function lost(mine, code, error) {
    const reason = SOCKET_ENDS[code] ?? (isWelcome ? "" : await refusedFor(error));
    if (mine !== round) return;
    socket = null;
    if (reason) {
      close();
      onEnd(reason);
      return;
    }
    onConnection({ isOpen: false, tries });
    timer = setTimeout(open, pauseMs(tries++));
  }

  /** A browser does not say why a socket was not accepted: ask for the chat or project itself. */
  async function refusedFor(error) {
    const found = error ?? (await parley.get(place.rest).catch((refused) => refused));
    if (found.status === 401) return "signed_out";
    return found.status === 403 || found.status === 404 ? "gone" : "";
  }

  /** Say something, if the socket is open. */
  function send(message) {
    if (isWelcome && socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function isOld(ms) {
    return Date.now() - heardAt > ms;
  }

  function drop() {
    const old = socket;
    open();
    old.close();
    onConnection({ isOpen: false, tries });
  }

  function close() {
    round = -1;
    clearInterval(guard);
    clearTimeout(timer);
    if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = ({ target }) => target.close();
    else socket?.close();
  }

  function wake() {
    if (round < 0) return;
    if (!socket || socket.readyState > WebSocket.OPEN) open();
    else if (isOld(STALE_MS)) drop();
  }
}
