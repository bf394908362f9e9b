"""What was agreed to is kept with what it was, and lost to nobody."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hiveloom_cli.errors import FileUnreadable
from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.tools.agreements import Agreements
from hiveloom_cli.tools.approval import Agreement
from hiveloom_cli.tools.tool import Approval, ToolCard
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

ANY_TEXT = st.text(st.characters(), max_size=20)  # half characters as well


def build_card(reference: str, definition_text: str = "as it is") -> ToolCard:
    definition = ToolDefinition("name", "", {})
    return ToolCard(reference, "mcp", definition, Approval.ASK, definition_text, is_foreign=True)


def open_agreements(home: Path) -> Agreements:
    return Agreements(home / "agreements.json", ManualClock())


def test_nothing_was_agreed_to_at_first(home: Path) -> None:
    agreements = open_agreements(home)
    assert agreements.load("weather") is None
    agreements.remove("weather")
    assert list(home.iterdir()) == [home / ".agreements.json.lock"]


def test_the_last_word_counts_and_is_there_for_the_next_one(home: Path) -> None:
    open_agreements(home).save(build_card("weather", "one"), is_always=False)
    open_agreements(home).save(build_card("clock", "three"), is_always=True)
    open_agreements(home).save(build_card("weather", "two"), is_always=True)
    assert open_agreements(home).load("weather") == Agreement("two", is_always=True)
    assert open_agreements(home).load("clock") == Agreement("three", is_always=True)
    path = home / "agreements.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["tools"]["clock"] == {
        "definition": "three",
        "always": True,
        "agreed_at": "2026-01-02T03:04:05Z",
    }


def test_a_server_is_forgotten_whole_and_no_other(home: Path) -> None:
    agreements = open_agreements(home)
    names = ["mcp:github/a", "mcp:github/b", "mcp:githubs/a", "mcp:github"]
    for name in names:
        agreements.save(build_card(name), is_always=True)
    agreements.remove("mcp:github/")
    assert [agreements.load(name) is not None for name in names] == [False, False, True, True]
    agreements.remove("mcp:github")
    assert agreements.load("mcp:github") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(reference=ANY_TEXT, text=ANY_TEXT, is_always=st.booleans())
def test_any_definition_comes_back_as_it_was(
    home: Path, reference: str, text: str, *, is_always: bool
) -> None:
    open_agreements(home).save(build_card(reference, text), is_always=is_always)
    assert open_agreements(home).load(reference) == Agreement(text, is_always)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"version": 2, "tools": {}}',
        b'{"version": 1, "tools": []}',
        b'{"version": 1, "tools": {"weather": {"definition": "x"}}}',
        b'{"version": 1, "tools": {"weather": {"definition": 1, "always": true}}}',
        b'{"version": 1, "tools": {"weather": {"definition": "x", "always": 1}}}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_broken_list_is_told_and_left_as_it_is(home: Path, content: bytes) -> None:
    path = home / "agreements.json"
    path.write_bytes(content)
    agreements = open_agreements(home)
    with pytest.raises(FileUnreadable):
        agreements.load("weather")
    with pytest.raises(FileUnreadable):
        agreements.save(build_card("weather"), is_always=True)
    assert path.read_bytes() == content


def test_tools_that_run_side_by_side_lose_nothing_of_each_other(home: Path) -> None:
    agreements = open_agreements(home)
    names = [f"mcp:a/{number}" for number in range(8)]
    threads = [
        threading.Thread(
            target=agreements.save, args=(build_card(name),), kwargs={"is_always": True}
        )
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(agreements.load(name) for name in names)
