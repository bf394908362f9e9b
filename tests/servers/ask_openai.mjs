// Asks a server with OpenAI's package, and prints what came as one JSON object.
import { createRequire } from "node:module";

const [packages, baseURL, apiKey] = process.argv.slice(2);
const { OpenAI } = createRequire(packages)("openai");
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const user = (content) => [{ role: "user", content }];
const lookup = { type: "function", function: { name: "lookup", parameters: { type: "object", properties: {} } } };
const image = "data:image/png;base64,iVBORw0KGgoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async function refused(work) {
  try {
    await work();
  } catch (error) {
    return error.status;
  }
  return null;
}

const models = [];
for await (const model of await client.models.list()) models.push(model.id);

const whole = await client.chat.completions.create({ model: "helper", messages: user("hi") });

let streamed = "";
let usage = null;
const chunks = await client.chat.completions.create({
  model: "helper", messages: user("hi"), stream: true, stream_options: { include_usage: true },
});
for await (const chunk of chunks) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}

const called = await client.chat.completions.create({
  model: "helper", messages: user('call lookup {"id": 7}'), tools: [lookup],
});
const call = called.choices[0].message.tool_calls[0];
const told = await client.chat.completions.create({
  model: "helper",
  messages: [
    ...user('call lookup {"id": 7}'),
    called.choices[0].message,
    { role: "tool", tool_call_id: call.id, content: "a bee" },
  ],
  tools: [lookup],
});

let streamedCall = "";
const callChunks = await client.chat.completions.create({
  model: "helper", messages: user('call lookup {"id": 7}'), tools: [lookup], stream: true,
});
for await (const chunk of callChunks) {
  for (const part of chunk.choices[0]?.delta?.tool_calls ?? []) streamedCall += part.function.arguments;
}

const helped = client.chat.completions.stream({ model: "helper", messages: user("hi") });

let ran = 0;
const runner = client.chat.completions.runTools({
  model: "helper", messages: user('call lookup {"id": 7}'),
  tools: [{ ...lookup, function: { ...lookup.function, parse: JSON.parse, function: ({ id }) => `bee ${(ran = id)}` } }],
});

const seen = await client.chat.completions.create({
  model: "helper",
  messages: user([{ type: "text", text: "what is it?" }, { type: "image_url", image_url: { url: image } }]),
});

console.log(JSON.stringify({
  models,
  whole: whole.choices[0].message.content,
  streamed,
  tokens: usage.total_tokens,
  call: [call.function.name, JSON.parse(call.function.arguments)],
  told: told.choices[0].message.content,
  streamedCall: JSON.parse(streamedCall),
  helped: await helped.finalContent(),
  runner: [await runner.finalContent(), ran],
  retrieved: (await client.models.retrieve("helper")).id,
  elsewhere: await refused(() => client.responses.create({ model: "helper", input: "hi" })),
  malformed: await refused(() => client.chat.completions.create({ model: "helper", messages: [] })),
  seen: seen.choices[0].message.content,
  unknown: await refused(() => client.chat.completions.create({ model: "nobody", messages: user("hi") })),
  stranger: await refused(() => new OpenAI({ baseURL, apiKey: "another", maxRetries: 0 }).models.list()),
}));
