from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hiveloom_cli.credentials.vault_file import format_vault, open_box, parse_vault

CIPHER, OTHER = AESGCM(bytes(32)), AESGCM(bytes(31) + b"1")


def test_a_box_opens_under_the_same_key_and_label_alone() -> None:
    vault = parse_vault(format_vault(None, CIPHER, {("ab", "c"): "text"}))
    box = vault.boxes["ab", "c"]
    assert open_box(CIPHER, box, "ab", "c") == "text"
    for label in (("a", "bc"), ("abc",), ("c", "ab"), ("ab", "c", ""), ()):
        with pytest.raises(ValueError, match="does not open"):
            open_box(CIPHER, box, *label)
    with pytest.raises(ValueError, match="does not open"):
        open_box(OTHER, box, "ab", "c")
    with pytest.raises(ValueError, match="does not open"):
        open_box(CIPHER, vault.check, "ab", "c")
