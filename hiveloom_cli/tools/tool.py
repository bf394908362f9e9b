"""The one shape that tools of every kind have.

A tool is named in three ways: its reference is what a person writes in an agent's file (`weather`,
`mcp:github/create_issue`), its definition has the name that the model calls it by, and its
`definition_text` is all that decides what it does and how the model sees it, for a person to read
and to compare with what they agreed to before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.protocols.request import ToolDefinition
    from hiveloom_cli.stop import Stop


class Approval(StrEnum):
    """What has to happen before a tool runs."""

    AUTO = "auto"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class ToolCard:
    """What is known of a tool without running it.

    `kind` is a row of the table in `tools/kinds.py`. `approval` is what is said of this tool,
    `usual` what holds for its like: where a file says `auto` of what usually asks, the person has
    to agree to that once. A foreign tool is described by somebody else, such as an MCP server, so
    that its definition can change without the person having done it.
    """

    reference: str
    kind: str
    definition: ToolDefinition
    approval: Approval
    definition_text: str
    usual: Approval = Approval.ASK
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool gave: text for the model. An error says what was wrong, so that it can react."""

    content: str
    is_error: bool = False


class Tool(Protocol):
    """One tool. Whoever runs it has checked the arguments by its schema, and may be a thread."""

    def load_card(self) -> ToolCard:
        """Return what is known of the tool right now; an MCP server is started for it.

        What is approved is what this returns. Raises `HiveloomError`.
        """
        ...

    def describe_call(self, arguments: Mapping[str, Any]) -> str:
        """Say exactly what would run: a method and a URL, the words of a command, lines of input.

        Nothing is left out but keys, of which the name stands. Raises `HiveloomError`.
        """
        ...

    def run(self, arguments: Mapping[str, Any], stop: Stop) -> ToolOutput:
        """Run it, until `stop` is called for. Raises `HiveloomError`."""
        ...


class Toolset(Protocol):
    """The tools of one kind that one agent has. Nothing runs before one of them is needed."""

    @property
    def instructions(self) -> str:
        """What the model is told of these tools in the system prompt; "" for nothing."""
        ...

    @property
    def problems(self) -> Sequence[HiveloomError]:
        """Why some of them could not be had, once they are loaded."""
        ...

    def load_tools(self) -> Sequence[tuple[ToolCard, Tool]]:
        """Return the tools, as they are known without starting anything where that is possible.

        One that cannot be had goes to `problems`, and keeps none of the others back.
        """
        ...

    def close(self) -> None:
        """End what was started."""
        ...
