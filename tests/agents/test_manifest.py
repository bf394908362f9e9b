from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.agent import Agent, Compaction
from hiveloom_cli.agents.manifest import format_manifest, parse_manifest
from hiveloom_cli.agents.schema import SETTINGS, format_new_agent, parse_agent
from hiveloom_cli.agents.sketch import fit_name
from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.front_matter import yaml_text
from hiveloom_cli.protocols.request import Parameters

_PATH = Path("m.yaml")


def read(text: str) -> list[Agent]:
    sketches, faults = parse_manifest(text, _PATH)
    assert faults == []
    return [sketch.build(sketch.name, _PATH) for sketch in sketches]


def find_faults(text: str) -> list[str]:
    return [fault.message for fault in parse_manifest(text, _PATH)[1]]


def strip_warnings(agent: Agent) -> Agent:
    return dataclasses.replace(agent, warnings=())


def test_a_manifest_has_the_six_keys_and_then_ours() -> None:
    agent = Agent(
        "helper",
        "gpt-4o-mini",
        "You are terse.\nAlways.",
        credential="work",
        parameters=Parameters(temperature=0.2),
        tools=("weather",),
        skills=("release-notes",),
        extra={"mood": "fine"},
    )
    assert format_manifest([agent], as_list=False) == (
        "name: helper\n"
        "model: gpt-4o-mini\n"
        "system_prompt: |-\n"
        "  You are terse.\n"
        "  Always.\n"
        "scope_mode: user\n"
        "capabilities:\n"
        "- name: weather\n"
        "  type: tool\n"
        "- name: release-notes\n"
        "  type: skill\n"
        "bindings: []\n"
        "credential: work\n"
        "temperature: 0.2\n"
        "mood: fine\n"
    )


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_full = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_reserved = st.sampled_from(
    ["name", "system_prompt", "scope_mode", "capabilities", "bindings", "extra", "agents", "a b"]
)
_agents = st.builds(
    Agent,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    model=_full.filter(str.strip),
    system_prompt=st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n\t#:'\""), max_size=60
    ).map(lambda text: text.strip("\r\n")),
    description=_text,
    credential=st.sampled_from(["", "work", "my-key"]),
    parameters=st.builds(
        Parameters,
        temperature=st.none() | st.floats(0, 2),
        top_p=st.none() | st.floats(0, 1) | st.just(1),
        max_tokens=st.none() | st.integers(1, 10**6),
        stop=st.none() | st.lists(_full, min_size=1, max_size=3).map(tuple),
    ),
    tools=st.lists(_full.filter(str.strip), max_size=3).map(tuple),
    skills=st.lists(_full.filter(str.strip), max_size=3).map(tuple),
    context_window=st.none() | st.integers(256, 10**7),
    compaction=st.none() | st.builds(Compaction, st.floats(0.1, 0.95), st.integers(1, 1000)),
    extra=st.dictionaries(
        (_text | _reserved).filter(lambda key: key not in SETTINGS), _values, max_size=4
    ),
)


@given(st.lists(_agents, min_size=1, max_size=3), st.booleans())
def test_any_agent_comes_back_from_its_manifest(agents: list[Agent], as_json: bool) -> None:  # noqa: FBT001
    for as_list in (True, False):
        some = agents if as_list else agents[:1]
        text = format_manifest(some, as_json=as_json, as_list=as_list)
        assert [strip_warnings(agent) for agent in read(text)] == some


@given(_agents)
def test_any_agent_comes_back_from_its_file_with_what_is_not_ours(agent: Agent) -> None:
    path = Path(f"{agent.name}.md")
    back = parse_agent(agent.name, format_new_agent(agent, path), path)
    assert strip_warnings(back) == agent
    assert list(back.extra) == list(agent.extra)


@pytest.mark.parametrize(
    "prompt", ["a  \n  b\n\n\tc ", "  a\nb", "a\n\tb", "# a", "x: y", "|", "- a"]
)
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_a_prompt_is_a_block_of_its_own_lines(
    prompt: str, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_text, "_Loader", yaml_text._build_class(getattr(yaml, loader)))
    text = format_manifest([Agent("a", "m", prompt)], as_list=True)
    assert "system_prompt: |" in text
    assert read(text)[0].system_prompt == prompt


@pytest.mark.parametrize("prompt", ["one\r\ntwo\x07", "\tone\ntwo"])
def test_a_prompt_that_no_block_can_hold_is_quoted(prompt: str) -> None:
    text = format_manifest([Agent("a", "m", prompt)], as_list=False)
    assert 'system_prompt: "' in text
    assert read(text)[0].system_prompt == prompt


def test_capabilities_are_sorted_into_tools_and_skills_and_the_rest_is_named() -> None:
    text = """
name: helper
model: m
scope_mode: organization
capabilities:
- weather
- {name: web, type: http, endpoint: "https://example.com", method: GET}
- {name: notes, type: markdown}
- {name: release, type: skill}
tools: [clock]
bindings:
- {kind: chat, token: t0ken}
temperature: null
"""
    (sketch,), faults = parse_manifest(text, _PATH)
    assert faults == []
    agent = sketch.build("helper", _PATH)
    assert agent.tools == ("clock", "weather", "web")
    assert agent.skills == ("notes", "release")
    assert agent.parameters.temperature is None
    assert sketch.left_out == (
        "of web: endpoint, method (only its name is taken)",
        "scope_mode: organization (an agent is one person's)",
        "bindings: 1 (an agent has none)",
    )


