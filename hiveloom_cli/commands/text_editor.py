"""A person's own editor, on a file."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.files import decode_text, ensure_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.app import App

EDITOR_HINT = "set VISUAL or EDITOR to an editor that runs here"


def edit_text(app: App, text: str) -> str:
    """Open a text in the person's editor; return what is left of it when they are done.

    Raises `HiveloomError` if the editor fails, or leaves what is no text.
    """
    from tempfile import TemporaryDirectory

    ensure_private_folder(app.paths.drafts)
    with TemporaryDirectory(dir=app.paths.drafts, prefix="message-") as folder:
        path = Path(folder) / "message.md"
        path.touch(mode=0o600)
        path.write_bytes(text.encode("utf-8", "replace"))
        try:
            run_editor(app, path)
        except (click.ClickException, ValueError) as error:
            reason = error.message if isinstance(error, click.ClickException) else str(error)
            raise HiveloomError(
                f"the editor ended with an error, and nothing was sent ({reason})",
                hint=EDITOR_HINT,
            ) from None
        content = path.read_bytes() if path.is_file() else b""
        edited = decode_text(content, Path(path.name))
    # Editors end a file with a line end, which nobody typed.
    return edited if text.endswith("\n") else edited.removesuffix("\n").removesuffix("\r")


def run_editor(app: App, path: Path) -> None:
    """Let the person edit a file. Raises `click.ClickException` and `ValueError`."""
    command = app.environ.get("VISUAL", "").strip() or app.environ.get("EDITOR", "").strip()
    with _leave_interrupts_to_editor():
        click.edit(filename=str(path), editor=command or None)


@contextmanager
def _leave_interrupts_to_editor() -> Iterator[None]:
    # A terminal sends Ctrl-C to both. A handler, unlike SIG_IGN, is not passed on to the editor.
    former = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
