"""A model behind an upstream: asked with a request, it answers with events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hiveloom_cli.errors import StreamCutShort, UpstreamError, UpstreamRefused
from hiveloom_cli.protocols.event import ReplyEnded
from hiveloom_cli.protocols.table import PROTOCOLS
from hiveloom_cli.upstream.advice import decide_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from hiveloom_cli.protocols.event import ReplyEvent
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.reply import ReplyReader
    from hiveloom_cli.protocols.request import ChatRequest, WireRequest
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.upstream.resolve import Upstream


class Transport(Protocol):
    """What carries a request; `upstream.transport.RequestsTransport` is the real one."""

    def open_reply(
        self, request: WireRequest, key: Secret
    ) -> AbstractContextManager[Iterator[bytes]]:
        """See `RequestsTransport.open_reply`."""
        ...


class ModelClient:
    """Asks one upstream. The key is fetched at the first request, and not before."""

    def __init__(
        self, upstream: Upstream, transport: Transport, load_key: Callable[[], Secret]
    ) -> None:
        self.upstream = upstream
        self._transport = transport
        self._load_key = load_key
        self._key: Secret | None = None

    def open_reply(self, chat: ChatRequest) -> Reply:
        """Prepare a reply; the request goes out when its events are first asked for."""
        wire = PROTOCOLS[self.upstream.protocol]
        request = wire.build_request(chat, self.upstream.base_url)
        return Reply(self.upstream, wire.open_reader(), lambda: self._open(request))

    def _open(self, request: WireRequest) -> AbstractContextManager[Iterator[bytes]]:
        if self._key is None:
            self._key = self._load_key()
        return self._transport.open_reply(request, self._key)


class Reply:
    """One reply, as it comes."""

    def __init__(
        self,
        upstream: Upstream,
        reader: ReplyReader,
        open_bytes: Callable[[], AbstractContextManager[Iterator[bytes]]],
    ) -> None:
        self._upstream = upstream
        self._reader = reader
        self._open_bytes = open_bytes

    def stream_events(self) -> Iterator[ReplyEvent]:
        """Send the request and yield the reply's events, `ReplyEnded` last.

        Closing the iterator, or an exception in its consumer, closes the connection at once. Raises
        `UpstreamError` with a hint that fits the upstream.
        """
        try:
            with self._open_bytes() as pieces:
                yield from self._read(pieces)
        except UpstreamRefused as error:
            error.hint = error.hint or decide_hint(error.status, self._upstream)
            raise

    def build_partial(self) -> Message:
        """Build the answer from what has arrived so far, marked incomplete."""
        return self._reader.build_partial()

    def _read(self, pieces: Iterator[bytes]) -> Iterator[ReplyEvent]:
        try:
            for piece in pieces:
                for event in self._reader.feed(piece):
                    yield event
                    if isinstance(event, ReplyEnded):
                        return
        except StreamCutShort as broken:
            # A connection that breaks after the finish reason has cost nothing but its [DONE].
            try:
                yield from self._reader.close()
            except UpstreamError:
                raise broken from None
            return
        yield from self._reader.close()
