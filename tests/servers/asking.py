"""Asking a server: with the program, and, for tools, which no command has yet, with the library."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.event import ReplyEnded, TextDelta, ToolCallReady
from hiveloom_cli.protocols.request import ChatRequest, Parameters, ToolDefinition
from hiveloom_cli.protocols.table import decide_protocol
from hiveloom_cli.secret import Secret
from hiveloom_cli.upstream.client import ModelClient
from hiveloom_cli.upstream.dialects import Dialects
from hiveloom_cli.upstream.resolve import decide_upstream
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.clocks import ManualClock
from tests.support.program import PROGRAM, build_environment, run_hiveloom

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Message, ToolCall
    from hiveloom_cli.upstream.event import UpstreamEvent
    from tests.servers.process import Server
    from tests.support.program import Finished

WEATHER = ToolDefinition(
    name="get_weather",
    description="Tell the weather of the next days.",
    input_schema={
        "type": "object",
        "properties": {
            "city": {"type": "string", "enum": ["Bern", "Zürich"]},
            "days": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "required": ["city", "days"],
    },
)


def chat(server: Server, model: str, *args: str, stream: bool = True) -> Finished:
    """Run `hiveloom chat` with the server's own key."""
    shutil.copytree(server.keys, os.environ["HIVELOOM_HOME"], dirs_exist_ok=True)
    return chat_as_is(server, model, *args, stream=stream)


def open_chat(server: Server, model: str, *args: str) -> subprocess.Popen[bytes]:
    """Begin `hiveloom chat` with the server's own key; its output comes as it is written."""
    shutil.copytree(server.keys, os.environ["HIVELOOM_HOME"], dirs_exist_ok=True)
    return subprocess.Popen(
        [*PROGRAM, "chat", "--model", model, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=build_environment(server.environ),
        cwd=os.environ["HOME"],
    )


def chat_as_is(server: Server, model: str, *args: str, stream: bool = True) -> Finished:
    """Run `hiveloom chat` with the key that is stored, if one is."""
    options = [] if stream else ["--no-stream"]
    return run_hiveloom("chat", "--model", model, *args, *options, env=server.environ)


def chat_with_key(
    server: Server, model: str, key: str, *args: str, stream: bool = True
) -> Finished:
    """Run `hiveloom chat` with another key than the server's."""
    stored = run_hiveloom("credential", "set", "--name", decide_protocol(model), input=key)
    assert stored.exit_code == 0
    return chat_as_is(server, model, *args, stream=stream)


def ask(
    server: Server, model: str, *messages: Message, stream: bool, max_tokens: int = 1000
) -> list[UpstreamEvent]:
    """Ask with the tool `WEATHER`; return the reply's events."""
    chat = ChatRequest(
        model=model,
        messages=messages,
        parameters=Parameters(max_tokens=max_tokens),
        tools=(WEATHER,),
        stream=stream,
    )
    upstream = decide_upstream(model, "", {}, server.environ)
    client = ModelClient(
        upstream,
        RequestsTransport({}),
        lambda: Secret(server.key),
        dialects=Dialects(Path(os.environ["HIVELOOM_HOME"]) / "dialects.json"),
        clock=ManualClock(),
    )
    return list(client.open_reply(chat).stream_events())


def list_calls(events: list[UpstreamEvent]) -> list[ToolCall]:
    """List the calls that are ready to be run."""
    return [event.call for event in events if isinstance(event, ToolCallReady)]


def join_text(events: list[UpstreamEvent]) -> str:
    """Join the answer's text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def get_end(events: list[UpstreamEvent]) -> ReplyEnded:
    """Return the terminal event, which is the last."""
    end = events[-1]
    assert isinstance(end, ReplyEnded)
    return end
