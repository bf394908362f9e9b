"""A server on the newest official SDK, which speaks the newest version of the protocol."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.stop import Stop
from hiveloom_cli.tools import mcp_session
from hiveloom_cli.tools.tool import Approval
from tests.support.mcp import McpWorld
from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[1] / "support/mcp_sdk_server.py"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> McpWorld:
    for limit in ("_START_S", "_LIST_S"):  # importing the SDK alone takes a busy machine long
        monkeypatch.setattr(mcp_session, limit, 300.0)
    world = McpWorld(tmp_path)
    (tmp_path / "said").write_text("Sends a text")
    args = ["-P", str(SCRIPT), str(tmp_path / "said")]  # -P: a neighbour is named as the SDK is
    world.write(changing={"command": sys.executable, "args": args})
    return world


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_tool_that_changes_between_starts_is_seen(world: McpWorld) -> None:
    with world.open("changing/send") as tools:
        former = tools.get_card("changing/send")
        assert former.approval is Approval.AUTO
        assert tools.call("changing/send", text="hi").content == "sent: hi"
    (world.folder / "said").write_text("Sends a text to everybody")
    with world.open("changing/send") as tools:
        assert tools.get_card("changing/send") == former
        card = tools.get_tool("changing/send").load_card()
    assert card.definition.description == "Sends a text to everybody"
    assert card.definition_text != former.definition_text


def test_a_call_that_is_stopped_is_cancelled_in_the_server(world: McpWorld) -> None:
    stop = Stop()
    log, said = world.logs / "changing.log", world.folder / "said"

    def stop_when_waiting() -> None:
        wait_until(lambda: log.exists() and "waiting" in log.read_text())
        stop.set()

    with world.open("changing") as tools:
        thread = threading.Thread(target=stop_when_waiting)
        thread.start()
        assert tools.call("changing/wait", stop).is_error
        thread.join()
        wait_until(lambda: said.read_text().endswith("cancelled\n"))
        assert tools.call("changing/send", text="on").content == "sent: on"


def test_a_question_to_the_person_is_refused(world: McpWorld) -> None:
    with world.open("changing") as tools:
        output = tools.call("changing/ask")
    assert output.is_error
