"""`hiveloom mcp serve`."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.chat_tools import print_lacking
from hiveloom_cli.commands.naming import (
    choose_name,
    complete_agents,
    complete_references,
    take_name,
)
from hiveloom_cli.commands.trusting import load_trusted
from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.app import App

_PROGRAM = "hiveloom"


@click.command(name="serve")
@take_name(complete_agents)
@click.option(
    "--allow-tool",
    "allowed",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_references,
    help="Let this tool run, though it usually asks: nobody is there to be asked.",
)
@click.option("--save", is_flag=True, help="Keep what is said, as `hiveloom chat` does.")
@click.pass_obj
def serve(
    app: App,
    words: tuple[str, ...],
    name_option: str | None,
    allowed: tuple[str, ...],
    *,
    save: bool,
) -> None:
    """Be an MCP server whose tools talk to an agent, for the client that starts this.

    It speaks on standard input and output, and ends with the input. Over HTTP, every agent is an
    MCP server of `hiveloom serve`, at /mcp/AGENT.
    """
    name = choose_name(words, name_option)
    agent = load_trusted(app, name).agent
    if find_spec("mcp") is None:
        raise _build_missing()
    print_lacking(app, allowed, [agent], f"{name} has no such tool")
    if app.streams.stdin.isatty():
        options = [f"--allow-tool={tool}" for tool in allowed]
        _print_use(app, name, [*options, "--save"] if save else options)
    _run(app, name, allowed, keeps=save)


def _build_missing() -> HiveloomError:
    return HiveloomError(
        "being an MCP server needs the package mcp, which is not installed, or too old",
        hint="pip install 'hiveloom-cli[mcp]', or pipx inject hiveloom-cli 'mcp>=2.3,<3'",
    )


def _print_use(app: App, name: str, options: Sequence[str]) -> None:
    beside = Path(sys.executable).with_name(_PROGRAM)  # of an environment that is not on the PATH
    program = shutil.which(_PROGRAM) or (str(beside) if beside.is_file() else _PROGRAM)
    entry = json.dumps({name: {"command": program, "args": ["mcp", "serve", name, *options]}})
    app.streams.print_notice(
        f'An MCP client has to start this: add {entry[1:-1]} to its "mcpServers" (Ctrl-D ends it)'
    )


def _run(app: App, name: str, allowed: Sequence[str], *, keeps: bool) -> None:
    try:
        from hiveloom_cli.serve.mcp.server import serve_stdio
    except ImportError:
        raise _build_missing() from None
    from hiveloom_cli.commands.serve_host import ServeHost
    from hiveloom_cli.serve.mcp.agent import AgentTools
    from hiveloom_cli.serve.mcp.stdin_lines import read_lines
    from hiveloom_cli.signals import run_async

    with closing(ServeHost(app, allowed, keeps=keeps)) as host:
        tools = AgentTools(host, name, app.clock)
        run_async(serve_stdio(tools, read_lines(app.streams.stdin.fileno())))
