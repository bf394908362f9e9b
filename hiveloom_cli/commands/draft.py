"""A file in the person's own editor, and what to do with what comes back.

The editor works on a draft, named as the file is, in a private folder of its own. A draft that was
changed and not saved stays there, however the program ends.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.text_editor import EDITOR_HINT, run_editor
from hiveloom_cli.errors import FileUnreadable, HiveloomError
from hiveloom_cli.files import decode_text, ensure_private_folder
from hiveloom_cli.terminal.question import ask_choice
from hiveloom_cli.terminal.report import print_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hiveloom_cli.app import App

AGAIN = "e"
_DISCARD = "d"
CHOICES = {AGAIN: "edit again", _DISCARD: "discard"}
_AT_ONCE_S = 2.0


class _Discarded(HiveloomError):
    """The person wants nothing of the draft."""


@dataclass(slots=True)
class Draft:
    """A file that is being edited. `base` is what the real file holds; None if it is gone.

    `check` raises `FileUnreadable` for a text, by the draft's own name, that the file cannot hold.
    """

    path: Path
    first: bytes
    base: bytes | None
    check: Callable[[str, Path], object]

    @property
    def label(self) -> Path:
        """What messages call it: the real file, as the editor does."""
        return Path(self.path.name)

    def is_changed(self) -> bool:
        """Whether the person has made something of it."""
        return self.path.is_file() and self.path.read_bytes() != self.first

    def is_worth_keeping(self) -> bool:
        """Whether there is something of the person's: in it, or in what a dying editor left."""
        return self.is_changed() or any(one != self.path for one in self.path.parent.iterdir())


def edit_draft(app: App, draft: Draft, path: Path, save: Callable[[str], bool]) -> None:
    """Let the person edit a draft until `save` has taken it; `path` is the real file.

    `save` is given the text, and False sends the person back to it. Raises `HiveloomError` if
    nothing was saved that was changed.
    """
    _tell_fault(app, draft)
    while True:
        elapsed_s = _run_editor(app, draft)
        if not draft.is_changed():
            print_unchanged(app, path, elapsed_s)
            return
        text = _load_text(app, draft)
        if text is not None and save(text):
            return


def choose(app: App, choices: dict[str, str]) -> str:
    """Ask how to go on. Raises `HiveloomError` if the person discards, or says nothing."""
    chosen = ask_choice(choices, app.streams)
    if chosen == _DISCARD:
        raise _Discarded("discarded; nothing was changed")
    if not chosen:
        raise HiveloomError("nothing was changed")
    return chosen


def print_unchanged(app: App, path: Path, elapsed_s: float) -> None:
    """Tell the person that nothing has changed, and what it can be if that took no time."""
    app.streams.print_line(f"Nothing changed in {path.stem}: {path}")
    if elapsed_s < _AT_ONCE_S:
        app.streams.print_notice(
            "The editor came back at once. If it has a window of its own, have it wait:"
            " VISUAL='code --wait'"
        )


def _load_text(app: App, draft: Draft) -> str | None:
    """Read the draft if its text can stand; if not, tell why, and ask how to go on."""
    try:
        text = decode_text(draft.path.read_bytes(), draft.label)
        draft.check(text, draft.label)
    except FileUnreadable as error:
        print_error(error, app.streams)
        choose(app, CHOICES)
        return None
    return text


def _tell_fault(app: App, draft: Draft) -> None:
    try:
        draft.check(decode_text(draft.first, draft.label), draft.label)
    except FileUnreadable as error:
        print_error(error, app.streams)


def _run_editor(app: App, draft: Draft) -> float:
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
def open_draft(
    app: App, name: str, content: bytes, check: Callable[[str, Path], object]
) -> Iterator[Draft]:
    """Make a draft; it is removed afterwards unless it holds what was neither saved nor dropped."""
    from shutil import rmtree
    from tempfile import mkdtemp

    ensure_private_folder(app.paths.drafts)
    folder = Path(mkdtemp(dir=app.paths.drafts, prefix=f"{name}-"))
    draft = Draft(folder / f"{name}.md", content, content, check)
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
