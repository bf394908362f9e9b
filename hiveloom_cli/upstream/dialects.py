"""What was learned of upstreams, kept in the cache folder so that it costs one round trip ever.

The file maps where (protocol and origin) and a model to what helped there. It is a cache: what
cannot be read counts as not known, and losing it costs a round trip.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import Locked
from hiveloom_cli.files import open_lock, save_bytes
from hiveloom_cli.protocols.context_windows import CONTEXT_WINDOW, parse_window
from hiveloom_cli.protocols.dialect import Learned
from hiveloom_cli.protocols.lookup import get_list, get_map

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.upstream.resolve import Upstream

_LOCK_TIMEOUT_S = 0.5  # a person waits for their answer meanwhile


def format_place(upstream: Upstream) -> str:
    """Name where an upstream is, as the file does."""
    return f"{upstream.protocol} {upstream.base_url.origin}"


def format_maker(upstream: Upstream, model: str) -> str:
    """Name who makes thoughts that nobody else understands (`ReasoningPart.made_by`)."""
    return f"{format_place(upstream)} {model}"


class Dialects:
    """What is known of each place and model, in the file `path`, which need not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, where: str, model: str) -> tuple[Learned, ...]:
        """Return what was learned there, in the order in which it was."""
        rows = get_list(get_map(self._load_all(), where), model)
        return tuple(learned for row in rows if (learned := _parse(row)) is not None)

    def save(self, where: str, model: str, known: tuple[Learned, ...]) -> None:
        """Remember what is known there; a cache that cannot be written is no reason to fail."""
        try:
            with open_lock(self._path, timeout_s=_LOCK_TIMEOUT_S):
                content = self._load_all()
                rows = [[learned.name, learned.found] for learned in known]
                content[where] = {**get_map(content, where), model: rows}
                self._save_all(content)
        except (OSError, Locked):
            return

    def load_window(self, where: str, model: str) -> int | None:
        """Return how much the model reads, as far as a refusal said so."""
        rows = (row for row in self.load(where, model) if row.name == CONTEXT_WINDOW)
        return next((window for row in rows if (window := parse_window(row.found))), None)

    def save_window(self, where: str, model: str, window: int) -> None:
        """Remember how much the model reads, as `save` does."""
        if self.load_window(where, model) != window:
            kept = (row for row in self.load(where, model) if row.name != CONTEXT_WINDOW)
            self.save(where, model, (*kept, Learned(CONTEXT_WINDOW, str(window))))

    def forget(self, model: str | None) -> int:
        """Forget what was learned of a model, wherever it was, or of all; return of how many."""
        if not self._path.exists():
            return 0
        with open_lock(self._path):
            content = self._load_all()
            kept = {
                where: {
                    name: rows
                    for name, rows in get_map(content, where).items()
                    if model is not None and name != model
                }
                for where in content
            }
            self._save_all({where: models for where, models in kept.items() if models})
            return _count(content) - _count(kept)

    def _load_all(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def _save_all(self, content: dict[str, Any]) -> None:
        save_bytes(self._path, json.dumps(content, indent=1).encode())


def _parse(row: Any) -> Learned | None:
    match row:
        case [str(name), str(found)]:
            return Learned(name, found)
        case _:
            return None


def _count(content: dict[str, Any]) -> int:
    return sum(len(get_map(content, where)) for where in content)
