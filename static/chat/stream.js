// Follows one run's events over fetch for as long as it takes: parses SSE, comes back with a cursor. Knows no DOM.

const TERMINALS = new Set(["run.completed", "run.failed", "run.cancelled"]);
const SILENCE_MS = 30_000; // the server says something every 10 s
const STALE_MS = 12_000; // older than this after a sleep: do not trust the connection
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 20_000;

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

/** How long to wait before try number `tries` (from 0): doubling, half of it by chance, so that not all come at once. */
export function pauseMs(tries, random = Math.random) {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
  return longest / 2 + (random() * longest) / 2;
}

/**
 * Follow a run after `cursor`, or from its start, until its end. Calls `onEvent(event)` for each event, `onConnection({isOpen, tries})` when the connection
 * comes or goes, and once `onEnd(reason)`: "ended" (nothing more will come), "signed_out" or "gone".
 * Gives {close, wake}: `close` ends it silently, `wake` tries again now if the connection is lost or has gone stale.
 */
export function follow({ url, cursor = "", onEvent, onConnection, onEnd }) {
  let isClosed = false;
  let tries = 0;
  let heardAt = 0;
  let connection = null; // an AbortController
  let endPause = null;
  loop();
  return { close, wake };

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
    heardAt = Date.now();
    const guard = setInterval(() => Date.now() - heardAt > SILENCE_MS && ending.abort(), 1000);
    const end = await attempt(ending.signal);
    clearInterval(guard);
    if (!end.reason) ending.abort(); // else the server has closed it
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
      return await fetch(url, { headers, signal, cache: "no-store", credentials: "same-origin" });
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
    return after > 0 ? { pauseMs: Math.min(after, 60) * 1000 * (1 + Math.random() / 4) } : {};
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
        return {}; // cut, or aborted
      }
      if (isClosed || piece.done) return {};
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
    tries = 0;
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
