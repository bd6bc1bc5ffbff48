// Drives a Parley server with @ag-ui/client: `node agui.mjs <url> <token> <JSON>`; the last line is what it holds.
import { HttpAgent } from "@ag-ui/client";

const [url, token, given] = process.argv.slice(2);
const input = JSON.parse(given);
const runs = [];
const warned = [];
console.warn = (...words) => warned.push(words.join(" "));

const agent = new HttpAgent({
  url: `${url}/api/agui`,
  threadId: input.threadId,
  headers: token ? { Authorization: `Bearer ${token}` } : {},
  initialState: input.state ?? {},
});

for (const [number, each] of input.says.entries()) {
  const run = { id: `run-${number}`, events: [] };
  runs.push(run);
  if (each.tool) {
    const calls = agent.messages.flatMap(({ toolCalls = [] }) => toolCalls);
    agent.addMessage({ id: `result-${number}`, role: "tool", toolCallId: calls.at(-1).id, content: each.tool });
  } else {
    agent.addMessage({ id: `said-${number}`, role: "user", content: each.text });
  }
  const { runAgent } = input;
  try {
    await agent.runAgent(
      { runId: run.id, ...runAgent },
      {
        onEvent: ({ event }) => void run.events.push(event),
        onRunErrorEvent: ({ event }) => void (run.error = { message: event.message, code: event.code }),
      },
    );
  } catch (error) {
    run.thrown = { message: error.message, status: error.status, payload: error.payload };
  }
}
console.log(JSON.stringify({ messages: agent.messages, runs, warned, state: agent.state }));
