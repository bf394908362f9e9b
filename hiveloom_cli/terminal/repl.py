"""The interactive chat: ask, answer, ask again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from hiveloom_cli.chat.runner import run_turn
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.terminal.report import print_error
from hiveloom_cli.terminal.slash import SLASH_COMMANDS
from hiveloom_cli.terminal.turn import show_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.runner import Model
    from hiveloom_cli.terminal.streams import Streams


class MessageSource(Protocol):
    """Where messages come from; `line_reader.LineReader` is the real one."""

    def ask_message(self) -> str:
        """Return what the person typed; raise `EOFError` or `KeyboardInterrupt` if they left."""
        ...


class Repl:
    """One interactive chat.

    An error ends a turn, never the chat. Ctrl-C stops an answer and keeps what came of it.
    """

    def __init__(
        self,
        streams: Streams,
        source: MessageSource,
        model: Model,
        open_conversation: Callable[[], Conversation],
    ) -> None:
        self.streams = streams
        self.running = True
        self._source = source
        self._model = model
        self._open_conversation = open_conversation
        self.conversation = open_conversation()

    def start_conversation(self) -> None:
        """Forget what was said and begin anew."""
        self.conversation = self._open_conversation()

    def run(self) -> None:
        """Chat until the person leaves."""
        while self.running:
            try:
                text = self._source.ask_message()
            except KeyboardInterrupt:
                self.streams.print_notice("(Ctrl-D or /exit leaves)")
                continue
            except EOFError:
                return
            if text.strip():
                self._take(text)

    def _take(self, text: str) -> None:
        word = text.strip()
        if command := SLASH_COMMANDS.get(word):
            command(self)
        elif word.startswith("/") and word[1:].isalpha():
            # A mistyped command is no message; a path or a comment that begins with "/" is one.
            self.streams.print_notice(f"{word} is no command; /help shows them")
        else:
            self._answer(text)

    def _answer(self, text: str) -> None:
        said = len(self.conversation.messages)
        try:
            # Closed before what was kept is told: an interruption while drawing finds the turn
            # suspended, and its connection open.
            turn = run_turn(self.conversation, build_user_message(text), self._model)
            with closing(turn) as events:
                show_turn(events, self.streams)
        except KeyboardInterrupt:
            kept = len(self.conversation.messages) > said
            self.streams.print_notice("(stopped; what came is kept)" if kept else "(stopped)")
        except HiveloomError as error:
            print_error(error, self.streams)
