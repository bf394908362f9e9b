"""The commands of an interactive chat, as a person at a terminal gives them."""

from __future__ import annotations

import base64
import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chatting import (
    ask,
    command,
    leave,
    make_program,
    open_chat,
    put_before_path,
    say,
    sent,
    wait_for_prompt,
)
from tests.support.conversations import get_path, open_conversations, read_texts, save_turn
from tests.support.program import run_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.upstream import ScriptedUpstream


def last_id() -> str:
    listed = json.loads(run_hiveloom("conversation", "list", "--json").stdout)
    return str(listed[0]["id"])


def test_what_is_undone_is_not_sent_and_what_is_redone_is(upstream: ScriptedUpstream) -> None:
    say(upstream, "first", "second", "third", "fourth")
    with open_chat(upstream) as terminal:
        command(terminal, "/undo", "(nothing to take back)")
        command(terminal, "/redo", "(nothing to put back)")
        ask(terminal, "one", "first")
        ask(terminal, "two", "second")
        command(terminal, "/undo", "Taken back: “two”")
        ask(terminal, "three", "third")
        command(terminal, "/redo", "(nothing to put back)")
        command(terminal, "/undo", "Taken back: “three”")
        command(terminal, "/undo", "Taken back: “one”")
        command(terminal, "/redo", "Put back: “one”")
        command(terminal, "/redo", "Put back: “three”")
        ask(terminal, "four", "fourth")
        leave(terminal)
    assert sent(upstream, 2) == ["one", "first", "three"]
    assert sent(upstream, 3) == ["one", "first", "three", "third", "four"]
    with open_conversations() as conversations:
        kept = conversations.load(last_id()).messages
    assert [row.message.text for row in kept if not row.is_replaced] == [
        *("one", "first", "three", "third", "four", "fourth")
    ]
    assert [row.message.text for row in kept if row.is_replaced] == ["two", "second"]


def test_what_was_undone_can_be_retried_without_it(upstream: ScriptedUpstream) -> None:
    say(upstream, "first", "second", "again")
    with open_chat(upstream) as terminal:
        ask(terminal, "one", "first")
        ask(terminal, "two", "second")
        command(terminal, "/undo", "Taken back")
        ask(terminal, "/retry", "again")
        leave(terminal)
    assert sent(upstream, 2) == ["one"]
    with open_conversations() as conversations:
        assert read_texts(conversations, last_id()) == ["one", "again"]


def test_another_model_is_asked_with_all_that_was_said(upstream: ScriptedUpstream) -> None:
    say(upstream, "first", "second")
    with open_chat(upstream) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/model", "/model needs more: /model MODEL")
        command(terminal, "/model big", "big at http://127.0.0.1")
        terminal.expect("big>")
        ask(terminal, "two", "second")
        leave(terminal)
    body: Any = upstream.requests[1].json
    assert body["model"] == "big"
    assert sent(upstream, 1) == ["one", "first", "two"]
    with open_conversations() as conversations:
        kept = conversations.load(last_id())
    assert [row.by.model for row in kept.messages if row.by] == ["m", "big"]
    assert kept.summary.model == "big"


def test_a_model_without_a_key_changes_nothing(upstream: ScriptedUpstream) -> None:
    say(upstream, "first")
    with open_chat(upstream) as terminal:
        command(terminal, "/model claude-none", "error: no key is stored under the name anthropic")
        ask(terminal, "one", "first")
        leave(terminal)
    body: Any = upstream.requests[0].json
    assert body["model"] == "m"


def test_another_agent_answers_with_its_own_prompt(upstream: ScriptedUpstream) -> None:
    prompt = ("--system-prompt", "You are a critic.")
    run_hiveloom("agent", "create", "critic", "--model", "c", *prompt)
    say(upstream, "first", "second")
    with open_chat(upstream) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/agent nobody", "error: ")
        command(terminal, "/agent critic", "critic: c at http://127.0.0.1")
        ask(terminal, "two", "second")
        leave(terminal)
    assert sent(upstream, 1) == ["You are a critic.", "one", "first", "two"]
    with open_conversations() as conversations:
        by = [row.by for row in conversations.load(last_id()).messages if row.by]
    assert [(one.agent, one.agent_version, one.model) for one in by] == [
        ("", 0, "m"),
        ("critic", 1, "c"),
    ]


