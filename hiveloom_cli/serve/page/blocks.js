/**
 * Markdown's blocks: lines in, plain objects out. Nothing here touches the page.
 *
 * It follows CommonMark and GitHub's tables as far as answers of models need it. Each line is looked
 * at a bounded number of times, whatever it holds.
 */

const DEEPEST = 16; // quotes and lists in one another; what is deeper is text
const INDENTED = 4; // columns that make code
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})(?=[ \t]|$)/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-+*]|\d{1,9}[.)])(?=[ \t]|$)/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const CELL_RULE = /^:?-+:?$/;

/**
 * Read lines as blocks; each says as `line` at which of them it begins.
 *
 * @param {string[]} lines
 * @returns {object[]} `paragraph`, `heading`, `code`, `quote`, `list`, `table` and `rule`
 */
export function parseBlocks(lines, depth = 0) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const [block, next] = readBlock(lines, at, depth);
    blocks.push({ ...block, line: at });
    at = next;
  }
  return blocks;
}

function readBlock(lines, at, depth) {
  return (
    readFence(lines, at) ??
    readIndented(lines, at) ??
    readHeading(lines, at) ??
    readRule(lines, at) ??
    (depth < DEEPEST ? readQuote(lines, at, depth) : null) ??
    (depth < DEEPEST ? readList(lines, at, depth) : null) ??
    readTable(lines, at) ??
    readParagraph(lines, at)
  );
}

function readFence(lines, at) {
  const fence = parseFence(lines[at]);
  if (!fence) return null;
  const inside = [];
  let next = at + 1;
  while (next < lines.length && !closesFence(lines[next], fence)) {
    inside.push(strip(lines[next], fence.indent));
    next += 1;
  }
  return [{ kind: "code", language: fence.language, text: inside.join("\n") }, next + 1];
}

function parseFence(line) {
  const found = FENCE.exec(line);
  if (!found || (found[1][0] === "`" && found[2].includes("`"))) return null;
  const language = found[2].trim().split(/\s/, 1)[0];
  return { mark: found[1], indent: countIndent(line), language };
}

function closesFence(line, fence) {
  const text = line.trim();
  return (
    countIndent(line) < INDENTED &&
    text.length >= fence.mark.length &&
    text === fence.mark[0].repeat(text.length)
  );
}

function readIndented(lines, at) {
  if (countIndent(lines[at]) < INDENTED) return null;
  let end = at;
  for (let next = at; next < lines.length; next += 1) {
    if (isBlank(lines[next])) continue;
    if (countIndent(lines[next]) < INDENTED) break;
    end = next + 1;
  }
  const inside = lines.slice(at, end).map((line) => strip(line, INDENTED));
  return [{ kind: "code", language: "", text: inside.join("\n") }, end];
}

function readHeading(lines, at) {
  const found = HEADING.exec(lines[at]);
  if (!found) return null;
  const text = dropClosing(lines[at].slice(found[0].length).trim());
  return [{ kind: "heading", level: found[1].length, text }, at + 1];
}

/** Drop the marks that a heading may end with, as in `## Title ##`. */
function dropClosing(text) {
  let end = text.length;
  while (end > 0 && text[end - 1] === "#") end -= 1;
  const isClosing = end === 0 || " \t".includes(text[end - 1]);
  return isClosing ? text.slice(0, end).trimEnd() : text;
}

function readRule(lines, at) {
  return RULE.test(lines[at]) ? [{ kind: "rule" }, at + 1] : null;
}

function readQuote(lines, at, depth) {
  const inside = [];
  let next = at;
  while (next < lines.length && QUOTE.test(lines[next])) {
    inside.push(lines[next].replace(QUOTE, ""));
    next += 1;
  }
  if (next === at) return null;
  return [{ kind: "quote", blocks: parseBlocks(inside, depth + 1) }, next];
}

function readList(lines, at, depth) {
  const first = parseItem(lines[at]);
  if (!first) return null;
  const items = [];
  let isLoose = false;
  let next = at;
  let item = first;
  while (item && item.kind === first.kind) {
    const [inside, end] = readItem(lines, next, item);
    items.push(parseBlocks(inside, depth + 1));
    next = skipBlank(lines, end);
    item = next < lines.length ? parseItem(lines[next]) : null;
    if (item?.kind === first.kind && next > end) isLoose = true;
    if (item?.kind !== first.kind) next = end;
  }
  isLoose ||= items.some((blocks) => blocks.filter(isParagraph).length > 1);
  return [{ kind: "list", start: first.number, isLoose, items }, next];
}

function isParagraph(block) {
  return block.kind === "paragraph";
}

