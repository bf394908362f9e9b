from __future__ import annotations

import pytest

from hiveloom_cli.terminal.slash import SLASH_COMMANDS, format_help, leave, parse_command


@pytest.mark.parametrize("text", ["/exit", "/quit", " /exit\n"])
def test_a_command_is_found(text: str) -> None:
    assert parse_command(text) is leave


@pytest.mark.parametrize("text", ["hello", "/etc/hosts is what?", "/* a comment */", "// so", "/"])
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
    ],
)
def test_a_mistaken_command_is_told_and_not_sent(text: str, said: str) -> None:
    assert parse_command(text) == said


@pytest.mark.parametrize("columns", [10, 30, 45, 80, 200])
def test_the_help_stands_in_two_columns_and_breaks_at_words(columns: int) -> None:
    lines = list(format_help(columns))
    starts = {line.index(line[14:].split()[0], 14) for line in lines}
    assert starts == {len("  /exit, /quit  ")}
    assert max(map(len, lines)) <= max(columns, 28)
    joined = " ".join(" ".join(lines).split())
    assert "Enter Send the message; Alt-Enter begins a new line in it." in joined
    assert not [name for name in SLASH_COMMANDS if name not in joined]
