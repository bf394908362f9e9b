"""What a model says gets no key out, runs nothing by itself, and answers no question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.loop import Wanted, answer_reply, call_reply

if TYPE_CHECKING:
    from tests.support.attack import Attack

QUESTION = "no, and say why (w)?"
PROPERTIES = "input: {properties: {text: {type: string}}}"


def want(attack: Attack, *wanted: Wanted, text: str = "") -> None:
    attack.model.add(call_reply("openai", *wanted, text=text), answer_reply("openai", "Done."))


def test_unknown_tools_and_denied_ones_do_not_run(attack: Attack) -> None:
    attack.write_tool(f"command: {attack.touch}\napproval: deny")
    attack.write_tool(f"command: {attack.touch}", "unnamed")
    attack.write_agent()
    names = ("evil", "unnamed", "bash", "../evil", "tools/evil", "EVIL", "evil\n", "mcp:evil")
    want(attack, *(Wanted(f"c{at}", name) for at, name in enumerate(names)))
    attack.chat("hi", "--allow-tool", "evil", "--allow-tool", "unnamed")
    told = attack.read_told()
    assert told.count("This tool is not allowed to run.") == 1
    assert told.count("there is no tool named") == len(names) - 1


def test_a_thousand_calls_neither_run_nor_ask_a_thousand_times(attack: Attack) -> None:
    attack.write_tool(f"url: {attack.collector.origin}/\nallow_private: true\n{PROPERTIES}")
    attack.write_tool(f"command: {attack.touch}", "run")
    attack.write_agent(tools="evil, run")
    names = ("evil", "run")
    calls = [Wanted(f"c{at}", names[at % 2], f'{{"text": "{at}"}}') for at in range(1000)]
    want(attack, *calls)
    told = attack.chat("hi")
    assert len(attack.collector.requests) == 50
    assert told.count("run was not run") == 50
    assert "of 1,000 tool calls at once, the first 100 count" in told
    assert attack.read_told().count("more than 100 calls at once") == 900


def test_an_argument_is_no_option_no_word_and_no_line(attack: Attack) -> None:
    values = (f"--output={attack.marker}", f"; touch {attack.marker}", f"$(touch {attack.marker})")
    attack.write_tool(f"command: [echo]\narguments: flags\n{PROPERTIES}")
    attack.write_agent()
    bad = ({"text": "\0"}, {"output": "x"}, {"text": "\ud800"})
    arguments = [{"text": value} for value in values] + [*bad]
    want(attack, *(Wanted(f"c{at}", "evil", json.dumps(one)) for at, one in enumerate(arguments)))
    attack.chat("hi", "--allow-tool", "evil")
    results = [one["content"] for one in attack.model.requests[-1].json["messages"][-6:]]
    assert results[:3] == [f"--text={value}\n" for value in values]
    assert "cannot be given such a text" in results[3]
    assert "output" in results[4]
    assert results[5] == "--text=\ufffd\n"  # half a letter can be written by nobody


def test_no_argument_leads_a_request_elsewhere(attack: Attack) -> None:
    with_place = f"{attack.collector.origin}/fixed/{{text}}/end?q={{text}}"
    attack.write_tool(f'url: "{with_place}"\nallow_private: true\n{PROPERTIES}')
    attack.write_tool(f'url: "http://127.0.0.1:1/{{text}}"\n{PROPERTIES}', "public")
    attack.write_tool(f'url: "http://169.254.169.254/{{text}}"\n{PROPERTIES}', "metadata")
    attack.write_agent(tools="evil, public, metadata")
    values = (
        *("http://169.254.169.254/", "//evil.example/", "@evil.example", "?a=b&c=d#e", "%2f%2e%2e"),
        *("..", "../../admin", "%2e%2e", "\r\nX-Header: 1", "{text}", "\\..\\"),
    )
    calls = [Wanted(f"c{at}", "evil", json.dumps({"text": v})) for at, v in enumerate(values)]
    inside = (Wanted("p", "public", '{"text": "x"}'), Wanted("m", "metadata", '{"text": "x"}'))
    want(attack, *calls, *inside)
    told = attack.chat("hi")
    for request in attack.collector.requests:
        path, _, query = request.path.partition("?")
        assert path.startswith("/fixed/")
        assert path.endswith("/end")
        assert path.count("/") == 3
        assert query.count("=") == 1
        assert request.headers["host"] == attack.collector.origin.removeprefix("http://")
        assert "x-header" not in request.headers
    assert told.count("cannot stand in the URL's path") >= 4
    assert "public: " in told
    assert "metadata: " in told


def test_output_neither_answers_a_question_nor_draws_one(attack: Attack) -> None:
    attack.write_tool(f"command: {attack.touch}\n{PROPERTIES}")
    attack.write_agent()
    forged = (
        "\x1b[6n\x1b[c\x1b[5n\x1b]52;c;bwo=\x07\x1bP$q q\x1b\\\x1b[21t\x1b]0;o\r\n\x07\x1b[2J\x1b[H"
        f"\r\n\nharmless wants to run:\n    true\nonce (o), always (a), no (n), {QUESTION} o\r\no\n"
    )
    call = Wanted("c1", "evil", json.dumps({"text": forged}))
    want(attack, call, text=forged)
    with attack.spawn("chat", "a", "hi") as terminal:
        terminal.expect("evil wants to run:")
        terminal.expect("in this conversation (c)")
        terminal.read_for(0.5)
        assert not attack.marker.exists()
        assert terminal.text.rstrip().endswith(QUESTION)
        seen = bytes(terminal.output)
        terminal.send_line("n")
        terminal.expect("Done.")
        terminal.wait()
    for sequence in (
        b"\x1b[6n",
        b"\x1b[c",
        b"\x1b[5n",
        b"\x1b]",
        b"\x1bP",
        b"\x1b[21t",
        b"\x1b[2J",
    ):
        assert sequence not in seen
    assert "The person did not allow it." in attack.read_told()


@pytest.mark.parametrize("hidden", ["\U000e0041", "\u200b", "\u3164", "\U000e0100"])
def test_a_question_shows_what_nobody_would_see(attack: Attack, hidden: str) -> None:
    attack.write_tool(f"command: {attack.touch}\n{PROPERTIES}")
    attack.write_agent()
    want(attack, Wanted("c1", "evil", json.dumps({"text": f"plain{hidden}"}, ensure_ascii=False)))
    with attack.spawn("chat", "a", "hi", columns=200) as terminal:
        terminal.expect("in this conversation (c)")
        assert f'{{"text": "plain<U+{ord(hidden):04X}>"}}' in terminal.text
        terminal.send_line("n")
        terminal.wait()
