"""Chats of the real program that grow longer than their model can read."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.upstream.fault_kind import FaultKind
from tests.support.conversations import open_conversations
from tests.support.models import list_reply
from tests.support.program import PROGRAM, Finished, build_environment, run_hiveloom, spawn_hiveloom
from tests.support.upstream import (
    Reply,
    ScriptedUpstream,
    anthropic_error,
    anthropic_stream,
    json_reply,
    openai_error,
    openai_stream,
    stream_reply,
)
from tests.upstream.test_refusals import ROWS

if TYPE_CHECKING:
    from tests.support.upstream import RecordedRequest

LONG = "x" * 800  # about 200 tokens
NOTE = "note: 4 earlier messages were summarised to make room\n"
SUMMARY = "The person said a, then b."
OVERFLOW = "prompt is too long: 1200 tokens > 1000 maximum"


@dataclass(frozen=True, slots=True)
class Wire:
    """A protocol as these chats use it."""

    model: str
    variable: str

    def say(self, *texts: str, usage: dict[str, int] | None = None) -> list[Reply]:
        if self.model == "m":
            return [stream_reply(openai_stream(text, usage=usage)) for text in texts]
        # No input is no count.
        counted = usage or {"input_tokens": 0, "output_tokens": 1}
        return [stream_reply(anthropic_stream(text, usage=counted)) for text in texts]

    def refuse(self, text: str) -> Reply:
        build = openai_error if self.model == "m" else anthropic_error
        return json_reply(build(text), status=400)

    def point_at(self, upstream: ScriptedUpstream) -> dict[str, str]:
        url = upstream.openai_base_url if self.model == "m" else upstream.anthropic_base_url
        return {self.variable: url}


OPENAI = Wire("m", "HIVELOOM_OPENAI_BASE_URL")
ANTHROPIC = Wire("claude-test", "HIVELOOM_ANTHROPIC_BASE_URL")
both = pytest.mark.parametrize("wire", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])


class Chat:
    """A chat with the agent `helper`, one run of the program for each turn."""

    def __init__(
        self, upstream: ScriptedUpstream, wire: Wire = OPENAI, settings: str = "keep: 1"
    ) -> None:
        self.upstream = upstream
        self.wire = wire
        self.env = wire.point_at(upstream)
        self.write(f"context_window: 1000\ncompaction: {{{settings}}}")

    def write(self, settings: str) -> None:
        path = Path(os.environ["HIVELOOM_HOME"]) / "agents" / "helper.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"---\nmodel: {self.wire.model}\n{settings}\n---\nBe terse.\n")

    def ask(self, word: str, *replies: Reply, args: tuple[str, ...] = ()) -> Finished:
        self.upstream.add(*replies)
        started = ["-c", "helper"] if self.upstream.requests else ["helper"]
        return run_hiveloom("chat", *started, *args, f"{word} {LONG}", env=self.env)

    def begin(self, count: int = 3) -> None:
        """Say a, b, c, which nearly fills the context."""
        for word in "abcdefgh"[:count]:
            assert self.ask(word, *self.wire.say(word.upper())).exit_code == 0

    def shorten(self, word: str = "d") -> Finished:
        """Say what makes a summary necessary."""
        return self.ask(word, *self.wire.say(SUMMARY, word.upper()))


def read_sent(request: RecordedRequest) -> list[str]:
    """Read what a request says, message by message, without the system prompt."""
    return [
        said["content"]
        if isinstance(said["content"], str)
        else "".join(block.get("text", "") for block in said["content"])
        for said in request.json["messages"]
        if said["role"] != "system"
    ]


def read_kept() -> list[dict[str, Any]]:
    (row, *_) = json.loads(run_hiveloom("conversation", "list", "--json").stdout)
    shown = run_hiveloom("conversation", "export", row["id"], "--json").stdout
    messages: list[dict[str, Any]] = json.loads(shown)["messages"]
    return messages


@both
def test_what_was_said_first_is_summarised_before_there_is_no_room(
    upstream: ScriptedUpstream, wire: Wire
) -> None:
    chat = Chat(upstream, wire)
    chat.begin()
    done = chat.shorten()
    assert (done.exit_code, done.stdout, done.stderr) == (0, "D", NOTE)
    *_, asked, sent = upstream.requests
    (question,) = read_sent(asked)
    assert f"Person:\na {LONG}" in question
    assert "You:\nB" in question
    assert "c xxx" not in question
    assert asked.json["max_tokens"] == 250
    first, answer, last = read_sent(sent)
    assert SUMMARY in first
    assert "summary of its first 4 messages" in first
    assert first.endswith(f"c {LONG}")
    assert (answer, last) == ("C", f"d {LONG}")


@both
def test_a_chat_that_goes_on_sends_the_same_beginning(
    upstream: ScriptedUpstream, wire: Wire
) -> None:
    chat = Chat(upstream, wire)
    chat.begin()
    chat.shorten()
    before = read_sent(upstream.requests[-1])
    upstream.add(*wire.say("E"))
    done = run_hiveloom("chat", "-c", "e", env=chat.env)
    assert (done.stdout, done.stderr) == ("E", "")
    assert read_sent(upstream.requests[-1]) == [*before, "D", "e"]


def test_all_that_was_said_is_shown_and_exported(upstream: ScriptedUpstream) -> None:
    chat = Chat(upstream)
    chat.begin()
    chat.shorten()
    assert [row["text"].split()[0] for row in read_kept()] == list("aAbBcCdD")
    (row,) = json.loads(run_hiveloom("conversation", "list", "--json").stdout)
    document = json.loads(run_hiveloom("conversation", "export", row["id"], "--json").stdout)
    assert document["summary"] == SUMMARY
    markdown = run_hiveloom("conversation", "export", row["id"]).stdout
    assert markdown.index(f"a {LONG}") < markdown.index(f"d {LONG}")
    assert SUMMARY not in markdown
    assert f"b {LONG}"[:60] in run_hiveloom("conversation", "show", row["id"]).stdout.replace(
        "\n", ""
    )
    assert run_hiveloom("conversation", "delete", row["id"], "--yes").exit_code == 0


def test_a_summary_is_summarised_with_what_came_after_it(upstream: ScriptedUpstream) -> None:
    chat = Chat(upstream)
    chat.begin()
    chat.shorten()
    chat.ask("e", *OPENAI.say("E"))
    done = chat.ask("f", *OPENAI.say("All in one.", "F"))
    assert done.stderr == NOTE
    *_, asked, sent = upstream.requests
    assert f"Summary of what was said before:\n{SUMMARY}" in read_sent(asked)[0]
    assert "a xxx" not in read_sent(asked)[0]
    assert "summary of its first 8 messages" in read_sent(sent)[0]
    assert SUMMARY not in read_sent(sent)[0]


def test_what_the_upstream_counted_decides(upstream: ScriptedUpstream) -> None:
    chat = Chat(upstream)
    chat.ask("a", *OPENAI.say("A"))
    usage = {"prompt_tokens": 700, "completion_tokens": 90, "total_tokens": 790}
    chat.ask("b", *OPENAI.say("B", usage=usage))
    done = chat.ask("c", *OPENAI.say(SUMMARY, "C", usage=usage), args=("--json",))
    assert "summary of its first 2 messages" in read_sent(upstream.requests[-1])[0]
    # What the summary took counts as well.
    assert json.loads(done.stdout)["usage"]["input_tokens"] == 1400
    assert "C" in chat.ask("d", *OPENAI.say("no summary of it, C")).stdout


@pytest.mark.parametrize("args", [("--no-compaction",), ()])
def test_nothing_is_summarised_where_that_was_not_wanted(
    upstream: ScriptedUpstream, args: tuple[str, ...]
) -> None:
    chat = Chat(upstream)
    chat.begin()
    if not args:
        chat.write("context_window: 1000\ncompaction: false")
    done = chat.ask("d", OPENAI.refuse(OVERFLOW), args=args)
    assert done.exit_code == 4
    assert OVERFLOW in done.stderr
    assert len(read_sent(upstream.requests[-1])) == 7


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS.values() if row.kind is FaultKind.OVERFLOW],
    ids=lambda row: row.said,
)
def test_a_refusal_for_length_is_answered_with_a_summary(
    upstream: ScriptedUpstream, row: Any
) -> None:
    chat = Chat(upstream)
    chat.write("compaction: {keep: 1}")
    chat.begin(2)
    refusal = json_reply(row.body, status=row.status)
    done = chat.ask("c", refusal, *OPENAI.say(SUMMARY, "C"))
    assert (done.exit_code, done.stdout) == (0, "C")
    assert done.stderr == "note: 2 earlier messages were summarised to make room\n"
    refused, _, sent = upstream.requests[-3:]
    assert len(read_sent(refused)) == 5
    assert SUMMARY in read_sent(sent)[0]
    assert len(read_kept()) == 6


@both
def test_what_a_refusal_said_is_remembered(upstream: ScriptedUpstream, wire: Wire) -> None:
    chat = Chat(upstream, wire)
    chat.write("compaction: {keep: 1}")
    chat.begin(2)
    chat.ask("c", wire.refuse(OVERFLOW), *wire.say(SUMMARY, "C"))
    chat.ask("d", *wire.say("D"))
    done = chat.ask("e", *wire.say(SUMMARY, "E"))
    assert (done.stdout, done.stderr) == ("E", NOTE)
    assert run_hiveloom("model", "forget", wire.model).exit_code == 0


def test_a_request_that_stays_too_long_fails_and_loses_nothing(
    upstream: ScriptedUpstream,
) -> None:
    chat = Chat(upstream)
    chat.write("compaction: {keep: 1}")
    chat.begin(2)
    refusal = OPENAI.refuse(OVERFLOW)
    done = chat.ask("c", refusal, *OPENAI.say(SUMMARY), refusal)
    assert done.exit_code == 4
    assert OVERFLOW in done.stderr
    assert "larger context" in done.stderr
    assert [row["state"] for row in read_kept()] == [*["complete"] * 4, "unanswered"]


def test_a_summary_that_fails_costs_a_notice(upstream: ScriptedUpstream) -> None:
    chat = Chat(upstream)
    chat.begin()
    done = chat.ask("d", OPENAI.refuse("No summaries."), *OPENAI.say("D"))
    assert (done.exit_code, done.stdout) == (0, "D")
    assert done.stderr.startswith("note: earlier messages could not be summarised (")
    assert "No summaries." in done.stderr
    assert done.stderr.endswith("); all of them are sent\n")
    assert len(read_sent(upstream.requests[-1])) == 7


def test_a_summary_of_what_is_too_long_is_asked_for_once_more_with_half(
    upstream: ScriptedUpstream,
) -> None:
    chat = Chat(upstream)
    chat.begin()
    done = chat.ask("d", OPENAI.refuse(OVERFLOW), *OPENAI.say(SUMMARY, "D"))
    assert (done.stdout, done.stderr) == ("D", NOTE)
    first, second = (read_sent(request)[0] for request in upstream.requests[3:5])
    assert "characters left out" in second
    assert len(second) < len(first)


@pytest.mark.parametrize("answer", [LONG * 4, " "])
def test_a_summary_that_makes_no_room_is_not_used(upstream: ScriptedUpstream, answer: str) -> None:
    chat = Chat(upstream)
    chat.begin()
    refusal = OPENAI.refuse(OVERFLOW)
    done = chat.ask("d", *OPENAI.say(answer), refusal)
    assert done.exit_code == 4  # and no second summary is asked for
    assert "could not be summarised" in done.stderr
    assert len(read_kept()) == 7


def test_a_question_that_is_too_long_by_itself_costs_no_summary(
    upstream: ScriptedUpstream,
) -> None:
    chat = Chat(upstream)
    chat.begin(1)
    done = chat.ask("b" * 4000, OPENAI.refuse(OVERFLOW))
    assert done.exit_code == 4
    assert len(upstream.requests) == 2


def test_a_chat_that_is_killed_while_it_summarises_loses_nothing(
    upstream: ScriptedUpstream,
) -> None:
    chat = Chat(upstream)
    chat.begin()
    gate = threading.Event()
    upstream.add(stream_reply([gate]))
    with subprocess.Popen(
        [*PROGRAM, "chat", "-c", f"d {LONG}"],
        env=build_environment(chat.env),
        stdin=subprocess.DEVNULL,
    ) as process:
        upstream.wait_for_requests(4)
        process.kill()
    gate.set()
    kept = read_kept()
    assert [row["text"].split()[0] for row in kept] == list("aAbBcCd")
    assert kept[-1]["state"] == "unanswered"
    done = chat.shorten()
    assert (done.stdout, done.stderr) == ("D", NOTE)
    assert [row["text"].split()[0] for row in read_kept()] == list("aAbBcCdD")


def test_a_list_of_models_says_how_much_one_reads(upstream: ScriptedUpstream) -> None:
    chat = Chat(upstream)
    chat.write("compaction: {keep: 1}")
    upstream.add(list_reply({"data": [{"id": "m", "context_length": 1000}]}))
    assert run_hiveloom("model", "list", env=chat.env).exit_code == 0
    upstream.requests.clear()
    chat.begin()
    assert chat.shorten().stderr == NOTE
    assert {request.method for request in upstream.requests} == {"POST"}


def test_asking_again_after_a_summary_sends_the_summary(upstream: ScriptedUpstream) -> None:
    chat = Chat(upstream)
    chat.begin()
    upstream.add(*OPENAI.say(SUMMARY, "first answer", "second answer"))
    with spawn_hiveloom("chat", "-c", env=chat.env) as terminal:
        terminal.expect("helper>")
        terminal.send_line(f"d {LONG}")
        terminal.expect("4 earlier messages were summarised")
        terminal.expect("first answer")
        terminal.expect("\nhelper>")
        terminal.send_line("/retry")
        terminal.expect("second answer")
        terminal.press_control("d")
        assert terminal.wait() == 0
    first, second = upstream.requests[-2:]
    assert read_sent(first) == read_sent(second)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("compaction: often", "false, or {threshold: 0.8, keep: 4}"),
        ("compaction: {treshold: 0.5}", "false, or {threshold: 0.8, keep: 4}"),
        ("compaction: {threshold: 1}", "a threshold from 0.1 to 0.95"),
        ("compaction: {threshold: true}", "a threshold from 0.1 to 0.95"),
        ("compaction: {keep: 0}", "to keep a whole number of exchanges, from 1 to 1000"),
        ("compaction: {keep: 1.5}", "to keep a whole number of exchanges, from 1 to 1000"),
        ("context_window: 100", "a whole number of tokens, at least 256"),
        ("context_window: big", "a whole number of tokens, at least 256"),
    ],
)
def test_a_setting_that_cannot_be_is_told_with_its_line(
    upstream: ScriptedUpstream, setting: str, expected: str
) -> None:
    chat = Chat(upstream)
    chat.write(setting)
    done = chat.ask("a")
    assert done.exit_code == 1
    assert f"helper.md:3: `{setting.partition(':')[0]}`: expected {expected}" in done.stderr


def test_the_settings_can_be_edited_and_shared(upstream: ScriptedUpstream) -> None:
    chat = Chat(upstream)
    chat.write("description: one")
    given = ("--set", "compaction={threshold: 0.5, keep: 2}", "--set", "context_window=8192")
    assert run_hiveloom("agent", "edit", "helper", *given).exit_code == 0
    manifest = run_hiveloom("agent", "export", "helper").stdout
    imported = run_hiveloom("agent", "import", "-", "--name", "twin", input=manifest)
    assert imported.exit_code == 0, imported.stderr
    shown = json.loads(run_hiveloom("agent", "show", "twin", "--json").stdout)
    assert shown["compaction"] == {"threshold": 0.5, "keep": 2}
    assert shown["context_window"] == 8192
    run_hiveloom("agent", "edit", "twin", "--set", "compaction=false")
    shown = json.loads(run_hiveloom("agent", "show", "twin", "--json").stdout)
    assert shown["compaction"] is False


def test_a_summary_of_version_1_of_the_file_is_none() -> None:
    from hiveloom_cli.chat.migrations import MIGRATIONS
    from tests.support.conversations import read_texts, save_turn

    with open_conversations(MIGRATIONS[:1]) as conversations:
        turn = save_turn(conversations, "hello", "hi")
    with open_conversations() as conversations:
        id_ = "01k0000000001"
        assert read_texts(conversations) == ["hello", "hi"]
        assert conversations.load(id_).recap is None
        at = conversations.load(id_).messages[0].said_at
        for text in ("short", "shorter \ud800"):
            conversations.save_recap(id_, text, turn, at)
        recap = conversations.load(id_).recap
        assert recap is not None
        assert (recap.text, recap.last) == ("shorter \ud800", turn)
        conversations.delete([id_])
        save_turn(conversations, "hello")
        assert conversations.load(id_).recap is None
