"""Where a person types a message without anything being redrawn: the terminal's own line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.terminal.visible import mend_surrogates

if TYPE_CHECKING:
    from hiveloom_cli.terminal.streams import Streams


class PlainReader:
    """Asks on the terminal, on stderr where stdout is none; Enter sends.

    What is typed is shown and corrected by the terminal itself, as in any plain program: no menu,
    no history, no sequence that a screen reader or a dumb terminal would stumble over.
    """

    def __init__(self, streams: Streams, prompt: str) -> None:
        self._streams = streams
        self._prompt = prompt

    def ask_message(self) -> str:
        """Return what the person typed; it may be blank.

        Raises `EOFError` for Ctrl-D and `KeyboardInterrupt` for Ctrl-C.
        """
        shown = self._streams.stdout if self._streams.stdout.isatty() else self._streams.stderr
        shown.write(self._prompt)
        shown.flush()
        try:
            line = self._streams.stdin.readline()
        except KeyboardInterrupt:
            self._streams.break_line()
            raise
        if not line:
            self._streams.break_line()  # the prompt's line is still open
            raise EOFError
        return mend_surrogates(line.rstrip("\r\n"))
