"""What a program asks of an agent, in no wire format's words, and who answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hiveloom_cli.protocols.request import Parameters

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import datetime

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.output_schema import OutputSchema
    from hiveloom_cli.protocols.request import ToolDefinition


class Rejection(Exception):
    """A request that is not answered: an HTTP status, a sentence for its sender, and a code."""

    def __init__(self, status: int, message: str, *, code: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `messages` are all that was said, the last of them the user's.

    `system` comes after the agent's own prompt, `parameters` that are set before its own. `tools`
    are the client's, which runs them itself, no more than one at a time if `one_call`; `must_call`
    names the one that has to be called, "" any of them, None that none has to be. `thoughts`
    says that it understands what a model thinks, where the wire format leaves that to the client.
    `conversation_id` names the kept conversation that
    `messages` go on with, where the request tells no more than its last one; `id` is this request's
    own, and that of a conversation which begins with it.
    """

    agent: str
    messages: tuple[Message, ...]
    system: str = ""
    parameters: Parameters = field(default_factory=Parameters)
    tools: tuple[ToolDefinition, ...] = ()
    one_call: bool = False
    must_call: str | None = None
    thoughts: bool = False
    output: OutputSchema | None = None
    stream: bool = False
    include_usage: bool = False
    conversation_id: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class AgentBrief:
    """What a list says of an agent; `keeps` whether conversations with it can be gone on with."""

    name: str
    description: str
    model: str
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class ConversationBrief:
    """What a list says of a kept conversation; `changed_at` is when something was last said."""

    id: str
    title: str
    changed_at: datetime


class OpenTurn(Protocol):
    """A turn on its way, run in a thread of its own."""

    @property
    def events(self) -> Generator[Event]:
        """The turn's events, `TurnEnded` last; what goes wrong is a `HiveloomError`."""
        ...

    def cut(self) -> None:
        """Break the upstream's connection off, from another thread: nobody waits any more."""
        ...

    def close(self) -> None:
        """End what was started, in the thread that read the events."""
        ...


class Host(Protocol):
    """Where the agents are; any method may be called in any thread, and raises `HiveloomError`."""

    def load_agents(self) -> Sequence[AgentBrief]:
        """Read which agents there are, as their files are now."""
        ...

    @property
    def keeps(self) -> bool:
        """Whether what is said is kept, so that a conversation can be gone on with by its id."""
        ...

    def load_conversations(self, agent: str, limit: int) -> Sequence[ConversationBrief]:
        """Read an agent's kept conversations, the one that changed last first."""
        ...

    def estimate_tokens(self, asked: Asked) -> int:
        """Estimate how many tokens a request is, with the agent's own prompt."""
        ...

    def open_turn(self, asked: Asked) -> OpenTurn:
        """Begin to answer; raises `Rejection` for what the agent cannot be asked."""
        ...
