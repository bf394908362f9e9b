"""How a failure reads: one line that says what happened, one that says what to type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.chat.turns import Turns
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.terminal.streams import Streams


def print_error(error: HiveloomError, streams: Streams) -> None:
    """Tell the person on stderr."""
    streams.print_notice(f"error: {error.message}")
    if error.hint:
        streams.print_notice(f"  try: {error.hint}")


def print_unsaved(turns: Turns, streams: Streams) -> None:
    """Tell the person, once, what keeps their chat from being saved."""
    problem = turns.take_problem()
    if problem is not None:
        hint = f" (try: {problem.hint})" if problem.hint else ""
        streams.print_notice(f"note: this chat is not saved: {problem.message}{hint}")


def format_error_json(error: HiveloomError) -> str:
    """Build the object that stands in the answer's place under `--json`.

    `partial` is there only where part of an answer had arrived.
    """
    body = {"code": error.code, "message": error.message, "hint": error.hint}
    if error.partial:
        body["partial"] = error.partial
    return json.dumps({"error": body}, ensure_ascii=False)
