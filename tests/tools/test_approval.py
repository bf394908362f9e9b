"""Whether a tool may run, for every combination of what it is and what was said of it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.tools.approval import Agreement, Answer, Question, Verdict, decide_approval
from hiveloom_cli.tools.tool import Approval, ToolCard

AUTO, ASK, DENY = Approval.AUTO, Approval.ASK, Approval.DENY
NOW = "as it is"
SAME_RAN, SAME_ALWAYS = Agreement(NOW, is_always=False), Agreement(NOW, is_always=True)
OTHER_RAN, OTHER_ALWAYS = Agreement("as it was", is_always=False), Agreement("as it was", True)  # noqa: FBT003
AGREEMENTS = (None, SAME_RAN, SAME_ALWAYS, OTHER_RAN, OTHER_ALWAYS)


def build_card(approval: Approval, usual: Approval = AUTO) -> ToolCard:
    definition = ToolDefinition("weather", "Tells the weather.", {})
    return ToolCard("weather", "http", definition, approval, NOW, usual)


def decide(
    approval: Approval,
    agreement: Agreement | None = None,
    *,
    usual: Approval = AUTO,
    in_conversation: bool = False,
    is_allowed: bool = False,
) -> Verdict:
    card = build_card(approval, usual)
    return decide_approval(card, agreement, in_conversation=in_conversation, is_allowed=is_allowed)


@pytest.mark.parametrize("agreement", AGREEMENTS)
@pytest.mark.parametrize(("now", "named"), [*product((True, False), repeat=2)])
def test_what_is_denied_never_runs(agreement: Agreement | None, *, now: bool, named: bool) -> None:
    assert decide(DENY, agreement, in_conversation=now, is_allowed=named) == Verdict(DENY)


@pytest.mark.parametrize(
    ("approval", "agreement", "expected"),
    [
        (AUTO, None, Verdict(AUTO)),
        (AUTO, SAME_RAN, Verdict(AUTO)),
        (AUTO, SAME_ALWAYS, Verdict(AUTO)),
        (AUTO, OTHER_RAN, Verdict(ASK, "as it was")),
        (AUTO, OTHER_ALWAYS, Verdict(ASK, "as it was")),
        (ASK, None, Verdict(ASK)),
        (ASK, SAME_RAN, Verdict(ASK)),
        (ASK, SAME_ALWAYS, Verdict(AUTO)),
        (ASK, OTHER_RAN, Verdict(ASK, "as it was")),
        (ASK, OTHER_ALWAYS, Verdict(ASK, "as it was")),
    ],
)
def test_what_was_agreed_to_decides_as_long_as_it_is_the_same(
    approval: Approval, agreement: Agreement | None, expected: Verdict
) -> None:
    assert decide(approval, agreement) == expected


@pytest.mark.parametrize(
    ("agreement", "expected"),
    [
        (None, Verdict(ASK)),
        (SAME_RAN, Verdict(ASK)),
        (SAME_ALWAYS, Verdict(AUTO)),
        (OTHER_ALWAYS, Verdict(ASK, "as it was")),
    ],
)
def test_a_file_that_says_auto_of_what_usually_asks_is_agreed_to_once(
    agreement: Agreement | None, expected: Verdict
) -> None:
    assert decide(AUTO, agreement, usual=ASK) == expected


@pytest.mark.parametrize("approval", [AUTO, ASK])
@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_what_was_agreed_to_for_the_conversation_runs_in_it(
    approval: Approval, agreement: Agreement | None
) -> None:
    assert decide(approval, agreement, in_conversation=True) == Verdict(AUTO)


@pytest.mark.parametrize("approval", [AUTO, ASK])
def test_what_was_named_at_the_start_runs_unless_it_has_changed(approval: Approval) -> None:
    assert decide(approval, is_allowed=True) == Verdict(AUTO)
    assert decide(approval, SAME_RAN, is_allowed=True) == Verdict(AUTO)
    assert decide(approval, OTHER_RAN, is_allowed=True) == Verdict(ASK, "as it was")
    assert decide(approval, OTHER_ALWAYS, is_allowed=True) == Verdict(ASK, "as it was")


@given(
    approval=st.sampled_from(Approval),
    usual=st.sampled_from([AUTO, ASK]),
    agreement=st.none() | st.builds(Agreement, st.text(max_size=3), st.booleans()),
    now=st.booleans(),
    named=st.booleans(),
)
def test_nothing_that_asks_runs_without_somebody_having_said_so(
    approval: Approval, usual: Approval, agreement: Agreement | None, *, now: bool, named: bool
) -> None:
    verdict = decide(approval, agreement, usual=usual, in_conversation=now, is_allowed=named)
    if verdict.approval is AUTO and not approval is usual is AUTO:
        assert now or named or agreement == SAME_ALWAYS
    if verdict.before:
        assert verdict.approval is ASK
        assert agreement is not None
        assert verdict.before == agreement.definition_text != NOW


def test_a_question_that_nobody_answers_is_a_no() -> None:
    question = Question(build_card(ASK), "curl")
    assert (question.answer, question.is_answered) == (Answer.NO, False)
    question.say(Answer.NO, "too dear")
    assert (question.answer, question.reason, question.is_answered) == (
        Answer.NO,
        "too dear",
        True,
    )
