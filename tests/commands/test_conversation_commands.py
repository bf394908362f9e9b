"""`hiveloom conversation`: what was said can be listed, shown, found, taken along and deleted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.commands.conversation_view import parse_moment
from tests.support.conversations import (
    build_answer,
    build_question,
    get_path,
    open_conversations,
    save_turn,
)
from tests.support.program import Finished, build_environment, spawn_hiveloom

if TYPE_CHECKING:
    from collections.abc import Callable

    Hiveloom = Callable[..., Finished]

IDS = ("01ka", "01kb", "01kc")


@pytest.fixture
def saved() -> None:
    """Keep three conversations, the last with an answer that broke off."""
    with open_conversations() as conversations:
        save_turn(conversations, "Zürich trains", "They **run** often.", id_=IDS[0], agent="travel")
        save_turn(conversations, "Disk full?", "Delete things.", id_=IDS[1], days=1)
        question = build_question("A long story", id_=IDS[2], days=2)
        turn = conversations.begin_turn(question, is_new=True)
        half = build_answer("Once upon a\x1b[31m time", complete=False)
        conversations.save_answer(question, turn, [], [half], question.said_at)
        save_turn(conversations, "Hello?", id_=IDS[2], days=3, is_new=False)


@pytest.mark.usefixtures("saved")
def test_a_list_has_one_line_each_and_says_how_many_more(hiveloom: Hiveloom) -> None:
    done = hiveloom("conversation", "list", "--limit", "2")
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["ID", "WHEN", "AGENT", "MODEL", "MESSAGES", "TITLE"]
    assert [row.split()[0] for row in rows] == [IDS[2], IDS[1]]
    assert rows[0].endswith("helper  m      3         A long story")
    assert done.stderr == "1 more; --limit shows them\n"


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--agent", "travel"], [IDS[0]]),
        (["--model", "other"], []),
        (["--since", "2026-03-02"], [IDS[2], IDS[1]]),
        (["--until", "2026-03-02"], [IDS[1], IDS[0]]),
        (["--until", "2026-03-01T11:00+00:00"], []),
        (["--since", "1h"], []),
    ],
)
def test_lists_are_filtered(hiveloom: Hiveloom, options: list[str], found: list[str]) -> None:
    done = hiveloom("conversation", "list", "--json", *options)
    assert [row["id"] for row in json.loads(done.stdout)] == found


@pytest.mark.usefixtures("saved")
def test_what_was_said_is_shown_with_its_end_last(hiveloom: Hiveloom) -> None:
    assert hiveloom("conversation", "show", "01kc").stdout.splitlines()[3:] == [
        "> A long story",
        "",
        "Once upon a\x1b[31m time",
        "(incomplete: the answer broke off)",
        "",
        "> Hello?",
        "(unanswered)",
    ]
    with spawn_hiveloom("conversation", "show", "01kc") as terminal:
        terminal.expect("Once upon a␛[31m time")
        terminal.wait()
    with spawn_hiveloom("conversation", "show", "01KA", columns=40) as terminal:
        terminal.expect("They run often.")
        terminal.wait()


@pytest.mark.usefixtures("saved")
def test_one_is_taken_along_in_three_forms(hiveloom: Hiveloom) -> None:
    markdown = hiveloom("conversation", "export", "01ka").stdout
    assert markdown == (
        "# Zürich trains\n\n## You\n\nZürich trains\n\n## travel\n\nThey **run** often.\n"
    )
    whole = json.loads(hiveloom("conversation", "export", "01ka", "--format", "json").stdout)
    assert whole["title"] == "Zürich trains"
    lines = hiveloom("conversation", "export", "01ka", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == whole["messages"]
    answer = whole["messages"][1]
    assert answer["content"] == [{"type": "text", "text": "They **run** often."}]
    assert answer["answered_by"]["agent_version"] == 1
    assert answer["usage"]["cached_input_tokens"] == 5
    marked = hiveloom("conversation", "export", "01kc").stdout
    assert marked.count("*(incomplete)*") == marked.count("*(unanswered)*") == 1


@pytest.mark.usefixtures("saved")
def test_words_are_found_and_stand_out_on_a_terminal(hiveloom: Hiveloom) -> None:
    done = hiveloom("conversation", "search", "delete", "THINGS")
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.startswith("01kb  2026-03-02 ")
    assert done.stdout.endswith("helper: Delete things.\n")
    (row,) = json.loads(hiveloom("conversation", "search", "zurich", "--json").stdout)
    assert (row["conversation_id"], row["matches"]) == ("01ka", ["Zürich"])
    more = hiveloom("conversation", "search", "*o*", "a*", "--limit", "1")
    assert more.exit_code == 0
    none = hiveloom("conversation", "search", '") OR 1=1 --', "-x")
    assert none.exit_code == 2
    none = hiveloom("conversation", "search", "--", '") OR 1=1 --', "-x")
    assert (none.stdout, none.stderr) == ("", "Nothing was found.\n")
    with spawn_hiveloom("conversation", "search", "upon") as terminal:
        terminal.expect("Once upon a [31m time")
        terminal.wait()
        assert b"\x1b[1;7mupon\x1b[0m" in terminal.output


@pytest.mark.usefixtures("saved")
def test_a_title_can_be_given(hiveloom: Hiveloom) -> None:
    done = hiveloom("conversation", "rename", "01kb", " No  more\nroom ")
    assert done.stdout == "Renamed 01kb: No more room\n"
    assert "No more room" in hiveloom("conversation", "list").stdout
    assert hiveloom("conversation", "rename", "01kb", " ").exit_code == 2


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize(
    ("args", "left"),
    [
        (["01kb", "01ka"], [IDS[2]]),
        (["--older-than", "1h"], []),
        (["--older-than", "2026-03-03"], [IDS[2]]),
        (["--all"], []),
    ],
)
def test_what_is_deleted_is_gone(hiveloom: Hiveloom, args: list[str], left: list[str]) -> None:
    asked = hiveloom("conversation", "delete", *args)
    assert (asked.exit_code, asked.stdout) == (2, "")
    done = hiveloom("conversation", "delete", *args, "--yes")
    count = len(IDS) - len(left)
    assert done.stdout == f"Deleted {count} conversations.\n"
    rows = json.loads(hiveloom("conversation", "list", "--json").stdout)
    assert [row["id"] for row in rows] == left
    for path in get_path().parent.glob("conversations.db*"):
        assert b"often" not in path.read_bytes()


@pytest.mark.usefixtures("saved")
def test_deleting_asks_first(hiveloom: Hiveloom) -> None:
    with spawn_hiveloom("conversation", "delete", "01kb") as terminal:
        terminal.expect("Delete the conversation 01kb (Disk full?) for good? [y/N]")
        terminal.send_line("n")
        assert terminal.wait() == 1
    assert hiveloom("conversation", "show", "01kb").exit_code == 0
    assert hiveloom("conversation", "delete").exit_code == 2
    assert hiveloom("conversation", "delete", "01kb", "--all", "--yes").exit_code == 2


@pytest.mark.usefixtures("saved")
def test_tokens_and_times_are_added_up(hiveloom: Hiveloom) -> None:
    rows = json.loads(hiveloom("conversation", "stats", "--json", "--agent", "travel").stdout)
    assert [(row["model"], row["output_tokens"], row["tokens_per_s"]) for row in rows] == [
        ("m", 20, 20)
    ]
    header, *lines = hiveloom("conversation", "stats").stdout.splitlines()
    assert header.startswith("DAY")
    assert len(lines) == 3


@pytest.mark.parametrize("command", ["show", "export", "rename"])
@pytest.mark.usefixtures("saved")
def test_an_id_that_is_not_one_is_told(hiveloom: Hiveloom, command: str) -> None:
    title = ["x"] * (command == "rename")
    for id_, said in (("01k", "more than one"), ("zz", "no conversation"), ("", "no conversation")):
        done = hiveloom("conversation", command, id_, *title)
        assert (done.exit_code, done.stdout) == (5, "")
        assert said in done.stderr


@pytest.mark.usefixtures("saved")
def test_ids_are_completed(hiveloom: Hiveloom) -> None:
    words = {"COMP_WORDS": "hiveloom conversation show 01kb", "COMP_CWORD": "3"}
    env = build_environment({"_HIVELOOM_COMPLETE": "bash_complete", **words})
    assert hiveloom(env=env).stdout == "plain,01kb\n"


@pytest.mark.parametrize("command", ["list", "search x", "stats"])
def test_where_nothing_is_kept_that_is_said(hiveloom: Hiveloom, command: str) -> None:
    done = hiveloom("conversation", *command.split())
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    assert json.loads(hiveloom("conversation", *command.split(), "--json").stdout) == []
    assert not get_path().exists()


NOW = datetime(2026, 5, 6, 7, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("36h", NOW - timedelta(hours=36)),
        ("2026-01-31T10:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        (" 2026-01-31T10:00+02:00 ", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_date_or_an_age(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment


def test_the_end_of_a_date_is_that_of_its_day() -> None:
    begin, end = (parse_moment("2026-01-31", NOW, is_end=is_end) for is_end in (False, True))
    assert end - begin == timedelta(days=1)


@pytest.mark.parametrize("text", ["", "x", "7", "7y", "-7d", "2026-13-01", "999999w"])
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        parse_moment(text, NOW)
