// Drives a Parley server with useChat's Chat and transport: `node ui_message.mjs <case> <url> <token> <JSON>`; the last
// line is what the client holds in the end.
import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } from "ai";

const [name, url, token, given] = process.argv.slice(2);
const input = JSON.parse(given);
const headers = { Authorization: `Bearer ${token}` };
const statuses = [];

async function watched(...args) {
  const response = await fetch(...args);
  statuses.push([response.status, response.headers.get("x-vercel-ai-ui-message-stream")]);
  return response;
}

// A client with the chat's id, as each tab has one.
function open(options = {}) {
  const seen = { data: [], finishes: [] };
  const chat = new Chat({
    id: input.id,
    transport: new DefaultChatTransport({ api: `${url}/api/chat`, headers, fetch: watched, body: input.body ?? {} }),
    onData: (part) => seen.data.push(part),
    onFinish: ({ finishReason, isAbort }) => seen.finishes.push({ finishReason, isAbort }),
    ...options,
  });
  return { chat, seen };
}

function held({ chat, seen }) {
  return { messages: chat.messages, status: chat.status, error: chat.error?.message, statuses, ...seen };
}

// Until the answer holds some text.
async function begun({ chat }) {
  const isShown = ({ role, parts }) => role === "assistant" && parts.some(({ text }) => text);
  while (!chat.messages.some(isShown)) await new Promise((go) => setTimeout(go, 10));
}

function ask(path) {
  return fetch(`${url}/api/chat/${encodeURIComponent(input.id)}/${path}`, { method: "POST", headers });
}

function release() {
  return fetch(`${input.upstream}/release`, { method: "POST", body: JSON.stringify({ gate: input.gate }) });
}

const cases = {
  async send() {
    const tab = open();
    for (const text of input.texts) await tab.chat.sendMessage({ text, files: input.files });
    return held(tab);
  },

  // The first tab goes away in the middle; the second takes the answer up from its start.
  async resume() {
    const [first, second, third] = [open(), open(), open()];
    first.chat.sendMessage({ text: input.texts[0] });
    await begun(first);
    await first.chat.stop();
    const resumed = second.chat.resumeStream();
    await begun(second);
    const shown = JSON.stringify(second.chat.lastMessage.parts);
    await release();
    await resumed;
    await third.chat.resumeStream(); // nothing is in flight any more
    return { shown, first: held(first), second: held(second), third: third.chat.messages };
  },

  async stop() {
    const tab = open();
    const sent = tab.chat.sendMessage({ text: input.texts[0] });
    await begun(tab);
    const stopped = await (await ask("stop")).json();
    await sent;
    const again = await (await ask("stop")).json();
    return { ...held(tab), stopped, again };
  },

  async regenerate() {
    const tab = open();
    await tab.chat.sendMessage({ text: input.texts[0] });
    const first = structuredClone(tab.chat.messages);
    await tab.chat.regenerate();
    const second = structuredClone(tab.chat.messages);
    await tab.chat.regenerate({ messageId: second.at(-1).id });
    return { ...held(tab), first, second };
  },

  async edit() {
    const tab = open();
    for (const text of input.texts) await tab.chat.sendMessage({ text });
    const [first] = tab.chat.messages;
    await tab.chat.sendMessage({ text: input.edited, messageId: first.id });
    return held(tab);
  },

  // The browser's own tool: its output goes back by itself, and the answer goes on in the same message.
  async tool() {
    const tab = open({
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall({ toolCall }) {
        if (toolCall.dynamic) return;
        const { toolName: name, toolCallId } = toolCall;
        tab.chat.addToolOutput({ tool: name, toolCallId, output: { city: toolCall.input.city, degrees: 21 } });
      },
    });
    await tab.chat.sendMessage({ text: input.texts[0] });
    while (tab.chat.status !== "ready" || tab.seen.finishes.length < 2) await new Promise((go) => setTimeout(go, 10));
    if (input.texts[1]) await tab.chat.sendMessage({ text: input.texts[1] });
    return held(tab);
  },
};

console.log(JSON.stringify(await cases[name]()));
