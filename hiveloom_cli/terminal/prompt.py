"""What stands at a prompt: a label before what is typed, and below it who answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hiveloom_cli.terminal.table import measure_cells
from hiveloom_cli.terminal.visible import format_one_line

_SEPARATOR = " · "
_MOST_IN_A_PART = 60


@dataclass(frozen=True, slots=True)
class Prompt:
    """`beginning` is text to go on from; the parts of `status` that matter most come first."""

    label: str
    beginning: str = ""
    status: tuple[str, ...] = ()


class MessageSource(Protocol):
    """Where messages come from; `line_reader.LineReader` is the real one."""

    def ask_message(self, prompt: Prompt) -> str:
        """Return what the person typed; raise `EOFError` or `KeyboardInterrupt` if they left."""
        ...


def format_status(parts: tuple[str, ...], columns: int) -> str:
    """Join as many parts as fit in a line, the first ones first."""
    line = ""
    for part in (format_one_line(part, _MOST_IN_A_PART) for part in parts if part):
        longer = f"{line}{_SEPARATOR}{part}" if line else part
        if measure_cells(longer) >= columns:
            break
        line = longer
    return line
