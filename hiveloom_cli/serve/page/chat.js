/** The page: which agent is asked, what was said, and what the person does about it. */

import { Answer, speak } from "./answer.js";
import { copy } from "./copying.js";
import { follow } from "./following.js";
import * as kept from "./kept.js";
import { TokenWanted, Trouble, askAgent, loadAgents } from "./server.js";
import { askToken } from "./token.js";

const COPIED_MS = 2000;

const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((one) => [one.id, one]));
const scrolling = follow(page.scroller, page.down);
const answers = new WeakMap(); // by their elements
const state = {
  token: kept.loadToken(),
  agents: [],
  agent: "", // the chosen one's name
  messages: [], // as they are sent
  answer: null, // the one on its way, or the last one
  former: null, // the conversation before this one
};

// ---- asking -------------------------------------------------------------------------------------

function send() {
  const text = page.text.value;
  if (!text.trim() || isRunning() || !state.agent) return;
  page.text.value = "";
  fitText();
  state.messages.push({ role: "user", content: text });
  showQuestion(text);
  addAnswer();
  showConversation();
  scrolling.toEnd();
  keep();
  answer();
}

/** Ask once more for the last answer; the part of it that came is there until a new one comes. */
function retry() {
  if (isRunning() || !state.answer) return;
  if (state.messages.at(-1)?.role === "assistant") state.messages.pop();
  answer();
  page.text.focus();
}

async function answer() {
  const { answer: one, messages, agent } = state;
  one.wait();
  showRunning();
  speak(`${agent} is answering`);
  try {
    const reason = await ask(agent, messages, one);
    one.end(describeEnd(reason, one), { failed: !one.hasBegun });
  } catch (error) {
    if (error.name === "AbortError") one.end("Stopped.", { stopped: true });
    else one.end(describe(error), { failed: true });
  }
  if (one.text) messages.push({ role: "assistant", content: one.text });
  keep();
  showRunning();
}

/** Ask until it is answered, or until something other than the token is wrong. */
async function ask(agent, messages, one) {
  for (;;) {
    try {
      const deltas = askAgent(state.token, agent, messages, one.stopping.signal);
      let step = await deltas.next();
      for (; !step.done; step = await deltas.next()) one.take(step.value);
      return step.value;
    } catch (error) {
      await mendToken(error);
    }
  }
}

/** Have the person give a token if that is what was wrong; else throw what was. */
async function mendToken(error) {
  if (!(error instanceof TokenWanted)) throw error;
  state.token = await askToken(error.isMissing ? "" : error.message);
  page.text.focus();
}

function describeEnd(reason, one) {
  if (reason === "length") return "The answer ends here because it reached its greatest length.";
  if (reason === "content_filter") return "The answer was ended by the upstream's filter.";
  return one.hasBegun ? "" : "The agent answered with nothing.";
}

function describe(error) {
  if (error instanceof Trouble) return error.message;
  return "Something went wrong on this page. Try again, or reload it.";
}

function isRunning() {
  return Boolean(state.answer?.stopping);
}

function stop() {
  state.answer?.stopping?.abort();
}

// ---- conversations ------------------------------------------------------------------------------

function showQuestion(text) {
  const frame = document.querySelector("#question-frame").content.cloneNode(true);
  frame.querySelector(".said").textContent = text;
  page.log.append(frame);
}

function addAnswer() {
  state.answer = new Answer(state.agent, page.log, scrolling.keep);
  answers.set(state.answer.frame, state.answer);
  return state.answer;
}

/** Have a reload find what is here. */
function keep() {
  const { agent, messages, answer: last } = state;
  const came = isRunning() && last.text ? [{ role: "assistant", content: last.text }] : [];
  const isEmpty = messages.length === 0;
  kept.saveConversation(isEmpty ? null : { agent, messages: [...messages, ...came] });
}

function beginNew() {
  stop();
  state.former = { agent: state.agent, messages: state.messages };
  Object.assign(state, { messages: [], answer: null });
  page.log.replaceChildren();
  keep();
  showConversation();
  page.text.focus();
  lookForAgents();
}

/** Show a conversation that was had before; its last question may be without an answer. */
function goOn({ agent, messages }) {
  Object.assign(state, { agent, messages, answer: null, former: null });
  page.log.replaceChildren();
  for (const { role, content } of messages) {
    if (role === "user") showQuestion(content);
    else addAnswer().show(content);
  }
  if (messages.at(-1).role === "user") {
    addAnswer().end("The page was left before the answer came.", { stopped: true });
  }
  keep();
  showConversation();
  scrolling.toEnd();
}

