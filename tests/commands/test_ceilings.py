"""Ceilings of the real program: they outlive it, add up over a day, and refuse what cannot hold."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.app import App
from hiveloom_cli.chat.record import Ended, Filter
from hiveloom_cli.commands.spending import find_midnight, open_ceiling
from hiveloom_cli.protocols.event import Usage
from hiveloom_cli.terminal.streams import Streams
from tests.support.clocks import ManualClock
from tests.support.conversations import (
    BEGUN_AT,
    build_answer,
    build_question,
    get_path,
    open_conversations,
    save_turn,
)
from tests.support.program import Finished, spawn_hiveloom
from tests.support.upstream import Ending, ScriptedUpstream, openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Hiveloom = Callable[..., Finished]

PRICE = '["m"]\ninput = 100_000\noutput = 100_000\n'  # ten cents a token


def say(went: int, came: int, text: str = "fine") -> Any:
    usage = {"prompt_tokens": went, "completion_tokens": came, "total_tokens": went + came}
    return stream_reply(openai_stream(text, usage=usage))


def point_at(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}


def write_agent(home: Path, settings: str) -> None:
    folder = home / "agents"
    folder.mkdir(exist_ok=True)
    (folder / "helper.md").write_text(f"---\nmodel: m\n{settings}\n---\n")


def test_a_limit_outlives_the_program(hiveloom: Hiveloom, upstream: ScriptedUpstream) -> None:
    env = point_at(upstream)
    upstream.add(say(10, 20), say(12, 1))
    first = ("chat", "--model", "m", "four", "--max-total-tokens", "50")
    assert hiveloom(*first, env=env).stderr == ""
    # 30 spent; the next request is 10 counted, 5 for the answer and 5 for what is said.
    done = hiveloom("chat", "-c", "four", "--max-total-tokens", "49", "--json", env=env)
    assert done.exit_code == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "ceiling_reached"
    assert "30 tokens so far" in error["message"]
    assert "about 20 tokens more" in error["message"]
    assert "--max-total-tokens" in error["hint"]
    assert len(upstream.requests) == 1
    done = hiveloom("chat", "-c", "four", "--max-total-tokens", "50", "--no-save", env=env)
    assert (done.exit_code, done.stdout) == (0, "fine")
    rows = json.loads(hiveloom("conversation", "list", "--json").stdout)
    assert [row["messages"] for row in rows] == [2]


def test_a_warning_is_on_stderr_and_leaves_the_answer_alone(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(say(10, 20))
    args = ("chat", "--model", "m", "four", "--max-total-tokens", "36")
    done = hiveloom(*args, env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (0, "fine")
    assert done.stderr == (
        "note: 30 tokens of 36 tokens spent in this conversation (83 % of max_total_tokens)\n"
    )


def find_noon(hour: int) -> str:
    """Return a `TZ` of a place where it is about noon at an hour of UTC: no day ends there soon."""
    return f"NOON{hour - 12:+d}"  # as POSIX has it, what is west of Greenwich counts up


def test_conversations_of_a_day_add_up(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path
) -> None:
    env = point_at(upstream) | {"TZ": find_noon(time.gmtime().tm_hour)}
    (home / "prices.toml").write_text(PRICE)
    write_agent(home, "max_cost_per_day: 5\nmax_total_tokens: 1000")
    upstream.add(say(10, 10), say(10, 10))
    assert hiveloom("chat", "helper", "four", env=env).exit_code == 0
    done = hiveloom("chat", "helper", "four", env=env)
    assert done.stderr == "note: $4.00 of $5.00 spent today (80 % of max_cost_per_day)\n"
    done = hiveloom("chat", "helper", "f" * 41, env=env)
    assert done.exit_code == 1
    assert "helper may spend $5.00 a day (max_cost_per_day): $4.00 today" in done.stderr
    assert "hiveloom agent edit helper --set max_cost_per_day=" in done.stderr
    # What another agent spent is its own.
    (home / "agents/helper.md").rename(home / "agents/other.md")
    upstream.add(say(1, 1))
    assert hiveloom("chat", "other", "f" * 41, env=env).exit_code == 0


@pytest.mark.parametrize(
    ("settings", "args", "said"),
    [
        ("max_cost: 1", (), "the price of m at 127.0.0.1"),
        ("max_cost_per_day: 1", (), "prices.toml"),
        ("", ("--max-cost", "1"), '["m"]'),
        ("", ("--max-cost", "0"), "--max-cost: expected dollars: a number above 0"),
        ("", ("--max-cost", "nan"), "--max-cost: expected dollars"),
        ("max_total_tokens_per_day: 9", ("--no-save",), "keeps nothing"),
        ("max_total_tokens_per_day: 9\nsave: false", (), "keeps nothing"),
    ],
)
def test_a_limit_that_could_not_hold_is_refused_before_anything_is_sent(
    hiveloom: Hiveloom,
    upstream: ScriptedUpstream,
    home: Path,
    settings: str,
    args: tuple[str, ...],
    said: str,
) -> None:
    write_agent(home, settings)
    done = hiveloom("chat", "helper", "hi", *args, env=point_at(upstream))
    assert done.exit_code == 2
    assert said in done.stderr
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("max_cost: 0", "dollars: a number above 0"),
        ("max_cost_per_day: yes please", "dollars: a number above 0"),
        ("max_cost: .nan", "dollars: a number above 0"),
        ("max_total_tokens: 1.5", "a whole number of at least 1"),
        ("max_total_tokens_per_day: 0", "a whole number of at least 1"),
    ],
)
def test_settings_that_cannot_be_are_told_with_their_line(
    hiveloom: Hiveloom, home: Path, setting: str, said: str
) -> None:
    write_agent(home, setting)
    done = hiveloom("chat", "helper", "hi")
    assert done.exit_code == 1
    assert f"helper.md:3: `{setting.partition(':')[0]}`: expected {said}" in done.stderr


def test_broken_prices_are_an_error_only_where_a_limit_needs_them(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path
) -> None:
    env = point_at(upstream)
    (home / "prices.toml").write_text("[m\n")
    upstream.add(say(1, 1))
    args = ("chat", "--model", "m", "hi")
    assert hiveloom(*args, "--max-total-tokens", "100", env=env).stderr == ""
    done = hiveloom(*args, "--max-cost", "1", env=env)
    assert done.exit_code == 1
    assert f"{home}/prices.toml:1: not TOML" in done.stderr
    assert len(upstream.requests) == 1


def test_a_day_that_cannot_be_read_or_kept_is_refused(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path
) -> None:
    write_agent(home, "max_total_tokens_per_day: 1000")
    get_path().write_text("my notes\n" * 100)
    done = hiveloom("chat", "helper", "hi", env=point_at(upstream))
    assert done.exit_code == 1
    assert str(get_path()) in done.stderr
    assert upstream.requests == []


def test_a_failed_turn_costs_what_was_reported(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    env = point_at(upstream)
    usage = {"prompt_tokens": 50, "completion_tokens": 7, "total_tokens": 57}
    cut = openai_stream([], finish_reason=None, usage=usage, done=False)
    upstream.add(stream_reply(cut, ending=Ending.CUT))
    args = ("chat", "--model", "m", "four", "--max-tries", "1")
    assert hiveloom(*args, env=env).exit_code == 4
    done = hiveloom("chat", "-c", "four", "--max-total-tokens", "57", env=env)
    assert "57 tokens so far" in done.stderr
    assert len(upstream.requests) == 1
    (row,) = json.loads(hiveloom("conversation", "list", "--json").stdout)
    assert row["messages"] == 1


def test_an_interactive_chat_stays_open_at_its_limit(upstream: ScriptedUpstream) -> None:
    upstream.add(say(10, 20), say(3, 3))
    args = ("chat", "--model", "m", "--max-total-tokens", "41")
    with spawn_hiveloom(*args, env=point_at(upstream), columns=100) as terminal:
        terminal.expect("m>")
        terminal.send_line("four")
        terminal.expect("fine")
        terminal.send_line("four")
        terminal.expect("error: this model may spend 41 tokens in a conversation")
        terminal.send_line("/new")
        terminal.expect("A new conversation")
        terminal.send_line("four")
        terminal.expect("3 tokens in, 3 out")
        terminal.send_line("/exit")
        assert terminal.wait() == 0


def test_a_summary_that_is_asked_for_is_held_to_the_limit_and_counted(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    env = point_at(upstream)
    upstream.add(*(say(went, 10, "x" * 400) for went in (90, 190, 290)))
    args = ("chat", "--model", "m", "--max-total-tokens")
    with spawn_hiveloom(*args, "1000", env=env, columns=100) as terminal:
        for went in (90, 190, 290):
            terminal.expect("m>")
            terminal.send_line("more")
            terminal.expect(f"{went} tokens in, 10 out")
        upstream.add(say(150, 100, "short"))
        terminal.send_line("/compact")
        terminal.expect("earlier messages were summarised")
        terminal.expect("note: 850 tokens of 1,000 tokens spent")
        terminal.send_line("/usage")
        terminal.expect("this conversation: 720 tokens in, 130 out")
        terminal.send_line("/compact")
        terminal.expect("error: this model may spend 1,000 tokens in a conversation")
        terminal.send_line("/exit")
        assert terminal.wait() == 0
    assert len(upstream.requests) == 4
    done = hiveloom("chat", "-c", "four", "--max-total-tokens", "851", env=env)
    assert "850 tokens so far" in done.stderr
    (row,) = json.loads(hiveloom("conversation", "stats", "--json").stdout)
    assert (row["input_tokens"], row["output_tokens"]) == (720, 130)
    (listed,) = json.loads(hiveloom("conversation", "list", "--json").stdout)
    assert listed["messages"] == 6


@pytest.fixture
def _new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_new_york")
@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-01-02T04:59:59+00:00", "2026-01-01T05:00:00+00:00"),
        ("2026-01-02T05:00:00+00:00", "2026-01-02T05:00:00+00:00"),
        # The clocks go forward at two in that night.
        ("2026-03-08T12:00:00+00:00", "2026-03-08T05:00:00+00:00"),
    ],
)
def test_a_day_begins_at_the_midnight_of_the_machine(now: str, midnight: str) -> None:
    began = find_midnight(datetime.fromisoformat(now))
    assert began == datetime.fromisoformat(midnight)


def test_what_was_not_reported_is_guessed_from_what_was_said() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "x" * 40, "y" * 20)
        question = build_question("four")
        turn = conversations.begin_turn(question, is_new=False)
        conversations.save_answer(question, turn, [], [build_answer("z" * 8)], question.said_at)
        everything = conversations.load_used(Filter(id=question.conversation_id), is_guessed=True)
        reported = conversations.load_used(Filter(id=question.conversation_id))
    (used,) = [row.usage for row in everything]
    # 10 and 20 were reported; then 40, 20 and 4 characters went, and 8 came.
    assert (used.input_tokens, used.output_tokens) == (10 + 11 + 6 + 2, 20 + 3)
    assert [row.usage.input_tokens for row in reported] == [10]


@pytest.mark.usefixtures("_new_york")
def test_a_chat_that_goes_on_past_midnight_begins_a_new_day(upstream: ScriptedUpstream) -> None:
    app = App(os.environ, Streams(sys.stdin, sys.stdout, sys.stderr))
    app.clock = clock = ManualClock()
    agent = Agent("helper", "m", limits=Limits(max_total_tokens_per_day=100))
    app.environ = {**os.environ, **point_at(upstream)}
    with closing(app):
        question = replace(build_question("one"), said_at=clock.now())
        turn = app.conversations.begin_turn(question, is_new=True)
        app.conversations.save_answer(
            question, turn, [], [build_answer("1")], clock.now(), ended=Ended(Usage(10, 20))
        )
        ceiling = open_ceiling(app, agent, app.decide_upstream("m", ""), is_saved=True)
        assert ceiling is not None
        # It is 22:04:05 of the first of January there.
        assert ceiling._load_day().tokens == 30
        clock.sleep(6954)
        assert ceiling._load_day().tokens == 30
        clock.sleep(1)
        assert ceiling._load_day().tokens == 0


def test_yesterday_is_not_today() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "one", "1")
        save_turn(conversations, "two", "2", id_="01k0000000002", days=1)
        since = find_midnight(BEGUN_AT + timedelta(days=1))
        used = conversations.load_used(Filter(agent="helper", since=since), is_guessed=True)
    assert [row.usage.output_tokens for row in used] == [20]
