from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.agent import Agent, is_agent_name, parse_agent_name
from hiveloom_cli.agents.schema import format_agent, format_new_agent, parse_agent
from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter import yaml_text
from hiveloom_cli.protocols.request import Parameters

_PATH = Path("x.md")
KEY = "sk-a-made-up-key-0123456789"


def parse(text: str) -> Agent:
    return parse_agent("x", text, _PATH)


def test_a_file_is_settings_and_a_prompt() -> None:
    agent = parse(
        "---\n"
        "model: gpt-4o-mini   # cheap\n"
        "description: Terse\n"
        "credential: work\n"
        "temperature: 0.2\n"
        "top_p: 1\n"
        "max_tokens: 100\n"
        "stop: END\n"
        "tools: [weather, mcp:github]\n"
        "skills:\n- release-notes\n"
        "---\n"
        "\nYou are terse.\n\n---\nStill the prompt.\n"
    )
    assert agent == Agent(
        name="x",
        model="gpt-4o-mini",
        system_prompt="You are terse.\n\n---\nStill the prompt.",
        description="Terse",
        credential="work",
        parameters=Parameters(temperature=0.2, top_p=1, max_tokens=100, stop=("END",)),
        tools=("weather", "mcp:github"),
        skills=("release-notes",),
    )


@pytest.mark.parametrize("word", ["no", "yes", "on", "12:30", "2026-01-01", "1_000", "0o7", "010"])
def test_words_that_older_yaml_takes_for_something_else_stay_words(word: str) -> None:
    assert parse(f"---\nmodel: {word}\n---\n").model == word


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    agent = parse("\ufeff---\r\nmodel: m\r\n---\r\nTwo\r\nlines\r\n")
    assert (agent.model, agent.system_prompt) == ("m", "Two\r\nlines")


def test_an_unknown_setting_is_kept_and_named_with_its_line() -> None:
    agent = parse("---\nmodel: m\ntemprature: 1\nmood: fine\n---\n")
    assert agent.warnings == (
        (
            "x.md:3: `temprature` is not a setting of an agent; it is kept"
            " (did you mean `temperature`?)"
        ),
        "x.md:4: `mood` is not a setting of an agent; it is kept",
    )


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "`---` on the first line"),
        ("Just a prompt", 1, "`---` on the first line"),
        ("---\nmodel: m\n", 2, "second `---`"),
        ("---\n---\n", 1, "a model"),
        ("---\n- a\n---\n", 2, "key: value"),
        ("---\nmodel: m\nmodel: n\n---\n", 3, "second time"),
        ("---\nmodel: [\n---\n", 3, "not valid YAML"),
        ("---\ntemperature: 1\nmodel: a: b\n---\n", 3, "not valid YAML"),
        ("---\nmodel: !!python/object:os.system x\n---\n", 2, "is a tag"),
        ("---\nmodel: !!int abc\n---\n", 2, "is a tag"),
        ("---\nmodel: m\nmood: !!bool abc\n---\n", 3, "is a tag"),
        ("---\nmodel: m\nmood: [!!timestamp abc]\n---\n", 3, "is a tag"),
        ("---\nmodel: m\n!!binary x: y\n---\n", 3, "is a tag"),
        ("---\nmodel: m\nmax_tokens: " + "9" * 4400 + "\n---\n", 3, "`max_tokens`: no value"),
        ("---\nmodel: m\nx: {? [a] : b}\n---\n", 3, "not valid YAML"),
        ('---\nmodel: m\nx: "\\UFFFFFFFF"\n---\n', None, "not valid YAML"),
        ('---\nmodel: "\\ud800"\n---\n', None, ""),
        ("---\nmodel: m\nx: \x07\n---\n", 3, "U+0007 is not allowed"),
        ("---\nmodel: m\ncredential: My Key\n---\n", 3, "expected the name of a credential"),
        ("---\nmodel: m\ncredential: 7\n---\n", 3, "expected the name of a credential"),
        ("---\nx: &a [*a]\nmodel: m\n---\n", 2, "not valid YAML"),
        ("---\n? [a]\n: b\n---\n", 2, "a word before the colon"),
        ("---\nmodel: 7\n---\n", 2, "`model`: expected a text"),
        ("---\nmodel: ''\n---\n", 2, "`model`: expected a text"),
        (
            "---\nmodel: m\ntemperature: hot\n---\n",
            3,
            "`temperature`: expected a number from 0 to 2",
        ),
        ("---\nmodel: m\ntemperature: 2.1\n---\n", 3, "from 0 to 2"),
        ("---\nmodel: m\ntemperature: true\n---\n", 3, "from 0 to 2"),
        ("---\nmodel: m\ntop_p: -1\n---\n", 3, "from 0 to 1"),
        ("---\nmodel: m\nmax_tokens: 1.5\n---\n", 3, "whole number"),
        ("---\nmodel: m\nmax_tokens: 0\n---\n", 3, "whole number"),
        ("---\nmodel: m\nstop: [1]\n---\n", 3, "list of texts"),
        ("---\nmodel: m\nstop: ''\n---\n", 3, "not empty"),
        ("---\nmodel: m\ntools: weather\n---\n", 3, "list of texts"),
        ("---\nmodel: m\ndescription: [a]\n---\n", 3, "a text"),
        ("---\nmodel: " + "[" * 4000 + "]" * 4000 + "\n---\n", 2, "nested too deeply"),
        ("---\nmodel: " + "[" * 100_000 + "\n---\n", 2, "longer than"),
    ],
)
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_a_broken_file_names_its_line_and_what_was_expected(
    text: str, line: int | None, problem: str, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_text, "_Loader", yaml_text._build_class(getattr(yaml, loader)))
    with pytest.raises(SettingsInvalid) as caught:
        parse(text)
    assert line is None or caught.value.line == line
    assert problem in caught.value.message


