"""An incremental decoder of server-sent events, as the WHATWG HTML standard describes the stream.

It differs from the standard in one point: an event that the stream's end leaves without its blank
line is delivered, not dropped, since several upstreams end that way.
"""

from __future__ import annotations

from dataclasses import dataclass

from hiveloom_cli.errors import ReplyNotUnderstood

_BOM = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: its name ("" for none) and its data, several lines joined by a newline."""

    name: str
    data: str


class SseDecoder:
    """Bytes in, in pieces of any size; events out. Lines end with LF, CRLF or CR.

    Raises `ReplyNotUnderstood` for an event over 64 MiB, which no upstream means.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # the unfinished line
        self._size = 0
        self._started = False
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete."""
        if not self._started:
            chunk = self._strip_bom(chunk)
        if not chunk:
            return []
        if self._after_cr:
            # The CR that ended the last piece's line may have been half of a CRLF.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        self._grow(len(chunk))
        lines = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        events = []
        for line in lines[:-1]:
            self._pieces.append(line)
            event = self._take_line(b"".join(self._pieces))
            self._pieces.clear()
            if event is not None:
                events.append(event)
        if lines[-1]:
            self._pieces.append(lines[-1])
        return events

    def close(self) -> list[ServerSentEvent]:
        """Return the event that the stream's end cut from its blank line, if there is one."""
        if self._pieces:
            self._take_line(b"".join(self._pieces))
            self._pieces.clear()
        event = self._dispatch()
        return [event] if event is not None else []

    def _strip_bom(self, chunk: bytes) -> bytes:
        # A byte order mark may come split: wait until three bytes tell.
        head = b"".join(self._pieces) + chunk
        self._pieces.clear()
        self._size = 0
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._pieces.append(head)
            return b""
        self._started = True
        return head.removeprefix(_BOM)

    def _take_line(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            return None
        # Only whole lines are decoded, so a character split between two reads is never broken.
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = "", [], 0
        return ServerSentEvent(name, "\n".join(data)) if data else None

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > MAX_EVENT_BYTES:
            raise ReplyNotUnderstood(
                "the upstream sent an event larger than 64 MiB", hint="check what serves it"
            )
