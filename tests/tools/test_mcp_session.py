"""A session with an MCP server, from its start to its end."""

from __future__ import annotations

import gc
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hiveloom_cli.tools.mcp_launch import Launch
from hiveloom_cli.tools.mcp_log import ServerLog
from hiveloom_cli.tools.mcp_server import StdioTransport
from hiveloom_cli.tools.mcp_session import McpSession

if TYPE_CHECKING:
    from pathlib import Path

MOMENTS = 80
STEP_S = 0.0001


def test_a_session_that_is_closed_at_any_moment_of_its_start_leaves_nothing_open(
    tmp_path: Path,
) -> None:
    cat = StdioTransport("cat", (), {}, None)
    launch = Launch("cat", cat, dict(os.environ), key=None, hidden=(), log=tmp_path / "cat.log")
    gc.collect()  # what others have left is theirs
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        for number in range(MOMENTS):
            session = McpSession(launch)
            time.sleep(number * STEP_S)
            session.close()
            assert not session.is_running
            del session
            gc.collect()
    assert [f"{warning.message}" for warning in left] == []


def test_a_log_can_be_begun_by_several_at_once(tmp_path: Path) -> None:
    def begin(_: int) -> None:
        ServerLog(tmp_path / "small.log").close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, range(400)))
    assert (tmp_path / "small.log").read_bytes() == b""
