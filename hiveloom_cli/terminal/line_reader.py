"""Where a person types a message: line editing, history, paste and completion."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session, get_app
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from hiveloom_cli.files import ensure_private_folder
from hiveloom_cli.terminal.visible import mend_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

_MENU_ROWS = 6
_STYLE = Style.from_dict({"prompt": "bold"})


class LineReader:
    """Asks for messages on the terminal, on stderr where stdout is none.

    Enter sends; Alt-Enter and Ctrl-J begin a new line; a paste is taken as it is, line ends
    included. Up and Down walk the history, Ctrl-R searches it; Tab completes a slash command.
    """

    def __init__(
        self, *, history_path: Path, prompt: str = "> ", commands: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Take the file for the history, the text to ask with, and each command with its help.

        A history that cannot be kept is forgotten with the process; nothing is raised.
        """
        # Without `output=`, for then PromptSession would ignore that a terminal is dumb.
        with create_app_session(output=_open_output()):
            self._session: PromptSession[str] = PromptSession(
                [("class:prompt", prompt)],
                style=_STYLE,
                multiline=True,
                prompt_continuation=lambda width, _line, _wraps: " " * width,
                key_bindings=_build_keys(),
                history=_open_history(history_path),
                completer=_CommandCompleter(commands),
                # Only then is room for a menu kept free below the prompt.
                complete_while_typing=Condition(_types_command),
                reserve_space_for_menu=_MENU_ROWS,
                enable_suspend=True,
            )

    def ask_message(self) -> str:
        r"""Return what the person typed, lines separated by \n; it may be blank.

        Raises `EOFError` for Ctrl-D and `KeyboardInterrupt` for Ctrl-C, both at an empty prompt;
        with text typed, Ctrl-C clears it.
        """
        return mend_surrogates(self._session.prompt())


class _CommandCompleter(Completer):
    def __init__(self, commands: Sequence[tuple[str, str]]) -> None:
        self._commands = tuple(commands)

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 -- the interface names it
    ) -> Iterator[Completion]:
        typed = document.text_before_cursor
        if not typed.startswith("/"):
            return
        for name, what in self._commands:
            if name.startswith(typed):
                yield Completion(name, start_position=-len(typed), display_meta=what)


class _ForgivingHistory(FileHistory):
    """A history that never stands in the way of the chat: what the file refuses is forgotten."""

    def load_history_strings(self) -> Iterable[str]:
        try:
            return super().load_history_strings()
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        try:
            super().store_string(string)
        except OSError:
            return


def _open_history(path: Path) -> History:
    try:
        ensure_private_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        return InMemoryHistory()
    return _ForgivingHistory(path)


def _open_output() -> Output:
    output = create_output(always_prefer_tty=True)
    if isinstance(output, Vt100_Output):
        # A terminal that does not report its cursor would get a warning on the screen; one that
        # does, late, would have its report taken for typing. Nothing here needs it.
        output.enable_cpr = False
    return output


def _build_keys() -> KeyBindings:
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=typing)
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=typing)
    @keys.add("c-j", filter=typing)
    def _begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-c", filter=typing & Condition(_has_text))
    def _clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    return keys


def _has_text() -> bool:
    return bool(get_app().current_buffer.text)


def _types_command() -> bool:
    return get_app().current_buffer.text.startswith("/")
