// Reads an address with @microsoft/fetch-event-source: a GET, or a POST of the body given; says all frames at the end.
globalThis.window = globalThis; // it is written for browsers
globalThis.document = Object.assign(new EventTarget(), { hidden: false });
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

const [url, token, body] = process.argv.slice(2);
const frames = [];

await fetchEventSource(url, {
  method: body ? "POST" : "GET",
  headers: { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) },
  body: body || undefined,
  openWhenHidden: true,
  onmessage({ id, data }) {
    frames.push({ id, ...JSON.parse(data) });
  },
  onerror(error) {
    throw error; // do not try again
  },
});
console.log(JSON.stringify(frames));
