"""A model behind an upstream: asked with a request, it answers with events."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from hiveloom_cli.errors import HiveloomError, UpstreamRefused
from hiveloom_cli.upstream.echo import mask_echo
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind
from hiveloom_cli.upstream.limits import Patience
from hiveloom_cli.upstream.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.request import ChatRequest, WireRequest
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.upstream.dialects import Dialects
    from hiveloom_cli.upstream.resolve import Upstream


class Transport(Protocol):
    """What carries a request; `upstream.transport.RequestsTransport` is the real one."""

    def open_reply(
        self, request: WireRequest, key: Secret | None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """See `RequestsTransport.open_reply`."""
        ...


class ModelClient:
    """Asks one upstream.

    The key is fetched at the first request, and not before; `load_offered` tells, for a model that
    is not known, which there are. If a key is refused and another one is there by now, the request
    is sent once more.
    """

    def __init__(
        self,
        upstream: Upstream,
        transport: Transport,
        load_key: Callable[[], Secret],
        *,
        dialects: Dialects,
        clock: Clock,
        patience: Patience | None = None,
        load_offered: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.upstream = upstream
        self._transport = transport
        self._load_key = load_key
        self._key: Secret | None = None
        self._dialects = dialects
        self._clock = clock
        self._patience = patience or Patience()
        self._load_offered = load_offered

    def open_reply(self, chat: ChatRequest) -> Reply:
        """Prepare a reply; the request goes out when its events are first asked for."""
        return Reply(
            chat,
            self.upstream,
            self._open_bytes,
            dialects=self._dialects,
            clock=self._clock,
            patience=self._patience,
            load_offered=self._load_offered,
        )

    @contextmanager
    def _open_bytes(self, request: WireRequest) -> Iterator[Iterator[bytes]]:
        if self._key is None:
            self._key = self._load_key()
        with ExitStack() as stack:
            try:
                pieces = stack.enter_context(self._transport.open_reply(request, self._key))
            except UpstreamRefused as error:
                is_refused = decide_kind(error) is FaultKind.AUTHENTICATION
                if not (is_refused and self._has_another(self._key)):
                    raise
                pieces = stack.enter_context(self._transport.open_reply(request, self._key))
            yield mask_echo(pieces, self._key)

    def _has_another(self, refused: Secret) -> bool:
        with suppress(HiveloomError):
            self._key = self._load_key()
        return self._key is not None and self._key.reveal() != refused.reveal()