def test_a_projects_agent_is_trusted_before_it_answers(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    folder = tmp_path / "project" / ".hiveloom" / "agents"
    folder.mkdir(parents=True)
    (folder / "theirs.md").write_text("---\nmodel: t\ncredential: openai\n---\nHello.\n")
    say(upstream, "first")
    with open_chat(upstream, cwd=tmp_path / "project") as terminal:
        terminal.send_line("/agent theirs")
        terminal.expect("Trust theirs? [y/N]")
        terminal.send_line("n")
        terminal.expect("is not trusted, and was not used")
        wait_for_prompt(terminal)
        terminal.send_line("/agent theirs")
        terminal.expect("Trust theirs? [y/N]", times=2)
        terminal.send_line("y")
        terminal.expect("answers from here on")
        wait_for_prompt(terminal)
        ask(terminal, "one", "first")
        leave(terminal)
    body: Any = upstream.requests[0].json
    assert body["model"] == "t"


def test_an_agent_that_keeps_nothing_ends_the_keeping(
    upstream: ScriptedUpstream, home: Path
) -> None:
    run_hiveloom("agent", "create", "quiet", "--model", "q")
    path = home / "agents/quiet.md"
    path.write_text("---\nmodel: q\nsave: false\n---\n")
    say(upstream, "first", "second", "third")
    with open_chat(upstream) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/agent quiet", "the rest of this conversation is not kept")
        ask(terminal, "two", "second")
        command(terminal, "/model m", "answers from here on")
        ask(terminal, "three", "third")
        leave(terminal)
    with open_conversations() as conversations:
        assert read_texts(conversations, last_id()) == ["one", "first"]


def test_the_system_prompt_and_parameters_hold_for_this_conversation(
    upstream: ScriptedUpstream,
) -> None:
    say(upstream, "first", "second")
    with open_chat(upstream) as terminal:
        command(terminal, "/system", "(no system prompt)")
        command(terminal, "/system Be terse.", "is set")
        command(terminal, "/set temperature=0.5", "temperature: 0.5")
        command(terminal, '/set stop=["END", "\\n"]', 'stop: ["END", "\\n"]')
        command(terminal, "/set max_tokens=9", "max_tokens: 9")
        command(terminal, "/set max_tokens=", "max_tokens: the upstream's own")
        ask(terminal, "one", "first")
        command(terminal, "/new", "nothing said so far counts")
        ask(terminal, "two", "second")
        leave(terminal)
    body: Any = upstream.requests[0].json
    assert (body["temperature"], body["stop"]) == (0.5, ["END", "\n"])
    assert not {"max_tokens", "max_completion_tokens"} & set(body)
    assert sent(upstream, 0) == ["Be terse.", "one"]
    assert sent(upstream, 1) == ["two"]
    assert "temperature" not in (upstream.requests[1].json or {})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/set temperature=3", "temperature: expected a number from 0 to 2"),
        ("/set temperature=hot", "temperature: expected a number from 0 to 2"),
        ("/set max_tokens=0", "max_tokens: expected a whole number of at least 1"),
        ("/set model=x", "/set takes KEY=VALUE; the keys are temperature, top_p"),
        ("/set top_p", "/set takes KEY=VALUE"),
        ("/fork 2", "(nothing was said that a new conversation could begin with)"),
        ("/attach -", "a chat has no pipe that could be attached"),
        ("/attach nothing.txt", "error: "),
        ("/attach", "(nothing is attached)"),
        ("/edit", "(nothing to edit)"),
        ("/copy", "(no answer to copy)"),
        ("/save talk.md", "(nothing was said that could be saved)"),
        ("/history", "(nothing was said so far)"),
        ("/resume", "(no other conversation is kept)"),
        ("/resume zzz", "error: no conversation has an id that begins with “zzz”"),
        ("/search nothing", "Nothing was found."),
        ("/tools", "the agent has no tools"),
        ("/usage", "this conversation: not known"),
        ("/exit now", "/exit stands alone; nothing was sent"),
    ],
)
def test_what_cannot_be_done_is_told(upstream: ScriptedUpstream, line: str, said: str) -> None:
    with open_chat(upstream) as terminal:
        command(terminal, line, said)
        leave(terminal)
    assert not upstream.requests


def test_a_file_is_attached_to_the_next_message_and_asked_with_again(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    (tmp_path / "my notes.txt").write_text("remember the milk")
    say(upstream, "first", "again", "second")
    with open_chat(upstream, cwd=tmp_path) as terminal:
        command(terminal, "/attach 'my notes.txt'", "my notes.txt (text, 17 characters) goes")
        command(terminal, "/attach", "my notes.txt (text, 17 characters)")
        ask(terminal, "what is it?", "first")
        ask(terminal, "/retry", "again")
        ask(terminal, "two", "second")
        leave(terminal)
    first, again, second = (json.dumps(request.json) for request in upstream.requests)
    assert first == again
    assert "remember the milk" in first
    assert second.count("remember the milk") == 1


def test_kept_conversations_are_searched_and_gone_on_with(upstream: ScriptedUpstream) -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "about cats", "Cats \x1b[31mpurr.", agent="")
        save_turn(conversations, "about dogs", "Dogs bark.", id_="01k0000000002", agent="", days=1)
    say(upstream, "More on cats.")
    with open_chat(upstream) as terminal:
        command(terminal, "/search cats", "01k0000000001")
        command(terminal, '/search "unclosed', "Nothing was found.")
        terminal.send_line("/resume")
        terminal.expect("  2  01k0000000001")
        terminal.expect("Which one (1 to 2; Enter for none)?")
        terminal.send_line("2")
        terminal.expect("> about cats")
        wait_for_prompt(terminal)
        ask(terminal, "go on", "More on cats.")
        leave(terminal)
        assert b"\x1b[31mpurr" not in terminal.output
    assert sent(upstream, 0)[0] == "about cats"
    with open_conversations() as conversations:
        assert read_texts(conversations)[-2:] == ["go on", "More on cats."]


