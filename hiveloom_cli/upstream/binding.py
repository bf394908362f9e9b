"""Where a key belongs: the one address it may be sent to, decided when it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from hiveloom_cli.errors import BaseUrlInvalid, UsageMistake
from hiveloom_cli.protocols.base_url import check_encrypted, parse_base_url
from hiveloom_cli.protocols.providers import (
    MOVABLE,
    ProtocolName,
    find_provider,
    get_provider,
)
from hiveloom_cli.protocols.table import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.protocols.providers import Provider


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
class Address:
    """Where a key belongs. None leaves the base URL to the environment, the protocol to the model.

    A `Binding`.
    """

    base_url: str | None = None
    protocol: ProtocolName | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing but a model's name says where the key goes."""
        return self.base_url is None and self.protocol is None


@dataclass(frozen=True, slots=True)
class AddressWish:
    """What a person says about where a key belongs; None where they say nothing."""

    provider: str | None = None
    base_url: str | None = None
    protocol: ProtocolName | None = None
    allow_http: bool = False


def find_address(name: str, binding: Binding | None) -> Address:
    """Find where the key of that name belongs: as stored, else the preset of that name.

    Keys named `openai` and `anthropic` have their protocol, and no address of their own.
    """
    base_url = binding.base_url if binding is not None else None
    protocol = binding.protocol if binding is not None else None
    preset = find_provider(name)
    if preset is not None:
        base_url = base_url or (None if name in MOVABLE else preset.base_url)
        protocol = protocol if protocol in PROTOCOLS else preset.protocol
    return Address(
        base_url or None, cast("ProtocolName", protocol) if protocol in PROTOCOLS else None
    )


def decide_address(name: str, former: Binding | None, wish: AddressWish) -> Address:
    """Decide what is stored of where a key belongs; `former` is what is stored now.

    What is said goes before what is stored, and that before the preset of the name. Raises
    `UsageMistake` for what contradicts itself, `ProviderNotFound` and `BaseUrlInvalid`.
    """
    if wish.provider is not None and wish.base_url is not None:
        raise UsageMistake(
            "--provider and --base-url both say where the key goes", hint="give one of them"
        )
    address = _decide_address(name, former, wish)
    if name in MOVABLE and address.protocol not in (None, name):
        raise UsageMistake(
            f"the name {name} stands for {PROTOCOLS[name].title}",
            hint="store a key for the other protocol under a name of your own",
        )
    return address


def check_settled(name: str, binding: Binding | None, *, hint: str) -> None:
    """Return if it is settled where the key of that name goes; raise `UsageMistake` if not.

    A key that belongs to nobody in particular is sent nowhere before a model's name leads it.
    """
    if find_address(name, binding).is_open:
        raise UsageMistake(f"only a model's name decides where the key {name} goes", hint=hint)


def format_destination(name: str, binding: Binding | None, environ: Mapping[str, str]) -> str:
    """Say where the key of that name goes: an origin, or the variable that points it somewhere.

    Gives "" where the model's name decides.
    """
    address = find_address(name, binding)
    if address.is_open:
        return ""
    protocol = address.protocol or "openai"
    if address.base_url is None or name in MOVABLE:
        for variable in PROTOCOLS[protocol].base_url_variables:
            if environ.get(variable, "").strip():
                return f"the address in {variable}"
    try:
        text = address.base_url or PROTOCOLS[protocol].default_base_url
        return parse_base_url(text, source=f"the credential {name}").origin
    except BaseUrlInvalid:
        return "an address that is broken"


def _decide_address(name: str, former: Binding | None, wish: AddressWish) -> Address:
    preset = find_provider(name)
    if wish.base_url is not None:
        known = preset or find_address(name, former)
        return Address(_check(wish.base_url, wish), wish.protocol or known.protocol or "openai")
    if wish.provider is not None:
        return _take_preset(get_provider(wish.provider), wish)
    if former is not None and former.base_url:
        return Address(former.base_url, wish.protocol or find_address(name, former).protocol)
    if preset is not None and name not in MOVABLE:
        return _take_preset(preset, wish)
    return Address(None, wish.protocol)


def _take_preset(preset: Provider, wish: AddressWish) -> Address:
    if wish.protocol not in (None, preset.protocol):
        raise UsageMistake(
            f"{preset.title} is asked through {PROTOCOLS[preset.protocol].title}",
            hint="leave --protocol out, or say where the other one is spoken: --base-url URL",
        )
    return Address(preset.base_url, preset.protocol)


def _check(text: str, wish: AddressWish) -> str:
    source = "--base-url"
    base_url = parse_base_url(text, source=source)
    return str(check_encrypted(base_url, source=source, allow_http=wish.allow_http))
