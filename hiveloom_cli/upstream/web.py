"""The requests of HTTP tools: to public addresses, along no redirect, with a key that is bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.upstream.binding import Binding


class RequestsWeb:
    """Sends the requests of HTTP tools."""

    def __init__(self, environ: Mapping[str, str], clock: Clock) -> None:
        self._environ = environ
        self._clock = clock

    def send(self, request: Any, key: Any, stop: Any) -> Any:
        """See `tools.outside.Web`."""
        raise NotImplementedError


def check_bound(name: str, origin: str, binding: Binding) -> None:
    """Return if a key may go to that origin; raise `CredentialError` if not."""
    raise NotImplementedError
