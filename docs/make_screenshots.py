"""Take the pictures of the documentation: real sessions, on a pseudo-terminal and in a browser.

    python docs/make_screenshots.py

The program talks to an upstream on this machine that says what is written here; what the terminal
then shows is exported as SVG, and what Chromium shows of the page as PNG.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from tests.support.browser import open_browser  # noqa: E402
from tests.support.program import run_hiveloom, spawn_hiveloom  # noqa: E402
from tests.support.served import serve  # noqa: E402
from tests.support.upstream import ScriptedUpstream, openai_stream, stream_reply  # noqa: E402

if TYPE_CHECKING:
    from tests.support.program import Terminal

COLUMNS, ROWS = 88, 30
QUESTION = "How do I see what a branch changed?"
ANSWER = """\
Compare it with the point where it **left** `main`:

```bash
git diff main...feature --stat
git log --oneline main..feature
```

| dots | what is compared |
|---|---|
| `a..b` | the two ends |
| `a...b` | the end of `b` with their common ancestor |

Three dots show just the branch's own work.
"""
FOLLOW_UP = "And without white space?"
SECOND = "Add `-w`: `git diff -w main...feature`."
AGENT = "---\nmodel: gpt-4o-mini\ncontext_window: 128000\n---\n"
PRICE = '["gpt-4o-mini"]\ninput = 0.15\noutput = 0.6\n'
USAGES = (
    {"prompt_tokens": 2412, "completion_tokens": 118, "total_tokens": 2530},
    {"prompt_tokens": 2551, "completion_tokens": 17, "total_tokens": 2568},
)
_NAMES = {"brown": "yellow"}  # pyte calls it so


def take(terminal: Terminal, path: Path, title: str) -> None:
    """Export what a terminal shows."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for row in read_rows(terminal):
            console.print(row, soft_wrap=True)
        path.write_text(console.export_svg(title=title, unique_id=path.stem))


def read_rows(terminal: Terminal) -> list[Text]:
    """Read the screen's rows with their colours, without the blank ones at its end."""
    rows = []
    for number in range(len(terminal.text.split("\n"))):
        text = Text()
        for column in range(COLUMNS):
            cell = terminal.screen.buffer[number][column]
            text.append(cell.data, style=build_style(cell))
        rows.append(text)
    return rows


def build_style(cell: Any) -> str:
    """Build the style of one cell of the screen, in rich's words."""
    style = {"bold": cell.bold, "underline": cell.underscore, "reverse": cell.reverse}
    words = [word for word, is_on in {**style, "italic": cell.italics}.items() if is_on]
    if cell.fg != "default":
        colour = _NAMES.get(cell.fg, cell.fg.replace("bright", "bright_"))
        words.append(f"#{colour}" if is_hexadecimal(colour) else colour)
    return " ".join(words)


def is_hexadecimal(text: str) -> bool:
    """Whether a colour is given as six digits."""
    return len(text) == 6 and all(digit in "0123456789abcdef" for digit in text)


def main() -> None:
    """Talk a little, and take the picture."""
    with tempfile.TemporaryDirectory() as home, ScriptedUpstream() as upstream:
        os.environ.update({"HOME": home, "HIVELOOM_HOME": f"{home}/hiveloom"})
        for text, usage in zip((ANSWER, SECOND), USAGES, strict=True):
            upstream.add(stream_reply(openai_stream(text, usage=usage)))
        env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
        run_hiveloom("agent", "create", "helper", "--model", "gpt-4o-mini")
        Path(home, "hiveloom/agents/helper.md").write_text(AGENT)
        Path(home, "hiveloom/prices.toml").write_text(PRICE)
        with spawn_hiveloom("chat", "helper", env=env, columns=COLUMNS, rows=ROWS) as terminal:
            terminal.expect("helper>")
            terminal.send_line(QUESTION)
            terminal.expect("own work.")
            terminal.expect("helper>")
            terminal.send_line(FOLLOW_UP)
            terminal.expect("5,098 tokens")
            take(terminal, DOCS / "chat.svg", "hiveloom chat helper")
        upstream.add(stream_reply(openai_stream(ANSWER)))
        take_page(Path(home), upstream.openai_base_url, DOCS / "page.png")


def take_page(folder: Path, base_url: str, path: Path) -> None:
    """Ask on the page, and take its picture."""
    with (
        serve("--no-token", HIVELOOM_OPENAI_BASE_URL=base_url) as server,
        open_browser(folder) as browser,
    ):
        browser.open(server.origin)
        browser.write(f"{QUESTION}\n")
        browser.wait_for_text(".answer", "own work.")
        browser.wait_for("#send")
        browser.driver.save_screenshot(str(path))


if __name__ == "__main__":
    main()
