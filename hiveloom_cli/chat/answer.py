"""A turn read to its end, for readers that want the answer when it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import ApprovalAsked, ToolEnded, TurnEnded
from hiveloom_cli.errors import HiveloomError, Interrupted, StreamCutShort
from hiveloom_cli.protocols.event import TextDelta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hiveloom_cli.chat.event import Event


def fold_turn(
    events: Iterable[Event], ask: Callable[[ApprovalAsked], None] = lambda _: None
) -> TurnEnded:
    """Read a turn to its end and return it; `ask` answers whether tools may run, if anyone does.

    What had arrived when it failed or was interrupted is the error's `partial`.
    """
    pieces: list[str] = []
    is_parted = False  # tools ran since the last piece
    try:
        for event in events:
            if isinstance(event, TextDelta):
                pieces += ["\n\n", event.text] if is_parted else [event.text]
                is_parted = False
            elif isinstance(event, ToolEnded):
                is_parted = bool(pieces)
            elif isinstance(event, ApprovalAsked):
                ask(event)
            elif isinstance(event, TurnEnded):
                return event
    except HiveloomError as error:
        error.partial = "".join(pieces)
        raise
    except KeyboardInterrupt:
        interrupted = Interrupted("interrupted")
        interrupted.partial = "".join(pieces)
        raise interrupted from None
    raise StreamCutShort("the turn ended without an answer", hint="ask again")