def test_what_is_not_ours_is_kept_with_a_warning() -> None:
    agent = read("name: a\nmodel: m\ntemprature: 1\n")[0]
    assert agent.extra == {"temprature": 1}
    assert "did you mean `temperature`?" in agent.warnings[0]


def test_json_of_other_programs_is_read_as_json() -> None:
    text = '[\n\t{"name": "a", "model":"m", "system_prompt": "\\ud83d\\ude00 \\/ \x7f"}\n]\n'
    assert read(text)[0].system_prompt == "\U0001f600 / \x7f"


def test_braces_may_be_yaml() -> None:
    assert read("{name: a, model: m}")[0].name == "a"
    assert read("{agents: [{name: a, model: m}, {name: b, model: m}]}")[1].name == "b"


def test_documents_are_agents_of_their_own() -> None:
    text = "---\nname: a\nmodel: m\n---\n- name: b\n  model: m\n- {name: c, model: m}\n"
    assert [agent.name for agent in read(text)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: [\n", "m.yaml:2: not valid YAML"),
        ("just words", "m.yaml:1: expected settings of the form"),
        ("agents: {}", "m.yaml:1: `agents`: expected a list"),
        ("agents:\n- a\n", "m.yaml:2: expected settings"),
        ("name: a\nname: b\n", "m.yaml:2: `name` is set a second time"),
        ("name: !!str a\n", "m.yaml:1: a value begins with `!`"),
        ("name: a\nx: " + "[" * 100_000, "m.yaml:2: the settings are nested too deeply"),
        ("- " * 200 + "a", "m.yaml:1: the settings are nested too deeply"),
        ("name: a\nx: &a [*a]\n", "m.yaml:2: not valid YAML"),
        ("x:\n  ? [a]\n  : b\n", "m.yaml:2: not valid YAML: a key is no word"),
        ('{"name": "a",\n "model": }', "m.yaml:2: not valid JSON"),
        ('{"name": "a",\n "name": "b"}', "m.yaml:2: `name` is set a second time"),
        ('{"agents": \n {}}', "m.yaml:2: `agents`: expected a list"),
        ('{"agents": [\n {},\n 7]}', "m.yaml:3: expected settings"),
        ('{"name": NaN}', "m.yaml:1: not valid JSON: NaN is not a value"),
        ('{"x": ' + "9" * 5000 + "}", "m.yaml:1: not valid JSON"),
        ('{"x": ' + "[" * 100_000, "m.yaml:1: the settings are nested too deeply"),
        ('{"x": ' + "[" * 200 + "]" * 200 + "}", "m.yaml:1: the settings are nested too deeply"),
        ("name: 7\nmodel: m", "m.yaml:1: `name`: expected a text"),
        ("model: m\nsystem_prompt: [a]", "m.yaml:2: `system_prompt`: expected a text"),
        ("model: m\ncapabilities: a", "m.yaml:2: `capabilities`: expected a list"),
        ("model: m\ncapabilities: [{type: tool}]", "m.yaml:2: `capabilities`: expected a name"),
        ("model: m\ncapabilities: [7]", "m.yaml:2: `capabilities`: expected a name"),
        ("model: m\nbindings: a", "m.yaml:2: `bindings`: expected a list"),
        ("model: m\ntools: [7]", "m.yaml:2: `tools`: expected a list of texts"),
        ("model: m\nextra: [a]", "m.yaml:2: `extra`: expected settings"),
        ("model: m\nextra: {top_p: 1}", "m.yaml:2: `extra`: `top_p` is a setting"),
        ("model: m\ntemperature: 9", "m.yaml:2: `temperature`: expected a number"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, fault: str) -> None:
    assert [message[: len(fault)] for message in find_faults(text)] == [fault]


def test_a_few_aliases_are_not_taken_for_a_billion_values() -> None:
    levels = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 9))
    text = f"x0: &x0 [a]\n{levels}model: m\n"
    assert "`x4` repeats itself too often" in find_faults(text)[0]
    with pytest.raises(SettingsInvalid, match="repeats itself too often"):
        parse_agent("x", f"---\n{text}---\n", _PATH)


def test_every_fault_is_told() -> None:
    text = "agents:\n- model: 7\n  temperature: x\n- tools: a\n  system_prompt: 1\n"
    assert sorted(message[:8] for message in find_faults(text)) == [
        "m.yaml:2",
        "m.yaml:3",
        "m.yaml:4",
        "m.yaml:5",
    ]


@given(st.text(max_size=200))
def test_any_text_is_agents_or_faults(text: str) -> None:
    for candidate in (text, f"name: a\n{text}", f'{{"name": "a", {text}}}', f"agents:\n- {text}"):
        sketches, faults = parse_manifest(candidate, _PATH)
        assert all(fault.line >= 1 for fault in faults)
        assert all(sketch.line >= 1 for sketch in sketches)


@given(_values)
def test_any_json_is_agents_or_faults(value: Any) -> None:
    parse_manifest(json.dumps({"agents": [value, {"name": value}]}), _PATH)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Code Reviewer", "code-reviewer"),
        ("Café", "cafe"),
        ("../../etc", "etc"),
        ("_x_", "x"),
        ("日本", ""),
        ("a" * 80, "a" * 63),
        ("API/Architect (v2)", "api-architect-v2"),
    ],
)
def test_a_name_is_made_fit(text: str, name: str) -> None:
    assert fit_name(text) == name
