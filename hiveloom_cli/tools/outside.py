"""What tools need of the world outside, handed down by the composition root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.web import WebReply, WebRequest
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.stop import Stop
    from hiveloom_cli.tools.mcp_pool import ServerPool


class Web(Protocol):
    """Sends the requests of HTTP tools."""

    def send(self, request: WebRequest, key: Secret | None, stop: Stop) -> WebReply:
        """Send a request; no redirect is followed.

        Raises `UpstreamError` where no reply comes, and `AddressRefused` where the name leads to an
        address that is not public.
        """
        ...


def _tell_nobody(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Outside:
    """The folders and files of tools, and what reaches beyond this process.

    `load_key` fetches the key of the credential of that name for that origin, and raises
    `CredentialError` where it does not belong there. `note_wait` tells a person what is waited for
    before a chat can begin. `servers` are the MCP servers that outlast a chat; None: none does.
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
    note_wait: Callable[[str], None] = _tell_nobody
    servers: ServerPool | None = None
