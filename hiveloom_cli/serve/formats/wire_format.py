"""A wire format seen from the server: a client's bytes in, what is asked out, and the answer back.

Each is a module of functions: it reads no clock and opens no socket.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.serve.asked import AgentBrief, Asked, Rejection


# A line that readers of server-sent events pass over (WHATWG HTML, "Server-sent events").
COMMENT = b": still working\n\n"
# U+0085, U+2028 and U+2029 are ends of lines to many such readers, though not to that standard.
_LINE_ENDS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one reply from another: its id, when it was made, and the id of its request.

    The latter is the one in the access log.
    """

    id: str
    made_at: datetime
    request_id: str


def find_request_id(scope: Mapping[str, Any]) -> str:
    """Return the id that the guard gave a request, "" where no guard stands before the app."""
    found: str = scope.get("hiveloom", {}).get("request_id", "")
    return found


class StreamFold(Protocol):
    """What a stream has said so far; what it yields are server-sent events, each of them whole."""

    def feed(self, event: Event) -> Iterator[bytes]:
        """Take a turn's next event; `TurnEnded` ends the stream.

        Nothing is yielded before the answer begins, so that a failure can still be a status.
        """
        ...

    def keep_alive(self) -> Iterator[bytes]:
        """Tell that the answer is still worked on; a stream that had not begun begins so."""
        ...

    def fail(self, error: HiveloomError | Rejection) -> Iterator[bytes]:
        """End the stream with an error."""
        ...


class OpenFold(Protocol):
    """What opens a fold for one answer."""

    def __call__(self, asked: Asked, stamp: Stamp) -> StreamFold:
        """Open what the answer's events are fed to."""
        ...


class WireFormat(Protocol):
    """What a client speaks."""

    @property
    def StreamFold(self) -> OpenFold:  # noqa: N802 - a class of the module
        """The class of what a stream is built with."""
        ...

    def parse_asked(self, body: bytes, agent: str = "") -> Asked:
        """Read a request; `agent` is whom its path names, if any. Raises `Rejection`."""
        ...

    def build_reply(self, events: Sequence[Event], asked: Asked, stamp: Stamp) -> dict[str, Any]:
        """Build an answer that is not streamed of all the events of a turn, `TurnEnded` last.

        It says what the stream of the same events would.
        """
        ...

    def build_error(self, status: int, message: str, code: str, stamp: Stamp) -> dict[str, Any]:
        """Build an error's body."""
        ...

    def build_models(self, agents: Sequence[AgentBrief]) -> dict[str, Any]:
        """Build the list of agents."""
        ...

    def build_model(self, agent: AgentBrief) -> dict[str, Any]:
        """Build what is said of one agent."""
        ...


def format_event(data: object, name: str = "") -> bytes:
    """Write a server-sent event; `data` becomes JSON."""
    text = json.dumps(data, ensure_ascii=False)
    head = f"event: {name}\n" if name else ""
    return escape_line_ends(f"{head}data: {text}\n\n".encode("utf-8", "replace"))


def escape_line_ends(events: bytes) -> bytes:
    """Escape, in the JSON of server-sent events, what some readers take for the end of a line."""
    for end in _LINE_ENDS:
        events = events.replace(end, f"\\u{ord(end.decode()):04x}".encode())
    return events
