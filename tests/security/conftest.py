"""Each test has a person with keys, and an attacker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.attack import build_attack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.attack import Attack


@pytest.fixture(scope="session")
def vault_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the place of what the keys are stored in, once they are."""
    return tmp_path_factory.mktemp("keys") / "stored"


@pytest.fixture
def attack(vault_folder: Path) -> Iterator[Attack]:
    """Give an attack; whatever it tries, no secret is lost and no command has run at its end."""
    made = build_attack()
    with made.model, made.collector:
        made.store_keys(vault_folder)
        yield made
        made.check()
