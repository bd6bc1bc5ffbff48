// The OpenAI SDK for Node at the Responses door. Arguments: base URL, key. The last line is what it saw, as JSON.
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const model = "demo";
const tools = [
  {
    type: "function",
    name: "get_weather",
    description: "Weather",
    strict: false,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
];

async function whole(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

const said = (events) =>
  events
    .filter((event) => event.type === "response.output_text.delta")
    .map((event) => event.delta)
    .join("");
const seen = {};

const events = await whole(await client.responses.create({ model, input: "Hello", stream: true }));
const { response } = events.at(-1);
seen.streamed = said(events);
seen.numbers = events.map((event) => event.sequence_number);
seen.id = response.id;
seen.stored = (await client.responses.retrieve(response.id)).output_text;

const helper = client.responses.stream({ model, input: "Hello" });
seen.helped = (await helper.finalResponse()).output_text;

const asked = await client.responses.create({ model, input: "The weather?", tools });
const call = asked.output.find((item) => item.type === "function_call");
const output = { type: "function_call_output", call_id: call.call_id, output: "blue" };
const told = { model, input: [output], tools, previous_response_id: asked.id };
seen.answered = (await client.responses.create(told)).output_text;

const begun = await client.responses.create({ model, input: "[slow] Hello", background: true, stream: true });
const first = [];
for await (const event of begun) {
  first.push(event);
  if (first.length === 6) break;
}
const after = { stream: true, starting_after: first.at(-1).sequence_number };
const rest = await whole(await client.responses.retrieve(first[0].response.id, after));
seen.resumed = [...first, ...rest].map((event) => event.sequence_number);
seen.end = rest.at(-1).type;
const another = await client.responses.create({ model, input: "[slow] Hello", background: true });
seen.cancelled = (await client.responses.cancel(another.id)).status;

const conversation = await client.conversations.create({ metadata: { a: "b" } });
const inside = await client.responses.create({ model, input: "Hi", conversation: conversation.id });
const items = [];
for await (const item of client.conversations.items.list(conversation.id, { order: "asc" })) items.push(item);
seen.items = items.map((item) => item.content[0].text);
seen.inside = inside.output_text;
await client.responses.delete(response.id);
seen.errors = {};
for (const [name, ask] of Object.entries({
  deleted: () => client.responses.retrieve(response.id),
  model: () => client.responses.create({ model: "gpt-none", input: "x", stream: true }),
  key: () => new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 }).responses.create({ model, input: "x" }),
})) {
  await ask().catch((error) => (seen.errors[name] = [error.constructor.name, error.code]));
}
console.log(JSON.stringify(seen));
