"""Where a key belongs, and that it goes nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import (
    BaseUrlInvalid,
    HiveloomError,
    ProviderNotFound,
    SecretMissing,
    UsageMistake,
)
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.providers import MOVABLE, PROVIDERS, get_provider
from hiveloom_cli.upstream.binding import (
    Address,
    AddressWish,
    check_settled,
    decide_address,
    format_destination,
)
from hiveloom_cli.upstream.resolve import (
    EnvironmentKey,
    PlaceholderKey,
    StoredKey,
    SystemdKey,
    Upstream,
    decide_upstream,
)

GROQ = "https://api.groq.com/openai/v1"
HOUSE = "https://llm.example.org/v1"
LAN = "http://10.0.0.7:8000/v1"


@pytest.mark.parametrize(
    ("name", "former", "wish", "stored"),
    [
        # the provider of the name
        ("groq", None, {}, (GROQ, "openai")),
        ("ollama", None, {}, ("http://127.0.0.1:11434/v1", "openai")),
        # these two go where the environment says, unless an address is asked for
        ("openai", None, {}, (None, None)),
        ("anthropic", None, {}, (None, None)),
        ("openai", None, {"provider": "openai"}, ("https://api.openai.com/v1", "openai")),
        ("openai", None, {"base_url": HOUSE}, (HOUSE, "openai")),
        ("anthropic", None, {"base_url": HOUSE}, (HOUSE, "anthropic")),
        # a name of one's own
        ("work", None, {}, (None, None)),
        ("work", None, {"protocol": "anthropic"}, (None, "anthropic")),
        ("work", None, {"provider": "groq"}, (GROQ, "openai")),
        ("work", None, {"provider": "anthropic"}, ("https://api.anthropic.com", "anthropic")),
        ("work", None, {"base_url": f" {HOUSE}/ "}, (HOUSE, "openai")),
        ("work", None, {"base_url": HOUSE, "protocol": "anthropic"}, (HOUSE, "anthropic")),
        # what is said goes before what is stored, and that before the provider of the name
        ("groq", (HOUSE, "openai"), {}, (HOUSE, "openai")),
        ("groq", (HOUSE, "openai"), {"provider": "groq"}, (GROQ, "openai")),
        ("groq", (None, None), {}, (GROQ, "openai")),
        ("groq", None, {"base_url": HOUSE}, (HOUSE, "openai")),
        ("work", (HOUSE, "anthropic"), {}, (HOUSE, "anthropic")),
        ("work", (HOUSE, "anthropic"), {"base_url": "https://b"}, ("https://b", "anthropic")),
        ("work", (HOUSE, "anthropic"), {"protocol": "openai"}, (HOUSE, "openai")),
        # plain http
        ("work", None, {"base_url": "http://127.0.0.1:1/v1"}, ("http://127.0.0.1:1/v1", "openai")),
        ("work", None, {"base_url": LAN, "allow_http": True}, (LAN, "openai")),
    ],
)
def test_what_is_stored_of_an_address(
    name: str, former: tuple[Any, Any] | None, wish: dict[str, Any], stored: tuple[Any, Any]
) -> None:
    before = Address(*former) if former else None
    assert decide_address(name, before, AddressWish(**wish)) == Address(*stored)


@pytest.mark.parametrize(
    ("name", "wish", "error", "said"),
    [
        ("work", {"provider": "groq", "base_url": HOUSE}, UsageMistake, "both say"),
        ("work", {"provider": "groq", "protocol": "anthropic"}, UsageMistake, "Chat Completions"),
        ("groq", {"protocol": "anthropic"}, UsageMistake, "Chat Completions"),
        ("openai", {"protocol": "anthropic"}, UsageMistake, "the name openai stands for"),
        ("anthropic", {"provider": "groq"}, UsageMistake, "the name anthropic stands for"),
        ("work", {"provider": "gorq"}, ProviderNotFound, "did you mean groq?"),
        ("work", {"provider": "xyz"}, ProviderNotFound, "there are: openai, anthropic,"),
        ("work", {"base_url": LAN}, BaseUrlInvalid, "plain http to another machine (10.0.0.7)"),
        ("work", {"base_url": "https://u:p@h/v1"}, BaseUrlInvalid, "user name or a password"),
        ("work", {"base_url": "llm.example.org"}, BaseUrlInvalid, "does not begin with"),
        ("work", {"base_url": ""}, BaseUrlInvalid, "does not begin with"),
    ],
)
def test_what_contradicts_itself_or_leads_nowhere_is_refused(
    name: str, wish: dict[str, Any], error: type[HiveloomError], said: str
) -> None:
    with pytest.raises(error) as caught:
        decide_address(name, None, AddressWish(**wish))
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "stored", "environ", "goal"),
    [
        ("groq", Address(GROQ, "openai"), {}, "https://api.groq.com"),
        ("groq", Address(), {}, "https://api.groq.com"),
        ("groq", Address(), {"HIVELOOM_OPENAI_BASE_URL": HOUSE}, "https://api.groq.com"),
        ("openai", Address(), {}, "https://api.openai.com"),
        ("openai", Address(), {"HIVELOOM_OPENAI_BASE_URL": " "}, "https://api.openai.com"),
        (
            "openai",
            Address(HOUSE),
            {"HIVELOOM_OPENAI_BASE_URL": GROQ},
            "the address in HIVELOOM_OPENAI_BASE_URL",
        ),
        ("anthropic", Address(), {}, "https://api.anthropic.com"),
        ("work", Address(), {}, ""),
        ("work", Address(None, "anthropic"), {}, "https://api.anthropic.com"),
        ("work", Address("http://[broken"), {}, "an address that is broken"),
    ],
)
def test_it_is_said_where_a_key_goes(
    name: str, stored: Address, environ: dict[str, str], goal: str
) -> None:
    assert format_destination(name, stored, environ) == goal


def test_a_key_that_belongs_nowhere_is_sent_nowhere_unasked() -> None:
    with pytest.raises(UsageMistake, match="work"):
        check_settled("work", Address(), hint="say it")
    for name, address in [("openai", Address()), ("groq", Address()), ("work", Address(HOUSE))]:
        check_settled(name, address, hint="say it")


def decide(
    model: str,
    credential: str,
    stored: dict[str, Address],
    environ: dict[str, str] | None = None,
    *,
    handed: frozenset[str] = frozenset(),
    allow_http: bool = False,
) -> Upstream:
    return decide_upstream(model, credential, stored, environ or {}, handed, allow_http=allow_http)


def test_a_providers_name_is_enough_without_a_stored_key() -> None:
    moved = {"HIVELOOM_OPENAI_BASE_URL": HOUSE}
    found = decide("m", "groq", {}, {"GROQ_API_KEY": "k", **moved})
    assert (str(found.base_url), found.key) == (GROQ, EnvironmentKey("GROQ_API_KEY"))
    found = decide("m", "ollama", {}, moved)
    assert (found.base_url.port, found.key) == (11434, PlaceholderKey())
    with pytest.raises(SecretMissing, match=r"groq, which https://api\.groq\.com needs"):
        decide("m", "groq", {}, {"OPENAI_API_KEY": "k"})


@pytest.mark.parametrize(("name", "model"), [("openai", "claude-x"), ("anthropic", "gpt-x")])
def test_the_key_of_one_house_is_not_shown_to_the_other_by_a_models_name(
    name: str, model: str
) -> None:
    found = decide(model, name, {name: Address()})
    assert found.protocol == name
    assert found.base_url.host == f"api.{name}.com"


def test_the_environment_leads_out_of_this_machine_without_encryption_only_if_allowed() -> None:
    stored = {"openai": Address(), "lan": Address(LAN)}
    environ = {"HIVELOOM_OPENAI_BASE_URL": LAN}
    with pytest.raises(BaseUrlInvalid) as caught:
        decide("m", "", stored, environ)
    assert "HIVELOOM_OPENAI_BASE_URL is plain http" in caught.value.message
    assert "--allow-http" in caught.value.hint
    for value in ("", "0", "no", "false", "maybe"):
        with pytest.raises(BaseUrlInvalid):
            decide("m", "", stored, {**environ, "HIVELOOM_ALLOW_HTTP": value})
    for value in ("1", "true", " YES "):
        assert decide("m", "", stored, {**environ, "HIVELOOM_ALLOW_HTTP": value}).moved_by
    assert decide("m", "", stored, environ, allow_http=True).moved_by
    assert str(decide("m", "lan", stored).base_url) == LAN


URLS = st.sampled_from([HOUSE, GROQ, "https://evil.example/v1", "http://127.0.0.1:9/v1", "", " "])
NAMES = st.sampled_from(["groq", "work", "openai", "anthropic", "ollama", "other"])
ADDRESSES = st.builds(
    Address,
    st.sampled_from([None, HOUSE, GROQ, "http://127.0.0.1:8/v1"]),
    st.sampled_from([None, "openai", "anthropic"]),
)
VARIABLES = st.sampled_from(
    [
        "HIVELOOM_OPENAI_BASE_URL",
        "HIVELOOM_OPENAI_COMPAT_BASE_URL",
        "HIVELOOM_ANTHROPIC_BASE_URL",
        "GROQ_API_KEY",
        "OPENAI_API_KEY",
    ]
)


@given(
    st.sampled_from(["gpt-x", "claude-x", "anthropic/claude-x", "", "https://evil.example"]),
    st.just("") | NAMES,
    st.dictionaries(NAMES, ADDRESSES),
    st.dictionaries(VARIABLES, URLS),
    st.frozensets(NAMES),
)
def test_a_key_that_systemd_hands_over_goes_to_its_provider_alone(
    model: str,
    credential: str,
    stored: dict[str, Address],
    environ: dict[str, str],
    handed: frozenset[str],
) -> None:
    try:
        found = decide(model, credential, stored, environ, handed=handed, allow_http=True)
    except SecretMissing:
        return
    if isinstance(found.key, SystemdKey):
        own = parse_base_url(get_provider(found.key.provider).base_url, source="test")
        assert found.base_url.origin == own.origin
        assert found.key.provider in handed
        assert found.credential not in stored


@given(
    st.sampled_from(["gpt-x", "claude-x", "anthropic/claude-x", "", "https://evil.example"]),
    st.just("") | NAMES,
    st.dictionaries(NAMES, ADDRESSES),
    st.dictionaries(VARIABLES, URLS),
    st.booleans(),
)
def test_a_stored_key_goes_to_its_own_origin_whatever_else_is_said(
    model: str,
    credential: str,
    stored: dict[str, Address],
    environ: dict[str, str],
    allow_http: bool,  # noqa: FBT001 - Hypothesis passes by position
) -> None:
    try:
        found = decide(model, credential, stored, environ, allow_http=allow_http)
    except SecretMissing:
        return
    presets = {row.name: row.base_url for row in PROVIDERS if row.name not in MOVABLE}
    if isinstance(found.key, StoredKey) and found.key.credential not in MOVABLE:
        name = found.key.credential
        bound = stored[name].base_url or presets.get(name)
        if bound:
            assert found.base_url == parse_base_url(bound, source="test")
            assert not found.moved_by
