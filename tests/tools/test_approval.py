"""Whether a tool may run."""

from __future__ import annotations

import itertools

import pytest

from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.tools.approval import Agreement, decide_approval
from hiveloom_cli.tools.tool import Approval, ToolCard

AUTO, ASK, DENY = Approval
NOW, THEN = "now", "then"


def build_card(approval: Approval, usual: Approval) -> ToolCard:
    definition = ToolDefinition("weather", "Tells the weather.", {})
    return ToolCard("weather", "command", definition, approval, NOW, usual)


@pytest.mark.parametrize(
    ("approval", "usual", "agreement", "verdict"),
    [
        (AUTO, AUTO, None, AUTO),
        (ASK, ASK, None, ASK),
        (ASK, AUTO, None, ASK),
        (AUTO, ASK, None, ASK),
        (AUTO, ASK, Agreement(NOW, is_always=True), AUTO),
        (AUTO, ASK, Agreement(NOW, is_always=False), ASK),
        (AUTO, AUTO, Agreement(NOW, is_always=False), AUTO),
        (AUTO, AUTO, Agreement(THEN, is_always=False), ASK),
        (AUTO, AUTO, Agreement(THEN, is_always=True), ASK),
        (ASK, ASK, Agreement(NOW, is_always=True), AUTO),
        (ASK, ASK, Agreement(THEN, is_always=True), ASK),
    ],
)
def test_a_tool_runs_if_its_like_does_or_the_person_agreed_to_it_as_it_is(
    approval: Approval, usual: Approval, agreement: Agreement | None, verdict: Approval
) -> None:
    card = build_card(approval, usual)
    decided = decide_approval(card, agreement, in_conversation=False, is_allowed=False)
    assert decided.approval is verdict
    changed = agreement is not None and agreement.definition_text == THEN
    assert decided.before == (THEN if changed else "")


def test_what_was_agreed_to_for_the_conversation_or_at_the_start_runs() -> None:
    card = build_card(ASK, ASK)
    for conversation, allowed in ((True, False), (False, True)):
        decided = decide_approval(card, None, in_conversation=conversation, is_allowed=allowed)
        assert decided.approval is AUTO


def test_a_name_given_at_the_start_does_not_let_a_changed_tool_run() -> None:
    agreement = Agreement(THEN, is_always=True)
    card = build_card(ASK, ASK)
    decided = decide_approval(card, agreement, in_conversation=False, is_allowed=True)
    assert decided.approval is ASK


def test_what_is_denied_does_not_run_whatever_was_said() -> None:
    for agreement, conversation, allowed in itertools.product(
        (None, Agreement(NOW, is_always=True)), (False, True), (False, True)
    ):
        decided = decide_approval(
            build_card(DENY, AUTO), agreement, in_conversation=conversation, is_allowed=allowed
        )
        assert decided.approval is DENY
