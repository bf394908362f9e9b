"""Each slash command does something on a real terminal: a row of the table is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.terminal.slash import SLASH_COMMANDS
from tests.support.chatting import ask, command, make_program, open_chat, put_before_path, say
from tests.support.program import run_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.upstream import ScriptedUpstream

# What is typed behind each command, and what comes of it.
DONE = {
    "/help": ("", "Write the message in your editor."),
    "/new": ("", "A new conversation: nothing said so far counts."),
    "/retry": ("", "second"),
    "/edit": ("", "second"),
    "/undo": ("", "Taken back: “one”"),
    "/redo": ("", "(nothing to put back)"),
    "/fork": ("1", "which begins with 1 exchange"),
    "/attach": ("notes.txt", "notes.txt (text, 4 characters) goes with your next message."),
    "/paste": ("", "> from the clipboard"),
    "/copy": ("", "The last answer is on the clipboard (wl-copy)."),
    "/save": ("talk.md", "Saved: talk.md"),
    "/history": ("", "  1  > one"),
    "/resume": ("", "(no other conversation is kept)"),
    "/search": ("first", "first"),
    "/agent": ("critic", "critic: c at http://127.0.0.1"),
    "/model": ("big", "big at http://127.0.0.1"),
    "/system": ("Be terse.", "The system prompt of this conversation is set."),
    "/set": ("temperature=0.5", "temperature: 0.5"),
    "/tools": ("", "the agent has no tools"),
    "/compact": ("", "note: there is too little to summarise"),
    "/usage": ("", "this conversation: 3 tokens in, 5 out"),
    "/debug": ("", "protocol: openai"),
    "/exit": ("", ""),
    "/quit": ("", ""),
}


def test_each_command_of_the_table_is_tried_here() -> None:
    assert set(DONE) == set(SLASH_COMMANDS)


@pytest.mark.parametrize("name", DONE)
def test_the_command_does_it(
    upstream: ScriptedUpstream, tmp_path: Path, home: Path, name: str
) -> None:
    for program, script in (
        ("wl-copy", "cat > /dev/null"),
        ("wl-paste", "printf 'from the clipboard'"),
        ("ed1", 'echo edited >> "$1"'),
    ):
        make_program(tmp_path / "bin", program, script)
    (tmp_path / "notes.txt").write_text("milk")
    run_hiveloom("agent", "create", "critic", "--model", "c")
    (home / "agents/helper.md").write_text("---\nmodel: m\ntools: [look, listen]\n---\n")
    say(upstream, "first", "second")
    env = put_before_path(tmp_path / "bin") | {"EDITOR": "ed1"}
    argument, shown = DONE[name]
    with open_chat(upstream, "helper", env=env, columns=60, cwd=tmp_path) as terminal:
        ask(terminal, "one", "first")
        terminal.send_line(f"{name} {argument}".rstrip())
        if not shown:
            assert terminal.wait() == 0
            return
        # A row that is too long for the window goes on in the next one.
        terminal.wait_until(
            lambda: shown.replace(" ", "") in "".join(terminal.all_lines).replace(" ", ""),
            repr(shown),
        )


def test_a_command_that_fails_leaves_the_chat_as_it_is(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    make_program(tmp_path / "bin", "ed1", 'echo edited >> "$1"; exit 3')
    say(upstream, "first", "second")
    with open_chat(upstream, env={"EDITOR": str(tmp_path / "bin/ed1")}) as terminal:
        ask(terminal, "one", "first")
        command(terminal, "/edit", "error: ")
        ask(terminal, "two", "second")
    body = upstream.requests[1].json
    assert [message["content"] for message in body["messages"]] == ["one", "first", "two"]