/** Read how an item begins; lists differ by their marks, so that `kind` tells them apart. */
function parseItem(line) {
  const found = RULE.test(line) ? null : ITEM.exec(line);
  if (!found) return null;
  const [before, indent, mark] = [found[0].length, found[1].length, found[2]];
  const spaces = countIndent(line.slice(before));
  const isEmpty = isBlank(line.slice(before));
  const width = before + (isEmpty || spaces > INDENTED ? 1 : spaces);
  const isNumbered = mark.length > 1;
  return {
    kind: mark.at(-1),
    number: isNumbered ? Number.parseInt(mark, 10) : null,
    text: strip(line.slice(before), width - before),
    isEmpty,
    // Models indent by two what belongs to a number, too.
    least: Math.min(width, indent + 2),
    width,
  };
}

function readItem(lines, at, item) {
  const inside = [item.text];
  let fence = parseFence(item.text);
  let next = at + 1;
  while (next < lines.length) {
    const line = lines[next];
    const wasBlank = isBlank(inside.at(-1));
    if (isBlank(line)) {
      const after = skipBlank(lines, next);
      if (after === lines.length || countIndent(lines[after]) < item.least) break;
      for (; next < after; next += 1) inside.push("");
      continue;
    }
    const isInside = countIndent(line) >= item.least;
    // A paragraph goes on in a line that stands further left.
    if (!isInside && (fence || wasBlank || startsBlock(line) || parseItem(line))) break;
    inside.push(isInside ? strip(line, item.width) : line.trimStart());
    if (!fence) fence = parseFence(inside.at(-1));
    else if (closesFence(inside.at(-1), fence)) fence = null;
    next += 1;
  }
  return [inside, next];
}

function readTable(lines, at) {
  const align = parseTable(lines, at);
  if (!align) return null;
  let next = at + 2;
  const rows = [];
  while (next < lines.length && !isBlank(lines[next]) && !startsBlock(lines[next])) {
    // Short rows stay short: filling them up would let a few lines make millions of cells.
    rows.push(splitRow(lines[next]).slice(0, align.length));
    next += 1;
  }
  return [{ kind: "table", head: splitRow(lines[at]), align, rows }, next];
}

/** Return how the columns of a table that begins here are aligned; null where none does. */
function parseTable(lines, at) {
  if (!lines[at].includes("|") || at + 1 >= lines.length) return null;
  const marks = splitRow(lines[at + 1]);
  if (!marks.every((mark) => CELL_RULE.test(mark))) return null;
  if (marks.length !== splitRow(lines[at]).length) return null;
  return marks.map((mark) => {
    if (mark.endsWith(":")) return mark.startsWith(":") ? "centre" : "right";
    return "left";
  });
}

/** Cut a table's row into its cells; a bar after a backslash is text. */
export function splitRow(line) {
  const cells = [];
  let cell = "";
  const text = line.trim();
  for (let at = text.startsWith("|") ? 1 : 0; at < text.length; at += 1) {
    if (text[at] === "|") {
      cells.push(cell.trim());
      cell = "";
    } else if (text[at] === "\\" && text[at + 1] === "|") {
      cell += "|";
      at += 1;
    } else {
      cell += text[at];
    }
  }
  return isBlank(cell) && cells.length > 0 ? cells : [...cells, cell.trim()];
}

function readParagraph(lines, at) {
  let next = at + 1;
  while (next < lines.length && !isBlank(lines[next])) {
    const underline = UNDERLINE.exec(lines[next]);
    if (underline) {
      const level = underline[1][0] === "=" ? 1 : 2;
      return [{ kind: "heading", level, text: joinLines(lines.slice(at, next)) }, next + 1];
    }
    if (interrupts(lines, next)) break;
    next += 1;
  }
  return [{ kind: "paragraph", text: joinLines(lines.slice(at, next)) }, next];
}

function joinLines(lines) {
  return lines.map((line) => line.trimStart()).join("\n").trimEnd();
}

function interrupts(lines, at) {
  const item = parseItem(lines[at]);
  // A number at a line's beginning is often no list: only the first of one begins it.
  const isList = item && !item.isEmpty && (item.number === null || item.number === 1);
  return Boolean(isList) || startsBlock(lines[at]) || parseTable(lines, at) !== null;
}

function startsBlock(line) {
  return Boolean(parseFence(line)) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line);
}

function isBlank(line) {
  return line.trim() === "";
}

function skipBlank(lines, at) {
  let next = at;
  while (next < lines.length && isBlank(lines[next])) next += 1;
  return next;
}

/** Count the columns before a line's text; a tab leads to the next fourth. */
function countIndent(line) {
  let column = 0;
  for (const character of line) {
    if (character === " ") column += 1;
    else if (character === "\t") column += 4 - (column % 4);
    else break;
  }
  return column;
}

/** Take up to so many columns of white space off a line. */
function strip(line, columns) {
  let at = 0;
  let column = 0;
  while (at < line.length && column < columns) {
    if (line[at] === " ") column += 1;
    else if (line[at] === "\t") column += 4 - (column % 4);
    else break;
    at += 1;
  }
  return " ".repeat(Math.max(0, column - columns)) + line.slice(at);
}
