/** What the page asks of the server, and what the server's answers mean. */

const AGENTS = "api/tenants/default/agents";
const COMPLETIONS = "v1/chat/completions";
const WAIT = "Wait a moment, then try again.";
const TRY = "Try again in a moment.";
const ADVICE = {
  ceiling_reached: "Whoever runs this server set that limit and can raise it.",
  conversation_busy: WAIT,
  context_length_exceeded: "Begin a new conversation, or say it in fewer words.",
  credential: "Whoever runs this server can add one: hiveloom credential set.",
  host_not_allowed: "Whoever runs this server can allow that name.",
  locked: WAIT,
  model_not_found: "It may have been renamed: choose another with New.",
  overloaded: WAIT,
  rate_limit_exceeded: WAIT,
  request_too_large: "Begin a new conversation, or say it in fewer words.",
  stream_cut_short: "What came is kept. Try again for a whole answer.",
  too_many_requests: WAIT,
  tokens_unreadable: "Whoever runs this server has to mend that.",
  untrusted: "Whoever runs this server can do so.",
  upstream_refused: "Whoever runs this server can see why: hiveloom chat with the same agent.",
  upstream_unreachable: "Check that it runs and can be reached from the server, then try again.",
};

/** A failure in words for a person: what happened, and what to do. */
export class Trouble extends Error {
  constructor(sentence, advice) {
    super(`${sentence} ${advice}`);
  }
}

/** The server wants a token, or another one; `isMissing` if none was shown. */
export class TokenWanted extends Error {
  constructor(isMissing) {
    super(isMissing ? "This server wants a token." : "That token is not known here, or was revoked.");
    this.isMissing = isMissing;
  }
}

/** Load the agents: `[{ name, description, model }]`. Throws `Trouble` and `TokenWanted`. */
export async function loadAgents(token) {
  const response = await send(AGENTS, token, {});
  return (await readJson(response)).agents ?? [];
}

/**
 * Ask an agent; yield its answer as it comes, and return why it ended, as the wire says.
 *
 * Throws `Trouble`, `TokenWanted`, and an `AbortError` once the signal says so.
 */
export async function* askAgent(token, agent, messages, signal) {
  const response = await send(COMPLETIONS, token, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: agent, messages, stream: true }),
    signal,
  });
  let reason = "";
  for await (const data of readEvents(response.body, signal)) {
    if (data === "[DONE]") return reason;
    const chunk = JSON.parse(data);
    if (chunk.error) throw buildTrouble(chunk.error);
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content) yield choice.delta.content;
    reason = choice?.finish_reason ?? reason;
  }
  throw new Trouble("The answer broke off.", ADVICE.stream_cut_short);
}

async function send(path, token, options) {
  // A header carries nothing else, and no token of this server has anything else.
  if (!/^[\x21-\x7e]*$/.test(token)) throw new TokenWanted(false);
  const headers = { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) };
  const response = await reach(fetch(path, { ...options, headers, cache: "no-store" }));
  if (response.status === 401) throw new TokenWanted(!token);
  if (!response.ok) throw await readTrouble(response);
  return response;
}

/** Wait for the network; what it throws means that nobody is there, unless the person stopped it. */
async function reach(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The server cannot be reached.", "Check that hiveloom serve runs, then try again.");
  }
}

async function readJson(response) {
  try {
    return await response.json();
  } catch {
    throw new Trouble("What came is not from hiveloom serve.", "Check the address of this page.");
  }
}

async function readTrouble(response) {
  const body = await response.json().catch(() => ({}));
  if (body.error?.message) return buildTrouble(body.error);
  return new Trouble(`The server answered with status ${response.status}.`, TRY);
}

function buildTrouble({ code, message }) {
  const text = String(message);
  const sentence = text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
  return new Trouble(sentence, ADVICE[code] ?? TRY);
}

/** Yield the data of server-sent events, of which each is one line here; other lines say nothing. */
async function* readEvents(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await read(reader, signal);
    if (done) return;
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) yield line.slice("data:".length).trim();
    }
  }
}

async function read(reader, signal) {
  try {
    return await reader.read();
  } catch (error) {
    if (signal.aborted) throw new DOMException("stopped", "AbortError");
    throw new Trouble("The connection to the server broke.", ADVICE.stream_cut_short);
  }
}
