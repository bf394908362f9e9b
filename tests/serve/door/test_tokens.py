"""The tokens of `hiveloom serve`: kept as digests, told from other text, revoked at once."""

from __future__ import annotations

import hashlib
import hmac
import json
from hmac import compare_digest
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import AlreadyExists, FileUnreadable, NotFound, SecretRefused, UsageMistake
from hiveloom_cli.secret import looks_like_key
from hiveloom_cli.serve.door.access import decide_access
from hiveloom_cli.serve.door.tokens import Tokens, make_token
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(home: Path) -> Path:
    return home / "serve_tokens.json"


@pytest.fixture
def tokens(path: Path) -> Tokens:
    return Tokens(path, ManualClock())


def test_only_the_digest_of_a_token_is_kept(tokens: Tokens, path: Path) -> None:
    token, secret = tokens.create("notebook")
    text = path.read_text()
    value = secret.reveal()
    assert not any(value[start : start + 6] in text for start in range(4, len(value) - 5))
    assert json.loads(text)["tokens"] == [
        {
            "id": token.id,
            "name": "notebook",
            "sha256": hashlib.sha256(value.encode()).hexdigest(),
            "created_at": "2026-01-02T03:04:05Z",
        }
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_token_has_a_beginning_of_its_own_and_256_random_bits() -> None:
    values = {make_token().reveal() for _ in range(50)}
    assert len(values) == 50
    assert all(value.startswith("hlm_") and len(value) == 47 for value in values)
    assert all(looks_like_key(value) for value in values)


def test_a_token_is_known_and_nothing_else_is(tokens: Tokens) -> None:
    assert not tokens.matches("")
    first, secret = tokens.create()
    second, other = tokens.create()
    assert [token.name for token in tokens.load_all()] == ["token-1", "token-2"]
    assert tokens.find_id(secret.reveal()) == first.id
    assert tokens.find_id(other.reveal()) == second.id
    for wrong in (
        "",
        secret.reveal()[:-1],
        secret.reveal() + "x",
        first.digest,
        first.id,
        "é",
        "\udc80",
    ):
        assert not tokens.matches(wrong)


@pytest.mark.parametrize("at", [0, 1, 2, None], ids=["first", "second", "last", "wrong"])
def test_each_kept_token_is_compared_in_constant_time_whichever_is_shown(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch, at: int | None
) -> None:
    shown = [tokens.create()[1].reveal() for _ in range(3)]
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    presented = "hlm_wrong" if at is None else shown[at]
    assert tokens.matches(presented) is (at is not None)
    digest = hashlib.sha256(presented.encode()).hexdigest()
    assert compared == [(token.digest, digest) for token in tokens.load_all()]


@pytest.mark.parametrize("attribute", ["name", "id"])
def test_a_revoked_token_stops_at_once_where_it_was_read_before(
    tokens: Tokens, path: Path, attribute: str
) -> None:
    token, secret = tokens.create("notebook")
    _, kept = tokens.create("other")
    serving = Tokens(path, ManualClock())
    assert serving.matches(secret.reveal())
    assert tokens.revoke(getattr(token, attribute)) == token
    assert not serving.matches(secret.reveal())
    assert serving.matches(kept.reveal())
    path.unlink()
    assert not serving.matches(kept.reveal())


def test_a_new_token_counts_at_once_where_the_list_was_read_before(
    tokens: Tokens, path: Path
) -> None:
    serving = Tokens(path, ManualClock())
    assert not serving.matches("hlm_x")
    assert serving.matches(tokens.create()[1].reveal())


def test_a_name_is_there_once(tokens: Tokens) -> None:
    token, _ = tokens.create("notebook")
    for taken in ("notebook", token.id):
        with pytest.raises(AlreadyExists):
            tokens.create(taken)
    with pytest.raises(NotFound):
        tokens.revoke("phone")
    assert len(tokens.load_all()) == 1


@pytest.mark.parametrize("name", ["a b", "-x", "a/b", "x" * 65, "naïve", "\x1b[2J", "sk-abc"])
def test_what_cannot_be_a_name_is_refused_and_not_repeated(tokens: Tokens, name: str) -> None:
    with pytest.raises(UsageMistake) as refused:
        tokens.create(name)
    assert name not in refused.value.message + refused.value.hint
    assert tokens.load_all() == ()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"version": 2, "tokens": []}',
        '{"version": 1, "tokens": {}}',
        '{"version": 1, "tokens": [{"id": "a", "name": "b", "sha256": "short"}]}',
    ],
)
def test_a_broken_list_lets_nobody_in_and_is_not_overwritten(
    tokens: Tokens, path: Path, content: str
) -> None:
    _, secret = tokens.create()
    assert tokens.matches(secret.reveal())
    path.write_text(content)
    for _ in range(2):
        with pytest.raises(FileUnreadable):
            tokens.matches(secret.reveal())
    with pytest.raises(FileUnreadable):
        tokens.create()
    assert path.read_text() == content


def test_without_any_token_one_is_made_for_the_run(tokens: Tokens, path: Path) -> None:
    access = decide_access(tokens, "127.0.0.1", "", is_open=False)
    assert access.doorkeeper is not None
    assert access.made is not None
    assert access.doorkeeper.find_id(access.made.reveal()) == "this-run"
    assert access.doorkeeper.find_id("hlm_other") is None
    assert not path.exists()


def test_a_token_of_the_environment_counts_beside_the_stored_ones(tokens: Tokens) -> None:
    token, secret = tokens.create()
    access = decide_access(tokens, "0.0.0.0", "from-the-environment\n", is_open=False)
    assert access.doorkeeper is not None
    assert access.made is None
    assert access.doorkeeper.find_id("from-the-environment") == "environment"
    assert access.doorkeeper.find_id(secret.reveal()) == token.id
    assert access.doorkeeper.find_id("") is None


def test_stored_tokens_are_enough(tokens: Tokens) -> None:
    tokens.create()
    access = decide_access(tokens, "127.0.0.1", " ", is_open=False)
    assert (access.doorkeeper, access.made) == (tokens, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_no_token_is_needed_on_loopback_if_that_is_wanted(tokens: Tokens, host: str) -> None:
    access = decide_access(tokens, host, "kept", is_open=True)
    assert (access.doorkeeper, access.made) == (None, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "agents.example.com", ""])
def test_a_server_that_others_reach_always_needs_a_token(tokens: Tokens, host: str) -> None:
    with pytest.raises(UsageMistake):
        decide_access(tokens, host, "", is_open=True)


@pytest.mark.parametrize("given", ["two\nlines", "two words", "schl\u00fcssel", "a" * 8193])
def test_a_token_that_not_every_client_can_send_is_refused_and_not_repeated(
    tokens: Tokens, given: str
) -> None:
    with pytest.raises(SecretRefused, match="HIVELOOM_SERVE_TOKEN") as refused:
        decide_access(tokens, "127.0.0.1", given, is_open=False)
    assert given not in f"{refused.value}{refused.value.hint}"
