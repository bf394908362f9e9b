"""Which upstream answers: protocol, base URL and where its key comes from, computed at each use.

The rules, in their order, are those of docs/architecture.md, "How an upstream is resolved".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hiveloom_cli.errors import SecretMissing
from hiveloom_cli.protocols.base_url import (
    ALLOW_HTTP_VARIABLE,
    BaseUrl,
    check_encrypted,
    parse_base_url,
)
from hiveloom_cli.protocols.providers import (
    MOVABLE,
    ProtocolName,
    find_key_variable,
    find_provider,
    find_provider_at,
)
from hiveloom_cli.protocols.table import PROTOCOLS, decide_protocol
from hiveloom_cli.upstream.binding import find_address

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hiveloom_cli.upstream.binding import Binding

_YES = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The key is kept under this name."""

    credential: str


@dataclass(frozen=True, slots=True)
class SystemdKey:
    """The key is handed to this service by systemd, under this provider's name."""

    provider: str


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """The key is in this environment variable."""

    variable: str


@dataclass(frozen=True, slots=True)
class PlaceholderKey:
    """A server on this machine, which looks at no key, though the header is always sent."""


KeySource: TypeAlias = StoredKey | SystemdKey | EnvironmentKey | PlaceholderKey


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests of one agent go.

    `credential` is the name that the key has, or would have if it were stored; `moved_by` is the
    variable that set the base URL, or "".
    """

    protocol: ProtocolName
    base_url: BaseUrl
    key: KeySource
    moved_by: str = ""
    credential: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests would go, before it is known whether they can: the address is not checked.

    `source` says in errors where `address` comes from; the rest is as in `Upstream`.
    """

    protocol: ProtocolName
    address: str
    source: str
    moved_by: str
    credential: str


def decide_upstream(
    model: str,
    credential: str,
    stored: Mapping[str, Binding],
    environ: Mapping[str, str],
    handed: Collection[str] = (),
    *,
    allow_http: bool = False,
) -> Upstream:
    """Decide the upstream for a model; `credential` is what the agent names, or "".

    `handed` are the names of the keys that systemd hands over.
    `allow_http` lets the environment point at another machine without encryption, as does
    `HIVELOOM_ALLOW_HTTP=1`; what is stored was allowed when it was stored. Raises `SecretMissing`
    with the command that stores the key, and `BaseUrlInvalid`.
    """
    route = decide_route(model, credential, stored, environ)
    base_url = parse_route(route, environ, allow_http=allow_http)
    key = find_key(route.credential, base_url, stored, environ, handed)
    if key is None:
        # What systemd hands over under that name has not been said to belong there.
        how = " --from-systemd" if route.credential in handed else ""
        raise SecretMissing(
            f"no key is stored under the name {route.credential}, which {base_url.origin} needs",
            hint=f"hiveloom credential set --name {route.credential}{how}",
        )
    return Upstream(route.protocol, base_url, key, route.moved_by, route.credential)


def decide_route(
    model: str, credential: str, stored: Mapping[str, Binding], environ: Mapping[str, str]
) -> Route:
    """Decide where requests would go; the arguments are those of `decide_upstream`."""
    name = credential or decide_protocol(model)
    bound = find_address(name, stored.get(name))
    protocol = bound.protocol or decide_protocol(model)
    moved_by = ""
    if bound.base_url is None or name in MOVABLE:
        moved_by = _find_moving_variable(protocol, environ)
    if moved_by:
        address, source = environ[moved_by], moved_by
    elif bound.base_url is not None:
        address, source = bound.base_url, f"the credential {name}"
    else:
        address, source = PROTOCOLS[protocol].default_base_url, "the default"
    return Route(protocol, address, source, moved_by, name)


def parse_route(route: Route, environ: Mapping[str, str], *, allow_http: bool = False) -> BaseUrl:
    """Check a route's address. Raises `BaseUrlInvalid`."""
    base_url = parse_base_url(route.address, source=route.source)
    if not route.moved_by:
        return base_url
    is_allowed = allow_http or is_http_allowed(environ)
    return check_encrypted(base_url, source=route.source, allow_http=is_allowed)


def find_key(
    name: str,
    base_url: BaseUrl,
    stored: Mapping[str, Binding],
    environ: Mapping[str, str],
    handed: Collection[str] = (),
) -> KeySource | None:
    """Find where the key of that name is kept, or what serves in its place; None for nothing."""
    if name in stored:
        return StoredKey(name)
    if name in MOVABLE or find_provider(name) is not None:
        # A key that only bears a provider's name is that provider's: it follows no other address.
        # And a name of one's own means one key and no other.
        provider = find_provider_at(base_url)
        if provider is not None and provider.name in handed:
            return SystemdKey(provider.name)
        variable = find_key_variable(base_url)
        if variable and environ.get(variable, "").strip():
            return EnvironmentKey(variable)
        if base_url.is_loopback:
            return PlaceholderKey()
    return None


def is_http_allowed(environ: Mapping[str, str]) -> bool:
    """Whether the environment allows plain http to other machines."""
    return environ.get(ALLOW_HTTP_VARIABLE, "").strip().lower() in _YES


def _find_moving_variable(protocol: ProtocolName, environ: Mapping[str, str]) -> str:
    variables = PROTOCOLS[protocol].base_url_variables
    return next((name for name in variables if environ.get(name, "").strip()), "")
