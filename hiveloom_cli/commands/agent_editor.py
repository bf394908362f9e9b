"""An agent's file in the person's own editor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent_file import load_content
from hiveloom_cli.agents.schema import parse_agent
from hiveloom_cli.commands.agent_view import print_saved, print_warnings
from hiveloom_cli.commands.draft import AGAIN, CHOICES, choose, edit_draft, open_draft
from hiveloom_cli.commands.model_note import print_model_note
from hiveloom_cli.commands.trusting import print_trust_note
from hiveloom_cli.errors import AgentNotFound, AlreadyExists

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent_file import Saved
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.app import App
    from hiveloom_cli.commands.draft import Draft

_OVERWRITE = "o"


class _Changed(Exception):
    """The agent's file does not hold any more what the draft was made of."""


def edit_by_hand(app: App, store: AgentStore, name: str) -> None:
    """Open an agent's file in an editor, and save what comes back if it is an agent.

    Raises `HiveloomError` if nothing was saved that was changed.
    """
    path = store.build_path(name)
    with open_draft(app, name, load_content(path), partial(parse_agent, name)) as draft:
        edit_draft(app, draft, path, partial(_save, app, store, draft))


def _save(app: App, store: AgentStore, draft: Draft, text: str) -> bool:
    """Save the draft; False if the person would rather go on editing it."""
    name = draft.path.stem
    while True:
        try:
            saved = _write(store, draft, text)
        except (_Changed, AgentNotFound, AlreadyExists):
            _print_conflict(app, store, draft)
            if choose(app, {_OVERWRITE: "overwrite", **CHOICES}) == AGAIN:
                return False
        else:
            print_saved(name, saved, store, app.streams)
            agent = parse_agent(name, text, saved.path)
            print_warnings(agent, app.streams)
            print_model_note(app, agent)
            print_trust_note(app, name)
            return True


def _write(store: AgentStore, draft: Draft, text: str) -> Saved:
    name = draft.path.stem
    if draft.base is None:
        return store.save(name, text, replace=False, summary="")

    def change(content: bytes) -> str:
        if content != draft.base:
            raise _Changed
        return text

    return store.edit(name, change)


def _print_conflict(app: App, store: AgentStore, draft: Draft) -> None:
    """Keep what the file holds now, tell of it, and let the draft count as made of that."""
    name = draft.path.stem
    try:
        theirs = store.versions.get(name, store.keep_current(name))
    except AgentNotFound:
        draft.base = None
        app.streams.print_notice(f"{name} was deleted while you edited it.")
        return
    draft.base = store.versions.contents.load(theirs.digest)
    app.streams.print_notice(
        f"{name} was changed while you edited it ({theirs.summary});"
        f" that is kept as version {theirs.number}."
    )
