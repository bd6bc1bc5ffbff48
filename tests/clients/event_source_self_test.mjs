// Reads GET /api/editorChat/test-sse with the `eventsource` package, the standard's EventSource for Node.
import { EventSource } from "eventsource";

const [url] = process.argv.slice(2);
if (!url) throw new Error("needs an address");

const events = [];
const source = new EventSource(url);
source.onmessage = ({ data }) => {
  if (data !== "[DONE]") return events.push(JSON.parse(data));
  source.close();
  console.log(JSON.stringify({ events, node: process.versions.node }));
};
source.onerror = ({ message, code }) => {
  source.close();
  throw new Error(`${code} ${message}`);
};
