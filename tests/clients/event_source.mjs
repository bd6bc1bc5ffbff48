// Reads an address with the `eventsource` package as system 2's snippet does, until `done` or `error`; says each frame.
import { EventSource } from "eventsource";

const [url] = process.argv.slice(2);
const source = new EventSource(url, { withCredentials: true });
const frames = [];
const awake = setInterval(() => {}, 1000); // Node would end while the package waits to come back
let opened = 0;

source.onopen = () => (opened += 1);
source.onmessage = (event) => {
  const data = JSON.parse(event.data);
  frames.push({ id: event.lastEventId, ...data });
  console.log(data.type);
  if (data.type === "done" || data.type === "error") {
    source.close();
    clearInterval(awake);
    console.log(JSON.stringify({ frames, opened }));
  }
};
