"""What stands below the prompt of a chat: who answers, how full it is, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.chatting import ask, command, leave, open_chat, say
from tests.support.program import run_hiveloom
from tests.support.upstream import openai_stream, stream_reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.upstream import ScriptedUpstream

USAGE = {"prompt_tokens": 200, "completion_tokens": 50, "total_tokens": 250}
PRICE = '["m"]\ninput = 1000\noutput = 2000\n'
WHOLE = "m · context 25% · $0.30 · 250 tokens · 127.0.0.1 · helper"


@pytest.fixture
def helper(home: Path, upstream: ScriptedUpstream) -> ScriptedUpstream:
    """An agent whose model reads 1,000 tokens, at a known price."""
    run_hiveloom("agent", "create", "helper", "--model", "m")
    (home / "agents/helper.md").write_text("---\nmodel: m\ncontext_window: 1000\n---\n")
    (home / "prices.toml").write_text(PRICE)
    upstream.add(*(stream_reply(openai_stream("Done.", usage=USAGE)) for _ in range(3)))
    return upstream


def test_who_answers_is_told_and_goes_with_the_prompt(upstream: ScriptedUpstream) -> None:
    say(upstream, "first")
    with open_chat(upstream) as terminal:
        terminal.expect("m · 127.0.0.1")
        ask(terminal, "one", "first")
        terminal.expect("m · 8 tokens · 127.0.0.1")  # no window and no price are known
        leave(terminal)
    assert "127.0.0.1" not in "\n".join(terminal.all_lines[1:])


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (100, WHOLE),
        (58, WHOLE),
        (57, "m · context 25% · $0.30 · 250 tokens · 127.0.0.1"),
        (40, "m · context 25% · $0.30 · 250 tokens"),
        (30, "m · context 25% · $0.30"),
    ],
)
def test_where_there_is_little_room_what_matters_less_is_left_out(
    helper: ScriptedUpstream, columns: int, shown: str
) -> None:
    with open_chat(helper, "helper", columns=columns) as terminal:
        command(terminal, "one", "Done.")
        terminal.expect(shown)
        assert terminal.lines[-1] == shown or shown in terminal.lines


@pytest.mark.parametrize("size", [(20, 40), (80, 7)])
def test_a_small_window_has_no_status_line(helper: ScriptedUpstream, size: tuple[int, int]) -> None:
    with open_chat(helper, "helper", columns=size[0], rows=size[1]) as terminal:
        command(terminal, "one", "Done.")
        assert " · 127.0.0.1" not in terminal.text


def test_costs_add_up_and_are_unknown_once_a_model_without_a_price_answered(
    helper: ScriptedUpstream,
) -> None:
    with open_chat(helper, "helper") as terminal:
        command(terminal, "/usage", "cost: not known", "context: not known")
        command(terminal, "one", "Done.")
        command(terminal, "two", "$0.60 · 500 tokens")
        command(terminal, "/usage", "cost: $0.60", "context: 25%")
        command(terminal, "/model other", "other at http://127.0.0.1")
        terminal.expect("other · context 25% · $0.60 · 500 tokens")
        command(terminal, "three", "other · context 25% · 750 tokens")
        command(terminal, "/new", "A new conversation")
        terminal.expect("other · 127.0.0.1")


def test_a_conversation_that_goes_on_has_its_costs(helper: ScriptedUpstream) -> None:
    with open_chat(helper, "helper") as terminal:
        command(terminal, "one", "$0.30 · 250 tokens")
        leave(terminal)
    with open_chat(helper, "-c") as terminal:
        terminal.expect("m · context 25% · $0.30 · 250 tokens")
        command(terminal, "two", "$0.60 · 500 tokens")
