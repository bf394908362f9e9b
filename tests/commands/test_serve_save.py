"""What is said to a server is kept, and gone on with by its id, whatever happens in between."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.conversations import get_path, list_drafts, open_conversations, save_turn
from tests.support.kept import (
    HEADERS,
    ask,
    get_sent,
    list_kept,
    point_at,
    read_refusal,
    read_reply,
    read_said,
    say,
    write_agent,
)
from tests.support.program import run_hiveloom
from tests.support.served import serve
from tests.support.serving import build_request, connect
from tests.support.upstream import json_reply, openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.upstream import Reply, ScriptedUpstream

UNKNOWN = (404, "conversation_not_found")
BUSY = (409, "conversation_busy")


def hang(text: str, gate: threading.Event) -> Reply:
    """Build an answer that stops in its middle until the gate opens."""
    pieces = openai_stream(text, finish_reason=None, usage=None, done=False)
    return stream_reply([*pieces, gate, *openai_stream(" And more.")[1:]])


def read_until(lines: Iterator[bytes], text: str) -> None:
    """Read a stream until it has said a text; it hangs up when nobody holds `lines` any more."""
    told = ""
    for line in lines:
        told += read_text(line)
        if told == text:
            return
    raise AssertionError(told)


def read_text(line: bytes) -> str:
    fields = json.loads(line[6:]) if line.startswith(b"data: ") else {}
    return str(fields.get("text", ""))


def test_a_conversation_goes_on_by_its_id_and_is_shown_like_any_other(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    upstream.add(*say("1", "2", "3"))
    with serve("--save", **point_at(upstream)) as server:
        answer, id_ = read_reply(ask(server, "one"))
        assert answer == "1"
        assert read_reply(ask(server, "two", id_)) == ("2", id_)
        assert get_sent(upstream) == ["one", "1", "two"]
    assert [(row["id"], row["agent"], row["messages"]) for row in list_kept()] == [
        (id_, "helper", 4)
    ]
    assert [text for text, _ in read_said(id_)] == ["one", "1", "two", "2"]
    (found,) = json.loads(run_hiveloom("conversation", "search", "two", "--json").stdout)
    assert found["conversation_id"] == id_
    (spent,) = json.loads(run_hiveloom("conversation", "stats", "--json").stdout)
    assert (spent["answers"], spent["input_tokens"]) == (2, 6)
    assert run_hiveloom("chat", "-c", "three", env=point_at(upstream)).stdout == "3"
    assert get_sent(upstream) == ["one", "1", "two", "2", "three"]


def test_a_chat_goes_on_over_http_with_its_agent_alone_and_by_its_whole_id_alone(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    write_agent(name="other")
    with open_conversations() as conversations:
        save_turn(conversations, "hello", "hi there", id_="01k0000000001")
    upstream.add(*say("2"))
    with serve("--save", **point_at(upstream)) as server:
        for id_ in ("01k000000000", "01k0000000002", "../01k0000000001", "0\u00e91", "%"):
            assert read_refusal(ask(server, "go on", id_)) == UNKNOWN
        assert read_refusal(ask(server, "go on", "01k0000000001", agent="other")) == UNKNOWN
        assert read_reply(ask(server, "go on", "01k0000000001"))[0] == "2"
    assert get_sent(upstream) == ["hello", "hi there", "go on"]
    assert list_drafts() == []


def test_nothing_is_kept_unless_both_server_and_agent_want_it(upstream: ScriptedUpstream) -> None:
    write_agent()
    write_agent("save: false", "secretive")
    upstream.add(*say("1", "2"))
    with serve(**point_at(upstream)) as server:
        _, id_ = read_reply(ask(server, "one"))
        assert read_refusal(ask(server, "two", id_)) == UNKNOWN
    with serve("--save", **point_at(upstream)) as server:
        _, id_ = read_reply(ask(server, "one", agent="secretive"))
        refused = ask(server, "two", id_, agent="secretive")
        assert read_refusal(refused) == UNKNOWN
        assert refused.json()["error"]["message"] == "This agent keeps no conversations."
    assert not get_path().exists()
    assert list_drafts() == []


def test_a_conversation_has_one_turn_at_a_time_in_all_processes(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    gate = threading.Event()
    upstream.add(*say("1"), hang("two", gate), *say("3"))
    with ExitStack() as stack:
        server = stack.enter_context(serve("--save", **point_at(upstream)))
        another = stack.enter_context(serve("--save", **point_at(upstream)))
        _, id_ = read_reply(ask(server, "one"))
        streamed = ask(server, "two", id_, stream=True)
        upstream.wait_for_requests(2)
        assert read_refusal(ask(server, "meanwhile", id_)) == BUSY
        assert read_refusal(ask(another, "meanwhile", id_)) == BUSY
        gate.set()
        assert "".join(map(read_text, streamed.iter_lines())) == "two And more."
        assert read_reply(ask(another, "three", id_)) == ("3", id_)
    assert get_sent(upstream) == ["one", "1", "two", "two And more.", "three"]
    assert list_drafts() == []


def test_what_came_before_a_client_hung_up_is_kept_and_gone_on_with(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    gate = threading.Event()
    upstream.add(hang("all that came", gate), *say("the rest"))
    with serve("--save", **point_at(upstream)) as server:
        with ask(server, "hello", stream=True) as reply:
            read_until(reply.iter_lines(), "all that came")
        assert upstream.hung_up.wait(20)
        (row,) = list_kept()
        assert read_reply(ask(server, "go on", row["id"])) == ("the rest", row["id"])
    assert get_sent(upstream) == ["hello", "all that came", "go on"]
    assert read_said(row["id"])[:2] == [("hello", "complete"), ("all that came", "incomplete")]


def test_who_hangs_up_while_an_upstream_is_waited_for_keeps_nobody_waiting(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    busy = json_reply(b"{}", status=429, headers=[("Retry-After", "50")])
    upstream.add(*say("1"), busy, *say("3"))
    with serve("--save", **point_at(upstream)) as server:
        _, id_ = read_reply(ask(server, "one"))
        path = "/api/tenants/default/agents/helper/chat"
        headers = [*HEADERS.items(), ("Content-Type", "application/json")]
        body = json.dumps({"message": "two", "conversation_id": id_}).encode()
        port = int(server.origin.rpartition(":")[2])
        with connect(port) as leaving:
            leaving.sendall(build_request("POST", path, headers, body, port=port))
            upstream.wait_for_requests(2)
        assert read_reply(ask(server, "three", id_)) == ("3", id_)


def test_a_killed_server_leaves_what_clients_had_seen(upstream: ScriptedUpstream) -> None:
    write_agent()
    gate = threading.Event()
    upstream.add(hang("all that came", gate), *say("the rest"))
    with serve("--save", **point_at(upstream)) as server:
        lines = ask(server, "hello", stream=True).iter_lines()
        read_until(lines, "all that came")
        server.process.kill()
        server.process.wait()
    gate.set()
    (row,) = list_kept()
    said = [("hello", "complete"), ("all that came", "incomplete")]
    assert read_said(row["id"]) == said
    with serve("--save", **point_at(upstream)) as server:
        assert read_reply(ask(server, "go on", row["id"])) == ("the rest", row["id"])
    assert get_sent(upstream) == ["hello", "all that came", "go on"]
    assert read_said(row["id"]) == [*said, ("go on", "complete"), ("the rest", "complete")]
    assert list_drafts() == []


def test_what_a_killed_server_left_is_put_away_by_the_next(upstream: ScriptedUpstream) -> None:
    write_agent()
    upstream.add(hang("all that came", threading.Event()))
    with serve("--save", **point_at(upstream)) as server:
        lines = ask(server, "hello", stream=True).iter_lines()
        read_until(lines, "all that came")
        server.process.kill()
        server.process.wait()
    assert len(list_drafts()) == 2
    with serve("--save", **point_at(upstream)):
        until_s = time.monotonic() + 20
        while list_drafts():
            assert time.monotonic() < until_s
            time.sleep(0.02)
    (row,) = list_kept()
    assert read_said(row["id"]) == [("hello", "complete"), ("all that came", "incomplete")]


@pytest.mark.parametrize("came", ["", "all that came"])
def test_a_conversation_that_is_deleted_while_it_is_answered_is_gone(
    upstream: ScriptedUpstream, came: str
) -> None:
    write_agent()
    gate = threading.Event()
    begun = openai_stream(came, finish_reason=None, usage=None, done=False) if came else []
    upstream.add(stream_reply([*begun, gate, *openai_stream(" And more.")]))
    with serve("--save", **point_at(upstream)) as server, ThreadPoolExecutor() as pool:
        reading = pool.submit(lambda: [*ask(server, "hello", stream=True).iter_lines()])
        upstream.wait_for_requests()
        (row,) = list_kept()
        assert run_hiveloom("conversation", "delete", row["id"], "--yes").exit_code == 0
        gate.set()
        assert "".join(map(read_text, reading.result())) == f"{came} And more."
        server.process.terminate()
        assert server.process.stderr is not None
        assert "warning" not in server.process.stderr.read()
    assert list_kept() == []
    assert list_drafts() == []


def test_a_server_that_is_told_to_end_keeps_what_it_still_answers(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    gate = threading.Event()
    upstream.add(hang("all", gate))
    with serve("--save", **point_at(upstream)) as server:
        lines = ask(server, "hello", stream=True).iter_lines()
        read_until(lines, "all")
        server.process.terminate()
        gate.set()
        assert b"event: reply" in [*lines]
    (row,) = list_kept()
    assert read_said(row["id"]) == [("hello", "complete"), ("all And more.", "complete")]


def test_a_message_that_failed_is_there_once_when_it_is_sent_again(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    upstream.add(*say("1"), stream_reply([b""], headers=()), *say("2"))
    with serve("--save", **point_at(upstream)) as server:
        _, id_ = read_reply(ask(server, "one"))
        assert ask(server, "two", id_).status_code == 502
        assert read_said(id_)[-1] == ("two", "unanswered")
        assert read_reply(ask(server, "two", id_)) == ("2", id_)
    assert [text for text, _ in read_said(id_)] == ["one", "1", "two", "2"]


def test_a_summary_stands_for_what_was_said_first_from_then_on(
    upstream: ScriptedUpstream,
) -> None:
    write_agent("context_window: 1000\ncompaction: {keep: 1}")
    long = "x" * 800
    texts = ("A", "B", "C", "A short summary.", "D", "E")
    upstream.add(*(stream_reply(openai_stream(text, usage=None)) for text in texts))
    with serve("--save", **point_at(upstream)) as server:
        _, id_ = read_reply(ask(server, f"a {long}"))
        for word in "bcde":
            assert read_reply(ask(server, f"{word} {long}", id_))[0] == word.upper()
    first, *_, answer, last = get_sent(upstream)
    assert "A short summary." in first
    assert (answer, last) == ("D", f"e {long}")
    assert [text[0] for text, _ in read_said(id_)] == list("aAbBcCdDeE")


@pytest.mark.parametrize("setting", ["max_total_tokens", "max_total_tokens_per_day"])
def test_limits_count_what_was_said_before(upstream: ScriptedUpstream, setting: str) -> None:
    write_agent(f"{setting}: 30")
    upstream.add(*say("1", "2", "3"))
    with serve("--save", **point_at(upstream)) as server:
        _, id_ = read_reply(ask(server, "one"))
        read_reply(ask(server, "two", id_))
        long = "word " * 12
        passed = ask(server, long, id_)
        assert read_refusal(passed) == (403, "ceiling_reached")
        anew = ask(server, long)
        assert anew.status_code == (403 if setting.endswith("day") else 200)


def test_a_limit_per_day_needs_a_server_that_keeps(upstream: ScriptedUpstream) -> None:
    write_agent("max_total_tokens_per_day: 1000")
    with serve(**point_at(upstream)) as server:
        refused = ask(server, "one")
    assert refused.status_code == 400
    assert "has a limit per day, which counts what is kept" in refused.json()["error"]["message"]


def test_a_store_that_cannot_be_written_is_told_on_the_server_once(
    upstream: ScriptedUpstream, home: Path
) -> None:
    write_agent()
    with open_conversations() as conversations:
        save_turn(conversations, "hello", "hi there", id_="01k0000000001")
    with sqlite3.connect(get_path()) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    upstream.add(*say("1", "2", "3"))
    with serve("--save", "--access-log", str(home / "log"), **point_at(upstream)) as server:
        assert read_reply(ask(server, "one"))[0] == "1"
        assert read_reply(ask(server, "two", "01k0000000001"))[0] == "2"
        assert get_sent(upstream) == ["hello", "hi there", "two"]
        assert "newer" not in ask(server, "three").text
        server.process.terminate()
        assert server.process.stderr is not None
        told = server.process.stderr.read()
    assert told.count("warning: the agent helper: what is said is not kept: ") == 1
    assert "written by a newer hiveloom" in told
