"""An altered vault gives the right key or an error of ours, and is never written to."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hiveloom_cli.credentials.vault import FileVault
from hiveloom_cli.errors import VaultDamaged, VaultUnusable

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
    """Hold the promise for one altered vault; return whether it still opens."""
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
            opened = None
        assert (folder / "vault.json").read_bytes() == altered
    assert opened in (None, KEPT)
    return opened is not None


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
    first, second = document["entries"][:2]
    for part in ("nonce", "ciphertext"):
        first[part], second[part] = second[part], first[part]


def swap_names(document: Any) -> None:
    for entry, (service, username) in zip(document["entries"], reversed(KEPT), strict=True):
        entry.update(service=service, username=username)


def rename(document: Any) -> None:
    document["entries"][0]["username"] += "x"


def move_boundary(document: Any) -> None:
    """Make ("one", "two") of ("on", "etwo"): joined without a boundary, they are the same."""
    taken = document["entries"]
    document["entries"] = [entry for entry in taken if entry["service"] == "one"]
    next(entry for entry in document["entries"] if entry["username"] == "two").update(
        next(entry for entry in taken if entry["service"] == "on"), service="one", username="two"
    )


CHANGES: list[Callable[[Any], object]] = [
    swap_boxes,
    swap_names,
    rename,
    move_boundary,
    lambda document: document["entries"].pop(),
    lambda document: document["entries"].clear(),
    lambda document: document["entries"].append(document["entries"][0]),
    lambda document: document.update(seal=document["check"]),
    lambda document: document.update(check=document["seal"]),
    lambda document: document["entries"][0].update(document["check"]),
    lambda document: document.update(kdf=None),
    lambda document: document.update(version=True),
    lambda document: document.update(entries={}),
    lambda document: document.update(note="hello"),
    lambda document: document["entries"][0].update(service=None),
    lambda document: document["check"].update(nonce=""),
    lambda document: document["check"].update(ciphertext="AAAA"),
    lambda document: document["seal"].update(nonce="é"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_rearranged_vault_does_not_open(change: Callable[[Any], object]) -> None:
    assert not check(alter(change))


def test_an_older_entry_put_back_is_found_out(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.set_password("s", "u", "old")
    old = json.loads((tmp_path / "vault.json").read_text())["entries"]
    vault.set_password("s", "u", "new")
    document = json.loads((tmp_path / "vault.json").read_text())
    (tmp_path / "vault.json").write_text(json.dumps({**document, "entries": old}))
    with pytest.raises(VaultDamaged, match="was altered"):
        vault.get_password("s", "u")


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "null", "[]", '{"version": 1}'])
def test_other_json_is_no_vault(text: str) -> None:
    assert not check(text.encode())


def test_the_order_of_entries_means_nothing() -> None:
    assert check(alter(lambda document: document["entries"].reverse()))
