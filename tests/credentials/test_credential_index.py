from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.credentials.credential import Credential
from hiveloom_cli.credentials.index import (
    Index,
    build_with,
    build_without,
    format_index,
    load_index,
    parse_index,
)
from hiveloom_cli.errors import FileUnreadable
from hiveloom_cli.secret import Secret
from tests.credentials.keyrings import START, build_paths, build_store

if TYPE_CHECKING:
    from pathlib import Path

GROQ = Credential("groq", "os", START, None, "https://api.groq.com/openai/v1", "openai")
ENTRY = {"kept_in": "os", "set_at": "2026-01-31T09:00:00Z"}


def wrap(**entry: Any) -> dict[str, Any]:
    return {"version": 1, "credentials": {"groq": {**ENTRY, **entry}}}


BROKEN: list[Any] = [
    None,
    [],
    {},
    {"version": 1},
    {"version": True, "credentials": {}},
    {"version": 0, "credentials": {}},
    {"version": "1", "credentials": {}},
    {"version": 1, "credentials": []},
    {"version": 1, "credentials": {"groq": None}},
    {"version": 1, "credentials": {"../groq": ENTRY}},
    {"version": 1, "credentials": {"groq": {"kept_in": "os"}}},
    wrap(kept_in="cloud"),
    wrap(kept_in=["os"]),
    wrap(set_at="yesterday"),
    wrap(set_at=12),
    wrap(rotated_at="2026-13-01T00:00:00Z"),
    wrap(base_url=7),
    wrap(protocol=["openai"]),
]


def test_what_is_written_is_read_again() -> None:
    index = build_with(build_with(Index(), GROQ), Credential("a", "vault", START, START))
    assert parse_index(format_index(index)).credentials == index.credentials


def test_a_credential_can_be_taken_out() -> None:
    assert build_without(build_with(Index(), GROQ), "groq").credentials == {}


def test_a_missing_index_is_an_empty_one(tmp_path: Path) -> None:
    assert load_index(tmp_path / "none.json") == Index()


@pytest.mark.parametrize("document", BROKEN)
def test_a_wrong_shape_is_an_error_and_is_not_overwritten(tmp_path: Path, document: Any) -> None:
    path = build_paths(tmp_path).credentials
    path.write_text(json.dumps(document))
    with pytest.raises(FileUnreadable) as caught:
        build_store(tmp_path, {"HIVELOOM_KEYRING": "vault"}).save("a", Secret("made-up"))
    assert caught.value.path == path
    assert caught.value.hint
    assert path.read_text() == json.dumps(document)


def test_broken_json_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text('{\n "version": 1,\n oops\n}')
    with pytest.raises(FileUnreadable, match=r"credentials\.json:3: not JSON") as caught:
        load_index(path)
    assert caught.value.line == 3


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b"9" * 5000, b"\xef\xbb\xbf{}", b""])
def test_no_bytes_break_the_reader(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "credentials.json"
    path.write_bytes(content)
    with pytest.raises(FileUnreadable):
        load_index(path)


def test_a_folder_in_its_place_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="cannot be read"):
        load_index(tmp_path)


def test_a_newer_index_asks_for_an_update(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text('{"version": 2, "credentials": "in a new way"}')
    with pytest.raises(FileUnreadable, match="newer hiveloom") as caught:
        load_index(path)
    assert "update" in caught.value.hint


def test_keys_that_are_not_known_survive_a_rewrite(tmp_path: Path) -> None:
    path = build_paths(tmp_path).credentials
    path.write_text(json.dumps({**wrap(note="\ud800 mine"), "theme": {"a": 1}}))
    build_store(tmp_path, {"HIVELOOM_KEYRING": "vault"}).save("other", Secret("made-up"))
    document = json.loads(path.read_text())
    assert document["theme"] == {"a": 1}
    assert document["credentials"]["groq"]["note"] == "\ud800 mine"
    assert set(document["credentials"]) == {"groq", "other"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["version", "credentials", "groq", "kept_in", "set_at"])
                | st.text(),
                inner,
            )
        ),
    )
)
def test_any_json_is_an_index_or_a_value_error(document: Any) -> None:
    try:
        parse_index(json.dumps(document))
    except ValueError:
        return
    assert document["version"] == 1
