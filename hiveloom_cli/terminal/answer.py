"""How an answer looks: Markdown blocks as rows for a terminal, calm and clean to copy from."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING, ClassVar

from rich import box, markdown
from rich.rule import Rule
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from hiveloom_cli.terminal.blocks import CAPTION, LABEL_TAG, TARGET_TAG, parse_blocks
from hiveloom_cli.terminal.highlight import fold_line, highlight_code
from hiveloom_cli.terminal.loss import loses_text
from hiveloom_cli.terminal.rows import BLANK_ROW, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token
    from rich.console import Console, ConsoleOptions, RenderResult

    from hiveloom_cli.terminal.blocks import Block

# The terminal's own colours, the middle ones, and no background: readable on dark and on light.
_THEME = Theme(
    {
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold italic",
        "markdown.h4": "bold italic",
        "markdown.h5": "italic",
        "markdown.h6": "italic",
        "markdown.code": "cyan",
        "markdown.link": "none",
        "markdown.link_url": "blue underline",
        "markdown.block_quote": "italic",
        "markdown.item.number": "bold",
        "markdown.table.border": "dim",
        "markdown.table.header": "bold",
        "markdown.hr": "dim",
    }
)


def format_rows(console: Console, source: str, *, fold_code: bool) -> list[Row]:
    """Lay out Markdown for the console's width, one empty row between blocks.

    All its text is in the rows: a block that does not fit, such as a list in lists deeper than the
    screen is wide, is given as it was written.

    A line of code longer than the width stays whole, for the terminal to wrap and a person to copy,
    unless `fold_code` asks for rows that each fit.
    """
    rows: list[Row] = []
    with console.use_theme(_THEME):
        for block in parse_blocks(source):
            lines = _layout(console, block, fold=fold_code)
            shown = "".join(segment.text for line in lines for segment in line)
            if loses_text(block.source, shown + block.implied):
                lines = _layout_code(console, _read_raw(block), fold=fold_code)
            new = _build_rows(console, lines)
            rows += [BLANK_ROW, *new] if rows and new else new
    return rows


class _Heading(markdown.Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Code(markdown.CodeBlock):
    # Code inside a list or a quote; it has to fit the width that is left there.
    caption = ""

    @classmethod
    def create(cls, markdown: markdown.Markdown, token: Token) -> _Code:
        code = cls(token.info.partition(" ")[0], markdown.code_theme)
        code.caption = token.meta.get(CAPTION, "")
        return code

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in _highlight(str(self.text), self.lexer_name, self.caption):
            yield from fold_line(line, options.max_width)


class _Quote(markdown.BlockQuote):
    # Rich's own leaves two more columns unused at every level.
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inside = options.update(width=options.max_width - 2)
        for line in console.render_lines(self.elements, inside, style=self.style):
            yield from (Segment("▌ ", self.style), *line, Segment.line())


class _Item(markdown.ListItem):
    number = ""

    @classmethod
    def create(cls, markdown: markdown.Markdown, token: Token) -> _Item:  # noqa: ARG003
        item = cls()
        item.number = token.info
        return item


class _List(markdown.ListElement):
    # Numbers as they were written, for the text may refer to them; rich counts from the first one.
    # The same number throughout is the habit of leaving the counting to the reader.
    items: list[_Item]  # type: ignore[assignment]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        numbers = [int(item.number) for item in self.items if item.number.isdecimal()]
        if len(numbers) < len(self.items) or len(set(numbers)) == 1:
            yield from super().__rich_console__(console, options)
            return
        for item, number in zip(self.items, numbers, strict=True):
            yield from item.render_number(console, options, number, max(numbers))


class _HorizontalRule(markdown.HorizontalRule):
    new_line = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Rule(style="markdown.hr", characters="─")


class _Table(markdown.TableElement):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            show_edge=False,
            style="markdown.table.border",
            header_style="markdown.table.header",
        )
        header = self.header.row.cells if self.header and self.header.row else []
        for cell in header:
            table.add_column(cell.content, justify=cell.justify, overflow="fold")
        for row in self.body.rows if self.body else []:
            table.add_row(*(cell.content for cell in row.cells))
        yield table


class AnswerMarkdown(markdown.Markdown):
    """Rich's Markdown for tokens that were read already, in this program's dress."""

    elements: ClassVar[dict[str, type[markdown.MarkdownElement]]] = {
        **markdown.Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "blockquote_open": _Quote,
        "list_item_open": _Item,
        "bullet_list_open": _List,
        "ordered_list_open": _List,
        "hr": _HorizontalRule,
        "table_open": _Table,
    }
    inlines = markdown.Markdown.inlines | {LABEL_TAG, TARGET_TAG}

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__("", hyperlinks=False)
        self.parsed = tokens


def _layout(console: Console, block: Block, *, fold: bool) -> list[list[Segment]]:
    """Give the block's lines; none where it is nested more deeply than can be drawn."""
    first = block.tokens[0]
    if first.type in {"fence", "code_block"}:
        language, caption = first.info.partition(" ")[0], first.meta.get(CAPTION, "")
        return _layout_code(console, _highlight(first.content, language, caption), fold=fold)
    try:
        lines = console.render_lines(AnswerMarkdown(block.tokens), pad=False)
    except RecursionError:
        return []
    # Rich puts a blank line before a list, a quote or a table even where nothing stands above.
    return list(dropwhile(lambda line: not line, (list(_trim(line)) for line in lines)))


def _layout_code(console: Console, lines: Iterable[Text], *, fold: bool) -> list[list[Segment]]:
    if fold:
        lines = (piece for line in lines for piece in fold_line(line, console.width))
    return [list(line.render(console)) for line in lines]


def _highlight(code: str, language: str, caption: str) -> Iterable[Text]:
    if caption:
        yield Text(caption, style="dim")
    yield from highlight_code(code, language).split("\n", allow_blank=True)


def _read_raw(block: Block) -> Iterable[Text]:
    return _highlight(block.source.strip("\n"), "", "")


def _trim(line: list[Segment]) -> Iterator[Segment]:
    """Drop the spaces at the end of a line: they are padding, and in the way when copying."""
    end = len(line)
    while end and not line[end - 1].text.rstrip():
        end -= 1
    yield from line[: end - 1 if end else 0]
    if end:
        yield Segment(line[end - 1].text.rstrip(), line[end - 1].style)


def _build_rows(console: Console, lines: Iterable[list[Segment]]) -> list[Row]:
    widths: list[int] = []
    segments: list[Segment] = []
    for line in lines:
        widths.append(sum(segment.cell_length for segment in line))
        segments += [*line, Segment.line()]
    with console.capture() as capture:
        console.print(Segments(segments), end="", soft_wrap=True)
    return [Row(*row) for row in zip(capture.get().split("\n"), widths, strict=False)]