def test_a_number_that_is_not_in_the_list_is_refused(upstream: ScriptedUpstream) -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "about cats", "Purr.", agent="")
    with open_chat(upstream) as terminal:
        for times, typed, said in ((1, "7", "there is no number 7"), (2, "", "m>")):
            terminal.send_line("/resume")
            terminal.expect("Enter for none)?", times=times)
            terminal.send_line(typed)
            terminal.expect(said)
            wait_for_prompt(terminal)
        leave(terminal)


def test_the_history_is_numbered_and_a_fork_begins_with_so_many(
    upstream: ScriptedUpstream,
) -> None:
    say(upstream, "first", "second", "third")
    with open_chat(upstream) as terminal:
        ask(terminal, "one", "first")
        ask(terminal, "two", "second")
        command(terminal, "/history", "  2  > two")
        command(terminal, "/fork 3", "/fork takes a number from 1 to 2")
        command(terminal, "/fork 1", "which begins with 1 exchange; the former one is")
        ask(terminal, "three", "third")
        leave(terminal)
    assert sent(upstream, 2) == ["one", "first", "three"]
    rows = json.loads(run_hiveloom("conversation", "list", "--json").stdout)
    with open_conversations() as conversations:
        assert [read_texts(conversations, row["id"]) for row in rows] == [
            ["one", "first", "three", "third"],
            ["one", "first", "two", "second"],
        ]
        assert sum(spent.input_tokens for spent in conversations.load_stats(_all())) == 9


def _all() -> Any:
    from hiveloom_cli.chat.record import Filter

    return Filter()


