"""What a person sees of tools: that they run, and the question whether they may."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import ApprovalAsked, ToolEnded, ToolStarted
from hiveloom_cli.terminal.question import ask_choice, ask_line, format_block
from hiveloom_cli.terminal.visible import format_one_line
from hiveloom_cli.tools.approval import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.terminal.display import Display
    from hiveloom_cli.terminal.streams import Streams
    from hiveloom_cli.tools.approval import Question

_MOST_CELLS = 200  # of a line that says that a tool runs
_MOST_LINES = 20  # of a question, before the person asks for the rest
_INDENT = 4
_ANSWERS = {"o": Answer.ONCE, "c": Answer.CONVERSATION, "a": Answer.ALWAYS, "n": Answer.NO}
_WORDS = {
    "o": "once",
    "c": "in this conversation",
    "a": "always",
    "n": "no",
    "w": "no, and say why",
}
_SHOW = {"s": "show all of it"}


def show_tool(
    event: ApprovalAsked | ToolStarted | ToolEnded, display: Display, streams: Streams
) -> None:
    """Show what happens with a tool; the person is asked where one wants to run."""
    match event:
        case ApprovalAsked():
            with display.lend():
                answer_question(event, streams)
        case ToolStarted():
            display.print_notice(_format_started(event))
        case ToolEnded():
            if event.result.is_error:
                display.print_notice(_format_failed(event))
            display.end_part()


def _format_started(event: ToolStarted) -> str:
    """Say which tool runs, and with what."""
    arguments = event.call.arguments.strip()
    shown = "" if arguments in ("", "{}") else f" {arguments}"
    return format_one_line(f"→ {event.call.name}{shown}", limit=_MOST_CELLS)


def _format_failed(event: ToolEnded) -> str:
    """Say that a tool failed, and why."""
    return format_one_line(f"→ {event.call.name}: {event.result.content}", limit=_MOST_CELLS)


def answer_question(event: ApprovalAsked, streams: Streams) -> None:
    """Ask the person whether a tool may run; where nobody is there, say what lets it."""
    question = event.question
    reference = question.card.reference
    if not streams.can_ask:
        if question.before:
            said = "it has changed since you agreed to it; run a chat on a terminal to see how"
        else:
            said = f"it needs your approval; allow it with --allow-tool {reference}"
        streams.print_notice(f"note: {reference} was not run: {said}")
        return
    lines = list(_format_question(question, streams.measure_width()))
    choices = _WORDS
    if len(lines) > _MOST_LINES:
        choices = {**_WORDS, **_SHOW}
        streams.write_aside("".join(f"{line}\n" for line in lines[:_MOST_LINES]))
        streams.print_notice(f"... {len(lines) - _MOST_LINES} more lines")
    else:
        streams.write_aside("".join(f"{line}\n" for line in lines))
    letter = ask_choice(choices, streams)
    if letter == "s":
        streams.write_aside("".join(f"{line}\n" for line in lines[_MOST_LINES:]))
        letter = ask_choice(_WORDS, streams)
    if letter == "w":
        question.say(Answer.NO, ask_line("Why not? ", streams).strip())
    else:
        question.say(_ANSWERS.get(letter, Answer.NO))


def _format_question(question: Question, width: int) -> Iterator[str]:
    yield f"{format_one_line(question.card.reference, limit=_MOST_CELLS)} wants to run:"
    yield from format_block(question.what, indent=_INDENT, width=width)
    if question.before:
        yield "It has changed since you agreed to it:"
        changes = _build_changes(question.before, question.card.definition_text)
        yield from format_block(changes, indent=_INDENT, width=width)


def _build_changes(before: str, now: str) -> str:
    from difflib import unified_diff

    lines = unified_diff(_split(before), _split(now), "then", "now", lineterm="")
    return "\n".join(lines)


def _split(definition: str) -> list[str]:
    """Cut a definition in lines, JSON as well, so that what changed can be seen."""
    with suppress(ValueError):
        definition = json.dumps(json.loads(definition), indent=1, ensure_ascii=False)
    return definition.splitlines()
