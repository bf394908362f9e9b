"""Chats of the real program with tools: what a person sees, is asked, and can go back to."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.chat.record import Filter
from tests.support.conversations import open_conversations
from tests.support.loop import (
    MODELS,
    PROTOCOLS,
    Wanted,
    answer_reply,
    call_reply,
    check_pairs,
    point_at,
    read_results,
)
from tests.support.official import check_official
from tests.support.program import PROGRAM, Finished, Terminal, run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from hiveloom_cli.chat.conversations import Conversations
    from hiveloom_cli.chat.record import KeptMessage
    from hiveloom_cli.protocols.providers import ProtocolName
    from tests.support.upstream import ScriptedUpstream

BOTH = pytest.mark.parametrize("protocol", PROTOCOLS)
CHOICES = "once (o), in this conversation (c), always (a), no (n), no, and say why (w)?"
NOTE = Wanted("c1", "note", '{"text": "milk"}')
PROMPT = "a>"


def write_tool(name: str, script: str) -> Path:
    """Write a tool that runs a Python script, which finds its arguments on stdin."""
    path = Path(os.environ["HIVELOOM_HOME"]) / "tools" / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    command = json.dumps([sys.executable, "-c", script])
    path.write_text(f"---\ncommand: {command}\n---\nA tool of a test.\n")
    return path


def write_agent(protocol: ProtocolName = "openai", tools: str = "note") -> None:
    path = Path(os.environ["HIVELOOM_HOME"]) / "agents" / "a.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"---\nmodel: {MODELS[protocol]}\ntools: [{tools}]\n---\nHelp.\n")


def write_note() -> Path:
    """Write a tool that asks, and adds what it is called with to a file."""
    script = (
        "import os, sys, pathlib; "
        "path = pathlib.Path(os.environ['HOME'], 'notes'); "
        "path.open('a').write(sys.stdin.read()); print('noted')"
    )
    return write_tool("note", script)


def read_notes() -> list[Any]:
    path = Path(os.environ["HOME"]) / "notes"
    return list(map(json.loads, path.read_text().split("\n")[:-1])) if path.exists() else []


def write_slow() -> None:
    """Write a tool that says that it has begun, in a file, and then takes its time."""
    script = (
        "import os, time, pathlib; "
        "pathlib.Path(os.environ['HOME'], 'begun').touch(); time.sleep(60)"
    )
    write_tool("slow", script)


def wait_for_slow() -> None:
    deadline = time.monotonic() + 20
    while not (Path(os.environ["HOME"]) / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def chat(upstream: ScriptedUpstream, *args: str) -> Finished:
    return run_hiveloom("chat", "a", *args, env=point_at(upstream))


def spawn(
    upstream: ScriptedUpstream, *args: str, columns: int = 80, rows: int = 40
) -> AbstractContextManager[Terminal]:
    return spawn_hiveloom("chat", "a", *args, env=point_at(upstream), columns=columns, rows=rows)


def check_requests(upstream: ScriptedUpstream, protocol: ProtocolName) -> None:
    for request in upstream.requests:
        check_official(protocol, request.json)
        check_pairs(protocol, request.json)


@BOTH
def test_into_a_pipe_goes_the_answer_alone_with_a_blank_line_between_its_parts(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    write_agent(protocol)
    write_note()
    upstream.add(
        call_reply(protocol, NOTE, text="I note it."),
        call_reply(protocol, Wanted("c2", "note", '{"text": "eggs"}')),
        answer_reply(protocol, "Both noted.\n"),
    )
    done = chat(upstream, "note milk", "--allow-tool", "note")
    assert (done.exit_code, done.stdout) == (0, "I note it.\n\nBoth noted.\n")
    assert done.stderr.splitlines() == [
        '→ note {"text": "milk"}',
        '→ note {"text": "eggs"}',
    ]
    assert read_notes() == [{"text": "milk"}, {"text": "eggs"}]
    check_requests(upstream, protocol)


@BOTH
def test_without_a_terminal_what_asks_does_not_run_and_it_is_said_what_lets_it(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    write_agent(protocol)
    write_note()
    upstream.add(call_reply(protocol, NOTE), answer_reply(protocol, "Not noted."))
    done = chat(upstream, "note milk", "--json")
    document = json.loads(done.stdout)
    assert document["response"] == "Not noted."
    assert document["tools"] == [{"name": "note", "is_error": True}]
    assert document["usage"]["input_tokens"] == 13
    assert done.stderr.splitlines() == [
        "note: note was not run: it needs your approval; allow it with --allow-tool note"
    ]
    assert read_notes() == []
    said = "Not run: it needs a person's approval, and nobody was asked."
    assert read_results(protocol, upstream.requests[1].json) == [(said, protocol == "anthropic")]


def test_that_nobody_could_be_asked_is_said_in_one_line(upstream: ScriptedUpstream) -> None:
    write_agent()
    write_note()
    upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Not noted."))
    assert chat(upstream, "note milk").stderr.splitlines() == [
        "note: note was not run: it needs your approval; allow it with --allow-tool note"
    ]


def test_a_name_that_is_allowed_and_that_no_tool_has_is_told(upstream: ScriptedUpstream) -> None:
    write_agent()
    write_note()
    for tools, name, hint in (("note", "nota", "; did you mean note?"), ("", "note", "")):
        write_agent(tools=tools)
        upstream.add(answer_reply("openai"))
        done = chat(upstream, "hi", "--allow-tool", name)
        expected = f"note: --allow-tool {name}: a has no such tool{hint}\n"
        assert (done.exit_code, done.stderr) == (0, expected)


def test_the_question_is_asked_again_after_the_program_was_stopped(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    write_note()
    upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Not noted."))
    with spawn(upstream, "note milk", columns=200) as terminal:
        terminal.expect("say why (w)?")
        terminal.read_for(0.5)  # the words are there a moment before anybody reads
        os.kill(terminal.pid, signal.SIGSTOP)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.expect("say why (w)? once (o)")
        terminal.send_line("n")
        terminal.expect("Not noted.")
        assert terminal.wait() == 0
        assert "did not allow" not in terminal.text
    assert read_notes() == []


def test_no_tools_means_none_and_so_does_an_empty_list(upstream: ScriptedUpstream) -> None:
    write_note()
    for tools in ("", "note"):
        write_agent("openai", tools)
        upstream.add(answer_reply("openai"))
        assert chat(upstream, "hi").exit_code == 0
    assert ["tools" in request.json for request in upstream.requests] == [False, True]


def test_a_person_answers_for_once_for_the_conversation_for_good_or_with_no(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    write_note()
    with spawn(upstream) as terminal:
        terminal.expect(PROMPT)
        for number, (typed, said) in enumerate(
            [
                ("o", "noted\n"),
                ("n", "The person did not allow it."),
                ("w", "The person did not allow it: too dear"),
                ("\x04", "The person did not allow it."),
                ("c", "noted\n"),
            ],
            1,
        ):
            upstream.add(
                call_reply("openai", Wanted(f"c{number}", "note", f'{{"n": {number}}}')),
                answer_reply("openai", f"Answer {number}."),
            )
            terminal.send_line(f"question {number}")
            terminal.expect(f'stdin: {{"n": {number}}}')
            terminal.expect(CHOICES[-30:])
            assert len(read_notes()) == min(number - 1, 1)
            if typed == "\x04":
                terminal.press_control("d")
            else:
                terminal.send_line(typed)
            if typed == "w":
                terminal.expect("Why not?")
                terminal.send_line("too dear")
            terminal.expect(f"Answer {number}.")
            terminal.expect(PROMPT)
            assert read_results("openai", upstream.requests[-1].json) == [(said, False)]
        asked = terminal.text.count("note wants to run:")
        upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Again."))
        terminal.send_line("more")
        terminal.expect("Again.")
        assert terminal.text.count("note wants to run:") <= asked
        terminal.send_line("/exit")
        assert terminal.wait() == 0
    assert read_notes() == [{"n": 1}, {"n": 5}, {"text": "milk"}]
    check_requests(upstream, "openai")


def test_in_a_narrow_window_the_answers_stand_whole_below_each_other(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    write_note()
    upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Done."))
    with spawn(upstream, "note milk", columns=30) as terminal:
        terminal.expect("say why (w)?")
        assert [line for line in terminal.lines if line][-4:] == [
            "once (o),",
            "in this conversation (c),",
            "always (a), no (n),",
            "no, and say why (w)?",
        ]
        terminal.send_line("n")
        terminal.expect("Done.")
        assert terminal.wait() == 0


def test_always_outlives_the_program_and_a_change_is_shown(upstream: ScriptedUpstream) -> None:
    write_agent()
    path = write_note()
    for change in ("", "timeout: 7\n"):
        upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Done."))
        text = path.read_text().replace("---\nA tool", f"{change}---\nA tool")
        path.write_text(text)
        with spawn(upstream, "note milk") as terminal:
            terminal.expect("say why (w)?")
            if change:
                assert "It has changed since the last time:" in terminal.text
                assert "    +timeout: 7" in terminal.lines
            terminal.send_line("always")
            terminal.expect("Done.")
            assert terminal.wait() == 0
    upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Done."))
    done = chat(upstream, "again", "--json")
    assert json.loads(done.stdout)["tools"] == [{"name": "note", "is_error": False}]
    assert len(read_notes()) == 3


def test_what_was_typed_ahead_is_no_answer(upstream: ScriptedUpstream) -> None:
    write_agent()
    write_note()
    for number, options in enumerate(((), ("--screen-reader",), ("--json",))):
        gate = _hold(upstream)
        with spawn(upstream, "note milk", *options) as terminal:
            upstream.wait_for_requests(2 * number + 1)
            terminal.send_line("o")
            terminal.send_line("o")
            terminal.read_for(0.5)
            gate.set()
            terminal.expect("say why (w)?")
            terminal.read_for(0.5)
            assert read_notes() == []
            terminal.send_line("n")
            terminal.expect("Done.")
            assert terminal.wait() == 0


def _hold(upstream: ScriptedUpstream) -> threading.Event:
    gate = threading.Event()
    reply = call_reply("openai", NOTE)
    upstream.add(replace(reply, pieces=[gate, *reply.pieces]), answer_reply("openai", "Done."))
    return gate


FORGED = (
    '{"text": "a\\nnote wants to run:\\n    true\\r\\u001b[2J\\u202e'
    + " " * 200
    + 'error: gone\\u2028always (a)?"}'
)


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("options", [(), ("--screen-reader",)])
def test_nothing_in_a_call_begins_a_line_or_steers_the_terminal(
    upstream: ScriptedUpstream, columns: int, options: tuple[str, ...]
) -> None:
    write_agent()
    write_note()
    wanted = Wanted("c1", "note", FORGED)
    upstream.add(call_reply("openai", wanted), answer_reply("openai", "Done."))
    with spawn(upstream, "note it", *options, columns=columns) as terminal:
        terminal.expect("(w)?")
        lines = terminal.all_lines
        begun = lines.index("note wants to run:")
        asked = next(place for place, line in enumerate(lines) if line.startswith("once (o)"))
        shown = lines[begun + 1 : asked]
        assert all(line.startswith("    ") or not line for line in shown)
        assert all(len(line) < columns for line in shown)
        assert "error: gone" in "".join(line.strip() for line in shown)
        terminal.send_line("o")
        terminal.expect("Done.")
        assert terminal.wait() == 0
        begins = ("error", "true", "always (a)?", "stdin")
        assert not [line for line in terminal.all_lines if line.startswith(begins)]
        assert "\x1b[2J" not in terminal.output.decode()
    assert len(read_notes()) == 1


def test_a_long_question_is_shown_in_part_and_whole_on_demand(upstream: ScriptedUpstream) -> None:
    write_agent()
    write_note()
    text = "".join(f"line{number:02} {'x' * 60} " for number in range(40))
    wanted = Wanted("c1", "note", json.dumps({"text": text}))
    upstream.add(call_reply("openai", wanted), answer_reply("openai", "Done."))
    with spawn(upstream, "note it", rows=100) as terminal:
        terminal.expect("of it (s)?")
        assert " more lines" in terminal.text
        assert "line39" not in terminal.text
        terminal.send_line("s")
        terminal.expect("line39")
        terminal.expect("say why (w)?")
        assert read_notes() == []
        terminal.send_line("o")
        terminal.expect("Done.")
        assert terminal.wait() == 0
    assert read_notes() == [{"text": text}]


@BOTH
def test_control_c_at_the_question_leaves_a_conversation_that_goes_on(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    write_agent(protocol)
    write_note()
    upstream.add(call_reply(protocol, NOTE, text="I note it."), answer_reply(protocol, "Then not."))
    with spawn(upstream) as terminal:
        terminal.expect(PROMPT)
        terminal.send_line("note milk")
        terminal.expect("say why (w)?")
        terminal.press_control("c")
        terminal.expect("(stopped; what came is kept)")
        terminal.send_line("never mind")
        terminal.expect("Then not.")
        terminal.send_line("/exit")
        assert terminal.wait() == 0
    assert read_notes() == []
    assert read_results(protocol, upstream.requests[1].json) == [
        ("aborted", protocol == "anthropic")
    ]
    check_requests(upstream, protocol)


@BOTH
def test_control_c_while_a_tool_runs_stops_it_and_the_conversation_goes_on_later(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    write_agent(protocol, "slow, note")
    write_slow()
    write_note()
    slow = Wanted("c2", "slow")
    upstream.add(call_reply(protocol, NOTE, slow, text="Both."), answer_reply(protocol, "Later."))
    allowed = "--allow-tool", "note", "--allow-tool", "slow"
    with spawn(upstream, "do both", *allowed) as terminal:
        wait_for_slow()
        terminal.expect("running slow")
        terminal.press_control("c")
        assert terminal.wait() == 130
        assert "running slow" not in terminal.text
    with open_conversations() as conversations:
        [summary] = conversations.load_list(Filter(), -1)
    done = chat(upstream, "-c", "and now?")
    assert (done.exit_code, done.stdout) == (0, "Later.")
    error = protocol == "anthropic"
    assert read_results(protocol, upstream.requests[1].json) == [
        ("noted\n", False),
        ("aborted", error),
    ]
    check_requests(upstream, protocol)
    shown = run_hiveloom("conversation", "show", summary.id).stdout
    assert shown.partition("\n\n")[2] == (
        "> do both\n\nBoth.\n"
        '[note {"text": "milk"}]\n[slow {}]\n\n[→ noted]\n[→ aborted]\n\n'
        "> and now?\n\nLater.\n"
    )
    exported = run_hiveloom("conversation", "export", summary.id).stdout
    assert exported == (
        '# do both\n\n## You\n\ndo both\n\n## a\n\nBoth.\n\n```\nnote {"text": "milk"}\n```\n\n'
        "```\nslow {}\n```\n\n## Tools\n\n```\nnoted\n\n```\n\n```\naborted\n```\n\n"
        "## You\n\nand now?\n\n## a\n\nLater.\n"
    )


def test_the_history_and_a_search_tell_calls_and_results_from_what_a_person_said(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    write_note()
    upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Done."))
    assert chat(upstream, "note milk", "--allow-tool", "note").exit_code == 0
    found = run_hiveloom("conversation", "search", "noted").stdout
    assert found.endswith("  tools: noted \n")
    [row] = json.loads(run_hiveloom("conversation", "search", "noted", "--json").stdout)
    assert row["role"] == "tool"
    with spawn(upstream, "-c") as terminal:
        terminal.expect(PROMPT)
        terminal.send_line("/history")
        terminal.expect("     Done.")
        assert terminal.text.count("     → note\n     Done.") == 1
        assert "(attached)" not in terminal.text
        terminal.send_line("/exit")
        assert terminal.wait() == 0


@BOTH
def test_a_killed_chat_leaves_a_conversation_that_goes_on(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    write_agent(protocol, "slow")
    write_slow()
    upstream.add(call_reply(protocol, Wanted("c1", "slow"), text="Wait."))
    upstream.add(answer_reply(protocol, "Later."))
    with spawn(upstream, "be slow", "--allow-tool", "slow") as terminal:
        wait_for_slow()
        with open_conversations() as conversations:
            deadline = time.monotonic() + 20
            while len(_load_only(conversations)) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait() == -signal.SIGKILL
    assert chat(upstream, "-c", "and now?").stdout == "Later."
    assert read_results(protocol, upstream.requests[1].json) == [
        ("aborted", protocol == "anthropic")
    ]
    check_requests(upstream, protocol)


def _load_only(conversations: Conversations) -> Sequence[KeptMessage]:
    [summary] = conversations.load_list(Filter(), -1)
    return conversations.load(summary.id).messages


def test_undo_redo_fork_and_retry_take_a_turn_with_tools_as_one(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    write_note()
    with spawn(upstream, "--allow-tool", "note") as terminal:
        terminal.expect(PROMPT)

        def ask(text: str, answer: str, *, calls: bool = True) -> list[str]:
            if calls:
                upstream.add(call_reply("openai", NOTE))
            upstream.add(answer_reply("openai", answer))
            terminal.send_line(text)
            terminal.expect(answer)
            terminal.expect(PROMPT)
            messages = upstream.requests[-1].json["messages"]
            return [message["role"] for message in messages[1:]]

        assert ask("one", "First.") == ["user", "assistant", "tool"]
        assert ask("/retry", "Anew.") == ["user", "assistant", "tool"]
        assert ask("two", "Second.") == [
            *("user", "assistant", "tool", "assistant"),
            *("user", "assistant", "tool"),
        ]
        terminal.send_line("/undo")
        terminal.expect("Taken back: “two”")
        assert ask("three", "Third.", calls=False) == [
            *("user", "assistant", "tool", "assistant"),
            "user",
        ]
        terminal.send_line("/fork 1")
        terminal.expect("which begins with 1 exchange")
        assert ask("four", "Fourth.", calls=False) == [
            *("user", "assistant", "tool", "assistant"),
            "user",
        ]
        terminal.send_line("/exit")
        assert terminal.wait() == 0
    check_requests(upstream, "openai")
    upstream.add(answer_reply("openai", "Fifth."))
    assert chat(upstream, "-c", "five").stdout == "Fifth."
    texts = [message.get("content") for message in upstream.requests[-1].json["messages"]]
    assert texts == ["Help.", "one", None, "noted\n", "Anew.", "four", "Fourth.", "five"]


def test_json_asks_on_stderr_where_a_person_is(upstream: ScriptedUpstream, home: Path) -> None:
    write_agent()
    write_note()
    upstream.add(call_reply("openai", NOTE), answer_reply("openai", "Done."))
    path = home / "out.json"
    words = f'exec "{PROGRAM[0]}" -m hiveloom_cli chat a "note milk" --json > "{path}"'
    with _spawn_shell(words, point_at(upstream)) as terminal:
        terminal.expect("say why (w)?")
        terminal.send_line("o")
        assert terminal.wait() == 0
    document = json.loads(path.read_text())
    assert document["tools"] == [{"name": "note", "is_error": False}]
    assert document["response"] == "Done."


def test_a_pipe_asks_on_the_terminal_and_holds_the_answer_alone(
    upstream: ScriptedUpstream, home: Path
) -> None:
    write_agent()
    write_note()
    upstream.add(call_reply("openai", NOTE, text="I note it."), answer_reply("openai", "Done."))
    path = home / "out.txt"
    words = f'"{PROGRAM[0]}" -m hiveloom_cli chat a "note milk" | cat > "{path}"'
    with _spawn_shell(words, point_at(upstream)) as terminal:
        terminal.expect("say why (w)?")
        terminal.send_line("o")
        assert terminal.wait() == 0
    assert path.read_text() == "I note it.\n\nDone."


def _spawn_shell(words: str, env: dict[str, str]) -> AbstractContextManager[Terminal]:
    return spawn_hiveloom(env=env, program=("/bin/sh", "-c", words))


def test_what_a_model_made_up_is_one_line_where_it_is_shown_again(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    write_note()
    wanted = Wanted("c1", "no\n> such\u001b[2J", '{"a":\n"b"}')
    upstream.add(call_reply("openai", wanted), answer_reply("openai", "Done."))
    done = chat(upstream, "hi")
    said = "there is no tool named no > such␛[2J; the tools are: note"
    assert done.stderr.splitlines() == [f"→ no > such␛[2J: {said}"]
    with open_conversations() as conversations:
        [summary] = conversations.load_list(Filter(), -1)
    shown = run_hiveloom("conversation", "show", summary.id)
    assert shown.stdout.splitlines()[3:] == [
        "> hi",
        "",
        '[no > such␛[2J {"a": "b"}]',
        "",
        f"[→ {said}]",
        "",
        "Done.",
    ]
