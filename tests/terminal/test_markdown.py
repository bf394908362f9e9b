from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hiveloom_cli.terminal.markdown import MarkdownStream
from hiveloom_cli.terminal.visible import format_visible
from tests.terminal.screen import (
    HEIGHT,
    WIDTH,
    Terminal,
    cut,
    draw_streamed,
    draw_whole,
    open_console,
)

DOCUMENTS = {
    "plain": "One line.\n\nAnother paragraph that is long enough to be wrapped twice over.\n",
    "no newline": "word " * 200 + "end",
    "headings": "# One\ntext\n## Two\n\nSetext one\n==========\nSetext two\n---\nend",
    "fence": "Look:\n```python\ndef f(x):\n\n    return x  # ``` not the end\n```\nand after",
    "fence of tildes": "~~~ text\n```\n- x\n\n# y\n~~~~\ndone",
    "fence never closed": "a\n\n```sh\nls -l\n\nrm x",
    "long code": "Intro.\n\n```\n" + "".join(f"line {n}\n" for n in range(70)) + "```\n\nEnd.",
    "wide code": "```\n" + "abcdefghij" * 9 + "\n" + "x" * WIDTH + "\n```\ndone",
    "tight list": "Do:\n- one\n- two\n  - three\n    1. four\n    2. five\n- six\n\nAfter.",
    "loose list": "1. one\n\n2. two\n\n   more\n\n   ```sh\n   ls\n   ```\n\n3. three\n\nAfter.",
    "list and code": "- item\n\n      code\n\n    text\n\nend\n\n    real code\n\n    more\n\nend",
    "quote": "> quoted\nlazy\n>\n> - list\n\n> another\n\nend\n",
    "table": "Table:\n\n| a | b |\n|---|--:|\n| one | 1 |\n| `2` | **2** |\n\nAfter\n| x |\n|-|\n",
    "rule": "above\n\n---\n\nbelow\n***\n",
    "wide characters": "日本語のテキストはとても長いので、折り返す必要がありますね。\n\n- 漢字 🎉",
    "emoji": "Done 🎉 ✅ 🚀 " * 9,
    "html": "<div>\n\nkept <b>bold</b> <!-- shown -->\n\n</div>\n\n<script>\nx\n\ny\n</script>\n",
    "links": "[a](http://x.y/z) <http://q.r> ![p](i.png)\n\n[ref]: http://s.t\n\n[ref] end",
    "hostile": "\x1b[2Jred\x1b[31m &#x202e; [bold]x[/bold] \x07\r\n\n`\x1b]8;;http://x\x07`",
}


def assert_same_picture(
    text: str, pieces: list[str], width: int = WIDTH, height: int = HEIGHT
) -> None:
    streamed, whole = Terminal(width, height), Terminal(width, height)
    draw_streamed(streamed, pieces)
    draw_whole(whole, format_visible(text))
    assert streamed.read_lines() == whole.read_lines()


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("seed", range(2))
def test_a_streamed_answer_ends_as_the_whole_one_would_look(name: str, seed: int) -> None:
    assert_same_picture(DOCUMENTS[name], cut(DOCUMENTS[name], seed))


