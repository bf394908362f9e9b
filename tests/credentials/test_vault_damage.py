"""An altered vault gives the right key, none, or an error of ours; what errs is not written to."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hiveloom_cli.credentials.vault import FileVault
from hiveloom_cli.errors import VaultUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = {("one", "two"): "first key", ("on", "etwo"): "second key", ("one", "three"): "third key"}


def open_vault(folder: Path) -> FileVault:
    return FileVault(folder / "vault.json", folder / "vault.key", None)


def build_vault() -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vault = open_vault(folder)
        for (service, username), password in KEPT.items():
            vault.set_password(service, username, password)
        return (folder / "vault.json").read_bytes(), (folder / "vault.key").read_bytes()


CONTENT, KEY_FILE = build_vault()


def check(altered: bytes) -> bool:
    """Hold the promise for one altered vault; return whether it still opens, whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "vault.json").write_bytes(altered)
        (folder / "vault.key").write_bytes(KEY_FILE)
        vault = open_vault(folder)
        try:
            opened = {key: vault.get_password(*key) for key in KEPT}
        except VaultUnusable:
            with pytest.raises(VaultUnusable):
                vault.set_password("one", "two", "other")
            with pytest.raises(VaultUnusable):
                vault.delete_password("one", "two")
            opened = {}
        assert (folder / "vault.json").read_bytes() == altered
    assert all(value in (None, KEPT[key]) for key, value in opened.items())
    return opened == KEPT


def test_the_unaltered_vault_opens() -> None:
    assert check(CONTENT)


def test_a_truncated_vault_is_never_taken_for_a_whole_one() -> None:
    text_end = len(CONTENT.rstrip())
    lengths = {*range(0, text_end, 7), *range(text_end - 20, text_end)}
    assert not any(check(CONTENT[:length]) for length in lengths)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_no_changed_byte_gives_a_wrong_key(position: int, flip: int) -> None:
    altered = bytearray(CONTENT)
    altered[position] ^= flip
    check(bytes(altered))


@settings(max_examples=75, deadline=None)
@given(st.integers(0, len(CONTENT)), st.integers(0, len(CONTENT)), st.binary(max_size=20))
def test_no_replaced_stretch_gives_a_wrong_key(start: int, end: int, piece: bytes) -> None:
    check(CONTENT[: min(start, end)] + piece + CONTENT[max(start, end) :])


def alter(change: Callable[[Any], object]) -> bytes:
    document = json.loads(CONTENT)
    change(document)
    return json.dumps(document).encode()


def swap_boxes(document: Any) -> None:
    boxes = document["entries"]["one"]
    boxes["two"], boxes["three"] = boxes["three"], boxes["two"]


def rename(document: Any) -> None:
    boxes = document["entries"]["one"]
    boxes["twox"] = boxes.pop("two")


def move_boundary(document: Any) -> None:
    """Make ("one", "two") of ("on", "etwo"): joined without a boundary, they are the same."""
    entries = document["entries"]
    entries["one"]["two"] = entries.pop("on")["etwo"]


CHANGES: list[Callable[[Any], object]] = [
    swap_boxes,
    rename,
    move_boundary,
    lambda document: document["entries"]["one"].update(two=document["check"]),
    lambda document: document["entries"]["one"].update(two=None),
    lambda document: document["entries"]["one"].update(two=""),
    lambda document: document["entries"]["one"].update(two="AAAA"),
    lambda document: document["entries"].update(one=[]),
    lambda document: document.update(entries=[]),
    lambda document: document.update(check=document["entries"]["one"]["two"]),
    lambda document: document.update(check="é"),
    lambda document: document.update(salt=""),
    lambda document: document.update(salt=True),
    lambda document: document.update(version="1"),
    lambda document: document.pop("version"),
    lambda document: document.pop("salt"),
    lambda document: document.pop("check"),
    lambda document: document.pop("entries"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_rearranged_vault_does_not_open(change: Callable[[Any], object]) -> None:
    content = alter(change)
    assert not check(content)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "vault.json").write_bytes(content)
        (folder / "vault.key").write_bytes(KEY_FILE)
        with pytest.raises(VaultUnusable):
            open_vault(folder).get_password("on", "etwo")


def test_an_entry_that_was_dropped_is_no_longer_held(tmp_path: Path) -> None:
    (tmp_path / "vault.json").write_bytes(alter(lambda document: document["entries"].pop("on")))
    (tmp_path / "vault.key").write_bytes(KEY_FILE)
    vault = open_vault(tmp_path)
    assert vault.get_password("on", "etwo") is None
    assert vault.get_password("one", "two") == "first key"


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "null", "[]", '{"version": 1}'])
def test_other_json_is_no_vault(text: str) -> None:
    assert not check(text.encode())


def test_the_order_of_entries_means_nothing() -> None:
    assert check(
        alter(lambda document: document["entries"].update(on=document["entries"].pop("on")))
    )
