"""The file of conversations: its versions, its faults, and many that use it at once."""

from __future__ import annotations

import sqlite3
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.chat import store as store_module
from hiveloom_cli.chat.migrations import MIGRATIONS
from hiveloom_cli.chat.record import Filter
from hiveloom_cli.chat.store import Store
from hiveloom_cli.errors import FileUnreadable, Locked, StoreUnusable
from tests.support.conversations import get_path, open_conversations, read_texts, save_turn

if TYPE_CHECKING:
    from pathlib import Path

NEXT = (*MIGRATIONS, ("ALTER TABLE conversation ADD COLUMN colour TEXT",))
PAGE = 4096


def read_version(path: Path) -> int:
    with sqlite3.connect(path) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
    database.close()
    return int(version)


def test_reading_makes_no_file() -> None:
    with open_conversations() as conversations:
        assert conversations.load_list(Filter(), -1) == []
    assert not get_path().exists()


def test_only_their_owner_reads_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = get_path().parent / "deep" / "er"
    store = Store(folder / "c.db")
    with store.write():
        pass
    files = list(folder.glob("c.db*"))
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    store.close()


@pytest.mark.parametrize("version", range(1, len(NEXT)))
def test_a_file_of_each_earlier_version_is_brought_up_to_date(version: int) -> None:
    with open_conversations(NEXT[:version]) as conversations:
        save_turn(conversations, "hello", "hi")
    assert read_version(get_path()) == version
    with open_conversations(NEXT) as conversations:
        assert read_texts(conversations) == ["hello", "hi"]
        save_turn(conversations, "more", is_new=False)
    assert read_version(get_path()) == len(NEXT)


def test_a_step_that_fails_leaves_the_version_before_it() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello")
    broken = (*MIGRATIONS, ("CREATE TABLE extra (x)", "no SQL"))
    with open_conversations(broken) as conversations, pytest.raises(StoreUnusable):
        read_texts(conversations)
    assert read_version(get_path()) == len(MIGRATIONS)
    with open_conversations(NEXT) as conversations:
        assert read_texts(conversations) == ["hello"]
    with sqlite3.connect(get_path()) as database:
        assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchall()
    database.close()


def test_a_newer_file_is_read_and_not_written() -> None:
    with open_conversations(NEXT) as conversations:
        save_turn(conversations, "hello", "hi")
    with open_conversations() as conversations:
        assert read_texts(conversations) == ["hello", "hi"]
        assert conversations.search(["hi"], Filter(), 1)
        with pytest.raises(StoreUnusable, match="newer"):
            save_turn(conversations, "more", is_new=False)
        with pytest.raises(StoreUnusable, match="newer"):
            conversations.delete(["01k0000000001"])
        assert read_texts(conversations) == ["hello", "hi"]


@pytest.mark.parametrize("content", [b"not a database, and long enough to be one" * 200, b"x"])
def test_what_is_no_database_is_left_as_it_is(content: bytes) -> None:
    get_path().write_bytes(content)
    with open_conversations() as conversations:
        with pytest.raises(FileUnreadable) as caught:
            conversations.load_list(Filter(), 1)
        assert "mv " in caught.value.hint
        with pytest.raises(FileUnreadable):
            save_turn(conversations, "hello")
    assert get_path().read_bytes() == content


def test_another_programs_database_is_left_as_it_is() -> None:
    with sqlite3.connect(get_path()) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    before = get_path().read_bytes()
    with (
        open_conversations() as conversations,
        pytest.raises(FileUnreadable, match="another program"),
    ):
        save_turn(conversations, "hello")
    assert get_path().read_bytes() == before


def test_a_file_that_lost_its_end_is_told() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello", "hi " * 5000)
    content = get_path().read_bytes()
    get_path().write_bytes(content[: len(content) // 3])
    with open_conversations() as conversations, pytest.raises(FileUnreadable):
        read_texts(conversations)


def test_a_damaged_file_that_is_moved_away_makes_room_for_a_new_one_at_once() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello", "hi " * 5000)
    size = get_path().stat().st_size
    with get_path().open("r+b") as file:
        file.seek(PAGE)  # the head is whole
        file.write(b"\xff" * (size - PAGE))
    with open_conversations() as conversations:
        with pytest.raises(FileUnreadable):
            read_texts(conversations)
        get_path().rename(f"{get_path()}.broken")
        save_turn(conversations, "hello again")
        assert read_texts(conversations) == ["hello again"]


@pytest.mark.parametrize("is_readable", [True, False])
def test_what_kept_the_file_from_being_written_holds_no_longer_than_it_lasts(
    *, is_readable: bool
) -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello", "hi")
    index = get_path().with_name(f"{get_path().name}-shm")
    index.symlink_to("/" if is_readable else "/no/such/folder")
    with open_conversations() as conversations:
        assert read_texts(conversations) == ["hello", "hi"]
        with pytest.raises(StoreUnusable):
            save_turn(conversations, "more", is_new=False)
        index.unlink()
        save_turn(conversations, "more", is_new=False)
        assert read_texts(conversations) == ["hello", "hi", "more"]


def test_a_file_that_another_process_brings_up_to_date_is_written_no_more() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello", "hi")
        with open_conversations(NEXT) as newer:
            save_turn(newer, "more", is_new=False)
        with pytest.raises(StoreUnusable, match="newer"):
            save_turn(conversations, "and more", is_new=False)
        assert read_texts(conversations) == ["hello", "hi", "more"]


def test_a_lock_is_waited_for_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello")
    monkeypatch.setattr(store_module, "_BUSY_S", 0.05)
    holder = sqlite3.connect(get_path(), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with open_conversations() as conversations:
        assert read_texts(conversations) == ["hello"]
        with pytest.raises(Locked):
            save_turn(conversations, "more", is_new=False)
        holder.execute("ROLLBACK")
        save_turn(conversations, "more", is_new=False)
        assert read_texts(conversations) == ["hello", "more"]
    holder.close()


def test_a_python_without_full_text_search_is_told() -> None:
    missing = (("CREATE VIRTUAL TABLE message_text USING fts5000 (text)",),)
    with open_conversations(missing) as conversations, pytest.raises(StoreUnusable, match="FTS5"):
        save_turn(conversations, "hello")


def test_a_failed_transaction_leaves_nothing() -> None:
    store = Store(get_path())

    def break_off() -> None:
        with store.write() as database:
            database.execute("INSERT INTO sqlite_sequence VALUES ('x', 1)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert store.read("SELECT * FROM sqlite_sequence", {}) == []
    store.close()


def test_many_make_the_file_at_once() -> None:
    failures: list[BaseException] = []

    def chat(number: int) -> None:
        try:
            with open_conversations() as conversations:
                save_turn(conversations, f"hello {number}", "hi", id_=f"id{number}")
        except BaseException as error:  # noqa: BLE001 - for the test's own thread to tell
            failures.append(error)

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_conversations() as conversations:
        assert conversations.count(Filter()) == 8


def test_what_is_written_is_synced_before_the_call_returns() -> None:
    store = Store(get_path())
    with store.use(writing=True) as database:
        modes = {
            name: database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    store.close()
    assert modes == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
