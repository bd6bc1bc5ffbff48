// Drives the MCP door with the official SDK: `node mcp.mjs <url> <key> <JSON>`; the last line is the outcome.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, key, given = "{}"] = process.argv.slice(2);
const { content } = JSON.parse(given);
const headers = { Authorization: `Bearer ${key}` };
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
const client = new Client({ name: "parley-client-tests", version: "1.0.0" });
await client.connect(transport);

const progress = [];
const tools = (await client.listTools()).tools.map(({ name }) => name);
const asked = (await client.callTool({ name: "ask", arguments: { content } }, undefined, {
  onprogress: (each) => progress.push(each),
  resetTimeoutOnProgress: true,
})).structuredContent;
const read = (await client.callTool({ name: "read_run", arguments: { run: asked.run } })).structuredContent;
const { resources } = await client.listResources();
const { contents } = await client.readResource({ uri: resources[0].uri });
const wrong = await client.callTool({ name: "read_chat", arguments: { chat: "x" } });
const unknown = await client.request({ method: "prompts/list" }, { parse: (value) => value }).catch(({ code }) => ({ code }));
const server = client.getServerVersion();
await client.close();
console.log(JSON.stringify({ server, tools, asked, progress, read, resource: contents[0], wrong, unknown }));
process.exit(0);
