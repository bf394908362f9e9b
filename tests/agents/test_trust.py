"""Which of a project's agents may be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.agent_file import AgentFile
from hiveloom_cli.agents.trust import (
    Consent,
    Trust,
    TrustList,
    decide_trust,
    format_consents,
    parse_consents,
)
from hiveloom_cli.errors import FileUnreadable
from tests.support.clocks import ManualClock

NOW = ManualClock().now()
PATH = Path("/srv/shop/.hiveloom/agents/reviewer.md")
NAMING = Agent("reviewer", "m", credential="work")


def build_file(agent: Agent = NAMING, *, is_project: bool = True) -> AgentFile:
    return AgentFile(agent, PATH, b"content", 1, is_project=is_project)


@pytest.mark.parametrize(
    "agent",
    [NAMING, Agent("a", "m", tools=("shell",)), Agent("a", "m", skills=("release",))],
)
def test_a_projects_agent_that_names_something_has_to_be_trusted(agent: Agent) -> None:
    file = build_file(agent)
    assert decide_trust(file, None) is Trust.NEEDED
    assert decide_trust(file, Consent(file.digest, NOW)) is Trust.TRUSTED
    assert decide_trust(file, Consent("0" * 64, NOW)) is Trust.CHANGED


def test_ones_own_agent_and_one_that_names_nothing_need_no_trust() -> None:
    assert decide_trust(build_file(is_project=False), None) is Trust.NOT_NEEDED
    assert decide_trust(build_file(Agent("a", "m", "prompt")), None) is Trust.NOT_NEEDED


def test_a_file_of_another_user_has_to_be_trusted_whatever_it_names() -> None:
    file = replace(build_file(Agent("a", "m")), is_foreign=True)
    assert decide_trust(file, None) is Trust.NEEDED


def test_consent_is_kept_by_path_and_forgotten(tmp_path: Path) -> None:
    trust = TrustList(tmp_path / "data/trusted.json", ManualClock())
    file = build_file()
    assert trust.load_trust(file) is Trust.NEEDED
    trust.add(PATH, file.digest)
    assert trust.load_trust(file) is Trust.TRUSTED
    assert trust.load_trust(replace(file, path=PATH.with_name("b.md"))) is Trust.NEEDED
    assert trust.load_trust(replace(file, content=b"other")) is Trust.CHANGED
    assert (tmp_path / "data/trusted.json").stat().st_mode & 0o777 == 0o600
    trust.remove([str(PATH)])
    assert trust.load_trust(file) is Trust.NEEDED


@given(st.dictionaries(st.text(st.characters()), st.just(Consent("a" * 64, NOW))))
def test_what_is_written_reads_back(consents: dict[str, Consent]) -> None:
    text = format_consents(consents).encode().decode()
    assert parse_consents(text).keys() == consents.keys()


@pytest.mark.parametrize(
    "document",
    [
        {"version": 1},
        {"version": 1, "trusted": []},
        {"version": 1, "trusted": {"/a": None}},
        {"version": 1, "trusted": {"/a": {"content": "abc", "trusted_at": "x"}}},
        {"version": 1, "trusted": {"/a": {"content": "a" * 64, "trusted_at": "x"}}},
        {"version": 2, "trusted": {}},
    ],
)
def test_a_broken_list_trusts_nothing_and_is_told(document: object, tmp_path: Path) -> None:
    path = tmp_path / "trusted.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FileUnreadable):
        TrustList(path, ManualClock()).load_trust(build_file())
