"""What is asked of all saved conversations: which there are, what was said, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat import queries, rows
from hiveloom_cli.chat.record import Filter
from hiveloom_cli.chat.searchable import build_query, build_text, format_storable
from hiveloom_cli.errors import ConversationNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.chat.record import Found, Spent, Summary, Used
    from hiveloom_cli.chat.store import Store
    from hiveloom_cli.protocols.message import Message

_CANDIDATES = 5


class Catalogue:
    """The conversations that a store keeps, read. Any method raises what using the store raises."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, prefix: str) -> str:
        """Return the one id that begins with `prefix`. Raises `ConversationNotFound`."""
        wanted = {"prefix": format_storable(prefix).lower(), "limit": _CANDIDATES + 1}
        ids = [row["id"] for row in self._store.read(queries.FIND_IDS, wanted)] if prefix else []
        if len(ids) == 1:
            return str(ids[0])
        if not ids:
            raise build_not_found(prefix)
        shown = ", ".join(ids[:_CANDIDATES]) + (" and more" if len(ids) > _CANDIDATES else "")
        raise ConversationNotFound(
            f"more than one conversation begins with {prefix}: {shown}", hint="give more of the id"
        )

    def find_last(self, agent: str | None = None) -> str:
        """Return the id of the conversation that changed last. Raises `ConversationNotFound`."""
        last = self.load_list(Filter(agent=agent), limit=1)
        if last:
            return last[0].id
        whom = f" with {agent}" if agent else ""
        raise ConversationNotFound(
            f"there is no conversation{whom} to go on with", hint="hiveloom chat AGENT begins one"
        )

    def load_title(self, conversation_id: str) -> str:
        """Read a conversation's title; "" if there is none of that id."""
        found = self._store.read(queries.TITLE, {"id": conversation_id})
        return next((str(row["title"]) for row in found), "")

    def load_list(self, wanted: Filter, limit: int) -> list[Summary]:
        """Read the conversations that changed last, the newest first; -1 is no limit."""
        sql, values = queries.build_list(wanted)
        return [rows.parse_summary(row) for row in self._store.read(sql, values | {"limit": limit})]

    def count(self, wanted: Filter) -> int:
        """Count conversations."""
        return next(
            (int(row["number"]) for row in self._store.read(*queries.build_count(wanted))), 0
        )

    def load_ids(self, wanted: Filter) -> list[str]:
        """Read the ids of conversations, the one that changed last first."""
        return [row["id"] for row in self._store.read(*queries.build_ids(wanted))]

    def load_recent_ids(self, prefix: str, limit: int) -> list[tuple[str, str]]:
        """Read the newest ids that begin with `prefix`, each with its title."""
        wanted = {"prefix": format_storable(prefix).lower(), "limit": limit}
        return [(row["id"], row["title"]) for row in self._store.read(queries.RECENT_IDS, wanted)]

    def search(self, words: Sequence[str], wanted: Filter, limit: int) -> list[Found]:
        """Find the newest messages with all of `words`; see `searchable.build_query`."""
        query = build_query(words)
        if not query:
            return []
        sql, values = queries.build_search(wanted)
        found = self._store.read(sql, values | {"query": query, "limit": limit})
        return [rows.parse_found(row) for row in found]

    def load_stats(self, wanted: Filter) -> list[Spent]:
        """Add up what models did, day by day, the newest first."""
        return [rows.parse_spent(row) for row in self._store.read(*queries.build_stats(wanted))]

    def load_used(self, wanted: Filter, *, is_guessed: bool = False) -> list[Used]:
        """Add up the tokens that were reported, day by day, for each model at each address.

        Where `is_guessed`, what was not reported of an answer counts as about as much as its text
        and what was said before it.
        """
        sql, values = queries.build_used(wanted, is_guessed=is_guessed)
        return [rows.parse_used(row) for row in self._store.read(sql, values)]

    def load_asked_last(self, agent: str, message: Message, *, among: int, limit: int) -> list[str]:
        """Read which conversations with an agent a message is the last answered one of.

        They are the newest, `limit` at most, and looked for `among` so many that changed last.
        """
        values = {
            "agent": format_storable(agent),
            "text": build_text(message.parts),
            "among": among,
            "limit": limit,
        }
        return [row["id"] for row in self._store.read(queries.ASKED_LAST, values)]


def build_not_found(wanted: str) -> ConversationNotFound:
    """Build the error for a conversation that is not there."""
    return ConversationNotFound(
        f"no conversation has an id that begins with “{wanted}”", hint="hiveloom conversation list"
    )
