"""What is to happen with one call of a model's: nothing of it runs here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.tools.approval import Question, Verdict, decide_approval
from hiveloom_cli.tools.arguments import parse_call
from hiveloom_cli.tools.tool import ToolOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hiveloom_cli.protocols.message import ToolCall
    from hiveloom_cli.tools.agreements import Agreements
    from hiveloom_cli.tools.tool import Tool, ToolCard
    from hiveloom_cli.tools.toolbox import Toolbox

_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that can run once `verdict` lets it."""

    tool: Tool
    card: ToolCard
    arguments: Mapping[str, Any]
    verdict: Verdict

    def build_question(self) -> Question:
        """Build what the person is asked. Raises `HiveloomError`."""
        return Question(self.card, self.tool.describe_call(self.arguments), self.verdict.before)


class Permissions:
    """What may run in a chat: what the person agreed to, for good, for now, or when they began.

    `allowed` are references of tools, or of all tools of a server (`mcp:github`).
    """

    def __init__(self, agreements: Agreements, allowed: frozenset[str] = frozenset()) -> None:
        self._agreements = agreements
        self._allowed = allowed
        self._for_now: set[tuple[str, str, str]] = set()

    def decide(self, card: ToolCard, conversation_id: str) -> Verdict:
        """Decide whether a tool may run in a conversation. Raises `FileUnreadable`."""
        return decide_approval(
            card,
            self._agreements.load(card.reference),
            in_conversation=(conversation_id, card.reference, card.definition_text)
            in self._for_now,
            is_allowed=card.reference in self._allowed
            or card.reference.partition("/")[0] in self._allowed,
        )

    def allow_for_now(self, card: ToolCard, conversation_id: str) -> None:
        """Let a tool run as it is for the rest of a conversation."""
        self._for_now.add((conversation_id, card.reference, card.definition_text))

    def allow_always(self, card: ToolCard) -> None:
        """Let a tool run as it is from now on."""
        self._agreements.save(card, is_always=True)

    def note(self, card: ToolCard) -> None:
        """Remember what a foreign tool was when it first ran, or was kept from it.

        So a change is seen, and no tool gets to run by calling itself harmless after a no.
        """
        if card.is_foreign and self._agreements.load(card.reference) is None:
            self._agreements.save(card, is_always=False)


def plan_call(
    call: ToolCall, toolbox: Toolbox, permissions: Permissions, conversation_id: str
) -> Plan | ToolOutput:
    """Plan a call, or say to the model that there is no such tool.

    Raises `HiveloomError` that says what else is wrong with it.
    """
    tool = toolbox.find(call.name)
    if tool is None:
        names = ", ".join(definition.name for definition in toolbox.definitions)
        said = f"there is no tool named {call.name}; the tools are: {names or 'none'}"
        return ToolOutput(said, is_error=True)
    card = tool.load_card()
    arguments = parse_call(call.arguments, card.definition.input_schema)
    return Plan(tool, card, arguments, permissions.decide(card, conversation_id))


def attempt(action: Callable[[], _Done]) -> _Done | ToolOutput:
    """Do a part of what a call takes; whatever is raised becomes what the model is told."""
    try:
        return action()
    except HiveloomError as error:
        return ToolOutput(error.message, is_error=True)
    except Exception as error:  # noqa: BLE001 - a fault of one tool's ends no chat
        said = f"the tool failed: {type(error).__name__}: {error}"
        return ToolOutput(said, is_error=True)
