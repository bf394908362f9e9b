from __future__ import annotations

import re

import pytest
from rich.color import Color

from hiveloom_cli.terminal.look import Look, ThemeName
from hiveloom_cli.terminal.markdown import MarkdownStream
from hiveloom_cli.terminal.theme import PALETTES
from tests.terminal.screen import Terminal, open_console

ANSWER = "# H\n\n`x` [a](b)\n\n|a|\n|-|\n|b|\n\n```python a.py\n@d\nx = 'y' + 1 # c\n```\n\n---\n"


def compute_luminance(colour: str) -> float:
    levels = [part / 255 for part in Color.parse(colour).get_truecolor()]
    red, green, blue = (
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def compute_contrast(first: str, second: str) -> float:
    low, high = sorted(map(compute_luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "backgrounds"),
    [(ThemeName.DARK, ("#000000", "#303030")), (ThemeName.LIGHT, ("#ffffff", "#eeeeee"))],
)
def test_every_colour_can_be_read_on_its_background(
    name: ThemeName, backgrounds: tuple[str, ...]
) -> None:
    for colour in PALETTES[name].values():
        assert min(compute_contrast(colour, background) for background in backgrounds) >= 4.5


@pytest.mark.parametrize("name", ThemeName)
def test_a_theme_changes_nothing_but_colours(name: ThemeName) -> None:
    plain, coloured = Terminal(), Terminal()
    for terminal, system in ((plain, None), (coloured, "truecolor")):
        console = open_console(terminal, color_system=system)
        with MarkdownStream(console, Look(theme=name)) as stream:
            stream.feed(ANSWER)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.written) == plain.written
    assert "48;" not in coloured.written  # no background


def test_mono_has_no_colour() -> None:
    terminal = Terminal()
    with MarkdownStream(open_console(terminal), Look(theme=ThemeName.MONO)) as stream:
        stream.feed(ANSWER)
    codes = re.findall(r"\x1b\[([\d;]*)m", terminal.written)
    assert {int(code) for group in codes for code in group.split(";")} <= {0, 1, 2, 3, 4}
