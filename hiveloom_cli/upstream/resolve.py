"""Which upstream answers: protocol, base URL and where its key comes from, computed at each use.

The rules, in their order, are those of docs/architecture.md, "How an upstream is resolved".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from hiveloom_cli.errors import SecretMissing
from hiveloom_cli.protocols.base_url import BaseUrl, parse_base_url
from hiveloom_cli.protocols.providers import ProtocolName, find_key_variable
from hiveloom_cli.protocols.table import PROTOCOLS, decide_protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

# A credential of one of these names goes wherever the environment points its protocol.
_MOVABLE = ("openai", "anthropic")


class Binding(Protocol):
    """What is known of a stored credential without its secret: where it belongs, if anywhere."""

    @property
    def base_url(self) -> str | None:
        """The one base URL that the secret may be sent to."""
        ...

    @property
    def protocol(self) -> str | None:
        """What is spoken there."""
        ...


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The key is kept under this name."""

    credential: str


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """The key is in this environment variable."""

    variable: str


@dataclass(frozen=True, slots=True)
class PlaceholderKey:
    """A server on this machine, which looks at no key, though the header is always sent."""


KeySource: TypeAlias = StoredKey | EnvironmentKey | PlaceholderKey


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests of one agent go. `moved_by` is the variable that set the base URL, or ""."""

    protocol: ProtocolName
    base_url: BaseUrl
    key: KeySource
    moved_by: str = ""


def decide_upstream(
    model: str, credential: str, stored: Mapping[str, Binding], environ: Mapping[str, str]
) -> Upstream:
    """Decide the upstream for a model; `credential` is what the agent names, or "".

    Raises `SecretMissing` with the command that stores the key, and `BaseUrlInvalid`.
    """
    binding = stored.get(credential)
    protocol = decide_protocol(model)
    if binding is not None and binding.protocol in PROTOCOLS:
        protocol = cast("ProtocolName", binding.protocol)
    name = credential or protocol
    bound_to = _find_bound_url(stored.get(name))
    if bound_to and name not in _MOVABLE:
        base_url, moved_by = parse_base_url(bound_to, source=f"the credential {name}"), ""
    else:
        base_url, moved_by = _decide_base_url(protocol, bound_to, name, environ)
    key = _decide_key(name, base_url, stored, environ)
    return Upstream(protocol, base_url, key, moved_by)


def _find_bound_url(binding: Binding | None) -> str:
    return (binding.base_url or "") if binding is not None else ""


def _decide_base_url(
    protocol: ProtocolName, bound_to: str, name: str, environ: Mapping[str, str]
) -> tuple[BaseUrl, str]:
    for variable in PROTOCOLS[protocol].base_url_variables:
        if text := environ.get(variable, "").strip():
            return parse_base_url(text, source=variable), variable
    if bound_to:
        return parse_base_url(bound_to, source=f"the credential {name}"), ""
    return parse_base_url(PROTOCOLS[protocol].default_base_url, source="the default"), ""


def _decide_key(
    name: str, base_url: BaseUrl, stored: Mapping[str, Binding], environ: Mapping[str, str]
) -> KeySource:
    if name in stored:
        return StoredKey(name)
    # A provider's usual variable holds that provider's key: it follows no other address.
    variable = find_key_variable(base_url)
    if variable and environ.get(variable, "").strip():
        return EnvironmentKey(variable)
    if base_url.is_loopback:
        return PlaceholderKey()
    raise SecretMissing(
        f"no key is stored under the name {name}, which {base_url.origin} needs",
        hint=f"hiveloom credential set --name {name}",
    )
