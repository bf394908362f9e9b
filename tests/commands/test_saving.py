"""Chats of the real program that are kept, gone on with, or not kept, whatever happens to them."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.chat.migrations import MIGRATIONS
from tests.support.conversations import (
    get_path,
    list_drafts,
    lose_drafts,
    open_conversations,
    save_turn,
)
from tests.support.patience import PATIENCE_S
from tests.support.program import PROGRAM, Finished, build_environment, spawn_hiveloom
from tests.support.upstream import (
    Ending,
    ScriptedUpstream,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Hiveloom = Callable[..., Finished]


def point_at(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}


def say(*texts: str) -> list[Any]:
    return [stream_reply(openai_stream(text)) for text in texts]


def list_ids(hiveloom: Hiveloom) -> list[str]:
    return [row["id"] for row in json.loads(hiveloom("conversation", "list", "--json").stdout)]


def read_last(hiveloom: Hiveloom) -> list[tuple[str, str]]:
    (id_, *_) = list_ids(hiveloom)
    shown = json.loads(hiveloom("conversation", "show", id_, "--json").stdout)
    return [(row["text"], row["state"]) for row in shown["messages"] if not row["replaced"]]


def get_sent(upstream: ScriptedUpstream) -> list[str]:
    return [message["content"] for message in upstream.requests[-1].json["messages"]]


def test_a_chat_goes_on_where_it_ended(hiveloom: Hiveloom, upstream: ScriptedUpstream) -> None:
    env = point_at(upstream)
    upstream.add(*say("1", "2", "3", "4", "5"))
    hiveloom("agent", "create", "helper", "--model", "m")
    first = json.loads(hiveloom("chat", "helper", "one", "--json", env=env).stdout)
    assert hiveloom("chat", "-c", "two", env=env).stdout == "2"
    assert get_sent(upstream) == ["one", "1", "two"]
    hiveloom("chat", "--model", "m", "other", env=env)
    assert hiveloom("chat", "-c", "helper", "three", env=env).exit_code == 0
    assert get_sent(upstream)[-2:] == ["2", "three"]
    id_ = first["conversation_id"]
    hiveloom("chat", "--resume", id_[:12], input="four", env=env)
    assert get_sent(upstream)[-2:] == ["4", "four"]
    assert [text for text, _ in read_last(hiveloom)][-2:] == ["four", "5"]
    assert len(list_ids(hiveloom)) == 2


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["-c", "hi"], 5),
        (["--resume", "x", "hi"], 5),
        (["-c", "--resume", "x", "hi"], 2),
    ],
)
def test_nothing_to_go_on_with_is_told(hiveloom: Hiveloom, args: list[str], code: int) -> None:
    done = hiveloom("chat", *args)
    assert done.exit_code == code
    assert len(done.stderr.splitlines()) == 2
    assert not get_path().exists()


def test_the_agent_is_that_of_today(hiveloom: Hiveloom, upstream: ScriptedUpstream) -> None:
    env = point_at(upstream)
    upstream.add(*say("1", "2", "3"))
    hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "Old.")
    hiveloom("chat", "helper", "one", env=env)
    path = Path(os.environ["HIVELOOM_HOME"]) / "agents" / "helper.md"
    path.write_text(path.read_text().replace("Old.", "New."))
    done = hiveloom("chat", "-c", "two", env=env)
    assert done.stderr == "note: helper is at version 2; version 1 answered last\n"
    assert get_sent(upstream)[0] == "New."
    hiveloom("agent", "delete", "helper", "--yes")
    done = hiveloom("chat", "-c", "helper", input="three", env=env)
    assert done.stderr == "note: there is no agent helper; its settings of then answer\n"
    assert get_sent(upstream) == ["New.", "one", "1", "two", "2", "three"]


def test_nothing_is_kept_where_that_was_asked_for(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    env = point_at(upstream)
    upstream.add(*say("1", "2"))
    done = hiveloom("chat", "--model", "m", "one", "--no-save", "--json", env=env)
    assert json.loads(done.stdout)["conversation_id"] is None
    folder = Path(os.environ["HIVELOOM_HOME"]) / "agents"
    folder.mkdir()
    (folder / "secretive.md").write_text("---\nmodel: m\nsave: false\n---\n")
    assert hiveloom("chat", "secretive", "one", env=env).stdout == "2"
    assert not get_path().exists()
    assert not get_path().with_name("unfinished").exists()
    (folder / "secretive.md").write_text("---\nmodel: m\nsave: maybe\n---\n")
    assert "expected true or false" in hiveloom("chat", "secretive", "one", env=env).stderr


def test_a_killed_chat_leaves_what_it_had_shown(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    pieces = openai_stream("all that came ", finish_reason=None, done=False, usage=None)
    upstream.add(stream_reply([*pieces, gate]), *say("the rest"))
    env = point_at(upstream)
    with subprocess.Popen(
        [*PROGRAM, "chat", "--model", "m", "hello"],
        env=build_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(14) == b"all that came "
        process.send_signal(signal.SIGKILL)
    gate.set()
    assert len(list_drafts()) == 1
    assert read_last(hiveloom) == [("hello", "complete"), ("all that came ", "incomplete")]
    assert hiveloom("chat", "-c", "go on", env=env).stdout == "the rest"
    assert get_sent(upstream) == ["hello", "all that came ", "go on"]
    assert list_drafts() == []
    assert "(incomplete" in hiveloom("conversation", "show", list_ids(hiveloom)[0]).stdout


@pytest.mark.parametrize("is_power_cut", [True, False])
def test_what_a_killed_chat_left_is_read_where_nothing_can_be_written(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path, *, is_power_cut: bool
) -> None:
    gate = threading.Event()
    pieces = openai_stream("all that came ", finish_reason=None, done=False, usage=None)
    upstream.add(stream_reply([*pieces, gate]), *say("more"))
    env = point_at(upstream)
    with subprocess.Popen(
        [*PROGRAM, "chat", "--model", "m", "hello"],
        env=build_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(14) == b"all that came "
        if is_power_cut:
            wait_for_answer("all that came ")
        process.send_signal(signal.SIGKILL)
    gate.set()
    if is_power_cut:
        lose_drafts()
    (id_,) = list_ids(hiveloom)
    folders = [home, get_path().with_name("unfinished")]
    for folder in folders:
        folder.chmod(0o500)
    try:
        shown = run_heeding_modes("conversation", "show", id_)
        done = run_heeding_modes("chat", "-c", "go on", env=env)
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert "all that came \n(incomplete" in shown.stdout
    assert (done.exit_code, done.stdout) == (0, "more")
    assert done.stderr.count("not saved") == 1
    assert get_sent(upstream) == ["hello", "all that came ", "go on"]
    assert read_last(hiveloom) == [("hello", "complete"), ("all that came ", "incomplete")]


def wait_for_answer(text: str) -> None:
    """Wait until the database has all that came of an answer; it is written piece by piece."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := read_answers()) != [text]:
        assert time.monotonic() < deadline, f"the database has only {found}"
        time.sleep(0.02)


