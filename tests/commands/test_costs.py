"""What the real program shows of costs, where prices are known, unknown or broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.conversations import open_conversations, save_turn
from tests.support.program import Finished, spawn_hiveloom
from tests.support.upstream import ScriptedUpstream, openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.program import Terminal

    Hiveloom = Callable[..., Finished]

PRICE = '["m"]\ninput = 100_000\noutput = 10_000\ncached_input = 50_000\n'
COST = 0.5 + 0.25 + 0.2  # of 10 tokens in, 5 of them cached, and 20 out


@pytest.fixture
def saved(home: Path) -> Path:
    with open_conversations() as conversations:
        save_turn(conversations, "one", "1")
        save_turn(conversations, "two", "2", id_="01k0000000002", days=1)
    return home / "prices.toml"


def read(done: Finished) -> Any:
    assert done.exit_code == 0
    return json.loads(done.stdout)


def test_stats_and_show_tell_the_cost(hiveloom: Hiveloom, saved: Path) -> None:
    saved.write_text(PRICE)
    rows = read(hiveloom("conversation", "stats", "--json"))
    assert [row["cost"] for row in rows] == [COST, COST]
    done = hiveloom("conversation", "stats")
    assert done.stdout.count("$0.95") == 2
    assert done.stderr == ""
    shown = read(hiveloom("conversation", "show", "01k0000000001", "--json"))
    assert shown["cost"] == COST
    assert "cost" not in shown["messages"][0]
    assert shown["messages"][1]["cost"] == COST
    lines = hiveloom("conversation", "export", "01k0000000001", "--format", "jsonl").stdout
    assert json.loads(lines.splitlines()[1])["cost"] == COST


def test_an_unknown_price_is_shown_as_unknown(hiveloom: Hiveloom, saved: Path) -> None:
    saved.write_text(PRICE + 'host = "elsewhere.example"\n')
    rows = read(hiveloom("conversation", "stats", "--json"))
    assert [row["cost"] for row in rows] == [None, None]
    done = hiveloom("conversation", "stats")
    assert "$" not in done.stdout
    assert str(saved) in done.stderr
    assert '["m"]' in done.stderr
    shown = read(hiveloom("conversation", "show", "01k0000000001", "--json"))
    assert (shown["cost"], shown["messages"][1]["cost"]) == (None, None)


def test_a_broken_list_costs_a_warning_and_the_costs(hiveloom: Hiveloom, saved: Path) -> None:
    saved.write_text("[m\n")
    for args in (("stats",), ("show", "01k0000000001")):
        done = hiveloom("conversation", *args, "--json")
        assert "null" in done.stdout
        assert done.stderr.startswith(f"warning: {saved}:1: not TOML")
        assert done.exit_code == 0


def find_summary(terminal: Terminal, counts: str) -> str:
    """Return the row that begins with these counts; "" if there is none."""
    return next((line for line in terminal.lines if line.startswith(counts)), "")


@pytest.mark.parametrize("is_broken", [False, True])
def test_an_interactive_chat_tells_what_an_answer_cost(
    upstream: ScriptedUpstream, home: Path, *, is_broken: bool
) -> None:
    (home / "prices.toml").write_text("[m\n" if is_broken else PRICE)
    upstream.add(stream_reply(openai_stream("hello")))
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with spawn_hiveloom("chat", "--model", "m", env=env, columns=120) as terminal:
        terminal.expect("m>")
        terminal.send_line("hi")
        counts = "3 tokens in, 5 out · "
        if not is_broken:
            counts += "$0.35 · "
        terminal.wait_until(lambda: find_summary(terminal, counts).endswith(" s"), repr(counts))
        assert ("$" in find_summary(terminal, counts)) == (not is_broken)
        assert ("prices.toml:1" in terminal.text) == is_broken
        terminal.send_line("/exit")
        assert terminal.wait() == 0
