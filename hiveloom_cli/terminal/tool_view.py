"""What a person sees of tools: that they run, and the question whether they may."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import ApprovalAsked, ToolEnded, ToolStarted
from hiveloom_cli.terminal.echo import show_typing
from hiveloom_cli.terminal.question import ask_choice, ask_line, fold_line, format_block
from hiveloom_cli.terminal.visible import format_exact, format_one_line
from hiveloom_cli.tools.approval import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.protocols.message import ToolCall
    from hiveloom_cli.terminal.display import Display
    from hiveloom_cli.terminal.streams import Streams
    from hiveloom_cli.tools.approval import Question

_MOST_CELLS = 200  # of a line that says that a tool runs
_MOST_LINES = 20  # of a question, before the person asks for the rest
_INDENT = 4
_LABEL = 40
_ANSWERS = {"o": Answer.ONCE, "c": Answer.CONVERSATION, "a": Answer.ALWAYS, "n": Answer.NO}
_WORDS = {
    "o": "once",
    "c": "in this conversation",
    "a": "always",
    "n": "no",
    "w": "no, and say why",
}
_SHOW = {"s": "show all of it"}


class ToolView:
    """Shows what happens with tools on a display; the person is asked where one wants to run."""

    def __init__(self, display: Display, streams: Streams) -> None:
        self._display = display
        self._streams = streams
        self._running: list[ToolCall] = []
        self._asked: list[ToolCall] = []  # and neither running nor ended

    def show(self, event: ApprovalAsked | ToolStarted | ToolEnded) -> None:
        """Show what happened."""
        match event:
            case ApprovalAsked():
                self._asked.append(event.call)
                with self._display.lend():
                    answer_question(event, self._streams)
            case ToolStarted():
                _drop(event.call, self._asked)
                self._running.append(event.call)
                self._print(_format_started(event))
            case ToolEnded():
                _drop(event.call, self._running)
                # Why a call that was asked about did not run, the person knows.
                if not _drop(event.call, self._asked) and event.result.is_error:
                    self._print(_format_failed(event))
                self._end_part()

    def _print(self, line: str) -> None:
        for folded in _fold(line, self._streams):
            self._display.print_notice(folded)
        self._end_part()

    def _end_part(self) -> None:
        names = ", ".join(call.name for call in self._running)
        self._display.end_part(format_one_line(f"running {names}", limit=_LABEL) if names else "")


def _drop(call: ToolCall, calls: list[ToolCall]) -> bool:
    """Take a call off a list, and return whether it was there."""
    if call not in calls:
        return False
    calls.remove(call)
    return True


def _format_started(event: ToolStarted) -> str:
    """Say which tool runs, and with what."""
    arguments = event.call.arguments.strip()
    shown = "" if arguments in ("", "{}") else f" {arguments}"
    return format_one_line(f"→ {event.call.name}{shown}", limit=_MOST_CELLS)


def _format_failed(event: ToolEnded) -> str:
    """Say that a tool failed, and why."""
    return format_one_line(f"→ {event.call.name}: {event.result.content}", limit=_MOST_CELLS)


def _fold(line: str, streams: Streams) -> Iterable[str]:
    """Fold a line by ourselves, so that no foreign text stands where a line of ours begins."""
    if not streams.stderr.isatty():
        return (line,)
    return fold_line("", line, indent=_INDENT, width=streams.measure_width())


def answer_question(event: ApprovalAsked, streams: Streams) -> None:
    """Ask the person whether a tool may run; where nobody is there, say what lets it.

    What was typed ahead is no answer: it is dropped.
    """
    question = event.question
    if not streams.can_ask:
        streams.print_notice(_explain_not_run(question))
        return
    lines = list(_format_question(question, streams.measure_width()))
    with show_typing(streams.stdin):
        letter = _ask_letter(lines, streams)
        if letter == "w":
            question.say(Answer.NO, ask_line("Why not? ", streams).strip())
        else:
            question.say(_ANSWERS.get(letter, Answer.NO))


def _explain_not_run(question: Question) -> str:
    reference = question.card.reference
    if question.before:
        said = "it has changed since the last time; run a chat on a terminal to see how"
    else:
        said = f"it needs your approval; allow it with --allow-tool {reference}"
    return f"note: {reference} was not run: {said}"


def _ask_letter(lines: list[str], streams: Streams) -> str:
    shown, rest = lines[:_MOST_LINES], lines[_MOST_LINES:]
    streams.write_aside("".join(f"{line}\n" for line in shown))
    if not rest:
        return ask_choice(_WORDS, streams)
    streams.print_notice(f"... {len(rest)} more lines")
    letter = ask_choice({**_WORDS, **_SHOW}, streams)
    if letter != "s":
        return letter
    streams.write_aside("".join(f"{line}\n" for line in rest))
    return ask_choice(_WORDS, streams)


def _format_question(question: Question, width: int) -> Iterator[str]:
    reference = format_one_line(format_exact(question.card.reference), limit=_MOST_CELLS)
    yield from fold_line("", f"{reference} wants to run:", indent=_INDENT, width=width)
    yield from format_block(format_exact(question.what), indent=_INDENT, width=width)
    if question.before:
        yield from fold_line("", "It has changed since the last time:", indent=0, width=width)
        changes = _build_changes(question.before, question.card.definition_text)
        yield from format_block(format_exact(changes), indent=_INDENT, width=width)


def _build_changes(before: str, now: str) -> str:
    from difflib import unified_diff

    lines = unified_diff(_split(before), _split(now), "then", "now", lineterm="")
    return "\n".join(lines)


def _split(definition: str) -> list[str]:
    """Cut a definition in lines, JSON as well, so that what changed can be seen."""
    with suppress(ValueError):
        definition = json.dumps(json.loads(definition), indent=1, ensure_ascii=False)
    return definition.splitlines()
