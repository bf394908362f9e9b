/** Answers on the page: Markdown becomes elements, each made by name and filled with text. */

import { parseBlocks, splitRow } from "./blocks.js";
import { parseInline } from "./inline.js";

const FIRST_HEADING = 2; // an answer's own stands below the page's and the speaker's
const MARKS_ALONE = /^(?:[-+*_=#>|`~: \t]+|[ \t]*\d{1,9}[.)]?)$/;

/** Draws a text that grows; only what can still change is drawn again. */
export class AnswerView {
  constructor(parent) {
    this.parent = parent;
    this.settled = 0; // characters whose elements stay
    this.kept = 0; // and how many elements those are
  }

  /** Draw the whole text so far; `isOpen` while more may come. Returns the elements that now stay. */
  draw(text, isOpen) {
    const lines = text.slice(this.settled).split("\n");
    const shown = isOpen && MARKS_ALONE.test(lines.at(-1)) ? lines.slice(0, -1) : lines;
    const blocks = parseBlocks(shown.map((line) => line.replace(/\r$/, "")));
    const nodes = blocks.map((block, at) => {
      if (!isOpen || at < blocks.length - 1) return buildBlock(block, false);
      return buildBlock(block.line < lines.length - 1 ? guessTable(block) : block, true);
    });
    for (const node of nodes) node.dir = "auto"; // each as its own first words are written
    patch(this.parent, this.kept, nodes);
    return this.settle(lines, blocks, isOpen);
  }

  /** Let the blocks be that no later text can change: those before the last that has surely begun. */
  settle(lines, blocks, isOpen) {
    const hasBegun = ({ line }, at) => {
      const isApart = at > 0 && blocks[at - 1].kind !== "list" && lines[line - 1].trim() === "";
      return isApart || line < lines.length - 1;
    };
    const count = isOpen ? Math.max(0, blocks.findLastIndex(hasBegun)) : blocks.length;
    const settled = [...this.parent.children].slice(this.kept, this.kept + count);
    const end = isOpen ? (blocks[count]?.line ?? 0) : lines.length;
    this.settled += lines.slice(0, end).reduce((sum, line) => sum + line.length + 1, 0);
    this.kept += count;
    return settled;
  }
}

/** Take a row that nothing follows yet for the head of a table. */
function guessTable(block) {
  const isHead = block.kind === "paragraph" && /^\|[^\n]*\|$/.test(block.text);
  return isHead ? { kind: "table", head: splitRow(block.text), align: [], rows: [] } : block;
}

function buildBlock(block, isOpen) {
  switch (block.kind) {
    case "heading":
      return build(`h${Math.min(6, block.level + FIRST_HEADING)}`, buildInline(block.text, isOpen));
    case "code":
      return buildCode(block);
    case "quote":
      return build("blockquote", buildBlocks(block.blocks, isOpen));
    case "list":
      return buildList(block, isOpen);
    case "table":
      return buildTable(block, isOpen);
    case "rule":
      return build("hr");
    default:
      return build("p", buildInline(block.text, isOpen));
  }
}

function buildBlocks(blocks, isOpen) {
  return blocks.map((block, at) => buildBlock(block, isOpen && at === blocks.length - 1));
}

function buildCode(block) {
  const button = build("button", ["Copy"], { type: "button", "data-copies": "code" });
  return build(
    "figure",
    [
      build("figcaption", [build("span", [block.language]), button]),
      build("pre", [build("code", [block.text])]),
    ],
    { class: "code" },
  );
}

function buildList(block, isOpen) {
  const items = block.items.map((blocks, at) =>
    build("li", buildItem(blocks, block.isLoose, isOpen && at === block.items.length - 1)),
  );
  if (block.start === null) return build("ul", items);
  return build("ol", items, block.start === 1 ? {} : { start: String(block.start) });
}

function buildItem(blocks, isLoose, isOpen) {
  const [first, ...rest] = blocks;
  if (first?.kind !== "paragraph") return buildBlocks(blocks, isOpen);
  const text = first.text.replace(/^\[([ xX])\] /, (_, mark) => (mark === " " ? "☐ " : "☑ "));
  if (isLoose) return buildBlocks([{ ...first, text }, ...rest], isOpen);
  return [...buildInline(text, isOpen && rest.length === 0), ...buildBlocks(rest, isOpen)];
}

function buildTable(block, isOpen) {
  const buildRow = (cells, tag) =>
    build("tr", cells.map((cell, at) => build(tag, buildInline(cell, isOpen), { class: block.align[at] ?? "left" })));
  const table = build("table", [
    build("thead", [buildRow(block.head, "th")]),
    build("tbody", block.rows.map((row) => buildRow(row, "td"))),
  ]);
  return build("div", [table], { class: "table" });
}

function buildInline(text, isOpen) {
  return parseInline(text, isOpen).map(buildPiece);
}

function buildPiece(piece) {
  if (typeof piece === "string") return document.createTextNode(piece);
  const attributes = piece.href
    ? { href: piece.href, title: piece.href, target: "_blank", rel: "noopener noreferrer" }
    : {};
  return build(piece.tag, piece.children.map(buildPiece), attributes);
}

function build(tag, children = [], attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children) element.append(child); // a call takes only so many at once
  return element;
}

/** Make the children from `from` on like `nodes`; what is alike already stays, with what is selected. */
function patch(parent, from, nodes) {
  const old = [...parent.childNodes].slice(from);
  nodes.forEach((node, at) => {
    if (!old[at]) parent.append(node);
    else if (!merge(old[at], node)) old[at].replaceWith(node);
  });
  for (const node of old.slice(nodes.length)) node.remove();
}

/** Make a node like another of its kind; return false if it is of another kind. */
function merge(old, node) {
  if (old.nodeName !== node.nodeName) return false;
  if (old.isEqualNode(node)) return true;
  if (old.nodeType === Node.TEXT_NODE) {
    if (node.data.startsWith(old.data)) old.appendData(node.data.slice(old.length));
    else old.data = node.data;
    return true;
  }
  if (!old.cloneNode(false).isEqualNode(node.cloneNode(false))) return false;
  patch(old, 0, [...node.childNodes]);
  return true;
}
