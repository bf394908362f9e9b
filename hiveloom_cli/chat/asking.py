"""A question whose answer has to fit a schema, asked twice if need be."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.chat.structured import build_retry, decide_again, format_reason, judge_answer
from hiveloom_cli.errors import StreamCutShort
from hiveloom_cli.protocols.event import UsageReported, add_usage
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.upstream.event import Notice

if TYPE_CHECKING:
    from collections.abc import Generator

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.turns import Turns
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.output_schema import OutputSchema


def ask_by_schema(
    turns: Turns, conversation: Conversation, message: Message, output: OutputSchema
) -> Generator[Event]:
    """Ask `message` and yield what happens, `TurnEnded` last, with the cost of all that was asked.

    A model whose answer does not fit is told what is wrong with it, once, in the same conversation.
    Whether the last answer fits is the reader's to judge.
    """
    conversation.output = output
    ended = yield from _relay(turns, conversation, message, None)
    judgement = judge_answer(ended.message.text, output)
    if decide_again(judgement, ended.finish_reason):
        why = format_reason(judgement)
        yield Notice(f"the answer does not fit the schema ({why}); asking once more")
        retry = build_user_message(build_retry(judgement, output))
        ended = yield from _relay(turns, conversation, retry, ended.usage)
    yield ended


def _relay(
    turns: Turns, conversation: Conversation, message: Message, spent: Usage | None
) -> Generator[Event, None, TurnEnded]:
    """Yield what happens in one turn but its end, which is returned; `spent` came before it."""
    with closing(turns.take(conversation, message)) as events:
        for event in events:
            match event:
                case TurnEnded():
                    return replace(event, usage=add_usage(spent, event.usage))
                case UsageReported():
                    yield UsageReported(add_usage(spent, event.usage) or event.usage)
                case _:
                    yield event
    raise StreamCutShort("the turn ended without an answer", hint="ask again")
