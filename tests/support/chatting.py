"""An interactive chat on a pseudo-terminal, as a person talks to it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.program import spawn_hiveloom
from tests.support.upstream import openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.program import Terminal
    from tests.support.upstream import ScriptedUpstream


def say(upstream: ScriptedUpstream, *texts: str) -> None:
    upstream.add(*(stream_reply(openai_stream(text)) for text in texts))


@contextmanager
def open_chat(
    upstream: ScriptedUpstream,
    *words: str,
    env: Mapping[str, str] | None = None,
    columns: int = 100,
    rows: int = 40,
    cwd: Path | None = None,
) -> Iterator[Terminal]:
    environ = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url, **(env or {})}
    words = words or ("--model", "m")
    with spawn_hiveloom(
        "chat", *words, env=environ, columns=columns, rows=rows, cwd=cwd
    ) as terminal:
        wait_for_prompt(terminal)
        yield terminal


def ask(terminal: Terminal, question: str, answer: str) -> None:
    command(terminal, question, answer, "tokens in")


def command(terminal: Terminal, line: str, *said: str) -> None:
    """Type a line, and wait until all that is expected stands below it, and the next prompt."""
    before = _find_typed(terminal, line)
    terminal.send_line(line)

    def is_done() -> bool:
        places = _find_typed(terminal, line)
        below = "\n".join(terminal.all_lines[places[-1] :]) if len(places) > len(before) else ""
        return bool(below) and _is_at_prompt(terminal) and all(text in below for text in said)

    terminal.wait_until(is_done, f"what comes of {line!r}")


def _find_typed(terminal: Terminal, line: str) -> list[int]:
    return [n for n, row in enumerate(terminal.all_lines) if line and row.endswith(f"> {line}")]


def _is_at_prompt(terminal: Terminal) -> bool:
    """Whether the cursor stands in an empty prompt; one that was left stays on the screen."""
    return terminal.cursor_line.endswith((">", "User:"))


def wait_for_prompt(terminal: Terminal) -> None:
    terminal.wait_until(lambda: _is_at_prompt(terminal), "an empty prompt")


def leave(terminal: Terminal) -> None:
    terminal.send_line("/exit")
    assert terminal.wait() == 0


def sent(upstream: ScriptedUpstream, number: int) -> list[str]:
    body: Any = upstream.requests[number].json
    return [message["content"] for message in body["messages"]]


def make_program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def put_before_path(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
