"""Which agents a server offers, and which conversations it begins."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.app import App
from hiveloom_cli.commands.serve_host import ServeHost
from hiveloom_cli.errors import AgentNotFound, Locked
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.terminal.streams import Streams
from tests.support.program import run_hiveloom

if TYPE_CHECKING:
    from pathlib import Path


def open_app() -> App:
    return App({**os.environ}, Streams(io.StringIO(), io.StringIO(), io.StringIO()))


def test_a_project_s_agent_is_offered_once_somebody_agreed_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop" / ".hiveloom" / "agents"
    folder.mkdir(parents=True)
    (folder / "plain.md").write_text("---\nmodel: m\n---\n")
    (folder / "keen.md").write_text("---\nmodel: m\ntools: [deploy]\n---\n")
    run_hiveloom("agent", "create", "own", "--model", "m")
    monkeypatch.chdir(tmp_path / "shop")
    host = ServeHost(open_app())
    assert sorted(agent.name for agent in host.load_agents()) == ["own", "plain"]
    with pytest.raises(AgentNotFound):
        host.open_turn(Asked("keen", (build_user_message("hi"),)))
    run_hiveloom("trust", "--yes", cwd=tmp_path / "shop")
    assert sorted(agent.name for agent in host.load_agents()) == ["keen", "own", "plain"]


def test_two_conversations_that_begin_at_once_never_become_one() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    app = open_app()
    app.environ = {**app.environ, "HIVELOOM_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    host = ServeHost(app, keeps=True)
    asked = Asked("helper", (build_user_message("hi"),), id="01k0000000001")
    turn = host.open_turn(asked)
    with pytest.raises(Locked):
        host.open_turn(asked)
    turn.close()
    host.open_turn(asked).close()
