from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.contents import Contents
from hiveloom_cli.agents.versions import Version, Versions, format_versions, parse_versions
from hiveloom_cli.errors import FileUnreadable, VersionNotFound
from tests.support.clocks import START, ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIGEST = "0" * 64


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "own", Contents(tmp_path / "contents"), ManualClock())


def list_summaries(versions: Versions, name: str) -> list[str]:
    return [one.summary for one in versions.load(name)]


def build_list(**changes: object) -> str:
    item = {"number": 1, "taken_at": "2026-01-02T03:04:05Z", "summary": "s", "content": DIGEST}
    return json.dumps({"version": 1, "versions": [item | changes]})


def test_versions_are_numbered_and_say_what_changed(versions: Versions) -> None:
    for content in (b"---\nmodel: a\n---\n", b"---\nmodel: b\n---\n"):
        versions.record("helper", content)
    version, is_new = versions.record("helper", b"gr\xfcn", by_hand=True)
    assert (version.number, version.taken_at, is_new) == (3, START, True)
    assert list_summaries(versions, "helper") == [
        "created",
        "model a → b",
        "by hand: file +1 -3 lines",
    ]
    assert versions.get("helper", 3) == version
    assert versions.contents.load(version.digest) == b"gr\xfcn"
    assert versions.load_names() == ["helper"]


def test_the_same_content_is_kept_once_and_is_no_new_version(
    versions: Versions, tmp_path: Path
) -> None:
    first, _ = versions.record("a", b"x")
    assert versions.record("a", b"x") == (first, False)
    versions.record("b", b"x")
    versions.record("a", b"y")
    assert versions.record("a", b"x")[0].number == 3
    assert len(list((tmp_path / "contents").iterdir())) == 2


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_number_that_there_is_not_is_told_with_those_that_there_are(
    versions: Versions, number: int
) -> None:
    versions.record("a", b"x")
    versions.record("a", b"y")
    with pytest.raises(VersionNotFound, match="there are 1 to 2") as caught:
        versions.get("a", number)
    assert caught.value.hint == "hiveloom agent versions a"
    with pytest.raises(VersionNotFound, match="there are none"):
        versions.get("b", 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        (build_list()[:-9], "not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"version": 2, "versions": []}', "written by a newer hiveloom"),
        ('{"version": 1}', '"versions" is not a list'),
        ('{"version": 1, "versions": [7]}', 'version 1: "number" is not 1'),
        (build_list(number=2), 'version 1: "number" is not 1'),
        (build_list(content="../../x"), 'version 1: "content" is not a digest'),
        (build_list(content=DIGEST + "\n"), 'version 1: "content" is not a digest'),
        (build_list(content=None), 'version 1: "content" is not a digest'),
        (build_list(taken_at="yesterday"), 'version 1: "taken_at" is not a time'),
        ("\udcff", "not UTF-8 text"),
    ],
)
def test_a_list_that_is_broken_is_told_and_never_overwritten(
    versions: Versions, tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "own/a.json"
    path.parent.mkdir()
    path.write_bytes(text.encode(errors="surrogateescape"))
    actions: list[Callable[[], object]] = [
        lambda: versions.load("a"),
        lambda: versions.record("a", b"x"),
        lambda: versions.match_latest("a", b"x"),
        lambda: versions.copy("a", "b", "s"),
    ]
    for act in actions:
        with pytest.raises(FileUnreadable) as caught:
            act()
        assert caught.value.path == path
        assert problem in caught.value.problem
        assert caught.value.hint
    assert path.read_bytes() == text.encode(errors="surrogateescape")
    assert versions.has("a")


def test_a_missing_or_altered_content_is_told_and_mended_when_it_is_met_again(
    versions: Versions, tmp_path: Path
) -> None:
    version, _ = versions.record("a", b"x")
    path = tmp_path / "contents" / version.digest
    path.unlink()
    with pytest.raises(FileUnreadable, match="what a version held is missing"):
        versions.contents.load(version.digest)
    assert versions.record("a", b"x") == (version, False)
    path.write_bytes(b"altered")
    with pytest.raises(FileUnreadable, match="not what was kept under this name"):
        versions.contents.load(version.digest)
    assert versions.match_latest("a", b"x") is None
    assert versions.record("a", b"x") == (version, False)
    assert versions.contents.load(version.digest) == b"x"


def test_a_lost_content_keeps_nothing_from_being_changed_again(
    versions: Versions, tmp_path: Path
) -> None:
    version, _ = versions.record("a", b"x")
    (tmp_path / "contents" / version.digest).unlink()
    assert versions.record("a", b"y")[0].summary == "changed from what cannot be read"


def test_versions_go_along_with_a_name_behind_those_that_it_has(versions: Versions) -> None:
    versions.record("new", b"x")
    versions.record("old", b"y")
    versions.record("old", b"z")
    version = versions.copy("old", "new", "renamed from old")
    assert (version.number, versions.contents.load(version.digest)) == (4, b"z")
    assert list_summaries(versions, "new")[2:] == ["file +1 -1 lines", "renamed from old"]
    # Once more, as after a process that died in between.
    assert versions.copy("old", "new", "renamed from old") == version
    versions.save("old", ())
    assert not versions.has("old")
    assert versions.load("old") == ()


def test_half_a_character_in_a_summary_is_no_reason_to_fail(
    versions: Versions, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/a.json").write_text(build_list(summary="\ud800"))
    versions.record("a", b"x")
    assert list_summaries(versions, "a")[0] == "?"


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.integers(0, 2**256 - 1))))
def test_a_list_reads_back_as_it_was_written(items: list[tuple[str, int]]) -> None:
    versions = tuple(
        Version(number, START, summary, f"{digest:064x}")
        for number, (summary, digest) in enumerate(items, start=1)
    )
    assert parse_versions(format_versions(versions)) == versions
