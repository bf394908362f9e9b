"""What has been said between one person and one agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.request import ChatRequest, Parameters

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Message


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers: a model, its prompt and parameters; `agent` is "" where there is none."""

    agent: str
    model: str
    system_prompt: str = ""
    parameters: Parameters = field(default_factory=Parameters)
    stream: bool = True


@dataclass(slots=True)
class Conversation:
    """The messages so far. An answer that was cut off is among them, marked incomplete."""

    id: str
    persona: Persona
    messages: list[Message] = field(default_factory=list)

    def build_request(self, message: Message) -> ChatRequest:
        """Build the request that sends `message` after all that has been said."""
        return ChatRequest(
            model=self.persona.model,
            messages=(*self.messages, message),
            system=self.persona.system_prompt,
            parameters=self.persona.parameters,
            stream=self.persona.stream,
        )
