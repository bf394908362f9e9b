"""What tools need of the world outside, handed down by the composition root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.request import KeyHeader
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.tools.stop import Stop


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request of an HTTP tool. `allows_private` lets it reach addresses that are not public.

    The key goes in `key_header`. `timeout_s` is for all of it, `most_bytes` for the reply's body.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    key_header: KeyHeader | None
    allows_private: bool
    timeout_s: float
    most_bytes: int


@dataclass(frozen=True, slots=True)
class WebReply:
    """What came back, whatever the status; `is_cut` where the body was longer than allowed."""

    status: int
    content_type: str
    body: bytes
    is_cut: bool
    location: str = ""


class Web(Protocol):
    """Sends the requests of HTTP tools."""

    def send(self, request: WebRequest, key: Secret | None, stop: Stop) -> WebReply:
        """Send a request; no redirect is followed.

        Raises `UpstreamError` where no reply comes, and `AddressRefused` where the name leads to an
        address that is not public.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """The folders and files of tools, and what reaches beyond this process.

    `load_key` fetches the key of the credential of that name for that origin, and raises
    `CredentialError` where it does not belong there.
    """

    tools: Path
    skills: Path
    mcp: Path
    cache: Path
    logs: Path
    environ: Mapping[str, str]
    clock: Clock
    open_web: Callable[[], Web]
    load_key: Callable[[str, str], Secret]