def test_a_message_is_edited_and_asked_in_its_place(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    make_program(tmp_path / "bin", "ed1", 'grep -q two "$1" && echo "two and a half" > "$1"')
    say(upstream, "first", "second", "better")
    env = {"EDITOR": str(tmp_path / "bin/ed1")}
    with open_chat(upstream, env=env) as terminal:
        ask(terminal, "one", "first")
        ask(terminal, "two", "second")
        ask(terminal, "/edit", "better")
        leave(terminal)
    assert sent(upstream, 2) == ["one", "first", "two and a half"]
    with open_conversations() as conversations:
        assert read_texts(conversations, last_id()) == ["one", "first", "two and a half", "better"]


@pytest.mark.parametrize("editor", ["false", "/nowhere/editor"])
def test_an_editor_that_fails_leaves_all_as_it_is(upstream: ScriptedUpstream, editor: str) -> None:
    say(upstream, "first")
    with open_chat(upstream, env={"EDITOR": editor}) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/edit", "try: set VISUAL or EDITOR")
        leave(terminal)
    with open_conversations() as conversations:
        assert read_texts(conversations, last_id()) == ["one", "first"]


def test_an_answer_goes_to_the_clipboard_through_its_program(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    make_program(tmp_path / "bin", "wl-copy", f"cat > {tmp_path}/clipboard")
    make_program(tmp_path / "bin", "wl-paste", "printf 'from the\\r\\nclipboard'")
    say(upstream, "first **bold**", "second")
    with open_chat(upstream, env=put_before_path(tmp_path / "bin")) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/copy", "on the clipboard (wl-copy)")
        terminal.send_line("/paste")
        terminal.expect("   clipboard")
        terminal.send_line("!")
        terminal.expect("second")
        wait_for_prompt(terminal)
        leave(terminal)
    assert (tmp_path / "clipboard").read_text() == "first **bold**"
    assert sent(upstream, 1)[-1] == "from the\nclipboard!"


def test_without_a_clipboard_program_the_terminal_is_given_the_answer(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    say(upstream, "first")
    with open_chat(upstream, env={"PATH": str(tmp_path)}) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/copy", "sent to your terminal")
        command(terminal, "/paste", "there is no clipboard program here")
        leave(terminal)
    assert b"\x1b]52;c;" + base64.b64encode(b"first") + b"\x07" in terminal.output


@pytest.mark.parametrize("words", [(), ("--no-save",)])
def test_a_conversation_is_saved_as_markdown(
    upstream: ScriptedUpstream, tmp_path: Path, words: tuple[str, ...]
) -> None:
    say(upstream, "first")
    (tmp_path / "there.md").write_text("mine")
    with open_chat(upstream, "--model", "m", *words, cwd=tmp_path) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/save talk.md", "Saved: talk.md")
        terminal.send_line("/save there.md")
        terminal.expect("there.md is there. Replace it? [y/N]")
        terminal.send_line("n")
        terminal.expect("(nothing was saved)")
        wait_for_prompt(terminal)
        command(terminal, "/save none/talk.md", "there is no folder none")
        command(terminal, "/save .", "is a folder")
        leave(terminal)
    assert (tmp_path / "talk.md").read_text() == "# one\n\n## You\n\none\n\n## m\n\nfirst\n"
    assert stat.S_IMODE((tmp_path / "talk.md").stat().st_mode) == 0o600
    assert (tmp_path / "there.md").read_text() == "mine"
    assert get_path().exists() == (not words)


def test_tokens_and_the_request_are_shown_without_the_key(upstream: ScriptedUpstream) -> None:
    say(upstream, "first", "second")
    env = {"OPENAI_API_KEY": "sk-secret-0123456789"}
    with open_chat(upstream, env=env) as terminal:
        ask(terminal, "one", "first")
        ask(terminal, "two", "second")
        total, last = "this conversation: 6 tokens in, 10 out", "the last turn: 3 tokens in, 5 out"
        command(terminal, "/usage", total, last)
        command(terminal, "/debug", "messages: 4", f"address: {upstream.openai_base_url}")
        leave(terminal)
    assert b"sk-secret" not in terminal.output


@pytest.mark.parametrize("env", [{}, {"ACCESSIBLE": "1"}])
def test_a_paste_that_the_terminal_does_not_mark_is_one_message(
    upstream: ScriptedUpstream, env: dict[str, str]
) -> None:
    lines = [f"line {number}" for number in range(40 if env else 300)]
    say(upstream, "first")
    with open_chat(upstream, env=env) as terminal:
        terminal.send("\r".join(lines) + ("\r" if env else ""))
        terminal.expect(lines[-1])
        terminal.read_for(0.3)
        if not env:
            terminal.send_line()
        terminal.expect("first")
        terminal.press_control("d")
        terminal.wait()
    assert sent(upstream, 0) == ["\n".join(lines)]


def test_control_c_twice_at_an_empty_prompt_leaves(upstream: ScriptedUpstream) -> None:
    say(upstream, "first")
    with open_chat(upstream) as terminal:
        terminal.press_control("c")
        terminal.expect("(Ctrl-C again leaves")
        wait_for_prompt(terminal)
        ask(terminal, "one", "first")
        terminal.press_control("c")
        terminal.expect("(Ctrl-C again leaves", times=2)
        wait_for_prompt(terminal)
        terminal.press_control("c")
        assert terminal.wait() == 0


def test_arguments_are_completed(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    run_hiveloom("agent", "create", "critic", "--model", "c")
    (tmp_path / "unique.txt").write_text("x")
    with open_chat(upstream, cwd=tmp_path) as terminal:
        for typed, shown in (
            ("/agent cr", "/agent critic"),
            ("/attach uni", "/attach unique.txt"),
            ("/set tem", "/set temperature="),
        ):
            terminal.send(typed)
            terminal.expect(shown.split()[-1])  # offered below the line
            terminal.send("\t")
            terminal.expect(shown)
            terminal.press_control("c")
            wait_for_prompt(terminal)
        leave(terminal)


def test_the_editor_opens_on_what_is_typed(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    make_program(tmp_path / "bin", "ed1", 'echo " and edited" >> "$1"')
    say(upstream, "first")
    with open_chat(upstream, env={"EDITOR": str(tmp_path / "bin/ed1")}) as terminal:
        terminal.send("typed")
        terminal.send("\x18\x05")
        terminal.expect("and edited")
        terminal.expect("first")  # what comes back from the editor is sent
        wait_for_prompt(terminal)
        leave(terminal)
    assert sent(upstream, 0)[0].split() == ["typed", "and", "edited"]


def test_vi_keys_are_there_for_those_who_want_them(upstream: ScriptedUpstream) -> None:
    say(upstream, "first")
    with open_chat(upstream, env={"HIVELOOM_KEYS": "vi"}) as terminal:
        terminal.send("one twice")
        terminal.expect("twice")
        terminal.send("\x1b")
        terminal.read_for(0.7)
        terminal.send("db")
        terminal.send("x")
        terminal.read_for(0.3)
        terminal.send_line()
        terminal.expect("first")
        terminal.press_control("d")
        terminal.wait()
    assert sent(upstream, 0)[0].startswith("one")
    assert "twice" not in sent(upstream, 0)[0]
