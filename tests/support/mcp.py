"""MCP servers for tests: a list of them in a test's own folders, and the toolset of it."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import CredentialError
from hiveloom_cli.stop import Stop
from hiveloom_cli.tools.mcp_tools import McpTools
from hiveloom_cli.tools.outside import Outside
from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hiveloom_cli.secret import Secret
    from hiveloom_cli.tools.tool import Tool, ToolCard, ToolOutput

SCRIPT = Path(__file__).with_name("mcp_server.py")


@dataclass
class McpWorld:
    """Folders of a test, the keys that are stored, and the environment that tools see."""

    folder: Path
    keys: dict[tuple[str, str], Secret] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def file(self) -> Path:
        return self.folder / "mcp.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def small(self) -> Path:
        """The folder of the small server: what it heard, and what it is to offer."""
        return self.folder / "small"

    @property
    def outside(self) -> Outside:
        return Outside(
            tools=self.folder / "tools",
            skills=self.folder / "skills",
            mcp=self.file,
            cache=self.folder / "cache",
            logs=self.logs,
            environ=self.environ,
            clock=SystemClock(),
            open_web=lambda: None,  # type: ignore[arg-type, return-value]
            load_key=self._load_key,
        )

    def write(self, **servers: Mapping[str, Any]) -> None:
        self.file.write_text(json.dumps({"mcpServers": servers}))

    def write_small(self, mode: str = "", **more: Any) -> None:
        """List the small server as `small`."""
        self.small.mkdir(exist_ok=True)
        self.write(small={"command": sys.executable, "args": self.build_args(mode), **more})

    def build_args(self, mode: str = "") -> list[str]:
        return [str(SCRIPT), str(self.small), *([mode] if mode else [])]

    def offer(self, *tools: Mapping[str, Any]) -> None:
        """Say what the small server offers."""
        self.small.mkdir(exist_ok=True)
        (self.small / "tools.json").write_text(json.dumps(tools))

    def load_heard(self) -> list[dict[str, Any]]:
        """Return what the small server was told."""
        path = self.small / "heard"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def wait_for(self, method: str) -> dict[str, Any]:
        """Wait until the small server has heard a message, and return the first such."""
        return self._wait_for(method, lambda message: message.get("method") == method)

    def wait_for_call(self, tool: str) -> dict[str, Any]:
        """Wait until the small server has heard a call of a tool, and return the first such."""
        return self._wait_for(
            tool,
            lambda message: (
                message.get("method") == "tools/call" and message["params"]["name"] == tool
            ),
        )

    def _wait_for(self, what: str, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for message in self.load_heard():
                if is_it(message):
                    return message
            time.sleep(0.01)
        pytest.fail(f"the server never heard {what}")

    def load_pids(self) -> list[int]:
        """Return the processes that the small server was so far."""
        path = self.small / "pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    @contextmanager
    def open(self, *names: str) -> Iterator[OpenTools]:
        """Open the tools of these names; their servers are ended with the block."""
        toolset = McpTools(names, self.outside)
        try:
            yield OpenTools(
                toolset, {card.reference: (card, tool) for card, tool in toolset.load_tools()}
            )
        finally:
            toolset.close()

    def _load_key(self, name: str, origin: str) -> Secret:
        if (name, origin) not in self.keys:
            raise CredentialError(f"the key {name} does not belong to {origin}")
        return self.keys[name, origin]


@dataclass(frozen=True, slots=True)
class OpenTools:
    """Tools by their references."""

    toolset: McpTools
    tools: Mapping[str, tuple[ToolCard, Tool]]

    def get_card(self, name: str) -> ToolCard:
        return self.tools[f"mcp:{name}"][0]

    def get_tool(self, name: str) -> Tool:
        return self.tools[f"mcp:{name}"][1]

    def call(self, name: str, stop: Stop | None = None, **arguments: Any) -> ToolOutput:
        return self.get_tool(name).run(arguments, stop or Stop())

    @property
    def problems(self) -> list[str]:
        return [problem.message for problem in self.toolset.problems]


def is_running(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # it ends while it is looked at
        return False
    return state != "Z"


def wait_for_end(pid: int) -> None:
    """Wait until a process is gone; fail if it stays."""
    deadline = time.monotonic() + PATIENCE_S
    while is_running(pid):
        assert time.monotonic() < deadline, f"the process {pid} was left behind"
        time.sleep(0.01)
