"""What has been said between one person and one agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.protocols.request import ChatRequest

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.output_schema import OutputSchema
    from hiveloom_cli.protocols.request import ToolDefinition

_BEGINNING = (
    "[The beginning of this conversation is too long to be sent. In its place stands this summary"
    " of its first {count} messages, which you wrote:]"
)
_END = "[The conversation goes on from here, word for word.]"


@dataclass(frozen=True, slots=True)
class Recap:
    """A summary that is sent in the place of a conversation's first `messages` messages."""

    text: str
    messages: int

    def build_message(self) -> Message:
        """Build the message that is sent: the person's, since each conversation begins so."""
        beginning = _BEGINNING.format(count=self.messages)
        return build_user_message(f"{beginning}\n\n{self.text}\n\n{_END}")


@dataclass(frozen=True, slots=True)
class Measured:
    """What the upstream counted: so many tokens for the first `messages` messages as sent."""

    tokens: int
    messages: int


@dataclass(slots=True)
class Conversation:
    """The messages so far. An answer that was cut off is among them, marked incomplete.

    `stream` says whether answers are asked for piece by piece. `agent_version` is the number of the
    version of the agent's file that answers, 0 where there is none. All that was said stays in
    `messages`, also what a `summary` stands for. `tools` are what the model may call, and
    `instructions` what it is told of them after the agent's own prompt. `output` is what answers
    have to fit, if not any text will do; `must_call` see `ChatRequest`.
    """

    id: str
    agent: Agent
    stream: bool = True
    messages: list[Message] = field(default_factory=list)
    agent_version: int = 0
    summary: Recap | None = None
    measured: Measured | None = None
    tools: tuple[ToolDefinition, ...] = ()
    instructions: str = ""
    output: OutputSchema | None = None
    must_call: str | None = None

    @property
    def summarised(self) -> int:
        """How many messages the summary stands for; one of what is no longer here is none."""
        if self.summary is None or self.summary.messages > len(self.messages):
            return 0
        return self.summary.messages

    def build_request(self, *said: Message, may_call: bool = True) -> ChatRequest:
        """Build the request that sends what is said now after all that has been said."""
        past = self.messages[self.summarised :]
        if self.summary is not None and self.summarised:
            past.insert(0, self.summary.build_message())
        return ChatRequest(
            model=self.agent.model,
            messages=(*past, *said),
            system="\n\n".join(filter(None, (self.agent.system_prompt, self.instructions))),
            parameters=self.agent.parameters,
            tools=self.tools,
            may_call=may_call,
            must_call=self.must_call,
            stream=self.stream,
            output=self.output,
        )