def test_a_key_in_the_place_of_a_credentials_name_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsInvalid, match="looks like a key") as caught:
        parse(f"---\nmodel: m\ncredential: {KEY}\n---\n")
    assert KEY not in f"{caught.value} {caught.value.hint}"


@given(st.text(max_size=200))
def test_any_text_is_an_agent_or_an_invalid_file(text: str) -> None:
    for candidate in (text, f"---\n{text}\n---\n", f"---\nmodel: m\n{text}\n---\n"):
        try:
            assert parse(candidate).model
        except SettingsInvalid as error:
            assert error.line >= 1  # noqa: PT017 -- both outcomes are right, no other is


_lines = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(
    model=_lines.filter(str.strip),
    prompt=st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    description=_lines,
    temperature=st.none() | st.floats(0, 2, allow_subnormal=False),
    stop=st.none() | st.lists(_lines | st.just("\n\n"), min_size=1, max_size=3).map(tuple),
)
def test_what_is_written_reads_back(
    model: str,
    prompt: str,
    description: str,
    temperature: float | None,
    stop: tuple[str, ...] | None,
) -> None:
    parameters = Parameters(temperature=temperature, stop=stop)
    agent = Agent("x", model, prompt.strip("\r\n"), description, parameters=parameters)
    assert parse(format_agent(agent)) == agent


@pytest.mark.parametrize(
    "character", ["\x07", "\x7f", "\x85", "\u2028", "\ufeff", "\uffff", "\n", "\r"]
)
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_a_character_that_yaml_would_fold_or_refuse_is_written_as_an_escape(
    character: str, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_text, "_Loader", yaml_text._build_class(getattr(yaml, loader)))
    agent = Agent("x", f"a{character}b", description=f"{character}c {character}")
    assert parse(format_new_agent(agent, _PATH)) == agent


@pytest.mark.parametrize(
    ("agent", "problem"),
    [
        (Agent("x", "m", description="d" * 20_000), "longer than 10,000"),
        (Agent("x", "m", credential=" "), "name of a credential"),
        (Agent("x", "m", credential="Work"), "name of a credential"),
        (Agent("x", "m", credential=KEY), "looks like a key"),
        (Agent("x", " "), "`model`: expected a text"),
        (Agent("x", "m\udcff"), "`model`: expected a text"),
        (Agent("x", "m", "prompt\udcff"), "not UTF-8 text"),
        (Agent("x", "m", "\nprompt"), "the system prompt would not read back"),
        (Agent("x", "m", parameters=Parameters(temperature=float("nan"))), "`temperature`"),
    ],
)
def test_an_agent_that_no_file_gives_back_is_refused(agent: Agent, problem: str) -> None:
    with pytest.raises(UsageMistake, match=problem) as caught:
        format_new_agent(agent, _PATH)
    assert KEY not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("name", ["a", "0", "gpt-4.1_mini", "a" * 63, "a..b"])
def test_names_that_are_allowed(name: str) -> None:
    assert parse_agent_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "-a", "_a", "A", "a/b", "../a", "a\\b", "a b", "ä", "a\n", "a" * 64, "a\x00"],
)
def test_names_that_could_be_paths_or_confuse_are_not(name: str) -> None:
    assert not is_agent_name(name)
    with pytest.raises(UsageMistake):
        parse_agent_name(name)
