"""The interactive chat: ask, answer, ask again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.chat.exchanges import find_questions
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.terminal.look import DEFAULT_LOOK, Look
from hiveloom_cli.terminal.prompt import Prompt
from hiveloom_cli.terminal.report import print_error, print_unsaved
from hiveloom_cli.terminal.slash import parse_command
from hiveloom_cli.terminal.spent import Spent, format_context
from hiveloom_cli.terminal.turn import show_turn

if TYPE_CHECKING:
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.resume import Resumed
    from hiveloom_cli.chat.turns import Forgotten
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import Attachment, Message
    from hiveloom_cli.terminal.prompt import MessageSource
    from hiveloom_cli.terminal.streams import Streams
    from hiveloom_cli.terminal.world import Answerer, World


class Repl:
    """One interactive chat, and what the commands given in it work on.

    An error ends a turn, never the chat. Ctrl-C stops an answer and keeps what came of it.
    `attached` goes with the next message, `beginning` stands at the next prompt. `spent` is what
    the conversation cost so far, `last_spent` its last turn.
    """

    def __init__(
        self,
        streams: Streams,
        source: MessageSource,
        world: World,
        answerer: Answerer,
        conversation: Conversation,
        look: Look = DEFAULT_LOOK,
    ) -> None:
        self.streams = streams
        self.world = world
        self.look = look
        self.running = True
        self.beginning = ""
        self._source = source
        self._open(answerer, conversation)

    def _open(self, answerer: Answerer, conversation: Conversation) -> None:
        self.answerer = answerer
        self.conversation = conversation
        self.attached: list[Attachment] = []
        self.spent = Spent()
        self.last_spent: Usage | None = None
        # What was asked last, and how many messages stood before it.
        self.asked: tuple[Message, int] | None = None
        self._undone: list[Forgotten] = []

    def resume(self, answerer: Answerer, resumed: Resumed) -> None:
        """Go on with a conversation; what was asked in it last can be asked again."""
        self._open(answerer, resumed.conversation)
        self.asked = resumed.asked
        self.spent = Spent(resumed.spent, resumed.cost)

    def start_conversation(self) -> None:
        """Forget what was said and begin anew."""
        self._open(*self.world.begin(self.answerer))

    def fork(self, said: int) -> None:
        """Go on in a new conversation that begins with the first `said` messages."""
        turns = self.answerer.turns
        self._open(self.answerer, turns.fork(self.conversation, self.world.new_id(), said))
        self._find_asked()
        print_unsaved(turns, self.streams)

    def switch(self, answerer: Answerer) -> None:
        """Have another one answer from here on."""
        self.answerer = answerer
        self.conversation.agent = answerer.agent
        self.conversation.agent_version = answerer.version

    def retry(self) -> None:
        """Ask the last message again; the new answer takes the place of what came of it.

        Where nothing comes this time, what came before stays.
        """
        if self.asked is None:
            self.streams.print_notice("(nothing to ask again)")
            return
        message, said = self.asked
        messages = self.conversation.messages
        former = messages[said:]
        del messages[said:]
        self.answer(message)
        if former and len(messages) == said:
            messages += former
            self.streams.print_notice("(the answer before it is kept)")

    def ask_instead(self, message: Message) -> None:
        """Ask a message in place of the last one, and of what came of that.

        Where nothing comes, what came before stays, and the text stands at the next prompt.
        """
        before = self.asked
        said = before[1] if before else len(self.conversation.messages)
        former = self.answerer.turns.forget(self.conversation, said)
        self.answer(message)
        if former.messages and len(self.conversation.messages) == said:
            self.answerer.turns.recall(self.conversation, former)
            self.asked, self.beginning = before, message.text
            self.streams.print_notice("(what was said before is kept; your text is at the prompt)")

    def undo(self) -> Message | None:
        """Take the last exchange out of what is sent; return its question, None if there is none.

        What is attached goes with it, and comes back with `redo`.
        """
        questions = find_questions(self.conversation.messages)
        if not questions:
            return None
        forgotten = self.answerer.turns.forget(self.conversation, questions[-1])
        self._undone.append(forgotten)
        self._find_asked()
        return forgotten.messages[0]

    def redo(self) -> Message | None:
        """Put back what was taken out last; return its question, None if there is nothing."""
        if not self._undone:
            return None
        forgotten = self._undone.pop()
        self.answerer.turns.recall(self.conversation, forgotten)
        self._find_asked()
        return forgotten.messages[0]

    def _find_asked(self) -> None:
        questions = find_questions(self.conversation.messages)
        place = questions[-1] if questions else 0
        self.asked = (self.conversation.messages[place], place) if questions else None

    def run(self) -> None:
        """Chat until the person leaves."""
        wants_to_leave = False
        while self.running:
            try:
                if wants_to_leave:
                    self.streams.print_notice("(Ctrl-C again leaves, as do Ctrl-D and /exit)")
                text = self._ask()
                wants_to_leave = False
                if text is None:
                    return
                if text.strip() or self.attached:
                    self._take(text)
            except KeyboardInterrupt:  # wherever it comes, be it amid what is printed of another
                if wants_to_leave:
                    return
                wants_to_leave = True

    def _ask(self) -> str | None:
        """Ask for a message; None when there will be none."""
        prompt, self.beginning = self._build_prompt(), ""
        try:
            return self._source.ask_message(prompt)
        except EOFError:
            return None

    def _build_prompt(self) -> Prompt:
        agent = self.conversation.agent
        status = (
            agent.model,
            format_context(self.conversation, self.answerer),
            self.spent.format_cost(),
            self.spent.format_tokens(),
            self.answerer.upstream.base_url.host,
            agent.name,
        )
        return Prompt(f"{self.answerer.name}>", self.beginning, status)

    def _take(self, text: str) -> None:
        command = parse_command(text)
        if isinstance(command, str):
            self.streams.print_notice(command)
            return
        try:
            if command is None:
                self._say(text)
            else:
                command.run(self)
        except KeyboardInterrupt:
            self.streams.print_notice("(stopped)")
        except HiveloomError as error:
            print_error(error, self.streams)

    def _say(self, text: str) -> None:
        message = build_user_message(text if text.strip() else "", self.attached)
        try:
            self.check(message)
        except HiveloomError:
            self.beginning = text  # nothing was sent: it is not to be typed again
            raise
        self.attached = []
        self.answer(message)

    def check(self, message: Message) -> None:
        """Return if the upstream takes what is attached; raise `SourceUnusable` if it does not."""
        if len(message.parts) < 2 and message.text:
            return
        from hiveloom_cli.chat.attachment_limits import check_attachments
        from hiveloom_cli.protocols.media import decide_limits

        upstream = self.answerer.upstream
        limits = decide_limits(upstream.protocol, upstream.base_url, self.conversation.agent.model)
        check_attachments((*self.conversation.messages, message), limits)

    def answer(self, message: Message) -> None:
        """Ask a message and show what comes of it."""
        said = len(self.conversation.messages)
        self.asked = (message, said)
        turns = self.answerer.turns
        try:
            # Closed before what was kept is told: an interruption while drawing finds the turn
            # suspended, and its connection open.
            with closing(turns.take(self.conversation, message)) as events:
                look = replace(self.look, price=self.answerer.load_price())
                ended = show_turn(events, self.streams, look, end_line=True)
            self.last_spent = ended.usage
            self.spent = self.spent.add(ended.usage, look.price)
        except KeyboardInterrupt:
            kept = len(self.conversation.messages) > said
            self.streams.print_notice("(stopped; what came is kept)" if kept else "(stopped)")
        except HiveloomError as error:
            print_error(error, self.streams)
            if len(self.conversation.messages) > said:
                self.streams.print_notice("(what came is kept; /retry asks again)")
        if len(self.conversation.messages) > said:
            self._undone = []
        print_unsaved(turns, self.streams)
