"""The product's own format (a `WireFormat`): a message in, a response out.

    {"message": "Hello", "conversation_id": "…"}
    {"response": "Hello!", "conversation_id": "…", "capabilities_used": ["look_up"]}

As a stream, asked for with `"stream": true`, it is events called `text`, and the reply at the end
as one called `reply`; what goes wrong in the middle is one called `error`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.event import ToolStarted, TurnEnded
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.serve.formats.answer import VisibleText, find_end
from hiveloom_cli.serve.formats.failure import explain_failure, find_status
from hiveloom_cli.serve.formats.fields import parse_body
from hiveloom_cli.serve.formats.said import parse_agent
from hiveloom_cli.serve.formats.wire_format import COMMENT, Stamp, format_event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.serve.asked import AgentBrief, Rejection

LONGEST_ID = 100


def parse_asked(body: bytes, agent: str = "") -> Asked:
    """See `WireFormat.parse_asked`."""
    fields = parse_body(body)
    message, conversation = fields.get("message"), fields.get("conversation_id")
    if not message.read_text().strip():
        raise message.refuse("it is empty")
    if len(conversation.read_optional_text()) > LONGEST_ID:
        raise conversation.refuse("this is no conversation's id")
    return Asked(
        agent=agent or parse_agent(fields.get("agent")),
        messages=(build_user_message(message.value),),
        stream=fields.get("stream").read_flag(),
        conversation_id=conversation.value or "",
    )


def build_reply(events: Sequence[Event], asked: Asked, stamp: Stamp) -> dict[str, Any]:
    """See `WireFormat.build_reply`; a conversation that begins has the request's id."""
    del stamp
    find_end(events)
    text = VisibleText(asked)
    used = [event.call.name for event in events if isinstance(event, ToolStarted)]
    return {
        "response": "".join(map(text.take, events)),
        "conversation_id": asked.conversation_id or asked.id,
        "capabilities_used": list(dict.fromkeys(used)),
    }


class StreamFold:
    """A stream of events (a `StreamFold`): `text` while it comes, and `reply` at the end."""

    def __init__(self, asked: Asked, stamp: Stamp) -> None:
        self._asked = asked
        self._stamp = stamp
        self._text = VisibleText(asked)
        self._events: list[Event] = []

    def feed(self, event: Event) -> Iterator[bytes]:
        """See `StreamFold.feed`."""
        self._events.append(event)
        if text := self._text.take(event):
            yield format_event({"text": text}, "text")
        if isinstance(event, TurnEnded):
            yield format_event(build_reply(self._events, self._asked, self._stamp), "reply")

    def keep_alive(self) -> Iterator[bytes]:
        """See `StreamFold.keep_alive`."""
        yield COMMENT

    def fail(self, error: HiveloomError | Rejection) -> Iterator[bytes]:
        """See `StreamFold.fail`."""
        status, code = find_status(error)
        yield format_event(build_error(status, explain_failure(error), code, self._stamp), "error")


def build_error(status: int, message: str, code: str, stamp: Stamp) -> dict[str, Any]:
    """See `WireFormat.build_error`; the status is told in HTTP's own place."""
    del status, stamp
    return {"error": {"code": code, "message": message}}


def build_models(agents: Sequence[AgentBrief]) -> dict[str, Any]:
    """See `WireFormat.build_models`."""
    return {"agents": [build_model(agent) for agent in agents]}


def build_model(agent: AgentBrief) -> dict[str, Any]:
    """See `WireFormat.build_model`."""
    return {"name": agent.name, "description": agent.description, "model": agent.model}
