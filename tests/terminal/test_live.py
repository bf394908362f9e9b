"""A chat on a real terminal while it happens: waits, thoughts, costs, and how it may look."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.protocols.event import Usage
from hiveloom_cli.terminal.pace import Pace, format_wait
from tests.support.patience import PATIENCE_S
from tests.support.program import Finished, run_hiveloom, spawn_hiveloom
from tests.support.upstream import (
    ScriptedUpstream,
    json_reply,
    openai_chunk,
    openai_error,
    openai_stream,
    sse,
    stream_reply,
)
from tests.terminal.screen import ManualClock

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.support.program import Terminal
    from tests.support.upstream import Piece

ANSWER = "# Head\n\nSome **bold** text.\n\n```python\nx = 'y'\n```\n"
HINT = "--show-reasoning shows it"


def build_thinking(*thoughts: Piece | str, answer: str = ANSWER) -> list[Any]:
    """Build a stream that thinks first; an event among the thoughts holds it up."""
    pieces = [
        openai_chunk({"reasoning_content": thought}) if isinstance(thought, str) else thought
        for thought in thoughts
    ]
    return [*pieces, *openai_stream(answer)]


def spawn_chat(
    upstream: ScriptedUpstream, *words: str, **env: str
) -> AbstractContextManager[Terminal]:
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url} | env
    return spawn_hiveloom("chat", "--model", "m", *words, env=env)


def wait_for_seconds(terminal: Terminal, what: str) -> None:
    """Wait until a wait is shown with its seconds; none of them stands there for long."""
    deadline = time.monotonic() + PATIENCE_S
    while not re.search(rf"\b{what} [1-9]\d* s", terminal.text):
        assert time.monotonic() < deadline, terminal.text
        terminal.read_for(0.02)


def run_chat(upstream: ScriptedUpstream, *words: str, **env: str) -> Finished:
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url} | env
    return run_hiveloom("chat", "--model", "m", *words, env=env)


def test_a_wait_is_shown_with_its_seconds_and_leaves_no_trace(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([gate, *openai_stream("Done.")]))
    with spawn_chat(upstream, "hi") as terminal:
        wait_for_seconds(terminal, "waiting")
        gate.set()
        assert terminal.wait() == 0
        assert terminal.lines[:2] == ["Done.", ""]
        assert b"\x1b[?25l" not in terminal.output


def test_a_retry_is_one_line_and_the_wait_goes_on_below_it(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(json_reply(openai_error("busy"), status=503, headers=[("Retry-After", "0")]))
    upstream.add(stream_reply([gate, *openai_stream("Done.")]))
    with spawn_chat(upstream, "hi") as terminal:
        terminal.expect("(2/4)")
        terminal.expect("waiting")
        gate.set()
        assert terminal.wait() == 0
        notes = [line for line in terminal.lines if line]
        assert notes[0].startswith("note: ")
        assert "retrying" in notes[0]
        assert notes[1:] == ["Done."]


def test_an_answer_cut_at_the_limit_names_the_flag(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("Half an", finish_reason="length")))
    with spawn_chat(upstream, "hi") as terminal:
        assert terminal.wait() == 0
        assert terminal.lines[1].endswith("cut at the token limit; allow more with --max-tokens")


def test_an_interactive_chat_tells_what_an_answer_cost(upstream: ScriptedUpstream) -> None:
    usage = {"prompt_tokens": 1204, "completion_tokens": 318, "total_tokens": 1522}
    upstream.add(stream_reply(openai_stream("Done.", usage=usage)))
    with spawn_chat(upstream) as terminal:
        terminal.expect("m>")
        terminal.send_line("hi")
        terminal.expect("1,204 tokens in, 318 out · ")
        assert terminal.lines[2] == "Done."
        assert terminal.lines[3].endswith(" s")


def test_nothing_but_an_interactive_chat_tells_costs(upstream: ScriptedUpstream) -> None:
    upstream.add(*(stream_reply(openai_stream("Done.")) for _ in range(3)))
    with spawn_chat(upstream, "hi") as terminal:
        assert terminal.wait() == 0
        assert terminal.text == "Done."
    done = run_chat(upstream, "hi")
    assert (done.stdout, done.stderr) == ("Done.", "")
    with spawn_chat(upstream, "--screen-reader") as terminal:
        terminal.expect("User:")
        terminal.send_line("hi")
        terminal.expect("Assistant: Done.\nUser:")


def test_thoughts_are_folded_into_one_line(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply(build_thinking("secret", gate, " plan")))
    with spawn_chat(upstream, "hi") as terminal:
        wait_for_seconds(terminal, "thinking")
        gate.set()
        assert terminal.wait() == 0
        assert terminal.lines[0].startswith("thought for ")
        assert terminal.lines[0].endswith(f" s; {HINT}")
        assert terminal.lines[1] == "Head"
        assert "secret" not in terminal.text


def test_thoughts_are_shown_dimmed_above_the_answer_on_demand(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(build_thinking("\nIs it **so**", "?\n\n", "Yes.\n\n")))
    with spawn_chat(upstream, "--show-reasoning", "hi") as terminal:
        assert terminal.wait() == 0
        assert terminal.lines[:5] == ["Is it **so**?", "", "Yes.", "", "Head"]
        assert terminal.output.index(b"\x1b[2m") < terminal.output.index(b"Is it")


def test_thoughts_are_hidden_on_demand(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply(build_thinking("secret", gate, " plan")))
    with spawn_chat(upstream, "--hide-reasoning", "hi") as terminal:
        wait_for_seconds(terminal, "waiting")
        gate.set()
        assert terminal.wait() == 0
        assert terminal.lines[0] == "Head"
        assert b"secret" not in terminal.output
        assert b"thought" not in terminal.output


@pytest.mark.parametrize(
    ("flag", "told"), [("", ""), ("--show-reasoning", "First.\n"), ("--hide-reasoning", "")]
)
def test_into_a_pipe_thoughts_go_on_demand_and_to_stderr(
    flag: str, told: str, upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply(build_thinking("\n\nFir", "st.\n\n", answer="\n\nDone.")))
    done = run_chat(upstream, *filter(None, [flag]), "hi")
    assert (done.stdout, done.stderr) == ("\n\nDone.", told)


def test_json_has_no_thoughts(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(build_thinking("secret", answer="Done.")))
    done = run_chat(upstream, "--show-reasoning", "--json", "hi")
    assert json.loads(done.stdout)["response"] == "Done."
    assert done.stderr == ""


def test_thoughts_after_a_part_of_the_answer_stand_between(upstream: ScriptedUpstream) -> None:
    chunks = [{"content": "One."}, {"reasoning_content": "hm"}, {"content": "Two."}]
    upstream.add(
        stream_reply(
            [*map(openai_chunk, chunks), openai_chunk(finish_reason="stop"), sse("[DONE]")]
        )
    )
    with spawn_chat(upstream, "hi") as terminal:
        assert terminal.wait() == 0
        lines = [line for line in terminal.lines if line]
        assert (lines[0], lines[2]) == ("One.", "Two.")
        assert HINT in lines[1]


def test_an_interrupt_while_thinking_leaves_a_fresh_line(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(build_thinking("hm", threading.Event())))
    with spawn_chat(upstream) as terminal:
        terminal.expect("m>")
        terminal.send_line("hi")
        terminal.expect("thinking")
        terminal.press_control("c")
        terminal.expect("(stopped)")
        terminal.expect("(stopped)\nm>")
        assert HINT in terminal.lines[2]


def test_without_markdown_the_text_is_shown_as_it_comes(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream(ANSWER)))
    with spawn_chat(upstream, "--no-markdown", "hi") as terminal:
        assert terminal.wait() == 0
        assert terminal.text == ANSWER.rstrip("\n")


@pytest.mark.parametrize(
    ("words", "env", "colour"),
    [
        ((), {}, b"\x1b[32m"),
        (("--theme", "dark"), {}, b"\x1b[38;5;150m"),
        ((), {"HIVELOOM_THEME": "Light"}, b"\x1b[38;5;22m"),
        (("--theme", "mono"), {"HIVELOOM_THEME": "light"}, b"'"),
    ],
)
def test_a_theme_decides_the_colours(
    words: tuple[str, ...], env: dict[str, str], colour: bytes, upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply(openai_stream(ANSWER)))
    with spawn_chat(upstream, *words, "hi", **env) as terminal:
        assert terminal.wait() == 0
        assert colour + b"y" in terminal.output


def test_a_theme_that_does_not_exist_is_a_usage_mistake(upstream: ScriptedUpstream) -> None:
    done = run_chat(upstream, "hi", HIVELOOM_THEME="pink")
    assert done.exit_code == 2
    assert "HIVELOOM_THEME: expected one of" in done.stderr
    assert "auto" in done.stderr


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("--screen-reader",), {}),
        ((), {"ACCESSIBLE": "1"}),
        ((), {"TERM": "dumb"}),
        ((), {"TERM": ""}),
        ((), {"TERM": "dumb", "FORCE_COLOR": "1"}),
    ],
)
def test_a_plain_chat_only_ever_grows_and_says_who_speaks(
    words: tuple[str, ...], env: dict[str, str], upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply(build_thinking("hm")), stream_reply(openai_stream("Two.")))
    with spawn_chat(upstream, *words, **env) as terminal:
        terminal.expect("User:")
        terminal.send_line("one")
        terminal.expect("```\nUser:")
        terminal.send_line("wörld")
        terminal.expect("Two.\nUser:")
        terminal.press_control("d")
        assert terminal.wait() == 0
        took = r"(?<=\(thought for )[1-9]\d* s(?=;)"  # where the machine was busy
        shown = re.sub(took, "less than 1 s", terminal.output.decode())
        said = ["User: one", "(thinking)", f"(thought for less than 1 s; {HINT})"]
        said += [f"Assistant: {ANSWER}User: wörld".replace("\n", "\r\n"), "Assistant: Two."]
        assert "\r\n".join(said) in shown
    assert {letter for letter in shown if letter < " "} == {"\r", "\n"}
    assert upstream.requests[1].json["messages"][-1]["content"] == "wörld"


@pytest.mark.parametrize("value", ["", "0"])
def test_an_environment_that_says_no_is_not_plain(value: str, upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("Done.")))
    with spawn_chat(upstream, "hi", ACCESSIBLE=value) as terminal:
        assert terminal.wait() == 0
        assert terminal.text == "Done."


def test_a_plain_chat_names_the_thoughts_that_it_shows(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(build_thinking("\nTwo ", "words.\n", answer="Done.")))
    with spawn_chat(upstream, "--show-reasoning", "hi", TERM="dumb") as terminal:
        assert terminal.wait() == 0
        assert terminal.lines[:2] == ["Thinking: Two words.", "Assistant: Done."]


def test_a_plain_prompt_outlives_ctrl_c_and_types_ahead(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([gate, *openai_stream("One.")]), stream_reply(openai_stream("Two.")))
    with spawn_chat(upstream, TERM="dumb") as terminal:
        terminal.expect("User:")
        terminal.read_for(0.3)
        terminal.press_control("c")
        terminal.expect("(Ctrl-C again leaves, as do Ctrl-D and /exit)\nUser:")
        terminal.send_line("one")
        upstream.wait_for_requests()
        terminal.send_line("two")
        gate.set()
        terminal.expect("Assistant: Two.\nUser:")
        terminal.send_line("/exit")
        assert terminal.wait() == 0
    assert upstream.requests[1].json["messages"][-1]["content"] == "two"


def test_speed_is_told_where_it_can_be_known() -> None:
    clock = ManualClock()
    pace = Pace(clock)
    clock.now_s = 2.0
    pace.note_piece()
    assert pace.format_summary(Usage(3, 5)) == "3 tokens in, 5 out · 2.0 s"
    clock.now_s = 7.0
    pace.note_piece()
    assert pace.format_summary(Usage(1204, 310)) == "1,204 tokens in, 310 out · 62 tokens/s · 7.0 s"
    assert pace.format_summary(Usage(None, 20)) == "20 tokens out · 4.0 tokens/s · 7.0 s"
    assert pace.format_summary(Usage(20, None)) == "20 tokens in · 7.0 s"
    assert pace.format_summary(Usage()) == pace.format_summary(None) == "7.0 s"
    clock.now_s = 67.0
    assert pace.format_summary(None) == "1 min 7 s"
    assert [format_wait(seconds) for seconds in (0.9, 59.9, 60, 3725)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "62 min 5 s",
    ]
