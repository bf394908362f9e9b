"""How an answer looks: Markdown blocks as rows for a terminal, calm and clean to copy from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import TYPE_CHECKING

from rich.segment import Segment, Segments

from hiveloom_cli.terminal.blocks import CAPTION, parse_blocks
from hiveloom_cli.terminal.elements import AnswerMarkdown
from hiveloom_cli.terminal.highlight import fold_line, format_code
from hiveloom_cli.terminal.loss import loses_text
from hiveloom_cli.terminal.numbering import UNNUMBERED, Numbering
from hiveloom_cli.terminal.rows import BLANK_ROW, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token
    from rich.console import Console
    from rich.text import Text

    from hiveloom_cli.terminal.blocks import Block
    from hiveloom_cli.terminal.code_lines import Stack
    from hiveloom_cli.terminal.theme import Theme


@dataclass(frozen=True, slots=True)
class Above:
    """What stands above: how a list or code goes on below it, and whether a blank row comes first.

    `marker` is that of the list that an item stands in. `stack` is what the lexer of open code has
    at its end; None where no code is open.
    """

    is_empty: bool = True
    marker: str = ""
    numbering: Numbering = UNNUMBERED
    stack: Stack | None = None


TOP = Above()


def format_rows(
    console: Console, source: str, theme: Theme, above: Above = TOP, *, fold_code: bool
) -> tuple[list[Row], Above]:
    """Lay out Markdown for the console's width, one blank row between blocks.

    Returned is also what stands above anything that follows. Source that goes on with open code
    begins with the line that opened it.

    All text is in the rows: a block that does not fit, such as a list in lists deeper than the
    screen is wide, is given as it was written.

    A line of code longer than the width stays whole, for the terminal to wrap and a person to copy,
    unless `fold_code` asks for rows that each fit.
    """
    rows: list[Row] = []
    with console.use_theme(theme.prose):
        for block in parse_blocks(source) if source else ():
            goes_on = above.stack is not None or (block.marker and block.marker == above.marker)
            numbering = above.numbering if goes_on else UNNUMBERED
            before = replace(above, numbering=numbering)
            new = _build_rows(console, _format_lines(console, block, theme, before, fold=fold_code))
            rows += [BLANK_ROW, *new] if new and not above.is_empty and not goes_on else new
            numbering = _count(block, numbering)
            above = Above(above.is_empty and not new, block.marker, numbering)
    return rows, above


def _count(block: Block, numbering: Numbering) -> Numbering:
    number = block.tokens[1].info if block.marker else ""
    return numbering.add(int(number)) if number else numbering


def _format_lines(
    console: Console, block: Block, theme: Theme, above: Above, *, fold: bool
) -> list[list[Segment]]:
    first = block.tokens[0]
    if above.stack is not None:
        if not first.content.strip("\n"):
            return []
        code = format_code(first.content, _get_language(first), "", theme, above.stack)
        return _layout_code(console, code, fold=fold)
    lines = _layout(console, block, theme, above.numbering, fold=fold)
    shown = "".join(segment.text for line in lines for segment in line)
    if loses_text(block.source, shown + block.implied):
        return _layout_code(console, _read_raw(block, theme), fold=fold)
    return lines


def _layout(
    console: Console, block: Block, theme: Theme, numbering: Numbering, *, fold: bool
) -> list[list[Segment]]:
    """Give the block's lines; none where it is nested more deeply than can be drawn."""
    first = block.tokens[0]
    if first.type in {"fence", "code_block"}:
        caption = first.meta.get(CAPTION, "")
        code = format_code(first.content, _get_language(first), caption, theme)
        return _layout_code(console, code, fold=fold)
    try:
        lines = console.render_lines(AnswerMarkdown(block.tokens, theme, numbering), pad=False)
    except RecursionError:
        return []
    # Rich puts a blank line before a list, a quote or a table even where nothing stands above.
    return list(dropwhile(lambda line: not line, (list(_trim(line)) for line in lines)))


def _get_language(token: Token) -> str:
    return str(token.info.partition(" ")[0])


def _layout_code(console: Console, lines: Iterable[Text], *, fold: bool) -> list[list[Segment]]:
    if fold:
        lines = (piece for line in lines for piece in fold_line(line, console.width))
    return [list(line.render(console)) for line in lines]


def _read_raw(block: Block, theme: Theme) -> Iterable[Text]:
    return format_code(block.source.strip("\n"), "", "", theme)


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
