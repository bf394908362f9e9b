"""Where hiveloom keeps its files.

`HIVELOOM_HOME` puts everything under one folder; without it the operating system's conventions
decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.errors import UsageMistake

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
    def tools(self) -> Path:
        """The folder of the tools' files."""
        return self.config / "tools"

    @property
    def skills(self) -> Path:
        """The folder of skills, a folder each."""
        return self.config / "skills"

    @property
    def mcp(self) -> Path:
        """The list of MCP servers, in the form that other programs use."""
        return self.config / "mcp.json"

    @property
    def approvals(self) -> Path:
        """What tools the person has agreed to, as they were then."""
        return self.data / "approvals.json"

    @property
    def tool_cache(self) -> Path:
        """The folder of what MCP servers offered; all of it can be asked for again."""
        return self.cache / "tools"

    @property
    def tool_logs(self) -> Path:
        """The folder of what MCP servers had to say beside their answers, one file each."""
        return self.state / "mcp"

    @property
    def versions(self) -> Path:
        """The folder of what agents' files have ever held."""
        return self.data / "versions"

    @property
    def trusted(self) -> Path:
        """The list of projects' agents that the person has agreed to."""
        return self.data / "trusted.json"

    @property
    def credentials(self) -> Path:
        """The list of credentials: names and addresses, nothing secret."""
        return self.config / "credentials.json"

    @property
    def prices(self) -> Path:
        """What tokens cost, as the person writes it down."""
        return self.config / "prices.toml"

    @property
    def serve_tokens(self) -> Path:
        """Whom `hiveloom serve` lets in: the digests of tokens, nothing secret."""
        return self.data / "serve_tokens.json"

    @property
    def vault(self) -> Path:
        """The encrypted file that stands in where there is no OS keyring."""
        return self.data / "vault.json"

    @property
    def vault_key(self) -> Path:
        """The vault's master key; without a home of its own, in another folder than the vault."""
        return self.config / "vault.key"

    @property
    def conversations(self) -> Path:
        """The database of saved conversations."""
        return self.data / "conversations.db"

    @property
    def dialects(self) -> Path:
        """What was learned of upstreams' dialects."""
        return self.cache / "dialects.json"

    @property
    def models(self) -> Path:
        """The folder of what upstreams offered, one file each; all of it can be asked for again."""
        return self.cache / "models"

    @property
    def drafts(self) -> Path:
        """The folder of texts that are being edited; what was not saved stays there."""
        return self.state / "drafts"

    @property
    def briefs(self) -> Path:
        """The folder of what lists show of agents; all of it can be read anew."""
        return self.cache / "briefs"

    @property
    def prompt_history(self) -> Path:
        """What the person typed in interactive chats."""
        return self.state / "history"


def decide_paths(environ: Mapping[str, str]) -> Paths:
    """Decide the folders from the environment; makes none of them.

    Raises `UsageMistake` where the environment names no place that could hold them.
    """
    home = environ.get(HOME_VARIABLE, "").strip()
    if home:
        root = _parse_home(home)
        return Paths(root, root, root, root / "cache", keyring_service=f"hiveloom:{root}")
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("hiveloom", appauthor=False)
    if environ.get("HOME") == "" or not dirs.user_config_path.is_absolute():
        raise UsageMistake(
            "your home folder is not known", hint=f"set HOME, or {HOME_VARIABLE}, to a folder"
        )
    return Paths(
        config=dirs.user_config_path,
        data=dirs.user_data_path,
        state=dirs.user_state_path,
        cache=dirs.user_cache_path,
        keyring_service="hiveloom",
    )


def _parse_home(text: str) -> Path:
    hint = f"set {HOME_VARIABLE} to a folder, which need not exist"
    try:
        root = Path(text).expanduser().absolute()
    except RuntimeError:
        problem = f"{HOME_VARIABLE} is {text}, and nobody of that name has a home"
        raise UsageMistake(problem, hint=hint) from None
    there = next((place for place in (root, *root.parents) if place.exists()), root)
    if there.is_file():
        raise UsageMistake(f"{HOME_VARIABLE} is {text}, and {there} is a file", hint=hint)
    return root
