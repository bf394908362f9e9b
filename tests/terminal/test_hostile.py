"""Nothing that a model or an upstream says steers the terminal, whichever way it takes there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.program import run_hiveloom, spawn_hiveloom
from tests.support.upstream import (
    json_reply,
    openai_chunk,
    openai_error,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from tests.support.upstream import Reply, ScriptedUpstream

# A title, a blink, another screen, a clipboard, a link, a report asked for; 8-bit forms of them;
# what moves the cursor or rings; what turns text around.
ATTACK = (
    "\x1b]0;OWNED\x07\x1b[5mB\x1b[?1049h\x1b]52;c;T1dORUQ=\x1b\\\x1b]8;;http://evil\x1b\\x\x1b[6n"
    "\x9b5mC\x9d0;OWNED\x9c\x90q\x9c\x08\x0b\x0c\x7f\x00\u202e\u2066\u200f\u061c\x85end"
)
# The same where a character reference makes it, as Markdown allows.
REFERENCED = "&#27;]0;OWNED&#7; &#x9b;5m &#x202e; &#x2066; &#8238;"
ANSWER = f"""# Title {ATTACK}

Prose {ATTACK} {REFERENCED} **bold {ATTACK}** `code {ATTACK}`

[label {ATTACK}](http://x.example/{ATTACK.replace(" ", "")} "title {ATTACK}") {REFERENCED}

[label](<http://x.example/{REFERENCED}> "{REFERENCED}") ![alt {ATTACK}](y.png "{REFERENCED}")

| head {ATTACK} | {REFERENCED} |
|---|---|
| cell {ATTACK} | {REFERENCED} |

- item {ATTACK}

  ```sh {ATTACK} {REFERENCED}
  {ATTACK}
  ```

> quote {ATTACK} {REFERENCED}

<b title="{ATTACK}">html {REFERENCED}</b>

```python {ATTACK} {REFERENCED}
x = "{ATTACK}"
```

    indented {ATTACK}

[1]: http://x.example/{REFERENCED} "{ATTACK}"
"""
OUR_SEQUENCES = re.compile(
    r"\x1b\[(?:(?:0|1|2|3|4|9|3[0-7]|9[0-7]|38;5;\d+)(?:;(?:1|2|3|4|9|3[0-7]|9[0-7]|38;5;\d+))*m"
    r"|0?m|\d*[ABJK]|\?7[lh])"
)
# What the line editor needs: bracketed paste, cursor keys, the cursor's place and its blinking.
EDITOR_SEQUENCES = re.compile(r"\x1b\[(?:\?(?:2004|1|12|25)[lh]|\d*[CD]|0?;?\d*[Hm])|\x1b\[0 q")
STEERING = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]"
)
WAYS = [(), ("--no-markdown",), ("--screen-reader",), ("--show-reasoning",)]
WAYS += [("--show-reasoning", *way) for way in WAYS[1:3]]


def assert_harmless(output: bytes, ours: re.Pattern[str] = OUR_SEQUENCES) -> None:
    rest = ours.sub("", output.decode("utf-8"))
    found = STEERING.search(rest)
    assert found is None, repr(rest[max(0, found.start() - 60) : found.end() + 20])


def build_replies(size: int) -> list[Reply]:
    """Build one busy reply, one that makes the request change, and one answer."""
    thoughts = [ATTACK[start : start + size] for start in range(0, len(ATTACK), size)]
    pieces = [ANSWER[start : start + size] for start in range(0, len(ANSWER), size)]
    stream = [openai_chunk({"reasoning_content": thought}) for thought in thoughts]
    refusal = f"Unsupported parameter: 'temperature' {ATTACK}"
    return [
        json_reply(openai_error(ATTACK), status=503, headers=[("Retry-After", "0")]),
        json_reply(openai_error(refusal), status=400),
        stream_reply([*stream, *openai_stream(pieces)]),
    ]


@pytest.mark.parametrize(
    "found", ["\x1b[5m", "\x1b]0;x", "\x1b[1;5m", "\x1b[6n", "\x9b5m", "\u202e", "\x07", "\x1b\\"]
)
def test_the_check_sees_what_would_steer(found: str) -> None:
    assert_harmless(b"\x1b[1mbold\x1b[0m\r\n\x1b[K\x1b[2A")
    with pytest.raises(AssertionError):
        assert_harmless(f"\x1b[1mbold\x1b[0m {found} rest".encode())


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@pytest.mark.parametrize("size", [3, 5000])
def test_an_answer_with_thoughts_and_notices_steers_nothing(
    way: tuple[str, ...], size: int, upstream: ScriptedUpstream
) -> None:
    upstream.add(*build_replies(size))
    words = ["chat", "--model", "m", "--temperature", "0.5", *way, "hi"]
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with spawn_hiveloom(*words, env=env) as terminal:
        assert terminal.wait(30) == 0
        assert_harmless(bytes(terminal.output))
        shown = terminal.output.decode()
    assert "␛]0;OWNED␇" in shown
    assert shown.count("note: ") == 2


@pytest.mark.parametrize("way", WAYS[:3], ids=" ".join)
def test_an_error_steers_nothing(way: tuple[str, ...], upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(openai_error(ATTACK, code=ATTACK), status=400))
    broken = f'data: {{"error": {{"message": "{REFERENCED}", "code": 7}}}}\n\n'.encode()
    upstream.add(stream_reply([*openai_stream(ATTACK)[:3], broken]))
    for _ in range(2):
        env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
        with spawn_hiveloom("chat", "--model", "m", *way, "hi", env=env) as terminal:
            assert terminal.wait() == 4
            assert_harmless(bytes(terminal.output))
            assert "error: " in terminal.text


def test_an_interactive_chat_steers_nothing(upstream: ScriptedUpstream) -> None:
    upstream.add(*build_replies(40))
    words = ["chat", "--model", "m", "--temperature", "0.5", "--show-reasoning"]
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with spawn_hiveloom(*words, env=env) as terminal:
        terminal.expect("m>")
        before = len(terminal.output)
        terminal.send_line("hi")
        terminal.expect("tokens in")
        terminal.press_control("d")
        assert terminal.wait() == 0
        ours = re.compile(f"{OUR_SEQUENCES.pattern}|{EDITOR_SEQUENCES.pattern}")
        assert_harmless(bytes(terminal.output[before:]), ours)


def test_thoughts_and_notices_beside_a_pipe_steer_nothing(upstream: ScriptedUpstream) -> None:
    upstream.add(*build_replies(7), *build_replies(7))
    words = ("chat", "--model", "m", "--temperature", "0.5", "--show-reasoning", "hi")
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    done = run_hiveloom(*words, env=env)
    assert done.stdout == ANSWER  # byte for byte: whoever reads a pipe decides
    assert_harmless(done.stderr_bytes)
    assert "␛]0;OWNED␇" in done.stderr
