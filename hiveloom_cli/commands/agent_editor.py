"""An agent's file in the person's own editor, and what to do with what comes back.

The editor works on a draft, named as the agent's file is, in a private folder of its own. A draft
that was changed and not saved stays there, however the program ends.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hiveloom_cli.agents.agent_file import load_content
from hiveloom_cli.agents.schema import parse_agent
from hiveloom_cli.commands.agent_view import print_saved, print_warnings
from hiveloom_cli.commands.model_note import print_model_note
from hiveloom_cli.commands.text_editor import EDITOR_HINT, run_editor
from hiveloom_cli.commands.trusting import print_trust_note
from hiveloom_cli.errors import AgentNotFound, AlreadyExists, FileUnreadable, HiveloomError
from hiveloom_cli.files import decode_text, ensure_private_folder
from hiveloom_cli.terminal.question import ask_choice
from hiveloom_cli.terminal.report import print_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.agents.agent_file import Saved
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.app import App

_AT_ONCE_S = 2.0
_AGAIN = "e"
_OVERWRITE = "o"
_DISCARD = "d"


class _Changed(Exception):
    """The agent's file does not hold any more what the draft was made of."""


class _Discarded(HiveloomError):
    """The person wants nothing of the draft."""


@dataclass(slots=True)
class _Draft:
    """A file that is being edited. `base` is what the agent's file holds; None if it is gone."""

    path: Path
    first: bytes
    base: bytes | None

    @property
    def label(self) -> Path:
        """What messages call it: the agent's file, as the editor does."""
        return Path(self.path.name)

    def is_changed(self) -> bool:
        """Whether the person has made something of it."""
        return self.path.is_file() and self.path.read_bytes() != self.first

    def is_worth_keeping(self) -> bool:
        """Whether there is something of the person's: in it, or in what a dying editor left."""
        return self.is_changed() or any(one != self.path for one in self.path.parent.iterdir())


def edit_by_hand(app: App, store: AgentStore, name: str) -> None:
    """Open an agent's file in an editor, and save what comes back if it is an agent.

    Raises `HiveloomError` if nothing was saved that was changed.
    """
    content = load_content(store.build_path(name))
    with _open_draft(app, name, content) as draft:
        _tell_fault(app, draft)
        while True:
            elapsed_s = _run_editor(app, draft)
            if not draft.is_changed():
                _print_unchanged(app, store.build_path(name), elapsed_s)
                return
            text = _load_text(app, draft)
            if text is not None and _save(app, store, draft, text):
                return


def _save(app: App, store: AgentStore, draft: _Draft, text: str) -> bool:
    """Save the draft; False if the person would rather go on editing it."""
    name = draft.path.stem
    while True:
        try:
            saved = _write(store, draft, text)
        except (_Changed, AgentNotFound, AlreadyExists):
            _print_conflict(app, store, draft)
            if _choose(app, {_OVERWRITE: "overwrite", **_CHOICES}) == _AGAIN:
                return False
        else:
            print_saved(name, saved, store, app.streams)
            agent = parse_agent(name, text, saved.path)
            print_warnings(agent, app.streams)
            print_model_note(app, agent)
            print_trust_note(app, name)
            return True


def _write(store: AgentStore, draft: _Draft, text: str) -> Saved:
    name = draft.path.stem
    if draft.base is None:
        return store.save(name, text, replace=False, summary="")

    def change(content: bytes) -> str:
        if content != draft.base:
            raise _Changed
        return text

    return store.edit(name, change)


def _print_conflict(app: App, store: AgentStore, draft: _Draft) -> None:
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


_CHOICES = {_AGAIN: "edit again", _DISCARD: "discard"}


def _choose(app: App, choices: dict[str, str]) -> str:
    """Ask how to go on. Raises `HiveloomError` if the person discards, or says nothing."""
    chosen = ask_choice(choices, app.streams)
    if chosen == _DISCARD:
        raise _Discarded("discarded; nothing was changed")
    if not chosen:
        raise HiveloomError("nothing was changed")
    return chosen


def _load_text(app: App, draft: _Draft) -> str | None:
    """Read the draft if it is an agent; if not, tell why, and ask how to go on."""
    try:
        text = decode_text(draft.path.read_bytes(), draft.label)
        parse_agent(draft.path.stem, text, draft.label)
    except FileUnreadable as error:
        print_error(error, app.streams)
        _choose(app, _CHOICES)
        return None
    return text


def _tell_fault(app: App, draft: _Draft) -> None:
    try:
        parse_agent(draft.path.stem, decode_text(draft.first, draft.label), draft.label)
    except FileUnreadable as error:
        print_error(error, app.streams)


def _print_unchanged(app: App, path: Path, elapsed_s: float) -> None:
    app.streams.print_line(f"Nothing changed in {path.stem}: {path}")
    if elapsed_s < _AT_ONCE_S:
        app.streams.print_notice(
            "The editor came back at once. If it has a window of its own, have it wait:"
            " VISUAL='code --wait'"
        )


def _run_editor(app: App, draft: _Draft) -> float:
    """Let the person edit the draft; return how many seconds they took."""
    began_s = app.clock.elapsed_s()
    try:
        run_editor(app, draft.path)
    except (click.ClickException, ValueError) as error:
        raise HiveloomError(
            _format_failure(error), hint="" if draft.is_changed() else EDITOR_HINT
        ) from None
    return app.clock.elapsed_s() - began_s


def _format_failure(error: click.ClickException | ValueError) -> str:
    """Say which editor failed, and whether it ran at all."""
    if isinstance(error, ValueError):
        return f"VISUAL or EDITOR is no command that can be run ({error}); nothing was changed"
    editor = error.message.partition(": ")[0]
    if isinstance(error.__cause__, OSError):
        reason = error.__cause__.strerror
        return f"the editor {editor} cannot be started ({reason}); nothing was changed"
    return f"the editor {editor} ended with an error, and nothing was changed"


@contextmanager
def _open_draft(app: App, name: str, content: bytes) -> Iterator[_Draft]:
    """Make a draft; it is removed afterwards unless it holds what was neither saved nor dropped."""
    from shutil import rmtree
    from tempfile import mkdtemp

    ensure_private_folder(app.paths.drafts)
    folder = Path(mkdtemp(dir=app.paths.drafts, prefix=f"{name}-"))
    draft = _Draft(folder / f"{name}.md", content, content)
    try:
        draft.path.touch(mode=0o600)
        draft.path.write_bytes(content)
        yield draft
    except _Discarded:
        rmtree(folder, ignore_errors=True)
        raise
    except BaseException as error:
        # Whoever ended this program may have left the editor at work.
        if isinstance(error, SystemExit) or draft.is_worth_keeping():
            app.streams.print_notice(f"Your text is kept: {draft.path}")
        else:
            rmtree(folder, ignore_errors=True)
        raise
    rmtree(folder, ignore_errors=True)