def read_answers() -> list[str]:
    with closing(sqlite3.connect(get_path())) as database:
        rows = database.execute("SELECT text FROM message WHERE role = 'assistant'").fetchall()
    return [text for (text,) in rows]


def test_a_chat_killed_before_anything_came_leaves_the_question(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([gate]), *say("1"))
    env = point_at(upstream)
    with subprocess.Popen(
        [*PROGRAM, "chat", "--model", "m", "hello"],
        env=build_environment(env),
        stdin=subprocess.DEVNULL,
    ) as process:
        upstream.wait_for_requests()
        process.kill()
    gate.set()
    assert read_last(hiveloom) == [("hello", "unanswered")]
    hiveloom("chat", "-c", "anyone?", env=env)
    assert get_sent(upstream) == ["anyone?"]


def test_a_failed_turn_is_kept_as_far_as_it_came(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    half = openai_stream("half", finish_reason=None, done=False, usage=None)
    upstream.add(stream_reply(half, ending=Ending.CUT))
    done = hiveloom("chat", "--model", "m", "hello", env=point_at(upstream))
    assert done.exit_code == 4
    assert read_last(hiveloom) == [("hello", "complete"), ("half", "incomplete")]


PATIENT = f"""
from hiveloom_cli.chat import store
from hiveloom_cli.cli import main
store._BUSY_S = {PATIENCE_S}  # on a slow disk the unluckiest would be told that nothing is saved
main()
"""


def test_many_processes_chat_at_once(hiveloom: Hiveloom) -> None:
    with ScriptedUpstream(script=lambda _: stream_reply(openai_stream("an answer"))) as upstream:
        env = build_environment(point_at(upstream))
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", PATIENT, "chat", "--model", "m", f"question {number}"],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for number in range(8)
        ]
        outputs = [process.communicate(timeout=100) for process in processes]
    assert outputs == [(b"an answer", b"")] * 8
    rows = json.loads(hiveloom("conversation", "list", "--json").stdout)
    assert sorted(row["title"] for row in rows) == [f"question {number}" for number in range(8)]
    assert {row["messages"] for row in rows} == {2}


