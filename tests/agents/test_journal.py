"""Several agents are changed together or not at all, however the change ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.agent_library import AgentLibrary
from hiveloom_cli.agents.briefs import BriefCache
from hiveloom_cli.agents.contents import Contents, compute_digest
from hiveloom_cli.agents.journal import Change, Journal
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.agents.versions import Versions
from hiveloom_cli.errors import AgentNotFound, FileUnreadable
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("added", "changed", "dropped", "same")
CHANGES = {
    "added": "---\nmodel: added\n---\n",
    "changed": "---\nmodel: new\n---\n",
    "dropped": None,
    "same": "---\nmodel: m\n---\n\n",
}
# The child ends by SIGKILL in the place of its n-th step that reaches the disk.
KILLED = """
import os, pathlib, signal, sys
sys.path.insert(0, {root!r})
from tests.agents.test_journal import CHANGES, open_store
store = open_store(pathlib.Path(sys.argv[1]))
left = int(sys.argv[2])
def count(act):
    def counted(*args, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return act(*args, **options)
    return counted
os.fsync = count(os.fsync)
pathlib.Path.unlink = count(pathlib.Path.unlink)
pathlib.Path.replace = count(pathlib.Path.replace)
store.apply(CHANGES, "together")
"""


def open_store(folder: Path) -> AgentStore:
    versions = Versions(folder / "versions" / "own", Contents(folder / "contents"), ManualClock())
    return AgentStore(folder / "agents", versions)


@pytest.fixture
def store(tmp_path: Path) -> AgentStore:
    store = open_store(tmp_path)
    for name in NAMES[1:]:
        store.create(Agent(name, "m"), replace=False)
    return store


def read_all(store: AgentStore) -> dict[str, str | None]:
    return {name: store.build_path(name).read_text() if store.has(name) else None for name in NAMES}


def run_killed(folder: Path, step: int, root: Path) -> int:
    code = KILLED.format(root=str(root))
    return subprocess.run(
        [sys.executable, "-c", code, str(folder), str(step)], check=False, stderr=subprocess.PIPE
    ).returncode


def test_all_changes_are_made_and_are_versions(store: AgentStore) -> None:
    saved = store.apply(CHANGES, "together")
    assert read_all(store) == CHANGES
    assert {name: (one.version, one.is_new) for name, one in saved.items()} == {
        "added": (1, True),
        "changed": (2, True),
        "same": (1, False),
    }
    assert store.versions.load("changed")[-1].summary == "together"
    assert store.restore("dropped").version == 1


def test_a_process_that_is_killed_leaves_all_or_nothing(
    store: AgentStore, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    before, step, ends = read_all(store), 1, []
    while run_killed(tmp_path, step, pytestconfig.rootpath) == -signal.SIGKILL:
        library = AgentLibrary(open_store(tmp_path))
        assert library.load("changed").agent.model in ("m", "new")
        ends.append(read_all(store))
        assert ends[-1] in (before, CHANGES)
        assert not store._journal.is_open()
        for name in NAMES[1:3]:
            store.versions.load(name)
        store.apply(before)
        step += 1
    assert step > 15
    assert read_all(store) == CHANGES
    assert before in ends


def test_whoever_asks_for_an_agent_that_is_half_deleted_finds_it(
    store: AgentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(store, monkeypatch)
    assert not store.has("dropped")
    assert AgentLibrary(store).get_store("dropped") is store
    assert store.has("dropped")
    with pytest.raises(AgentNotFound):
        AgentLibrary(store).get_store("added")


def cut_short(store: AgentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what a process leaves that dies after the files are written."""
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "end", lambda journal: None)
        store.apply(CHANGES)


def test_what_a_person_writes_after_a_process_died_stays(
    store: AgentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(store, monkeypatch)
    store.build_path("changed").write_text("---\nmodel: mine\n---\n")
    store.build_path("added").unlink()
    store.build_path("dropped").mkdir()
    assert store.load("same").agent.model == "m"
    assert store.load("changed").agent.model == "mine"
    assert not store.has("added")
    assert store.build_path("dropped").is_dir()


def test_what_was_put_back_is_the_newest_version(
    store: AgentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(store, monkeypatch)
    assert store.load("changed").version == 3
    assert [one.summary for one in store.versions.load("changed")] == [
        "created",
        "model m → new",
        "put back",
    ]


@pytest.mark.parametrize("failing", range(1, 10))
def test_a_write_that_fails_in_the_middle_puts_all_back(
    store: AgentStore, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    from hiveloom_cli import files

    before, left = read_all(store), failing

    def save(path: Path, content: bytes, *, is_private: bool = True) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(28, "No space left on device", str(path))
        files.save_bytes(path, content, is_private=is_private)

    with monkeypatch.context() as patch:
        for module in ("agent_folder", "contents", "journal", "versions"):
            patch.setattr(f"hiveloom_cli.agents.{module}.save_bytes", save)
        if failing < 9:
            with pytest.raises(OSError, match="No space left"):
                store.apply(CHANGES)
        else:
            store.apply(CHANGES)
    assert read_all(store) == (before if failing < 9 else CHANGES)
    assert not store._journal.is_open()
    for name in store.load_names():
        assert store.load(name).agent.warnings == ()


def test_a_list_that_cannot_be_read_ends_it_before_anything_is_changed(store: AgentStore) -> None:
    before = read_all(store)
    (store.versions.folder / "added.json").write_text("{")
    with pytest.raises(FileUnreadable, match="added"):
        store.apply(CHANGES)
    assert read_all(store) == before


def test_what_cannot_be_put_back_is_told_with_the_journal(
    store: AgentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(store, monkeypatch)
    for content in (tmp_path / "contents").iterdir():
        content.unlink()
    with pytest.raises(FileUnreadable, match="what changed held before cannot") as caught:
        store.load("changed")
    assert caught.value.path == store.versions.folder / ".journal"
    assert "remove it" in caught.value.hint
    caught.value.path.unlink()
    assert store.load("changed").agent.model == "new"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ('{"version": 2}', "written by a newer hiveloom"),
        ('{"version": 1}', '"changes" is not an object'),
        ('{"version": 1, "changes": {"a": {"old": null}}}', '"new" is not a digest'),
        ('{"version": 1, "changes": {"a": {"old": null, "new": "../x"}}}', "not a digest"),
        ('{"version": 1, "changes": {"../x": {"old": null, "new": null}}}', "no agent can have"),
    ],
)
def test_a_journal_that_is_broken_is_told_and_stays(
    store: AgentStore, text: str, problem: str
) -> None:
    path = store.versions.folder / ".journal"
    path.write_text(text)
    for act in (lambda: store.load("same"), lambda: store.delete("same")):
        with pytest.raises(FileUnreadable) as caught:
            act()
        assert problem in caught.value.message
        assert caught.value.path == path
        assert "remove it" in caught.value.hint or "update" in caught.value.hint
    briefs = BriefCache(store.versions.folder / "briefs", ManualClock()).load_briefs(store)
    assert [type(entry) for entry in briefs] == [FileUnreadable]
    assert path.read_text() == text


def test_a_journal_reads_back_as_it_was_written(store: AgentStore) -> None:
    journal, old = store._journal, compute_digest(b"---\nmodel: m\n---\n\n")
    assert not journal.is_open()
    journal.begin({"added": b"x", "dropped": None}, store, store.versions)
    assert journal.is_open()
    assert journal.load() == {
        "added": Change(None, compute_digest(b"x")),
        "dropped": Change(old, None),
    }
    journal.end()
    assert not journal.is_open()
