"""Which agents a server offers."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.app import App
from hiveloom_cli.commands.serve_host import ServeHost
from hiveloom_cli.errors import AgentNotFound
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.terminal.streams import Streams
from tests.support.program import run_hiveloom

if TYPE_CHECKING:
    from pathlib import Path


def test_a_project_s_agent_is_offered_once_somebody_agreed_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop" / ".hiveloom" / "agents"
    folder.mkdir(parents=True)
    (folder / "plain.md").write_text("---\nmodel: m\n---\n")
    (folder / "keen.md").write_text("---\nmodel: m\ntools: [deploy]\n---\n")
    run_hiveloom("agent", "create", "own", "--model", "m")
    monkeypatch.chdir(tmp_path / "shop")
    host = ServeHost(App({**os.environ}, Streams(io.StringIO(), io.StringIO(), io.StringIO())))
    assert sorted(agent.name for agent in host.load_agents()) == ["own", "plain"]
    with pytest.raises(AgentNotFound):
        host.open_turn(Asked("keen", (build_user_message("hi"),)))
    run_hiveloom("trust", "--yes", cwd=tmp_path / "shop")
    assert sorted(agent.name for agent in host.load_agents()) == ["keen", "own", "plain"]
