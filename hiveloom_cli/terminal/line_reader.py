"""Where a person types a message: line editing, history, paste and completion."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session, get_app
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from hiveloom_cli.files import ensure_private_folder
from hiveloom_cli.signals import endings_deferred
from hiveloom_cli.terminal.burst import Burst, is_more_waiting
from hiveloom_cli.terminal.prompt import format_status
from hiveloom_cli.terminal.visible import format_one_line, mend_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

    from hiveloom_cli.terminal.prompt import Prompt

    # From what stands before the cursor to what could stand for the last so many characters, and a
    # word about it.
    Complete = Callable[[str], Iterable[tuple[str, str, int]]]

_MENU_ROWS = 6
_STYLE = Style.from_dict({"prompt": "bold", "bottom-toolbar": "noreverse ansibrightblack"})
_LEAST_ROWS, _LEAST_COLUMNS = 8, 30  # with less, each row is needed for the chat

_PASTED = {Keys.ControlM: "\n", Keys.ControlJ: "\n", Keys.ControlI: "\t"}


class LineReader:
    """Asks for messages on the terminal, on stderr where stdout is none.

    Enter sends; Alt-Enter and Ctrl-J begin a new line; a paste is taken as it is, line ends
    included, also where the terminal does not mark it. Up and Down walk the history, Ctrl-R
    searches it; Tab completes a slash command; Ctrl-X Ctrl-E opens the person's editor.
    """

    def __init__(
        self, *, history_path: Path, complete: Complete = lambda _: (), vi_keys: bool = False
    ) -> None:
        """Take the file for the history, and what completes a command.

        A history that cannot be kept is forgotten with the process; nothing is raised.
        """
        self._status: tuple[str, ...] = ()
        self._burst = Burst(time.monotonic)
        # Without `output=`, for then PromptSession would ignore that a terminal is dumb.
        with create_app_session(output=_open_output()):
            self._session: PromptSession[str] = PromptSession(
                style=_STYLE,
                multiline=True,
                prompt_continuation=lambda width, _line, _wraps: " " * width,
                key_bindings=_build_keys(self._burst),
                history=_open_history(history_path),
                completer=_CommandCompleter(complete),
                # Only then is room for a menu kept free below the prompt.
                complete_while_typing=Condition(_types_command),
                reserve_space_for_menu=_MENU_ROWS,
                enable_suspend=True,
                enable_open_in_editor=True,
                tempfile_suffix=".md",
                vi_mode=vi_keys,
            )
            self._session.app.key_processor.before_key_press += lambda _: self._burst.note_key()

    def ask_message(self, prompt: Prompt) -> str:
        r"""Return what the person typed, lines separated by \n; it may be blank.

        Raises `EOFError` for Ctrl-D and `KeyboardInterrupt` for Ctrl-C, both at an empty prompt;
        with text typed, Ctrl-C clears it.
        """
        self._status = prompt.status
        size = self._session.output.get_size()
        has_room = size.rows >= _LEAST_ROWS and size.columns >= _LEAST_COLUMNS
        self._session.bottom_toolbar = self._format_status if prompt.status and has_room else None
        label = FormattedText([("class:prompt", f"{format_one_line(prompt.label)} ")])
        with endings_deferred(self._leave_soon) as endings:
            text = self._session.prompt(
                label, default=prompt.beginning, pre_run=lambda: self._leave() if endings else None
            )
        return mend_surrogates(text)

    def _leave_soon(self) -> None:
        if (loop := self._session.app.loop) is not None:
            loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        """End the prompt, if it has not just ended; what it raises, `Terminated` takes over."""
        future = self._session.app.future
        if future is not None and not future.done():
            self._session.app.exit(exception=EOFError)

    def _format_status(self) -> str:
        return format_status(self._status, get_app().output.get_size().columns)


class _CommandCompleter(Completer):
    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 -- the interface names it
    ) -> Iterator[Completion]:
        typed = document.text_before_cursor
        if not typed.startswith("/"):
            return
        for text, what, length in self._complete(typed):
            yield Completion(text, start_position=-length, display_meta=what)


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
        # Which it would ask for to learn how many rows there are below; one is enough to know.
        output.get_rows_below_cursor_position = lambda: 1  # type: ignore[method-assign]
    return output


def _build_keys(burst: Burst) -> KeyBindings:
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=typing)
    def _send(event: KeyPressEvent) -> None:
        if burst.take_line_end(more=_is_followed(event)):
            event.current_buffer.insert_text("\n" + _take_text(event))
        else:
            event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=typing)
    @keys.add("c-j", filter=typing)
    def _begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-c", filter=typing & Condition(_has_text))
    def _clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    return keys


def _is_followed(event: KeyPressEvent) -> bool:
    """Whether text follows at once; Ctrl-D typed ahead is none."""
    keys = event.key_processor
    if not keys.input_queue and is_more_waiting(event.app.input.fileno()):
        keys.feed_multiple(event.app.input.read_keys())
    return bool(keys.input_queue) and bool(_get_text(keys.input_queue[0].key))


def _take_text(event: KeyPressEvent) -> str:
    """Take the text that has come already: so much at once, since each key alone takes its time."""
    queue = event.key_processor.input_queue
    text = ""
    while queue and (piece := _get_text(queue[0].key)):
        queue.popleft()
        text += piece
    return text


def _get_text(key: Keys | str) -> str:
    """Return the text that a key stands for in a paste; "" for none."""
    if isinstance(key, Keys):
        return _PASTED.get(key, "")
    return key


def _has_text() -> bool:
    return bool(get_app().current_buffer.text)


def _types_command() -> bool:
    return get_app().current_buffer.text.startswith("/")
