"""What an interactive chat needs of the world around it, and who answers in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.prices import Price
    from hiveloom_cli.chat.record import Found, KeptConversation, Summary
    from hiveloom_cli.chat.resume import Resumed
    from hiveloom_cli.chat.turns import Turns
    from hiveloom_cli.protocols.message import Attachment
    from hiveloom_cli.upstream.resolve import Upstream


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers: an agent at a version (0 for none), through an upstream.

    `turns` ask there, and keep what is said if it is to be kept. `load_price` reads what the
    model's tokens cost, and `load_window` how many of them a model reads; None where that is not
    known.
    """

    agent: Agent
    version: int
    upstream: Upstream
    turns: Turns
    load_price: Callable[[], Price | None] = lambda: None
    load_window: Callable[[str], int | None] = lambda _: None

    @property
    def name(self) -> str:
        """What a person calls it: the agent or, where there is none, the model."""
        return self.agent.name or self.agent.model


class World(Protocol):
    """Agents, conversations and programs; `commands.chat_world.ChatWorld` is the real one.

    Any method raises a `HiveloomError` that says what stands in the way. The ones that open an
    answerer leave everything as it is if they do.
    """

    def open_agent(self, name: str) -> Answerer:
        """Open an agent, which the person may be asked to trust, for the same conversation."""
        ...

    def open_model(self, answerer: Answerer, agent: Agent) -> Answerer:
        """Open another model for the same conversation; `agent` is what asks it."""
        ...

    def begin(self, answerer: Answerer) -> tuple[Answerer, Conversation]:
        """Begin a conversation with the same answerer."""
        ...

    def resume(self, prefix: str) -> tuple[Answerer, Resumed]:
        """Open the kept conversation whose id begins with `prefix`."""
        ...

    def new_id(self) -> str:
        """Return an id for a conversation."""
        ...

    def load_recent(self, prefix: str = "") -> Sequence[Summary]:
        """Read the kept conversations that changed last, of those whose id begins so."""
        ...

    def search(self, words: Sequence[str]) -> Sequence[Found]:
        """Find messages of kept conversations."""
        ...

    def load_kept(self, conversation_id: str) -> KeptConversation:
        """Read a kept conversation."""
        ...

    def load_agent_names(self) -> Iterable[str]:
        """Read which agents there are."""
        ...

    def load_model_names(self) -> Iterable[str]:
        """Read the models that were last offered where the last answerer opened asks."""
        ...

    def load_attachment(self, source: str) -> Attachment:
        """Load what a path or a URL names."""
        ...

    def edit_text(self, text: str) -> str:
        """Have the person edit a text in their editor; return what comes back."""
        ...

    def copy_text(self, text: str) -> str:
        """Put text on the clipboard; return the program that did, "" where there is none."""
        ...

    def load_clipboard(self) -> str:
        """Read the clipboard's text."""
        ...

    def save_file(self, path: Path, text: str) -> None:
        """Write a file of the person's, in place of one that is there."""
        ...
