/** An answer on the page: the text as it grows, how it ended, and the same for a screen reader. */

import { AnswerView } from "./render.js";

const FASTEST_MS = 40;
const SHARE = 4; // between two drawings passes this many times what the last one took
const SPOKEN_MS = 10_000;
const WITHIN_LINES = new Set(["a", "code", "del", "em", "strong"]);

export class Answer {
  /** Put an empty one at the end of `log`; `note` is called when it has grown. */
  constructor(agent, log, noteGrowth) {
    this.frame = document.querySelector("#answer-frame").content.cloneNode(true).firstElementChild;
    this.frame.querySelector("h2").textContent = agent;
    this.said = this.frame.querySelector(".said");
    this.note = this.frame.querySelector(".note");
    this.noteGrowth = noteGrowth;
    this.stopping = null; // what stops it while it is on its way
    this.drawnMs = 0;
    log.append(this.frame);
    this.clear();
  }

  /** Show a text that is not on its way. */
  show(text) {
    this.text = text;
    this.draw(false);
  }

  /** Wait for it; what is there of an earlier try stays until more comes. */
  wait() {
    this.stopping = new AbortController();
    this.hasBegun = false;
    this.say("");
    this.mark({ running: true, failed: false, stopped: false, empty: false });
  }

  take(delta) {
    if (!this.hasBegun) this.clear();
    this.hasBegun = true;
    this.text += delta;
    const pauseMs = Math.max(FASTEST_MS, this.drawnMs * SHARE);
    this.timer ??= setTimeout(() => this.draw(true).forEach(speakBlock), pauseMs);
  }

  /** Show that it is over, and why, if that has to be said; `failed` and `stopped` can be tried again. */
  end(note, { failed = false, stopped = false } = {}) {
    this.stopping = null;
    if (this.hasBegun) this.draw(false).forEach(speakBlock);
    this.say(note);
    if (note) speak(note);
    this.mark({ running: false, failed, stopped, empty: this.text === "" });
  }

  clear() {
    this.text = "";
    this.said.replaceChildren();
    this.view = new AnswerView(this.said);
  }

  draw(isOpen) {
    clearTimeout(this.timer);
    this.timer = undefined;
    const began = performance.now();
    const settled = this.view.draw(this.text, isOpen);
    this.noteGrowth();
    this.drawnMs = performance.now() - began;
    return settled;
  }

  say(note) {
    this.note.textContent = note;
    this.noteGrowth();
  }

  mark(facts) {
    for (const [name, isSo] of Object.entries(facts)) this.frame.classList.toggle(name, isSo);
    this.noteGrowth();
  }
}

/** Have a screen reader say a text once it has said what it is saying. */
export function speak(text) {
  const line = document.createElement("p");
  line.textContent = text;
  document.querySelector("#spoken").append(line);
  setTimeout(() => line.remove(), SPOKEN_MS);
}

function speakBlock(block) {
  const lines = readText(block).split("\n");
  speak(lines.filter((line) => line.trim()).join("\n"));
}

/** Read what an element says, with a new line wherever one would be seen; its buttons say nothing. */
function readText(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.localName === "figcaption") return "";
  const inside = [...node.childNodes].map(readText).join("");
  return WITHIN_LINES.has(node.localName) ? inside : `\n${inside}\n`;
}
