"""How an answer looks: Markdown blocks as rows for a terminal, calm and clean to copy from."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING, Any, ClassVar

from rich import box, markdown
from rich.rule import Rule
from rich.segment import Segment, Segments
from rich.table import Table
from rich.theme import Theme

from hiveloom_cli.terminal.blocks import LABEL_TAG, TARGET_TAG, parse_blocks
from hiveloom_cli.terminal.highlight import fold_line, highlight_code
from hiveloom_cli.terminal.rows import BLANK_ROW, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

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


def format_rows(
    console: Console, source: str, env: dict[str, Any], *, fold_code: bool
) -> list[Row]:
    """Lay out Markdown for the console's width, one empty row between blocks.

    A line of code longer than the width stays whole, for the terminal to wrap and a person to copy,
    unless `fold_code` asks for rows that each fit.
    """
    rows: list[Row] = []
    with console.use_theme(_THEME):
        for block in parse_blocks(source, env):
            if block[0].type in {"fence", "code_block"}:
                lines = _format_code(console, block[0], fold=fold_code)
            else:
                lines = _format_block(console, block)
            rows += [BLANK_ROW, *lines] if rows and lines else lines
    return rows


class _Heading(markdown.Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Code(markdown.CodeBlock):
    # Code inside a list or a quote; it has to fit the width that is left there.
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = highlight_code(str(self.text), self.lexer_name)
        for line in code.split("\n", allow_blank=True):
            yield from fold_line(line, options.max_width)


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
            table.add_column(cell.content, justify=cell.justify)
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
        "hr": _HorizontalRule,
        "table_open": _Table,
    }
    inlines = markdown.Markdown.inlines | {LABEL_TAG, TARGET_TAG}

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__("", hyperlinks=False)
        self.parsed = tokens


def _format_block(console: Console, tokens: list[Token]) -> list[Row]:
    lines = console.render_lines(AnswerMarkdown(tokens), pad=False)
    rows = _build_rows(console, (list(_trim(line)) for line in lines))
    # Rich puts a blank line before a list, a quote or a table even where nothing stands above.
    return list(dropwhile(lambda row: not row.cells, rows))


def _format_code(console: Console, token: Token, *, fold: bool) -> list[Row]:
    code = highlight_code(token.content, token.info.partition(" ")[0])
    lines: Iterable[Text] = code.split("\n", allow_blank=True)
    if fold:
        lines = (piece for line in lines for piece in fold_line(line, console.width))
    return _build_rows(console, (list(line.render(console)) for line in lines))


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