function showConversation() {
  const hasBegun = state.messages.length > 0;
  const agent = state.agents.find(({ name }) => name === state.agent);
  page.start.hidden = hasBegun || state.agents.length === 0;
  page.besides.hidden = hasBegun;
  if (hasBegun) page["no-agents"].hidden = page["no-server"].hidden = true;
  page.back.hidden = !state.former;
  page.new.hidden = !hasBegun;
  page.forget.hidden = !state.token;
  page.title.textContent = hasBegun ? state.agent : "hiveloom";
  page.about.textContent = (hasBegun && agent?.description) || "";
  document.title = hasBegun ? `${state.agent} – hiveloom` : "hiveloom";
  for (const frame of page.log.children) {
    frame.classList.toggle("last", frame === state.answer?.frame);
  }
  showRunning();
}

function showRunning() {
  page.stop.hidden = !isRunning();
  page.send.hidden = isRunning();
  page.send.disabled = !state.agent;
}

// ---- agents -------------------------------------------------------------------------------------

async function lookForAgents() {
  let trouble = "";
  try {
    state.agents = await load();
  } catch (error) {
    trouble = describe(error);
  }
  if (state.messages.length === 0) state.agent = findFirst();
  page["no-server"].querySelector(".trouble").textContent = trouble;
  page["no-server"].hidden = !trouble;
  page["no-agents"].hidden = Boolean(trouble) || state.agents.length > 0;
  page.agents.replaceChildren(...state.agents.map(buildCard));
  showConversation();
}

async function load() {
  for (;;) {
    try {
      return await loadAgents(state.token);
    } catch (error) {
      await mendToken(error);
    }
  }
}

function findFirst() {
  const names = state.agents.map(({ name }) => name);
  const last = kept.loadAgentName();
  return names.includes(last) ? last : (names[0] ?? "");
}

function buildCard({ name, description, model }) {
  const card = document.querySelector("#agent-card").content.cloneNode(true).firstElementChild;
  card.querySelector("input").value = name;
  card.querySelector("input").checked = name === state.agent;
  card.querySelector("strong").textContent = name;
  card.querySelector("small").textContent = model;
  card.querySelector(".about").textContent = description;
  return card;
}

// ---- what the person does -----------------------------------------------------------------------

/** Make the field as high as what is in it. */
function fitText() {
  page.text.style.height = "auto";
  const borders = page.text.offsetHeight - page.text.clientHeight;
  page.text.style.height = `${page.text.scrollHeight + borders}px`;
}

/** Whether a key sends: not while a word is being composed, and not on a keyboard of glass. */
function sends(event) {
  const isComposing = event.isComposing || event.keyCode === 229;
  const isGlass = matchMedia("(hover: none) and (pointer: coarse)").matches;
  return event.key === "Enter" && !event.shiftKey && !isComposing && !isGlass;
}

async function copyFor(button) {
  const code = button.closest("figure")?.querySelector("code");
  const isCopied = await copy(code?.textContent ?? answers.get(button.closest("article")).text);
  button.textContent = isCopied ? "Copied" : "Not copied";
  speak(button.textContent);
  setTimeout(() => {
    button.textContent = "Copy";
  }, COPIED_MS);
}

function forget() {
  stop();
  Object.assign(state, { messages: [], answer: null });
  kept.forget();
  location.reload();
}

page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (page.send.matches(":focus-visible")) page.text.focus(); // it is about to be hidden
  send();
});
page.text.addEventListener("input", fitText);
page.text.addEventListener("keydown", (event) => {
  if (!sends(event)) return;
  event.preventDefault();
  send();
});
page.stop.addEventListener("click", () => {
  stop();
  page.text.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !page.asking.open) stop();
});
page.log.addEventListener("click", ({ target }) => {
  if (target.matches("[data-copies]")) copyFor(target);
  if (target.matches(".retry")) retry();
});
page.agents.addEventListener("change", ({ target }) => {
  state.agent = target.value;
  kept.saveAgentName(target.value);
});
page.new.addEventListener("click", beginNew);
page.back.addEventListener("click", () => {
  goOn(state.former);
  page.text.focus();
});
page.forget.addEventListener("click", forget);
for (const button of document.querySelectorAll(".again")) {
  button.addEventListener("click", async () => {
    await lookForAgents();
    if (!button.checkVisibility()) page.text.focus();
  });
}
// A phone may end a page that is out of sight without another word.
for (const event of ["pagehide", "visibilitychange"]) addEventListener(event, keep);

const before = kept.loadConversation();
if (before) goOn(before);
else showConversation();
page.text.focus();
lookForAgents();