def run_on_full_disk(limit: int, *args: str, env: dict[str, str]) -> Finished:
    """Run the program where no file can grow past `limit` bytes.

    It writes no bytecode, which would be cut off as well, and break what is run later.
    """
    done = subprocess.run(
        [*PROGRAM, *args],
        env=build_environment(env) | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def test_a_full_disk_stops_no_chat(hiveloom: Hiveloom, upstream: ScriptedUpstream) -> None:
    env = point_at(upstream)
    upstream.add(*say("1", "2"))
    full = run_on_full_disk(20_000, "chat", "--model", "m", "one", env=env)
    assert (full.exit_code, full.stdout) == (0, "1")
    assert full.stderr.startswith("note: this chat is not saved: ")
    assert len(full.stderr.splitlines()) == 1
    assert hiveloom("chat", "--model", "m", "two", env=env).stderr == ""
    assert read_last(hiveloom) == [("two", "complete"), ("2", "complete")]


def test_a_disk_that_fills_up_in_the_middle_leaves_the_question(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    env = point_at(upstream)
    upstream.add(*say("1", "word " * 60_000))
    hiveloom("chat", "--model", "m", "one", env=env)
    full = run_on_full_disk(150_000, "chat", "-c", "two", env=env)
    assert (full.exit_code, full.stdout) == (0, "word " * 60_000)
    assert "not saved" in full.stderr
    said = read_last(hiveloom)
    assert said[:3] == [("one", "complete"), ("1", "complete"), ("two", said[2][1])]
    assert [state for _, state in said[3:]] in ([], ["incomplete"])


def heed_modes() -> None:
    """Have files' modes hold in what is started next, also where root starts it."""
    if os.geteuid() == 0:
        drop_from_bounding_set, override_access = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, override_access, 0, 0, 0)


def run_heeding_modes(*args: str, env: dict[str, str] | None = None) -> Finished:
    done = subprocess.run(
        [*PROGRAM, *args],
        env=build_environment(env),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=heed_modes,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_of_an_earlier_version_is_read_where_nothing_can_be_written(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path, version: int
) -> None:
    with open_conversations(MIGRATIONS[:version]) as conversations:
        save_turn(conversations, "hello", "hi there", agent="")
        id_ = conversations.find_last()
    env = point_at(upstream)
    upstream.add(*say("2"))
    get_path().chmod(0o400)
    home.chmod(0o500)
    try:
        done = {
            words[0]: run_heeding_modes("conversation", *words, "--json")
            for words in (["list"], ["show", id_], ["export", id_], ["search", "there"], ["stats"])
        }
        refused = run_heeding_modes("conversation", "rename", id_, "other")
        chat = run_heeding_modes("chat", "-c", "two", env=env)
    finally:
        home.chmod(0o700)
        get_path().chmod(0o600)
    assert {name: run.stderr for name, run in done.items() if run.exit_code} == {}
    for name in ("show", "export"):
        assert "hi there" in done[name].stdout
    assert json.loads(done["search"].stdout)[0]["matches"] == ["there"]
    assert json.loads(done["list"].stdout)[0]["messages"] == 2
    assert (refused.exit_code, "check the space" in refused.stderr) == (1, True)
    assert (chat.exit_code, chat.stdout, chat.stderr.count("not saved")) == (0, "2", 1)
    assert get_sent(upstream) == ["hello", "hi there", "two"]
    with sqlite3.connect(get_path()) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (version,)
    database.close()
    assert read_last(hiveloom) == [("hello", "complete"), ("hi there", "complete")]


@pytest.mark.parametrize("is_file_closed", [True, False])
def test_a_folder_that_cannot_be_written_stops_no_chat(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path, *, is_file_closed: bool
) -> None:
    env = point_at(upstream)
    upstream.add(*say("1", "2"))
    hiveloom("chat", "--model", "m", "one", env=env)
    get_path().chmod(0o400 if is_file_closed else 0o600)
    home.chmod(0o500)
    try:
        done = run_heeding_modes("chat", "-c", "two", env=env)
        listed = run_heeding_modes("conversation", "list", "--json")
    finally:
        home.chmod(0o700)
    assert (done.exit_code, done.stdout) == (0, "2")
    assert done.stderr.count("not saved") == 1
    assert [row["messages"] for row in json.loads(listed.stdout)] == [2]
    assert read_last(hiveloom) == [("one", "complete"), ("1", "complete")]


def test_a_file_of_a_newer_version_is_read_and_a_chat_says_so_once(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    env = point_at(upstream)
    upstream.add(*say("1", "2"))
    hiveloom("chat", "--model", "m", "one", env=env)
    with sqlite3.connect(get_path()) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    done = hiveloom("chat", "-c", "two", env=env)
    assert (done.exit_code, done.stdout) == (0, "2")
    assert done.stderr.count("newer hiveloom") == 1
    assert read_last(hiveloom) == [("one", "complete"), ("1", "complete")]
    assert hiveloom("conversation", "delete", "--all", "--yes").exit_code == 1


def test_a_file_that_is_no_database_is_told_and_left(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(*say("1"))
    get_path().write_text("my notes\n" * 100)
    done = hiveloom("chat", "--model", "m", "one", env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (0, "1")
    assert "not saved" in done.stderr
    listed = hiveloom("conversation", "list")
    assert listed.exit_code == 1
    assert f"mv {get_path()}" in listed.stderr
    assert get_path().read_text() == "my notes\n" * 100


def test_an_interactive_chat_is_kept_and_goes_on(  # noqa: PLR0915 - as long as the chat is
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    env = point_at(upstream)
    half = openai_stream("half", finish_reason=None, done=False, usage=None)
    upstream.add(*say("first answer"), stream_reply(half, ending=Ending.CUT))
    with spawn_hiveloom("chat", "--model", "m", env=env) as terminal:
        terminal.expect("m>")
        terminal.send_line("first question")
        terminal.expect("first answer")
        terminal.send_line("second question")
        terminal.expect("what came is kept")
        terminal.send_line("/exit")
        assert terminal.wait() == 0
    upstream.add(*say("whole", "new"))
    with spawn_hiveloom("chat", "-c", env=env) as terminal:
        terminal.expect("> second question")
        terminal.expect("half")
        terminal.expect("(incomplete")
        terminal.expect("\nm>")
        terminal.send_line("/retry")
        terminal.expect("whole")
        terminal.send_line("/new")
        terminal.expect("nothing said so far counts")
        terminal.send_line("third question")
        terminal.expect("new")
        terminal.press_control("d")
        terminal.wait()
    assert [message["content"] for message in upstream.requests[2].json["messages"]] == [
        "first question",
        "first answer",
        "second question",
    ]
    new, old = list_ids(hiveloom)
    assert [text for text, _ in read_last(hiveloom)] == ["third question", "new"]
    shown = hiveloom("conversation", "show", old).stdout
    assert "whole" in shown
    assert "half" not in shown
    assert new != old
