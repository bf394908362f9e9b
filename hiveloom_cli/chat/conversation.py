"""What has been said between one person and one agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.request import ChatRequest

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.message import Message


@dataclass(slots=True)
class Conversation:
    """The messages so far. An answer that was cut off is among them, marked incomplete.

    `stream` says whether answers are asked for piece by piece. `agent_version` is the number of the
    version of the agent's file that answers, 0 where there is none.
    """

    id: str
    agent: Agent
    stream: bool = True
    messages: list[Message] = field(default_factory=list)
    agent_version: int = 0

    def build_request(self, *said: Message) -> ChatRequest:
        """Build the request that sends what is said now after all that has been said."""
        return ChatRequest(
            model=self.agent.model,
            messages=(*self.messages, *said),
            system=self.agent.system_prompt,
            parameters=self.agent.parameters,
            stream=self.stream,
        )
