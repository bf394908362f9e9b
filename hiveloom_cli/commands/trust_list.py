"""The rows of `hiveloom trust --list`, and which of them `--revoke` means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import FileUnreadable, NotFound, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.agents.trust import Consent
    from hiveloom_cli.app import App

_DATE = len("2026-01-31")


def build_rows(consents: Mapping[str, Consent]) -> list[dict[str, Any]]:
    """Build one object for each file that was trusted, as `--json` prints it."""
    from hiveloom_cli.clock import format_timestamp

    return [
        {
            "name": Path(path).stem,
            "path": path,
            "content": consent.digest,
            "trusted_at": format_timestamp(consent.given_at),
            "state": _load_state(Path(path), consent),
        }
        for path, consent in sorted(consents.items())
    ]


def format_rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Format the rows as a table."""
    from hiveloom_cli.terminal.table import format_table

    return format_table(
        ("NAME", "TRUSTED", "STATE", "PATH"),
        [(row["name"], row["trusted_at"][:_DATE], row["state"], row["path"]) for row in rows],
    )


def find_revoked(app: App, word: str) -> list[str]:
    """Find what a name or a path stands for among what is trusted.

    A name is the project's agent first. A path is a file, or a folder with all below it. Raises
    `NotFound` where nothing of that is trusted, and `UsageMistake` for a name that several have.
    """
    paths = sorted(app.trust.load_all())
    project = app.agents.project
    here = str(project.folder / f"{word}.md") if project is not None else ""
    if here in paths:
        return [here]
    place = Path(os.path.abspath(os.path.expanduser(word)))  # noqa: PTH100, PTH111 -- raise nothing
    found = [path for path in paths if Path(path).is_relative_to(place)]
    found = found or [path for path in paths if Path(path).stem == word]
    if not found:
        raise NotFound(f"nothing of {word} is trusted", hint="hiveloom trust --list")
    if len(found) > 1 and not Path(found[0]).is_relative_to(place):
        raise UsageMistake(
            f"{word} is trusted in several places: {', '.join(found)}",
            hint=f"hiveloom trust --revoke {found[0]}",
        )
    return found


def _load_state(path: Path, consent: Consent) -> str:
    """Say whether the file still holds what was trusted: "current", "changed" or "gone"."""
    from hiveloom_cli.agents.agent_file import load_content
    from hiveloom_cli.agents.contents import compute_digest

    try:
        content = load_content(path)
    except FileUnreadable:
        return "gone"
    return "current" if compute_digest(content) == consent.digest else "changed"
