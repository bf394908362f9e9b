"""`hiveloom conversation`: the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "list": ("conversation_list:list_conversations", "List conversations."),
    "show": ("conversation_show:show", "Show what was said."),
    "search": ("conversation_search:search", "Find messages by their words."),
    "export": ("conversation_show:export", "Print one as Markdown or JSON."),
    "rename": ("conversation_delete:rename", "Give one a title."),
    "delete": ("conversation_delete:delete", "Delete conversations for good."),
    "stats": ("conversation_stats:stats", "Add up tokens and times."),
}


@click.group(name="conversation", cls=LazyGroup, table=_COMMANDS)
def command() -> None:
    """Conversations are kept on this machine, unless a chat was told otherwise.

    The beginning of an id is enough wherever an ID is asked for.
    """
