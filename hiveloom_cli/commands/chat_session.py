"""A chat under way: one question or many, kept or not, new or gone on with."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.turns import Turns
from hiveloom_cli.commands.attaching import check_message

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import TurnEnded
    from hiveloom_cli.chat.record import KeptConversation
    from hiveloom_cli.chat.recorder import Recorder
    from hiveloom_cli.chat.resume import Resumed
    from hiveloom_cli.commands.chat_choice import Choice
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.terminal.look import Look
    from hiveloom_cli.terminal.repl import MessageSource, Repl
    from hiveloom_cli.upstream.client import ModelClient


class ChatSession:
    """A chat with one agent. Without a recorder nothing of it is kept."""

    def __init__(
        self,
        app: App,
        model: ModelClient,
        choice: Choice,
        recorder: Recorder | None,
        *,
        look: Look,
        stream: bool,
    ) -> None:
        self._app = app
        self._upstream = model.upstream
        self._turns = Turns(model, recorder, partial(app.load_window, model.upstream))
        self._choice = choice
        self._agent = choice.agent
        self._recorder = recorder
        self._look = look
        self._stream = stream
        self._resumed = self._resume(choice.kept) if choice.kept is not None else None

    def _resume(self, kept: KeptConversation) -> Resumed:
        from hiveloom_cli.chat.resume import build_resumed

        resumed = build_resumed(kept, self._agent, stream=self._stream)
        resumed.conversation.agent_version = self._choice.version
        if self._recorder is not None:
            self._recorder.resume(resumed.conversation, resumed.rows, resumed.unanswered)
        return resumed

    def answer_once(self, message: Message, *, as_json: bool) -> None:
        """Ask one question and print the answer.

        Raises `SourceUnusable` for what is attached and not taken, before anything is sent.
        """
        from hiveloom_cli.chat.answer import fold_turn
        from hiveloom_cli.terminal.report import print_unsaved
        from hiveloom_cli.terminal.turn import show_turn

        conversation = self._open_conversation()
        check_message(conversation, message, self._upstream)
        streams = self._app.streams
        try:
            with closing(self._turns.take(conversation, message)) as events:
                if as_json:
                    document = self._build_document(conversation, fold_turn(events))
                    streams.print_line(json.dumps(document, ensure_ascii=False))
                else:
                    show_turn(events, streams, self._look)
        finally:
            print_unsaved(self._turns, streams)

    def run(self) -> None:
        """Chat until the person leaves."""
        from hiveloom_cli.terminal.echo import hide_typing

        # From here on what is typed ahead belongs to the next prompt, also while modules load. A
        # plain prompt leaves the terminal as it is, which then keeps whole lines for it.
        is_plain = self._look.append_only
        with nullcontext() if is_plain else hide_typing(self._app.streams.stdin):
            self._open_repl().run()

    def _open_conversation(self) -> Conversation:
        from hiveloom_cli.chat.conversation import Conversation

        if self._resumed is not None:
            return self._resumed.conversation
        return Conversation(
            self._app.clock.new_id(),
            self._agent,
            stream=self._stream,
            agent_version=self._choice.version,
        )

    def _build_document(self, conversation: Conversation, ended: TurnEnded) -> dict[str, Any]:
        usage = ended.usage
        return {
            "agent": self._agent.name or None,
            "agent_version": self._choice.version or None,
            "model": self._agent.model,
            "response": ended.message.text,
            "finish_reason": ended.finish_reason.value,
            "usage": usage
            and {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cached_input_tokens": usage.cached_input_tokens,
            },
            "conversation_id": conversation.id if self._turns.has_saved else None,
        }

    def _open_repl(self) -> Repl:
        from hiveloom_cli.terminal.recall import show_messages
        from hiveloom_cli.terminal.repl import Repl

        streams, agent, resumed = self._app.streams, self._agent, self._resumed
        name = agent.name or agent.model
        host = self._upstream.base_url.host
        who = f"{name} ({agent.model} at {host})" if agent.name else f"{name} at {host}"
        streams.print_notice(f"{who}. /help shows the commands.")
        if resumed is not None and resumed.last and streams.stdout.isatty():
            show_messages(resumed.last, streams)
        look = replace(self._look, summary=True)
        reader = _open_reader(self._app, name, look)
        repl = Repl(streams, reader, self._turns, self._open_conversation, look)
        if resumed is not None:
            repl.resume(resumed)
            self._resumed = None  # what is opened next is new
        return repl


def _open_reader(app: App, name: str, look: Look) -> MessageSource:
    if look.append_only:
        from hiveloom_cli.terminal.plain_reader import PlainReader
        from hiveloom_cli.terminal.screen_reader import USER_LABEL

        return PlainReader(app.streams, USER_LABEL)
    from hiveloom_cli.terminal.line_reader import LineReader
    from hiveloom_cli.terminal.slash import SLASH_COMMANDS, get_help

    return LineReader(
        history_path=app.paths.prompt_history,
        prompt=f"{name}> ",
        commands=[(word, get_help(command)) for word, command in SLASH_COMMANDS.items()],
    )
