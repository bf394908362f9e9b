"""Keys, pastes, interrupts and other windows in an interactive chat on a pseudo-terminal."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chatting import ask, leave, open_chat, say, sent, wait_for_prompt
from tests.support.conversations import open_conversations, save_turn
from tests.support.models import list_reply
from tests.support.program import run_hiveloom
from tests.support.upstream import openai_chunk, openai_stream, stream_reply

if TYPE_CHECKING:
    from tests.support.upstream import ScriptedUpstream

WORDS = "Grüße, 日本語 und 🎉 — e\u0301 שלום"


def test_text_of_any_script_goes_there_and_comes_back(upstream: ScriptedUpstream) -> None:
    say(upstream, f"**{WORDS}**")
    with open_chat(upstream) as terminal:
        terminal.send_line(WORDS)
        terminal.expect("tokens in")
        wait_for_prompt(terminal)
        leave(terminal)
    assert sent(upstream, 0) == [WORDS]
    # The screen of the tests puts a combining accent into the letter, and a blank beside wide ones.
    shown = "".join("".join(terminal.all_lines).split()).replace("é", "e\u0301")
    assert "".join(WORDS.split()) in shown


def test_a_paste_of_five_hundred_lines_is_one_message_and_runs_no_command(
    upstream: ScriptedUpstream,
) -> None:
    lines = [f"line {number}" for number in range(499)] + ["/exit"]
    say(upstream, "first")
    with open_chat(upstream) as terminal:
        terminal.send("\x1b[200~" + "\r".join(lines) + "\x1b[201~")
        terminal.expect("/exit")
        terminal.read_for(0.2)
        assert not upstream.requests
        terminal.send_line()
        terminal.expect("first")
        wait_for_prompt(terminal)
        leave(terminal)
    assert sent(upstream, 0) == ["\n".join(lines)]


def test_control_c_stops_an_answer_and_keeps_it(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([openai_chunk({"content": "Half an "}), gate]))
    say(upstream, "whole")
    with open_chat(upstream) as terminal:
        terminal.send_line("one")
        terminal.expect("Half an")
        terminal.press_control("c")
        terminal.expect("(stopped; what came is kept)")
        wait_for_prompt(terminal)
        ask(terminal, "two", "whole")
        leave(terminal)
    gate.set()
    assert [text.strip() for text in sent(upstream, 1)] == ["one", "Half an", "two"]


def test_control_c_with_text_clears_it_and_twice_without_leaves(upstream: ScriptedUpstream) -> None:
    with open_chat(upstream) as terminal:
        terminal.send("never mind")
        terminal.expect("never mind")
        terminal.press_control("c")
        wait_for_prompt(terminal)
        terminal.press_control("c")
        terminal.expect("(Ctrl-C again leaves, as do Ctrl-D and /exit)")
        wait_for_prompt(terminal)
        terminal.press_control("c")
        assert terminal.wait() == 0
    assert not upstream.requests


def test_control_r_finds_what_was_asked_in_an_earlier_chat(upstream: ScriptedUpstream) -> None:
    say(upstream, "first", "second", "third")
    with open_chat(upstream) as terminal:
        ask(terminal, "about cats", "first")
        ask(terminal, "about dogs", "second")
        leave(terminal)
    with open_chat(upstream) as terminal:
        terminal.press_control("r")
        terminal.send("cat")
        terminal.expect("about cats")
        terminal.send_line()  # takes what was found
        terminal.send_line()
        terminal.expect("third")
        wait_for_prompt(terminal)
        leave(terminal)
    assert sent(upstream, 2) == ["about cats"]


def test_models_and_conversations_are_completed(upstream: ScriptedUpstream) -> None:
    upstream.add(list_reply({"data": [{"id": "tiny-model"}, {"id": "large-model"}]}))
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url, "OPENAI_API_KEY": "sk-x"}
    assert "tiny-model" in run_hiveloom("model", "list", env=env).stdout
    with open_conversations() as conversations:
        save_turn(conversations, "about cats", "Purr.", agent="")
    with open_chat(upstream, env=env) as terminal:
        for typed, about, shown in (
            ("/model ti", "tiny-model", "/model tiny-model"),
            ("/resume 01k", "about cats", "/resume 01k0000000001"),
        ):
            terminal.send(typed)
            terminal.expect(about)  # offered below the line
            terminal.send("\t")
            terminal.expect(shown)
            terminal.press_control("c")
            wait_for_prompt(terminal)
        leave(terminal)


ITEMS = [f"item {n} 漢字 🎉 word" for n in range(8)]


@pytest.mark.parametrize("widths", [(30, 100), (100, 30), (18, 60), (60, 18, 45)])
@pytest.mark.parametrize("mark", ["- ", "> ", ""])
def test_a_window_of_another_width_leaves_each_word_once(
    upstream: ScriptedUpstream, widths: tuple[int, ...], mark: str
) -> None:
    gates = [threading.Event() for _ in widths]
    pieces: list[Any] = []
    for n, item in enumerate(ITEMS):
        pieces.append(openai_chunk({"content": f"{mark}{item}"}))
        if n < len(gates):
            pieces.append(gates[n])
        pieces.append(openai_chunk({"content": "\n"}))
    upstream.add(stream_reply([*pieces, *openai_stream("\nEnd.")]))
    with open_chat(upstream, columns=50) as terminal:
        terminal.send_line("go")
        for n, (gate, width) in enumerate(zip(gates, widths, strict=True)):
            wait_for_text(terminal, f"item {n} 漢字 🎉 word")
            terminal.reflow(width, 40)
            gate.set()
        terminal.expect("End.")
        wait_for_prompt(terminal)
        said = squeeze("".join(terminal.all_lines).partition("> go")[2].partition("End.")[0])
        leave(terminal)
    assert said == squeeze("".join(ITEMS))


def wait_for_text(terminal: Any, text: str) -> None:
    terminal.wait_until(lambda: squeeze(text) in squeeze("".join(terminal.all_lines)), repr(text))


def squeeze(text: str) -> str:
    return re.sub(r"[\s•▌>-]", "", text)
