"""A chat under way: one question or many, kept or not, new or gone on with."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.event import ToolEnded
from hiveloom_cli.commands.attaching import check_message
from hiveloom_cli.protocols.event import TextDelta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.app import App
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import ApprovalAsked, Event, TurnEnded
    from hiveloom_cli.commands.chat_choice import Choice
    from hiveloom_cli.commands.chat_world import ChatWorld
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.output_schema import OutputSchema
    from hiveloom_cli.terminal.look import Look
    from hiveloom_cli.terminal.prompt import MessageSource
    from hiveloom_cli.terminal.repl import Repl
    from hiveloom_cli.upstream.resolve import Upstream

_KEYS_VARIABLE = "HIVELOOM_KEYS"


class ChatSession:
    """A chat that begins with one agent; `world` decides whether it is kept."""

    def __init__(
        self, app: App, world: ChatWorld, upstream: Upstream, choice: Choice, *, look: Look
    ) -> None:
        self._app = app
        self._world = world
        self._answerer = world.open(choice.agent, choice.version, upstream, is_new=True)
        self._turns = self._answerer.turns
        self._choice = choice
        self._look = look
        self._ended: list[ToolEnded] = []  # the tools of the one question
        kept = choice.kept
        self._resumed = world.resume_kept(self._answerer, kept) if kept is not None else None

    def answer_once(self, message: Message, schema: OutputSchema | None, *, as_json: bool) -> None:
        """Ask one question and print the answer, which has to fit the schema if there is one.

        Raises `SourceUnusable` for what is attached and not taken, before anything is sent, and
        `AnswerInvalid`.
        """
        from hiveloom_cli.terminal.report import print_unsaved

        conversation = self._open_conversation()
        check_message(conversation, message, self._answerer.upstream)
        try:
            if schema is None:
                self._answer(conversation, message, as_json=as_json)
            else:
                self._answer_by_schema(conversation, message, schema, as_json=as_json)
        finally:
            print_unsaved(self._turns, self._app.streams)

    def _answer(self, conversation: Conversation, message: Message, *, as_json: bool) -> None:
        with closing(self._turns.take(conversation, message)) as events:
            ended = self._read(events, as_json=as_json)
        if as_json:
            self._print_document(self._build_document(conversation, ended))

    def _answer_by_schema(
        self, conversation: Conversation, message: Message, schema: OutputSchema, *, as_json: bool
    ) -> None:
        from hiveloom_cli.chat.asking import ask_by_schema
        from hiveloom_cli.chat.structured import format_failure, judge_answer
        from hiveloom_cli.errors import AnswerInvalid

        with closing(ask_by_schema(self._turns, conversation, message, schema)) as events:
            # Which of what comes is the answer, its end tells.
            shown = (event for event in events if as_json or not isinstance(event, TextDelta))
            ended = self._read(shown, as_json=as_json)
        judgement = judge_answer(ended.message.text, schema)
        if judgement.faults:
            what, hint = format_failure(judgement, ended.finish_reason)
            invalid = AnswerInvalid(what, hint=hint)
            invalid.partial = ended.message.text
            if not as_json:
                self._app.streams.print_line(ended.message.text)
            raise invalid
        if not as_json:
            self._app.streams.print_line(judgement.text)
            return
        document = self._build_document(conversation, ended)
        self._print_document(document | {"response": judgement.text, "parsed": judgement.value})

    def _read(self, events: Iterable[Event], *, as_json: bool) -> TurnEnded:
        from hiveloom_cli.chat.answer import fold_turn
        from hiveloom_cli.terminal.turn import show_turn

        if as_json:
            return fold_turn(self._note_tools(events), self._ask)
        return show_turn(events, self._app.streams, self._look)

    def _note_tools(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, ToolEnded):
                self._ended.append(event)
            yield event

    def _print_document(self, document: dict[str, Any]) -> None:
        self._app.streams.print_line(json.dumps(document, ensure_ascii=False))

    def _ask(self, event: ApprovalAsked) -> None:
        from hiveloom_cli.terminal.tool_view import answer_question

        answer_question(event, self._app.streams)

    def run(self) -> None:
        """Chat until the person leaves."""
        from hiveloom_cli.terminal.echo import hide_typing

        # From here on what is typed ahead belongs to the next prompt, also while modules load. A
        # plain prompt leaves the terminal as it is, which then keeps whole lines for it.
        is_plain = self._look.append_only
        with nullcontext() if is_plain else hide_typing(self._app.streams.stdin):
            self._open_repl().run()

    def _open_conversation(self) -> Conversation:
        if self._resumed is not None:
            return self._resumed.conversation
        return self._world.open_conversation(self._answerer)

    def _build_document(self, conversation: Conversation, ended: TurnEnded) -> dict[str, Any]:
        usage = ended.usage
        return {
            "agent": self._choice.agent.name or None,
            "agent_version": self._choice.version or None,
            "model": self._choice.agent.model,
            "response": ended.message.text,
            "finish_reason": ended.finish_reason.value,
            "usage": usage
            and {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cached_input_tokens": usage.cached_input_tokens,
            },
            "tools": [
                {"name": tool.call.name, "is_error": tool.result.is_error} for tool in self._ended
            ],
            "conversation_id": conversation.id if self._turns.has_saved else None,
        }

    def _open_repl(self) -> Repl:
        from hiveloom_cli.terminal.recall import show_messages
        from hiveloom_cli.terminal.repl import Repl

        streams, answerer, resumed = self._app.streams, self._answerer, self._resumed
        agent, host = answerer.agent, answerer.upstream.base_url.host
        model = f"{agent.model} at {host}"
        who = f"{agent.name} ({model})" if agent.name else model
        streams.print_notice(f"{who}. /help shows the commands.")
        if resumed is not None and resumed.last and streams.stdout.isatty():
            show_messages(resumed.last, streams)
        look = replace(self._look, summary=True)
        source = _open_source(self._app, self._world, look)
        repl = Repl(streams, source, self._world, answerer, self._open_conversation(), look)
        if resumed is not None:
            repl.resume(answerer, resumed)
        return repl


def _open_source(app: App, world: ChatWorld, look: Look) -> MessageSource:
    if look.append_only:
        from hiveloom_cli.terminal.plain_reader import PlainReader
        from hiveloom_cli.terminal.screen_reader import USER_LABEL

        return PlainReader(app.streams, USER_LABEL)
    from hiveloom_cli.terminal.line_reader import LineReader
    from hiveloom_cli.terminal.slash_completion import complete

    return LineReader(
        history_path=app.paths.prompt_history,
        complete=lambda typed: complete(typed, world),
        vi_keys=app.environ.get(_KEYS_VARIABLE, "").strip().lower() == "vi",
    )
