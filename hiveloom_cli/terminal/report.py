"""How a failure reads: one line that says what happened, one that says what to type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.terminal.streams import Streams


def print_error(error: HiveloomError, streams: Streams) -> None:
    """Tell the person on stderr."""
    streams.print_notice(f"error: {error.message}")
    if error.hint:
        streams.print_notice(f"  try: {error.hint}")


def format_error_json(error: HiveloomError) -> str:
    """Build the object that stands in the answer's place under `--json`.

    `partial` is there only where part of an answer had arrived.
    """
    body = {"code": error.code, "message": error.message, "hint": error.hint}
    if error.partial:
        body["partial"] = error.partial
    return json.dumps({"error": body}, ensure_ascii=False)
