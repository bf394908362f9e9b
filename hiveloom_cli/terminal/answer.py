"""How an answer looks: Markdown blocks as rows for a terminal, calm and clean to copy from."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

from rich.segment import Segment, Segments

from hiveloom_cli.terminal.blocks import CAPTION, parse_blocks
from hiveloom_cli.terminal.elements import AnswerMarkdown
from hiveloom_cli.terminal.highlight import fold_line, format_code
from hiveloom_cli.terminal.loss import loses_text
from hiveloom_cli.terminal.rows import BLANK_ROW, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.text import Text

    from hiveloom_cli.terminal.blocks import Block
    from hiveloom_cli.terminal.theme import Theme


def format_rows(console: Console, source: str, theme: Theme, *, fold_code: bool) -> list[Row]:
    """Lay out Markdown for the console's width, one empty row between blocks.

    All its text is in the rows: a block that does not fit, such as a list in lists deeper than the
    screen is wide, is given as it was written.

    A line of code longer than the width stays whole, for the terminal to wrap and a person to copy,
    unless `fold_code` asks for rows that each fit.
    """
    rows: list[Row] = []
    with console.use_theme(theme.prose):
        for block in parse_blocks(source):
            lines = _layout(console, block, theme, fold=fold_code)
            shown = "".join(segment.text for line in lines for segment in line)
            if loses_text(block.source, shown + block.implied):
                lines = _layout_code(console, _read_raw(block, theme), fold=fold_code)
            new = _build_rows(console, lines)
            rows += [BLANK_ROW, *new] if rows and new else new
    return rows


def _layout(console: Console, block: Block, theme: Theme, *, fold: bool) -> list[list[Segment]]:
    """Give the block's lines; none where it is nested more deeply than can be drawn."""
    first = block.tokens[0]
    if first.type in {"fence", "code_block"}:
        language, caption = first.info.partition(" ")[0], first.meta.get(CAPTION, "")
        code = format_code(first.content, language, caption, theme)
        return _layout_code(console, code, fold=fold)
    try:
        lines = console.render_lines(AnswerMarkdown(block.tokens, theme), pad=False)
    except RecursionError:
        return []
    # Rich puts a blank line before a list, a quote or a table even where nothing stands above.
    return list(dropwhile(lambda line: not line, (list(_trim(line)) for line in lines)))


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
