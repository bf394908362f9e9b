"""Rich's Markdown elements, in this program's dress and with none of the text left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich import box, markdown
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from hiveloom_cli.terminal.blocks import CAPTION
from hiveloom_cli.terminal.highlight import fold_line, format_code
from hiveloom_cli.terminal.links import LABEL_TAG, TARGET_TAG
from hiveloom_cli.terminal.numbering import UNNUMBERED, Numbering

if TYPE_CHECKING:
    from markdown_it.token import Token
    from rich.console import Console, ConsoleOptions, RenderResult

    from hiveloom_cli.terminal.theme import Theme


class _Heading(markdown.Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Code(markdown.CodeBlock):
    # Code inside a list or a quote; it has to fit the width that is left there.
    caption = ""
    dress: Theme

    @classmethod
    def create(cls, markdown: AnswerMarkdown, token: Token) -> _Code:  # type: ignore[override]
        code = cls(token.info.partition(" ")[0], markdown.code_theme)
        code.dress = markdown.dress
        code.caption = token.meta.get(CAPTION, "")
        return code

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in format_code(str(self.text), self.lexer_name, self.caption, self.dress):
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

    def on_leave(self, context: markdown.MarkdownContext) -> None:
        super().on_leave(context)
        if not list(self.elements):  # type: ignore[call-overload] # an iterator, typed as an iterable
            self.elements.append(Text(""))  # or rich would leave out its number as well


class _List(markdown.ListElement):
    items: list[_Item]  # type: ignore[assignment]
    numbering = UNNUMBERED

    @classmethod
    def create(cls, markdown: AnswerMarkdown, token: Token) -> _List:  # type: ignore[override]
        made = cls(token.type, None)
        if token.level == 0:
            made.numbering = markdown.numbering
        return made

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for item in self.items:
            if item.number:
                self.numbering = self.numbering.add(int(item.number))
                number, highest = self.numbering.number, self.numbering.highest
                yield from item.render_number(console, options, number, highest)
            else:
                yield from item.render_bullet(console, options)


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
            table.add_column(_measure_tabs(cell), justify=cell.justify, overflow="fold")
        for row in self.body.rows if self.body else []:
            table.add_row(*(_measure_tabs(cell) for cell in row.cells))
        yield table


def _measure_tabs(cell: markdown.TableDataElement) -> Text:
    content = cell.content.copy()
    content.expand_tabs(1)  # rich would measure a tab as nothing, and draw it as eight spaces
    return content


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

    def __init__(
        self, tokens: list[Token], dress: Theme, numbering: Numbering = UNNUMBERED
    ) -> None:
        """Take the tokens, and how far the list that they go on with has counted."""
        super().__init__("", hyperlinks=False)
        self.parsed = tokens
        self.dress = dress
        self.numbering = numbering
