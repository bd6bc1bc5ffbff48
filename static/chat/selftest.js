// Reads the test stream, notes when each event comes, and shows the page again with what was seen: chat/page/self_test.py.

const { stream, headers, events } = JSON.parse(document.getElementById("for-script").textContent);
const progress = document.querySelector("progress");
const begin = performance.now();
const seen = { status: 0, version: "", headers: {}, arrivals: [], asked_in: "" };

/** Note one line of the stream. */
function take(line) {
  if (!line.startsWith("data: {") || seen.arrivals.length >= events) return;
  seen.arrivals.push((performance.now() - begin) / 1000);
  seen.asked_in = String(JSON.parse(line.slice(6)).http ?? "");
  progress.value = seen.arrivals.length;
}

/** Read it to its end. */
async function read() {
  const response = await fetch(stream, { cache: "no-store", headers: { Accept: "text/event-stream" } });
  seen.status = response.status;
  for (const name of headers) if (response.headers.has(name)) seen.headers[name] = response.headers.get(name).slice(0, 200);
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop();
    lines.forEach(take);
  }
}

try {
  await read();
} catch {
  // what had come is shown; without an answer its status is 0
}
const [timing] = performance.getEntriesByName(new URL(stream, location).href).slice(-1);
seen.version = (timing?.nextHopProtocol ?? "").replace("http/", "").replace(/^h(?=[23])/, "");
location.replace(`?seen=${encodeURIComponent(JSON.stringify(seen))}`);
