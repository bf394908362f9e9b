"""Under which names a server may be asked for: `Host` headers, and what options allow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.protocols.base_url import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)
_USUAL_PORT = 80
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class HostName:
    """A name or an address, without brackets, in small letters; `port` None for none named."""

    name: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a server listens, and the names that a proxy before it goes by.

    A name that is allowed without a port is allowed with any.
    """

    port: int
    names: frozenset[str]
    any_address: bool = False
    allowed: frozenset[HostName] = frozenset()

    def holds(self, host: HostName) -> bool:
        """Whether a request may ask for that host."""
        if host in self.allowed or HostName(host.name) in self.allowed:
            return True
        if (_USUAL_PORT if host.port is None else host.port) != self.port:
            return False
        # No page can make an address, other than a name, lead elsewhere later.
        return host.name in self.names or (self.any_address and _is_address(host.name))


def build_hosts(host: str, port: int, allowed: Iterable[str] = (), *, address: str = "") -> Hosts:
    """Build the names of a server that listens on `host` and `port`, and is `allowed` others.

    `address` is what `host` has led to, "" where that is not known yet. One that listens everywhere
    goes by this machine's addresses, whichever they are. Raises `UsageMistake` for an allowed one
    that is no host.
    """
    names = {_normalise(name.lower().strip("[]")) for name in (host, address) if name}
    is_everywhere = any(_is_address(name) and ip_address(name).is_unspecified for name in names)
    if is_everywhere or any(map(is_loopback, names)):
        names.update(_LOOPBACK)
    return Hosts(port, frozenset(names), is_everywhere, frozenset(map(_parse_allowed, allowed)))


def parse_host(text: str) -> HostName | None:
    """Read a `Host` header; None for what is none."""
    found = _HOST.fullmatch(text.lower())
    if found is None:
        return None
    return HostName(_normalise(found[1].strip("[]")), int(found[2]) if found[2] else None)


def parse_origin(text: str) -> str:
    """Return an origin that is to be allowed, as browsers write it; raise `UsageMistake`."""
    origin = text.strip().rstrip("/").lower()
    if not _ORIGIN.fullmatch(origin):
        raise UsageMistake(
            "--allow-origin takes one origin, such as https://chat.example.com",
            hint="give scheme, host and port, and no path; * is not an origin",
        )
    usual = ":443" if origin.startswith("https:") else ":80"
    return origin.removesuffix(usual)


def _parse_allowed(text: str) -> HostName:
    host = parse_host(text.strip())
    if host is None:
        raise UsageMistake(
            "--allow-host takes one host, such as agents.example.com",
            hint="give a name, with a port or without, and no scheme",
        )
    return host


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _normalise(name: str) -> str:
    return str(ip_address(name)) if _is_address(name) else name
