/**
 * Markdown within a line: text in, a tree of plain objects out. Nothing here touches the page.
 *
 * A tree is a list of strings and of nodes: `{ tag, children, href }`. Emphasis is paired as in
 * CommonMark. HTML is text, and so is a link that leads anywhere but to the web or a mailbox.
 */

const DEEPEST = 16; // what is marked within what is marked
const LONGEST_ADDRESS = 1000;
const SPECIAL = /[\\`*_~[\]!<&\n]|https?:\/\//gi;
const HALF = /(?:[*_~`\\]{1,16}|!?\[)$/; // marks of which it is not known yet what they mark
const PUNCTUATION = /[\p{P}\p{S}]/u;
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const AUTOLINK = /<((?:https?:\/\/|mailto:)[^\s<>]{1,1000})>/iy;
const BREAK = /<br ?\/?>/iy;
const BARE = /https?:\/\/[^\s<>"`|]{1,1000}/iy;
const ENTITY = /&(amp|lt|gt|quot|nbsp|#39);/y;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0", "#39": "'" };
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const TAGS = { 1: "em", 2: "strong" };

/**
 * Read a text. One that `isOpen` is still being written: what it has begun counts as ended.
 *
 * @param {string} text
 * @returns {(string | {tag: string, href?: string, children: any[]})[]}
 */
export function parseInline(text, isOpen = false) {
  const reader = new Reader(isOpen ? text.replace(HALF, "") : text, isOpen);
  return buildTree(reader.read());
}

/** Return the address that a link may lead to; null for any that it may not. */
export function parseAddress(address) {
  if (!/^(?:https?:\/\/|mailto:)/i.test(address)) return null;
  try {
    const url = new URL(address);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Cuts a text into pieces: `{ text, closes, opens }`, each with what ends before and begins after. */
class Reader {
  constructor(text, isOpen) {
    this.text = text;
    this.isOpen = isOpen;
    this.pieces = [];
    this.marks = []; // those that could still begin or end emphasis
    this.brackets = []; // those that could still begin a link
    this.at = 0;
  }

  read() {
    while (this.at < this.text.length) {
      SPECIAL.lastIndex = this.at;
      const found = SPECIAL.exec(this.text);
      const end = found ? found.index : this.text.length;
      this.addText(this.text.slice(this.at, end));
      this.at = end;
      if (found) this.readSpecial(found[0][0]);
    }
    pairMarks(this.marks, 0);
    if (this.isOpen) this.openRest();
    return this.pieces;
  }

  readSpecial(character) {
    switch (character) {
      case "\\":
        return this.readEscape();
      case "`":
        return this.readCode();
      case "*":
      case "_":
      case "~":
        return this.readMarks(character);
      case "[":
        return this.readBracket("[");
      case "!":
        return this.text[this.at + 1] === "[" ? this.readBracket("![") : this.addNext("!");
      case "]":
        return this.readClosing();
      case "<":
        return this.readAngle();
      case "&":
        return this.readEntity();
      case "\n":
        return this.readBreak();
      default:
        return this.readBare();
    }
  }

  readEscape() {
    const next = this.text[this.at + 1] ?? "";
    if (next === "\n") {
      this.at += 1;
      this.readBreak();
    } else if (ESCAPABLE.test(next)) {
      this.at += 1;
      this.addNext(next);
    } else {
      this.addNext("\\");
    }
  }

  readCode() {
    const run = countRun(this.text, this.at);
    const start = this.at + run;
    const found = this.findRun(run, start);
    if (found === undefined && !this.isOpen) return this.addNext("`".repeat(run));
    const inside = this.text.slice(start, found).replaceAll("\n", " ");
    const isPadded = /^ .* $/.test(inside) && inside.trim() !== "";
    this.addNode({ tag: "code", children: [isPadded ? inside.slice(1, -1) : inside] });
    this.at = found === undefined ? this.text.length : found + run;
    return undefined;
  }

  /** Find the next run of so many backticks; each run of the text is looked at once. */
  findRun(length, from) {
    if (!this.runs) {
      this.runs = new Map();
      for (const { 0: run, index } of this.text.matchAll(/`+/g)) {
        const places = this.runs.get(run.length) ?? [];
        places.push(index);
        this.runs.set(run.length, places);
      }
      for (const places of this.runs.values()) places.reverse();
    }
    const places = this.runs.get(length) ?? [];
    while (places.length > 0 && places.at(-1) < from) places.pop();
    return places.at(-1);
  }

  readMarks(mark) {
    const length = countRun(this.text, this.at);
    const before = this.text[this.at - 1] ?? " ";
    const after = this.text[this.at + length] ?? " ";
    const [spaceBefore, spaceAfter] = [before.trim() === "", after.trim() === ""];
    const [pointBefore, pointAfter] = [PUNCTUATION.test(before), PUNCTUATION.test(after)];
    const left = !spaceAfter && (!pointAfter || spaceBefore || pointBefore);
    const right = !spaceBefore && (!pointBefore || spaceAfter || pointAfter);
    const isWord = mark === "_";
    const piece = this.addNext(mark.repeat(length));
    if (mark === "~" && length !== 2) return;
    Object.assign(piece, {
      mark,
      length,
      count: length,
      order: this.pieces.length,
      canOpen: left && (!isWord || !right || pointBefore),
      canClose: right && (!isWord || !left || pointAfter),
      isAtWord: spaceBefore,
    });
    this.marks.push(piece);
  }

  readBracket(text) {
    const piece = this.addNext(text);
    this.brackets.push({ piece, index: this.pieces.length, marks: this.marks.length });
  }

  readClosing() {
    const bracket = this.brackets.pop();
    const target = bracket && this.text[this.at + 1] === "(" ? this.readTarget(this.at + 2) : null;
    if (!target) {
      this.addNext("]");
      return;
    }
    pairMarks(this.marks, bracket.marks);
    this.marks.length = bracket.marks;
    for (const piece of this.pieces.slice(bracket.index)) piece.isInLink = true;
    if (this.pieces.length === bracket.index) this.addText(target.address);
    bracket.piece.text = "";
    if (target.href) bracket.piece.opens.push({ tag: "a", href: target.href });
    this.addText("", target.href ? 1 : 0);
    this.brackets.length = 0; // no link holds another
    this.at = target.end;
  }

  /** Read where a link leads; null if nowhere that it may. */
  readTarget(start) {
    const limit = Math.min(this.text.length, start + LONGEST_ADDRESS);
    let [end, depth] = [start, 0];
    while (end < limit && !" \t\n".includes(this.text[end])) {
      if (this.text[end] === "(" && ++depth > DEEPEST) return null;
      if (this.text[end] === ")" && --depth < 0) break;
      end += 1;
    }
    const address = this.text.slice(start, end).replace(/^<(.*)>$/, "$1");
    const title = /\s+(?:"[^"\n]{0,500}"|'[^'\n]{0,500}')(?=\))/y;
    title.lastIndex = end;
    if (title.test(this.text)) end = title.lastIndex;
    if (this.text[end] === ")") {
      const href = parseAddress(address);
      return href && { href, address, end: end + 1 };
    }
    const isCut = this.isOpen && end < limit + 1 && end === this.text.length;
    return isCut ? { href: null, address: "", end } : null;
  }

  readAngle() {
    const link = matchAt(AUTOLINK, this.text, this.at);
    const href = link && parseAddress(link[1]);
    if (href) {
      this.addNode({ tag: "a", href, children: [link[1].replace(/^mailto:/i, "")] });
      this.at += link[0].length;
      return;
    }
    const broken = matchAt(BREAK, this.text, this.at); // the one way to break a line in a table
    if (broken) {
      this.addNode({ tag: "br", children: [] });
      this.at += broken[0].length;
    } else {
      this.addNext("<");
    }
  }

  readEntity() {
    const found = matchAt(ENTITY, this.text, this.at);
    if (!found) {
      this.addNext("&");
      return;
    }
    this.addText(ENTITIES[found[1]]);
    this.at += found[0].length;
  }

  readBreak() {
    const last = this.pieces.at(-1);
    if (last?.text) last.text = last.text.trimEnd();
    this.addNode({ tag: "br", children: [] });
    this.at += 1;
    while (" \t".includes(this.text[this.at] ?? ".")) this.at += 1;
  }

  readBare() {
    const found = matchAt(BARE, this.text, this.at)?.[0] ?? "";
    const address = /\w/.test(this.text[this.at - 1] ?? " ") ? "" : trimAddress(found);
    const href = parseAddress(address);
    if (!href) {
      this.addNext(this.text[this.at]);
      return;
    }
    this.addNode({ tag: "a", href, children: [address] });
    this.at += address.length;
  }

  /** Begin what was not ended, as if it were at the end of the text. */
  openRest() {
    for (const piece of this.marks) {
      const isMeant = piece.count > 1 || (piece.isAtWord && piece.mark === "*");
      if (!piece.canOpen || !isMeant) continue;
      const width = Math.min(piece.count, 2);
      piece.count -= width;
      piece.opens.push({ tag: findTag(piece.mark, width) });
    }
  }

  addNext(text) {
    this.at += text.length;
    return this.addText(text);
  }

  addText(text, closes = 0) {
    const piece = { text, closes, opens: [] };
    if (text || closes) this.pieces.push(piece);
    return piece;
  }

  addNode(node) {
    this.pieces.push({ text: "", node, closes: 0, opens: [] });
  }
}

/** Pair the marks from `bottom` on; those stay that may still begin something ("process emphasis"). */
function pairMarks(marks, bottom) {
  const floors = new Map();
  const open = [];
  for (const closer of marks.slice(bottom)) {
    const key = `${closer.mark}${closer.canOpen}${closer.length % 3}`;
    while (closer.canClose && closer.count > 0) {
      const from = findOpener(open, closer, floors.get(key) ?? -1);
      if (from < 0) {
        floors.set(key, closer.order);
        break;
      }
      const opener = open[from];
      const width = Math.min(opener.count, closer.count, 2);
      opener.opens.push({ tag: findTag(closer.mark, width) });
      closer.closes += 1;
      opener.count -= width;
      closer.count -= width;
      open.length = opener.count > 0 ? from + 1 : from; // what is between them pairs with nothing
    }
    if (closer.canOpen && closer.count > 0) open.push(closer);
  }
  marks.length = bottom;
  for (const mark of open) marks.push(mark);
}

function findOpener(open, closer, floor) {
  for (let at = open.length - 1; at >= 0 && open[at].order >= floor; at -= 1) {
    if (pairs(open[at], closer)) return at;
  }
  return -1;
}

function pairs(opener, closer) {
  if (opener.mark !== closer.mark || !opener.canOpen) return false;
  const isEither = opener.canClose || closer.canOpen;
  const isThree = (opener.length + closer.length) % 3 === 0;
  return !(isEither && isThree && opener.length % 3 !== 0);
}

function findTag(mark, width) {
  return mark === "~" ? "del" : TAGS[width];
}

function buildTree(pieces) {
  const root = { children: [] };
  const path = [root];
  for (const piece of pieces) {
    for (let left = piece.closes; left > 0 && path.length > 1; left -= 1) path.pop();
    addChild(path.at(-1).children, findChild(piece));
    for (const opened of piece.opens.toReversed()) {
      // Deeper than this, marks change nothing: no page is made to nest a thousand elements.
      const node = path.length > DEEPEST ? path.at(-1) : { ...opened, children: [] };
      if (path.length <= DEEPEST) path.at(-1).children.push(node);
      path.push(node);
    }
  }
  return root.children;
}

function findChild({ mark, count, text, node, isInLink }) {
  if (mark) return mark.repeat(count);
  if (!node) return text;
  return isInLink && node.tag === "a" ? node.children[0] : node; // no link holds another
}

/** Add to a tree; texts that touch are one, so that the page has few of them. */
function addChild(children, child) {
  if (child === "") return;
  const isText = typeof child === "string" && typeof children.at(-1) === "string";
  children.push(isText ? children.pop() + child : child);
}

function countRun(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Leave out what ends a sentence rather than an address, and a bracket that was opened before it. */
function trimAddress(address) {
  let end = address.length;
  let open = address.split("(").length - address.split(")").length;
  while (end > 0) {
    const last = address[end - 1];
    if (last === ")" && open < 0) open += 1;
    else if (!/[.,:;!?'*_~\]]/.test(last)) break;
    end -= 1;
  }
  return address.slice(0, end);
}
