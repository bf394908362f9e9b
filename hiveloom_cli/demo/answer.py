"""What the loopback upstream is asked, and what it says: a fixed text around the question."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.demo.sample import build_sample

if TYPE_CHECKING:
    from datetime import datetime

    from hiveloom_cli.demo.calls import Call

INTRODUCTION = "I am hiveloom's loopback upstream, not a language model. You wrote:"
_CLOSING = (
    "Streaming, **Markdown** and letters beyond ASCII arrive whole: café, Zürich, 日本語, 🐝."
)


class Refusal(Exception):
    """The request gets an error instead of an answer: its HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Question:
    """What of a request the answer depends on.

    `text` is the last user message; `system` is the system prompt, "" where there is none;
    `prompt` is all text that was sent, for counting; `attached` says what came with the last
    user message beside text. `calls` are the tool calls that are the answer, `results` what the
    last ones gave. `schema` is what the answer has to fit, None where any text will do.
    """

    model: str
    text: str
    system: str
    messages: int
    prompt: str
    stream: bool
    include_usage: bool = False
    attached: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    results: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one reply from another: an identifier and when it was made."""

    id: str
    made_at: datetime


def format_answer(question: Question) -> str:
    """Write the answer, in Markdown or as JSON; the same question always gets the same one.

    Beside tool calls it is none, and after their results it is those.
    """
    if question.calls:
        return ""
    if question.schema is not None:
        return json.dumps(build_sample(question.schema))
    if question.results:
        return "\n\n".join(("The tools gave:", *question.results))
    quote = "\n".join(f"> {line}".rstrip() for line in question.text.split("\n"))
    system = f"**yes**, {len(question.system)} characters" if question.system else "**no**"
    facts = (
        f"- model: `{question.model}`",
        f"- system prompt: {system}",
        f"- messages: {question.messages}",
        *(f"- attached: {what}" for what in question.attached),
    )
    answer = "\n\n".join((INTRODUCTION, quote, "\n".join(facts), _CLOSING))
    # JSON can name half a surrogate pair; UTF-8 cannot carry one.
    return answer.encode("utf-8", "replace").decode("utf-8")


def parse_pieces(text: str) -> list[str]:
    """Cut a text before each word; joined, the pieces give the text again."""
    return re.findall(r"\s*\S+|\s+", text)


def count_tokens(text: str) -> int:
    """Count what this upstream calls tokens: the pieces it streams."""
    return len(parse_pieces(text))
