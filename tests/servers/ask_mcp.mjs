// Asks an agent with the official MCP package: `ask_mcp.mjs PACKAGE.JSON WAY TARGET TOKEN-OR-ARGS`.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, way, target, more] = process.argv.slice(2);
const require = createRequire(packages);
const load = (name) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)));
const { Client } = await load("client/index.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");
const { StdioClientTransport } = await load("client/stdio.js");

const headers = { Authorization: `Bearer ${more}` };
const transport =
  way === "http"
    ? new StreamableHTTPClientTransport(new URL(target), { requestInit: { headers } })
    : new StdioClientTransport({ command: target, args: JSON.parse(more), env: process.env });
const client = new Client({ name: "a test", version: "1" });
await client.connect(transport);
const came = { server: client.getServerVersion().name };
came.tools = (await client.listTools()).tools.map((tool) => tool.name);

const answer = await client.callTool({ name: "chat", arguments: { message: "hi" } });
came.response = answer.structuredContent.response;
const mistaken = await client.callTool({ name: "chat", arguments: {} });
came.mistake = [mistaken.isError, mistaken.content[0].text];

const leaving = new AbortController();
const onprogress = ({ message }) => message === "One." && leaving.abort("enough");
const call = { name: "chat", arguments: { message: "at length" } };
await client
  .callTool(call, undefined, { signal: leaving.signal, onprogress })
  .catch(() => (came.left = true));
await client.ping();
console.log(JSON.stringify(came));
await new Promise((resolve) => process.stdin.resume().once("end", resolve));
await transport.terminateSession?.();
await client.close();
