"""A conversation that is held has no second turn, until it is released or its holder is gone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from hiveloom_cli.chat.draft_file import DraftHead
from hiveloom_cli.chat.record import AnsweredBy
from hiveloom_cli.chat.turn_hold import take_hold
from hiveloom_cli.protocols.message import TextPart
from tests.support.conversations import list_drafts, open_conversations

if TYPE_CHECKING:
    from pathlib import Path

ID = "01k0000000001"


def test_a_conversation_is_held_once(tmp_path: Path) -> None:
    folder = tmp_path / "unfinished"
    hold = take_hold(folder, ID)
    assert hold is not None
    assert take_hold(folder, ID) is None
    other = take_hold(folder, f"{ID}0")
    assert other is not None
    hold.release()
    hold.release()
    again = take_hold(folder, ID)
    assert again is not None
    hold.release()  # it is no longer its own
    assert take_hold(folder, ID) is None
    again.release()
    other.release()
    assert list(folder.iterdir()) == []


def test_a_process_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "unfinished"
    script = (
        "import sys, pathlib\n"
        "from hiveloom_cli.chat.turn_hold import take_hold\n"
        f"hold = take_hold(pathlib.Path(sys.argv[1]), {ID!r})\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert take_hold(folder, ID) is None
        process.kill()
    hold = take_hold(folder, ID)
    assert hold is not None
    hold.release()
    assert list(folder.iterdir()) == []


def test_where_no_file_can_be_written_nothing_is_held(tmp_path: Path) -> None:
    (tmp_path / "unfinished").write_text("")
    assert take_hold(tmp_path / "unfinished", ID) is not None
    assert take_hold(tmp_path / "unfinished", ID) is not None


def test_a_turn_that_is_just_being_written_holds_its_conversation() -> None:
    by = AnsweredBy("helper", 1, "m", "openai", "http://127.0.0.1/v1", "openai")
    with open_conversations() as conversations:
        file = conversations.begin_draft(DraftHead(ID, 1, (), by, 0))
        assert file.append(TextPart("on its way"))
        assert conversations.take_hold(ID) is None
        file.remove()
        hold = conversations.take_hold(ID)
        assert hold is not None
        hold.release()
    assert list_drafts() == []
