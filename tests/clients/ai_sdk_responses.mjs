// The AI SDK's OpenAI provider at the Responses door: two turns, the second naming the first one's items; a tool.
// Arguments: base URL, key. The last line is what it saw, as JSON.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

const [baseURL, apiKey] = process.argv.slice(2);
const bodies = [];
const recording = (url, init) => {
  bodies.push(JSON.parse(init.body));
  return fetch(url, init);
};
const openai = createOpenAI({ baseURL, apiKey, fetch: recording });
const options = { model: openai.responses("demo"), maxRetries: 0 };
const seen = {};

const messages = [{ role: "user", content: "Hello" }];
const streamed = streamText({ ...options, messages });
seen.first = "";
for await (const piece of streamed.textStream) seen.first += piece;
seen.finish = await streamed.finishReason;
messages.push(...(await streamed.response).messages, { role: "user", content: "Again" });
const second = await generateText({ ...options, messages });
seen.sent = bodies.at(-1).input.map((item) => item.type ?? item.role);
seen.second = second.text;

const schema = jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] });
const weather = tool({ description: "Weather", inputSchema: schema, execute: async () => ({ sky: "blue" }) });
const helped = await generateText({
  ...options,
  prompt: "The weather?",
  tools: { get_weather: weather },
  stopWhen: stepCountIs(3),
});
seen.steps = helped.steps.map((step) => step.finishReason);
seen.helped = helped.text;
const agent = { ...options, model: openai.responses("parley/generalist") };
seen.agent = (await generateText({ ...agent, prompt: "List the files" })).text;
console.log(JSON.stringify(seen));
