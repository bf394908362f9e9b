from __future__ import annotations

from hiveloom_cli.credentials.vault_crypto import build_cipher, new_key, open_box, seal_box


def test_a_box_opens_under_the_same_key_and_label_alone() -> None:
    cipher = build_cipher(new_key())
    box = seal_box(cipher, b"text", "entry", "ab", "c")
    assert open_box(cipher, box, "entry", "ab", "c") == b"text"
    for label in (
        ("entry", "a", "bc"),
        ("entry", "abc"),
        ("check", "ab", "c"),
        ("entry", "c", "ab"),
    ):
        assert open_box(cipher, box, *label) is None
    assert open_box(build_cipher(new_key()), box, "entry", "ab", "c") is None
