// Drives a Parley server with @trpc/client: `node trpc.mjs <case> <url> <token> <JSON>`; the last line is the outcome.
import {
  createTRPCUntypedClient, httpBatchLink, httpBatchStreamLink, httpLink, httpSubscriptionLink, splitLink,
} from "@trpc/client";
import { EventSource } from "eventsource";

const [name, url, token, given = "{}"] = process.argv.slice(2);
const input = JSON.parse(given);
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const statuses = [];
setInterval(() => {}, 1000); // eventsource does not keep a Node process alive while it waits to come back

async function watched(...args) {
  const response = await fetch(...args);
  statuses.push(response.status);
  return response;
}

function client(link = httpBatchLink) {
  const calls = link({ url, headers, fetch: watched });
  const stream = httpSubscriptionLink({
    url,
    EventSource,
    connectionParams: async () => (token ? { token } : null),
  });
  return createTRPCUntypedClient({
    links: [splitLink({ condition: ({ type }) => type === "subscription", true: stream, false: calls })],
  });
}

function outcome(settled) {
  return settled.map(({ value, reason }) => (reason ? { error: told(reason) } : { data: value }));
}

function told(error) {
  return { message: error.message, shape: error.shape, code: error.data?.code };
}

// All the values of a subscription, and how it ended.
function follow(path, body) {
  const states = [];
  return new Promise((resolve) => {
    const values = [];
    client().subscription(path, body, {
      onData(value) {
        values.push(value);
        console.log(JSON.stringify(value));
      },
      onConnectionStateChange: ({ state }) => states.push(state),
      onError: (error) => resolve({ values, states, error: told(error) }),
      onComplete: () => resolve({ values, states }),
    });
  });
}

// `[["query" | "mutation", path, input], ...]` at once: one batch for each kind.
async function all(calls, link) {
  const trpc = client(link);
  const arrived = [];
  const asked = calls.map(([kind, path, body]) =>
    trpc[kind](path, body).finally(() => arrived.push(path)));
  return { outcomes: outcome(await Promise.allSettled(asked)), statuses, arrived };
}

const cases = {
  single: () => all(input, httpLink),
  batch: () => all(input, httpBatchLink),
  lines: () => all(input, httpBatchStreamLink),
  follow: () => follow(input.path, input.input),
  async initiate() {
    const begun = await client().mutation("chat.initiateChat", input);
    const { assistantMessageId } = begun;
    const streamed = await follow("chat.streamResponse", { assistantMessageId, projectId: input.projectId });
    const stored = await client().query("chat.getMessage", { messageId: assistantMessageId });
    return { begun, streamed, stored };
  },
};
console.log(JSON.stringify(await cases[name]()));
process.exit(0);
