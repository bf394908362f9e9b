"""Where a person types a message without anything being redrawn: the terminal's own line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.terminal.burst import is_more_waiting
from hiveloom_cli.terminal.visible import mend_surrogates

if TYPE_CHECKING:
    from hiveloom_cli.terminal.prompt import Prompt
    from hiveloom_cli.terminal.streams import Streams


class PlainReader:
    """Asks on the terminal, on stderr where stdout is none; Enter sends.

    What is typed is shown and corrected by the terminal itself, as in any plain program: no menu,
    no history, no sequence that a screen reader or a dumb terminal would stumble over. Lines that
    come faster than anyone types are one message.
    """

    def __init__(self, streams: Streams, label: str) -> None:
        self._streams = streams
        self._label = label

    def ask_message(self, prompt: Prompt) -> str:
        """Return what the person typed, after the prompt's beginning; it may be blank.

        Raises `EOFError` for Ctrl-D and `KeyboardInterrupt` for Ctrl-C.
        """
        shown = self._streams.stdout if self._streams.stdout.isatty() else self._streams.stderr
        shown.write(self._label)
        shown.flush()
        stdin = self._streams.stdin
        try:
            text = stdin.readline()
            while text.endswith("\n") and is_more_waiting(stdin.fileno()):
                text += stdin.readline()
        except KeyboardInterrupt:
            self._streams.break_line()
            raise
        if not text:
            self._streams.break_line()  # the prompt's line is still open
            raise EOFError
        typed = mend_surrogates(text.replace("\r\n", "\n").rstrip("\r\n"))
        return f"{prompt.beginning}\n{typed}" if prompt.beginning else typed
