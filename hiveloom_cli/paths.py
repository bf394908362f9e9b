"""Where hiveloom keeps its files.

`HIVELOOM_HOME` puts everything under one folder; without it the operating system's conventions
decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE = "HIVELOOM_HOME"


@dataclass(frozen=True, slots=True)
class Paths:
    """The four folders, and the name under which keys are kept in the OS keyring.

    None of the folders need exist; whoever writes first makes them. A home of its own has a keyring
    service of its own, so that a trial home never replaces the keys of the real one.
    """

    config: Path
    data: Path
    state: Path
    cache: Path
    keyring_service: str

    @property
    def agents(self) -> Path:
        """The folder of the person's own agents, one Markdown file each."""
        return self.config / "agents"

    @property
    def credentials(self) -> Path:
        """The list of credentials: names and addresses, nothing secret."""
        return self.config / "credentials.json"

    @property
    def vault(self) -> Path:
        """The encrypted file that stands in where there is no OS keyring."""
        return self.data / "vault.json"

    @property
    def vault_key(self) -> Path:
        """The vault's master key; without a home of its own, in another folder than the vault."""
        return self.config / "vault.key"

    @property
    def dialects(self) -> Path:
        """What was learned of upstreams' dialects."""
        return self.cache / "dialects.json"

    @property
    def prompt_history(self) -> Path:
        """What the person typed in interactive chats."""
        return self.state / "history"


def decide_paths(environ: Mapping[str, str]) -> Paths:
    """Decide the folders from the environment; touches no disk."""
    home = environ.get(HOME_VARIABLE, "").strip()
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(root, root, root, root / "cache", keyring_service=f"hiveloom:{root}")
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("hiveloom", appauthor=False)
    return Paths(
        config=dirs.user_config_path,
        data=dirs.user_data_path,
        state=dirs.user_state_path,
        cache=dirs.user_cache_path,
        keyring_service="hiveloom",
    )
