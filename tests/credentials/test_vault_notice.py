from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.credentials.notice import format_vault_notice
from tests.credentials.keyrings import build_paths

if TYPE_CHECKING:
    from pathlib import Path


def test_the_notice_says_what_a_key_file_does_and_does_not_protect(tmp_path: Path) -> None:
    paths = build_paths(tmp_path)
    notice = "\n".join(format_vault_notice(paths, passphrase=False))
    assert str(paths.vault) in notice
    assert str(paths.vault_key) in notice
    assert "Not safe" in notice
    assert "programs that run as you" in notice
    assert "HIVELOOM_VAULT_PASSPHRASE" in notice


def test_the_notice_of_a_passphrase_says_that_all_hangs_on_it(tmp_path: Path) -> None:
    paths = build_paths(tmp_path)
    notice = "\n".join(format_vault_notice(paths, passphrase=True))
    assert str(paths.vault) in notice
    assert str(paths.vault_key) not in notice
    assert "lose it, lose the key" in notice
