// The three functions of system 5's frontend, one after the other: send, load the history, stream; then the history again.
const [base, token, first, second] = process.argv.slice(2);
const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };

const sendMessage = (message, session) => post("/agent/chat", message, session).then((response) => response.json());

const getChatHistory = (session) =>
  fetch(`${base}/agent/chat/history/${session}?limit=100`, { headers }).then((response) => response.json());

async function* streamChatResponse(message, session) {
  const reader = (await post("/agent/chat/stream", message, session)).body.getReader();
  const decoder = new TextDecoder();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const line of decoder.decode(value).split("\n")) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
    }
  }
}

async function post(path, message, session) {
  const body = JSON.stringify({ message, session_id: session ?? null, character_id: 1 });
  const response = await fetch(base + path, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response;
}

const sent = await sendMessage(first);
const before = await getChatHistory(sent.session_id);
const events = [];
for await (const event of streamChatResponse(second, sent.session_id)) events.push(event);
console.log(JSON.stringify({ sent, before, events, after: await getChatHistory(sent.session_id) }));
