"""Every style of an answer and of what stands beside it, by the name of its theme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pygments.token import (
    Comment,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    String,
)
from rich.style import Style
from rich.syntax import ANSISyntaxTheme
from rich.theme import Theme as StyleTable

from hiveloom_cli.terminal.look import ThemeName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.syntax import SyntaxTheme

_Role = Literal["keyword", "number", "text", "gone", "code", "target", "quiet"]

# No theme sets a background, so that what is copied and what is selected stays plain.
PALETTES: Mapping[ThemeName, Mapping[_Role, str]] = {
    # The terminal's own colours, the middle ones: readable on dark and on light.
    ThemeName.AUTO: {
        "keyword": "magenta",
        "number": "cyan",
        "text": "green",
        "gone": "red",
        "code": "cyan",
        "target": "blue",
        "quiet": "dim",
    },
    # Fixed colours, each with a contrast of 4.5 at least: on dark grey, and on white.
    ThemeName.DARK: {
        "keyword": "#d7a0ff",
        "number": "#7fd7d7",
        "text": "#a5d68c",
        "gone": "#ff9a8c",
        "code": "#7fd7d7",
        "target": "#87b7ff",
        "quiet": "#a0a0a0",
    },
    ThemeName.LIGHT: {
        "keyword": "#7d2aa8",
        "number": "#00666b",
        "text": "#2c6415",
        "gone": "#a8201a",
        "code": "#00666b",
        "target": "#1a4fb0",
        "quiet": "#5f5f5f",
    },
    ThemeName.MONO: {
        "keyword": "bold",
        "number": "none",
        "text": "none",
        "gone": "none",
        "code": "bold",
        "target": "none",
        "quiet": "dim",
    },
}


@dataclass(frozen=True, slots=True)
class Theme:
    """Styles for prose and for code, and `quiet` for what is not the answer itself."""

    prose: StyleTable
    code: SyntaxTheme
    quiet: Style


def build_theme(name: ThemeName) -> Theme:
    """Build the theme of that name."""
    palette = PALETTES[name]
    return Theme(_build_prose(palette), _build_code(palette), Style.parse(palette["quiet"]))


def _build_prose(palette: Mapping[_Role, str]) -> StyleTable:
    return StyleTable(
        {
            "markdown.h1": "bold underline",
            "markdown.h2": "bold",
            "markdown.h3": "bold italic",
            "markdown.h4": "bold italic",
            "markdown.h5": "italic",
            "markdown.h6": "italic",
            "markdown.code": palette["code"],
            "markdown.link": "none",
            "markdown.link_url": Style(underline=True) + Style.parse(palette["target"]),
            "markdown.block_quote": "italic",
            "markdown.item.number": "bold",
            "markdown.item.bullet": "bold",
            "markdown.table.border": palette["quiet"],
            "markdown.table.header": "bold",
            "markdown.hr": palette["quiet"],
        }
    )


def _build_code(palette: Mapping[_Role, str]) -> SyntaxTheme:
    keyword, number = Style.parse(palette["keyword"]), Style.parse(palette["number"])
    return ANSISyntaxTheme(
        {
            Comment: Style(italic=True) + Style.parse(palette["quiet"]),
            Generic.Deleted: Style.parse(palette["gone"]),
            Generic.Heading: Style(bold=True),
            Generic.Inserted: Style.parse(palette["text"]),
            Keyword: keyword,
            Name.Class: Style(bold=True),
            Name.Decorator: keyword,
            Name.Function: Style(bold=True),
            Name.Tag: keyword,
            Number: number,
            Operator.Word: keyword,
            String: Style.parse(palette["text"]),
        }
    )
