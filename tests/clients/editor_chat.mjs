// Reads a chat at the editorChat door: `node editor_chat.mjs <reader> <url> <token> [<body>]`, until [DONE].
// fetch: @microsoft/fetch-event-source, a GET or a POST. unnamed, named: the eventsource package by onmessage, or by
// addEventListener for each tool event, as system 1's two snippets do; the token goes into the cookie.
import { EventSource } from "eventsource";

const [reader, url, token, body] = process.argv.slice(2);
const NAMED = ["tool_call_start", "tool_result", "tool_error"];
const events = [];
let opened = 0;
setInterval(() => {}, 1000); // eventsource does not keep a Node process alive while it waits to come back

function took(data, id) {
  if (!data) return false; // fetch-event-source takes the empty line behind `:ok` for a message
  if (data === "[DONE]") return true;
  const event = JSON.parse(data);
  events.push({ id, ...event });
  console.log(event.type);
  return false;
}

function finish(more = {}) {
  console.log(JSON.stringify({ events, opened, ...more }));
  process.exit(0);
}

async function byFetch() {
  globalThis.window = globalThis; // it is written for browsers
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  const { fetchEventSource } = await import("@microsoft/fetch-event-source");
  await fetchEventSource(url, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
    body: body || undefined,
    openWhenHidden: true,
    async onopen(response) {
      opened += 1;
      if (response.status !== 200) finish({ status: response.status });
    },
    onmessage: ({ id, data }) => took(data, id) && finish(),
  });
}

function byEventSource() {
  const withCookie = (address, init) =>
    fetch(address, { ...init, headers: { ...init.headers, Cookie: `access_token=${token}` } });
  const source = new EventSource(url, { fetch: withCookie });
  source.onopen = () => (opened += 1);
  source.onerror = ({ code }) => source.readyState === source.CLOSED && finish({ status: code });
  const on = ({ data, lastEventId }) => took(data, lastEventId) && finish();
  source.onmessage = (event) => {
    const isTool = NAMED.some((name) => event.data.includes(`"type":"${name}"`));
    if (reader === "unnamed" || !isTool) on(event);
  };
  if (reader === "named") NAMED.forEach((name) => source.addEventListener(name, on));
}

await (reader === "fetch" ? byFetch() : byEventSource());