# As a person sees them at a width of 28: not compared with the renderer's own idea of them.
PICTURES = {
    "quotes": ("> one\n> > two\n> > > three", ["▌ one", "▌ ▌ two", "▌ ▌ ▌ three"]),
    "lists": (
        "- a\n  - b\n    - c\n      - d\n        - e\n          - f\n            - too deep\n",
        [
            " • a",
            "    • b",
            "       • c",
            "          • d",
            "             • e",
            "                • f",
            "                   • too",
            "                     deep",
        ],
    ),
    "too many lists": (
        "- a\n" + "".join(f"{'  ' * n}- b\n" for n in range(1, 10)),
        ["- a", *(f"{'  ' * n}- b" for n in range(1, 10))],
    ),
    "numbers": (
        "3. three\n5. five\n\ntext\n\n1. one\n1. two\n\nend\n\n7.",
        ["  3 three", "  5 five", "", "text", "", "  1 one", "  2 two", "", "end", "", "  7"],
    ),
    "sources": (
        "See [1] and [here][2].\n\n[1]: https://one.example\n[2]: https://two.example 'Two'\n",
        [
            "See [1] and [here][2].",
            "",
            "[1]: https://one.example",
            "[2]: https://two.example",
            "'Two'",
        ],
    ),
    "links": (
        '[a](http://x/%C3%A9 "title") <http://q.r> ![alt](i.png) [http://s.t](http://s.t)',
        ['a (http://x/%C3%A9 "title")', "http://q.r alt (i.png)", "http://s.t"],
    ),
    "a wide table": (
        "| Name | What it is |\n|---|--:|\n| Extraordinarily | incomprehensibilities |\n",
        [
            "Name              What it is",
            "────────────────────────────",
            "Extraordinari   incomprehens",
            "ly                 ibilities",
        ],
    ),
    "a table with no room": (
        f"{'|a' * 13}|\n{'|-' * 13}|\n{'|1' * 13}|",
        ["|a" * 13 + "|", "|-" * 13 + "|", "|1" * 13 + "|"],
    ),
    "tabs": (
        "a\tb\n\n|a\tb|c|\n|-|-|\n|1\t2|3|\n\n```\na\tb\n```",
        ["a       b", "", "a b   c", "───────", "1 2   3", "", "a   b"],
    ),
    "more cells than heads": ("| a |\n|---|\n| b | c |", ["| a |", "|---|", "| b | c |"]),
    "code": (
        "```python\nx = 1\n```\n\n```python app.py\ny\n```\n\n- do:\n  ```mermaid\n  A-->B\n  ```",
        ["x = 1", "", "python app.py", "y", "", " • do:", "   mermaid", "   A-->B"],
    ),
    "no code": ("```python\n```\n\nend", ["python", "", "end"]),
    "html": (
        "<details>\n\n<b>*text*</b> &amp; <br>\n\n</details>",
        ["<details>", "", "<b>text</b> & <br>", "", "</details>"],
    ),
    "headings and breaks": (
        "# One\n\nTwo\n---\n\na  \nb\nc\\\nd\n\n***\n\n~~gone~~ **kept**",
        ["One", "", "Two", "", "a", "b c", "d", "", "─" * 28, "", "gone kept"],
    ),
    "tasks": ("- [ ] to do\n- [x] done", [" • [ ] to do", " • [x] done"]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_document_looks_as_drawn_here(name: str) -> None:
    source, expected = PICTURES[name]
    terminal = Terminal(width=28)

    draw_streamed(terminal, list(source))

    assert terminal.read_lines() == expected


MARKS = ["- ", "1. ", "> ", "# ", "```", "~~~", "|", "\n", "\n\n", "    ", "  ", "---", "=", "*"]
WORDS = ["word", "`code`", "**b**", "日本", "🎉", "<b>", "&amp;", "\\", "[a](b)", "|-|-|\n", "\t"]


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from(MARKS + WORDS), max_size=40))
@example(["- ", "\n\n", "word"])
@example(["```", "\n", "```", "\n", "- "])
def test_any_marks_in_any_order_end_alike(pieces: list[str]) -> None:
    assert_same_picture("".join(pieces), pieces, width=24, height=6)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_renderer(text: str) -> None:
    draw_streamed(Terminal(), cut(text, seed=1))


def test_a_link_shows_where_it_leads_and_is_no_terminal_link() -> None:
    terminal = Terminal(width=80)

    draw_streamed(terminal, ["[bank.com](http://evil.example) ![pic](x.png) <http://a.b> me@c.d"])

    assert terminal.read_lines() == ["bank.com (http://evil.example) pic (x.png) http://a.b me@c.d"]
    assert "\x1b]8" not in terminal.written


def test_foreign_text_reaches_the_screen_visible() -> None:
    terminal = Terminal(width=80)

    draw_streamed(terminal, ["\x1b[2J \x1b]8;;http://x\x07 &#x202e; [bold]b[/bold] :smile:"])

    assert terminal.read_lines() == ["␛[2J ␛]8;;http://x␇ <U+202E> [bold]b[/bold] :smile:"]


def test_without_colour_there_is_none() -> None:
    terminal = Terminal()
    console = open_console(terminal, no_color=True)
    with MarkdownStream(console) as stream:
        stream.feed("`code` **bold** [a](b)\n\n```python\ndef f(): return 'x'\n```\n")

    codes = re.findall(r"\x1b\[([\d;]*)m", terminal.written)
    assert {int(code) for group in codes for code in group.split(";")} <= {0, 1, 2, 3, 4}


def test_lines_of_code_are_written_whole_for_a_clean_copy() -> None:
    terminal = Terminal()
    long_line = "word " * 20 + "end"
    with MarkdownStream(open_console(terminal, color_system=None)) as stream:
        stream.feed(f"```\n{long_line}\n  x\n```\n")

    assert f"{long_line}\n  x\n" in terminal.written


def test_an_answer_looks_calm() -> None:
    terminal = Terminal()
    text = """# Title

1. First
2. Second:
   - nested

> A quote

| Name | Cost |
|:-----|-----:|
| one  | 1    |

***

```python
if x:
    y()
```
"""

    draw_streamed(terminal, [text])

    assert terminal.read_lines() == [
        "Title",
        "",
        "  1 First",
        "  2 Second:",
        "     • nested",
        "",
        "▌ A quote",
        "",
        "Name   Cost",
        "───────────",
        "one       1",
        "",
        "─" * WIDTH,
        "",
        "if x:",
        "    y()",
    ]
