from __future__ import annotations

import pytest

from hiveloom_cli.terminal.slash import SLASH_COMMANDS, Call, format_help, leave, parse_command


@pytest.mark.parametrize("text", ["/exit", "/quit", " /exit\n"])
def test_a_command_is_found(text: str) -> None:
    call = parse_command(text)
    assert isinstance(call, Call)
    assert call.command.act is leave


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("/system", ""),
        ("/system You are  terse.\nVery.", "You are  terse.\nVery."),
        ("/agent  helper ", "helper"),
        ("/AGENT helper", "helper"),
    ],
)
def test_a_command_gets_what_is_behind_it(text: str, argument: str) -> None:
    call = parse_command(text)
    assert isinstance(call, Call)
    assert call.argument == argument


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "/etc/hosts is what?",
        "/* a comment */",
        "// so",
        "/",
        "",
        "/tmp is full",
        "/home is",
    ],
)
def test_other_text_is_a_message(text: str) -> None:
    assert parse_command(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/Help", "/Help is no command; did you mean /help?"),
        ("/hepl", "/hepl is no command; did you mean /help?"),
        ("/zzz", "/zzz is no command; /help shows them"),
        ("/exit now", "/exit stands alone; nothing was sent"),
        ("/NEW\nhello", "/new stands alone; nothing was sent"),
        ("/agnet helper", "/agnet is no command; did you mean /agent?"),
        ("/agent", "/agent needs more: /agent NAME"),
        ("/save ", "/save needs more: /save FILE"),
    ],
)
def test_a_mistaken_command_is_told_and_not_sent(text: str, said: str) -> None:
    assert parse_command(text) == said


@pytest.mark.parametrize("columns", [34, 45, 80, 200])
def test_the_help_stands_in_two_columns_and_breaks_at_words(columns: int) -> None:
    lines = list(format_help(columns))
    start = len("  /attach [FILE|URL]  ")
    assert {line[:start].endswith("  ") for line in lines} == {True}
    assert max(map(len, lines)) <= max(columns, start + 14)
    joined = " ".join(" ".join(lines).split())
    assert "Enter Send the message; Alt-Enter begins a new line in it." in joined
    assert not [name for name in SLASH_COMMANDS if name not in joined]


@pytest.mark.parametrize("columns", [20, 33])
def test_in_a_narrow_window_the_help_says_below_a_command_what_it_does(columns: int) -> None:
    lines = list(format_help(columns))
    assert lines[:2] == ["  /help", "    Show these" + " commands." * (columns == 33)]
    assert max(map(len, lines)) <= columns
    told = " ".join(line.strip() for line in lines if line.startswith("  /"))
    assert not [name for name in SLASH_COMMANDS if name not in told]


def test_every_command_says_what_it_does_in_a_short_sentence() -> None:
    helps = [command.help for command in SLASH_COMMANDS.values()]
    assert not [text for text in helps if not text.endswith((".", ")."))]
    assert max(map(len, helps)) <= 90
