"""Which upstream answers, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hiveloom_cli.errors import BaseUrlInvalid, SecretMissing
from hiveloom_cli.upstream.resolve import (
    EnvironmentKey,
    KeySource,
    PlaceholderKey,
    StoredKey,
    SystemdKey,
    Upstream,
    decide_upstream,
)


@dataclass(frozen=True)
class Bound:
    base_url: str | None = None
    protocol: str | None = None


GROQ = "https://api.groq.com/openai/v1"


def decide(
    model: str = "gpt-4o-mini",
    credential: str = "",
    stored: dict[str, Bound] | None = None,
    environ: dict[str, str] | None = None,
    handed: frozenset[str] = frozenset(),
) -> Upstream:
    return decide_upstream(model, credential, stored or {}, environ or {}, handed)


@pytest.mark.parametrize(
    ("model", "protocol", "base_url", "name"),
    [
        ("gpt-4o-mini", "openai", "https://api.openai.com/v1", "openai"),
        ("anthropic/claude-sonnet-4", "openai", "https://api.openai.com/v1", "openai"),
        ("claude-sonnet-5", "anthropic", "https://api.anthropic.com", "anthropic"),
    ],
)
def test_without_a_credential_the_model_decides(
    model: str, protocol: str, base_url: str, name: str
) -> None:
    found = decide(model, stored={"openai": Bound(), "anthropic": Bound()})
    assert (found.protocol, str(found.base_url), found.key) == (protocol, base_url, StoredKey(name))


@pytest.mark.parametrize(
    ("environ", "base_url", "moved_by"),
    [
        ({"HIVELOOM_OPENAI_BASE_URL": GROQ}, GROQ, "HIVELOOM_OPENAI_BASE_URL"),
        ({"HIVELOOM_OPENAI_COMPAT_BASE_URL": GROQ}, GROQ, "HIVELOOM_OPENAI_COMPAT_BASE_URL"),
        (
            {"HIVELOOM_OPENAI_BASE_URL": GROQ, "HIVELOOM_OPENAI_COMPAT_BASE_URL": "https://no"},
            GROQ,
            "HIVELOOM_OPENAI_BASE_URL",
        ),
        (
            {"HIVELOOM_OPENAI_BASE_URL": "  ", "HIVELOOM_OPENAI_COMPAT_BASE_URL": f" {GROQ}/ "},
            GROQ,
            "HIVELOOM_OPENAI_COMPAT_BASE_URL",
        ),
        ({"HIVELOOM_OPENAI_BASE_URL": ""}, "https://api.openai.com/v1", ""),
        ({"HIVELOOM_ANTHROPIC_BASE_URL": "https://no"}, "https://api.openai.com/v1", ""),
    ],
)
def test_the_environment_moves_the_openai_client(
    environ: dict[str, str], base_url: str, moved_by: str
) -> None:
    found = decide(stored={"openai": Bound()}, environ=environ)
    assert (str(found.base_url), found.moved_by) == (base_url, moved_by)
    assert found.key == StoredKey("openai")


def test_the_environment_moves_the_anthropic_client_too() -> None:
    found = decide("claude-x", environ={"HIVELOOM_ANTHROPIC_BASE_URL": "http://127.0.0.1:9/v1/"})
    assert str(found.base_url) == "http://127.0.0.1:9/v1"


def test_a_bound_credential_brings_address_and_protocol_and_is_not_moved() -> None:
    stored = {"groq": Bound(GROQ), "house": Bound("https://llm.example.org", "anthropic")}
    found = decide(
        "llama", "groq", stored, {"HIVELOOM_OPENAI_BASE_URL": "https://elsewhere.example"}
    )
    assert (str(found.base_url), found.key) == (GROQ, StoredKey("groq"))
    found = decide("gpt-4o-mini", "house", stored)
    assert (found.protocol, str(found.base_url)) == ("anthropic", "https://llm.example.org")


def test_the_openai_credential_is_moved_even_if_it_is_bound() -> None:
    stored = {"openai": Bound("https://gateway.example.org/v1")}
    assert str(decide(stored=stored).base_url) == "https://gateway.example.org/v1"
    assert str(decide(stored=stored, environ={"HIVELOOM_OPENAI_BASE_URL": GROQ}).base_url) == GROQ


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"OPENAI_API_KEY": "k"}, EnvironmentKey("OPENAI_API_KEY")),
        ({"HIVELOOM_OPENAI_BASE_URL": GROQ, "GROQ_API_KEY": "k"}, EnvironmentKey("GROQ_API_KEY")),
        ({"HIVELOOM_OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, PlaceholderKey()),
        (
            {"HIVELOOM_OPENAI_BASE_URL": "http://[::1]:1/v1", "OPENAI_API_KEY": "k"},
            PlaceholderKey(),
        ),
    ],
)
def test_without_a_stored_key_the_providers_own_variable_or_a_placeholder_serves(
    environ: dict[str, str], key: KeySource
) -> None:
    assert decide(environ=environ).key == key


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OPENAI_API_KEY": " "},
        {"ANTHROPIC_API_KEY": "k"},
        {"HIVELOOM_OPENAI_BASE_URL": GROQ, "OPENAI_API_KEY": "k"},
        {"HIVELOOM_OPENAI_BASE_URL": "https://evil.example/v1", "OPENAI_API_KEY": "k"},
        {
            "HIVELOOM_OPENAI_BASE_URL": "http://api.openai.com/v1",
            "HIVELOOM_ALLOW_HTTP": "1",
            "OPENAI_API_KEY": "k",
        },
    ],
)
def test_a_key_of_the_environment_never_follows_a_moved_base_url(environ: dict[str, str]) -> None:
    with pytest.raises(SecretMissing) as caught:
        decide(environ=environ)
    assert caught.value.hint == "hiveloom credential set --name openai"


@pytest.mark.parametrize(
    ("credential", "environ", "key"),
    [
        ("", {"OPENAI_API_KEY": "k"}, SystemdKey("openai")),
        ("groq", {"GROQ_API_KEY": "k"}, SystemdKey("groq")),
        ("", {"HIVELOOM_OPENAI_BASE_URL": GROQ}, SystemdKey("groq")),
        ("", {"HIVELOOM_OPENAI_BASE_URL": "http://127.0.0.1:8000/v1"}, SystemdKey("vllm")),
        ("", {"HIVELOOM_OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, PlaceholderKey()),
        ("mistral", {"MISTRAL_API_KEY": "k"}, EnvironmentKey("MISTRAL_API_KEY")),
    ],
)
def test_a_key_that_systemd_hands_over_serves_before_a_variable_at_its_providers_own_address(
    credential: str, environ: dict[str, str], key: KeySource
) -> None:
    handed = frozenset({"openai", "groq", "vllm", "work"})
    assert decide(credential=credential, environ=environ, handed=handed).key == key
    name = credential or "openai"
    found = decide(credential=name, stored={name: Bound()}, environ=environ, handed=handed)
    assert found.key == StoredKey(name)


@pytest.mark.parametrize(
    ("credential", "environ", "hint"),
    [
        ("", {"HIVELOOM_OPENAI_BASE_URL": "https://evil.example/v1"}, "openai --from-systemd"),
        ("work", {}, "work --from-systemd"),
        ("mistral", {}, "mistral"),
    ],
)
def test_a_key_that_systemd_hands_over_goes_nowhere_that_was_not_said(
    credential: str, environ: dict[str, str], hint: str
) -> None:
    with pytest.raises(SecretMissing) as caught:
        decide(credential=credential, environ=environ, handed=frozenset({"openai", "work"}))
    assert caught.value.hint == f"hiveloom credential set --name {hint}"


def test_a_credential_that_is_not_stored_is_named() -> None:
    with pytest.raises(SecretMissing) as caught:
        decide(credential="work", stored={"openai": Bound()})
    assert caught.value.hint == "hiveloom credential set --name work"


def test_a_bad_base_url_names_its_variable() -> None:
    with pytest.raises(BaseUrlInvalid, match="HIVELOOM_OPENAI_BASE_URL"):
        decide(environ={"HIVELOOM_OPENAI_BASE_URL": "localhost:11434/v1"})
