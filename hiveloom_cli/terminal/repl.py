"""The interactive chat: ask, answer, ask again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.terminal.look import DEFAULT_LOOK, Look
from hiveloom_cli.terminal.report import print_error, print_unsaved
from hiveloom_cli.terminal.slash import parse_command
from hiveloom_cli.terminal.turn import show_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.resume import Resumed
    from hiveloom_cli.chat.turns import Turns
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
        turns: Turns,
        open_conversation: Callable[[], Conversation],
        look: Look = DEFAULT_LOOK,
    ) -> None:
        self.streams = streams
        self.running = True
        self._source = source
        self._turns = turns
        self._open_conversation = open_conversation
        self._look = look
        self.conversation = open_conversation()
        # What was asked last, and how many messages stood before it.
        self._asked: tuple[str, int] | None = None

    def resume(self, resumed: Resumed) -> None:
        """Go on with a conversation; what was asked in it last can be asked again."""
        self.conversation = resumed.conversation
        self._asked = resumed.asked

    def start_conversation(self) -> None:
        """Forget what was said and begin anew."""
        self.conversation = self._open_conversation()
        self._asked = None

    def retry(self) -> None:
        """Ask the last message again; the new answer takes the place of what came of it.

        Where nothing comes this time, what came before stays.
        """
        if self._asked is None:
            self.streams.print_notice("(nothing to ask again)")
            return
        text, said = self._asked
        messages = self.conversation.messages
        former = messages[said:]
        del messages[said:]
        self._answer(text)
        if former and len(messages) == said:
            messages += former
            self.streams.print_notice("(the answer before it is kept)")

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
        command = parse_command(text)
        if command is None:
            self._answer(text)
        elif isinstance(command, str):
            self.streams.print_notice(command)
        else:
            command(self)

    def _answer(self, text: str) -> None:
        said = len(self.conversation.messages)
        self._asked = (text, said)
        try:
            # Closed before what was kept is told: an interruption while drawing finds the turn
            # suspended, and its connection open.
            message = build_user_message(text)
            with closing(self._turns.take(self.conversation, message)) as events:
                show_turn(events, self.streams, self._look, end_line=True)
        except KeyboardInterrupt:
            kept = len(self.conversation.messages) > said
            self.streams.print_notice("(stopped; what came is kept)" if kept else "(stopped)")
        except HiveloomError as error:
            print_error(error, self.streams)
            if len(self.conversation.messages) > said:
                self.streams.print_notice("(what came is kept; /retry asks again)")
        print_unsaved(self._turns, self.streams)
