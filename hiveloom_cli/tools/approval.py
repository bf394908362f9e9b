"""Whether a tool may run: decided from what it is, and from what the person has said of it.

What somebody agreed to is remembered with the definition that the tool had then. One that is
described by others and has changed since is asked about again, whatever it says of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hiveloom_cli.tools.tool import Approval

if TYPE_CHECKING:
    from hiveloom_cli.tools.tool import ToolCard


class Answer(StrEnum):
    """What a person says when a tool wants to run."""

    ONCE = "once"
    CONVERSATION = "conversation"  # always in this conversation
    ALWAYS = "always"
    NO = "no"


@dataclass(slots=True)
class Question:
    """What a person has to decide; `what` says exactly what would run.

    `before` is the definition of the last time, where it has changed to `card`'s. `reason` is
    what they want the model to know of a no.
    """

    card: ToolCard
    what: str
    before: str = ""
    answer: Answer = Answer.NO
    reason: str = ""
    is_answered: bool = False

    def say(self, answer: Answer, reason: str = "") -> None:
        """Answer it."""
        self.answer, self.reason, self.is_answered = answer, reason, True


@dataclass(frozen=True, slots=True)
class Agreement:
    """The definition that a tool had when it was agreed to, or when it was first decided on.

    `is_always` is whether the person said that it may always run.
    """

    definition_text: str
    is_always: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has to happen before a tool runs; `before` is what it was, where it has changed."""

    approval: Approval
    before: str = ""


def decide_approval(
    card: ToolCard, agreement: Agreement | None, *, in_conversation: bool, is_allowed: bool
) -> Verdict:
    """Decide whether a tool runs, is asked about, or does not run.

    `in_conversation` is whether the person agreed to just this definition for the conversation,
    `is_allowed` whether they named the tool when they started the program.
    """
    if card.approval is Approval.DENY:
        return Verdict(Approval.DENY)
    if in_conversation:
        return Verdict(Approval.AUTO)
    if agreement is not None and agreement.definition_text != card.definition_text:
        return Verdict(Approval.ASK, before=agreement.definition_text)
    is_agreed = agreement is not None and agreement.is_always
    runs_by_itself = card.approval is card.usual is Approval.AUTO
    if runs_by_itself or is_allowed or is_agreed:
        return Verdict(Approval.AUTO)
    return Verdict(Approval.ASK)
