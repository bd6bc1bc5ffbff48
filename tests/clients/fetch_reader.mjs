// Reads the stream that answers a POST as the snippets of systems 1, 3 and 5 do: each chunk decoded and split by itself.
const [url, body, token] = process.argv.slice(2);

const response = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
  body,
});
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);

const reader = response.body.getReader();
const decoder = new TextDecoder();
const events = [];
while (true) {
  const { done, value } = await reader.read();
  if (done) break;
  for (const line of decoder.decode(value).split("\n")) {
    if (!line.startsWith("data: ")) continue;
    const data = line.slice(6);
    if (data === "[DONE]") break; // leaves this chunk only: the loop around it ends when the connection closes
    events.push(JSON.parse(data));
  }
}
console.log(JSON.stringify(events));
