"""A small MCP server over stdio, without any library: `python mcp_server.py FOLDER [MODE]`.

It offers what `FOLDER/tools.json` lists, or one tool for each function below, and appends what it
hears to `FOLDER/heard`, a JSON value a line. MODE `abrupt` ends at whatever comes before the
handshake, `deaf` answers nothing that matters, as does a server with `FOLDER/deaf`, and `stubborn`
goes on when it is told to end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
MODE = sys.argv[2] if len(sys.argv) > 2 else "deaf" if (FOLDER / "deaf").exists() else ""
STATE: dict[str, Any] = {}


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def build_text(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


def echo(arguments: dict[str, Any]) -> dict[str, Any]:
    return build_text(f"echo: {arguments.get('text', '')}")


def environment(arguments: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(dict(os.environ))
    (FOLDER / "environment").write_text(text)
    return build_text(text)


def hello(arguments: dict[str, Any]) -> dict[str, Any]:
    return build_text(json.dumps(STATE["hello"]))


def die(arguments: dict[str, Any]) -> dict[str, Any]:
    print("out of luck", file=sys.stderr, flush=True)
    os._exit(7)


def big(arguments: dict[str, Any]) -> dict[str, Any]:
    return build_text("x" * arguments["size"])


def chatter(arguments: dict[str, Any]) -> dict[str, Any]:
    sys.stderr.write("chatter\n" * arguments["lines"])
    sys.stderr.flush()
    return build_text("said")


def child(arguments: dict[str, Any]) -> dict[str, Any]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)",
        ],
        stdin=subprocess.DEVNULL,
    )
    return build_text(str(process.pid))


def fail(arguments: dict[str, Any]) -> dict[str, Any]:
    return {**build_text("it went wrong"), "isError": True}


TOOLS = {tool.__name__: tool for tool in (echo, environment, hello, die, big, chatter, child, fail)}


def list_tools() -> list[dict[str, Any]]:
    path = FOLDER / "tools.json"
    if path.exists():
        tools: list[dict[str, Any]] = json.loads(path.read_text())
        return tools
    return [
        {
            "name": name,
            "description": f"Does {name}",
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": name == "echo"},
        }
        for name in (*TOOLS, "hang", "ask")
    ]


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    params = message.get("params") or {}
    match message.get("method"):
        case "initialize":
            STATE["hello"] = params
            info = {"name": "small", "version": "1"}
            version = params["protocolVersion"]
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return {"tools": list_tools()}
        case "tools/call" if params["name"] == "hang":
            return None
        case "tools/call" if params["name"] == "ask":
            STATE["asked"] = message["id"]
            send(
                {
                    "id": "q",
                    "method": "sampling/createMessage",
                    "params": {"messages": [], "maxTokens": 1},
                }
            )
            return None
        case "tools/call":
            return TOOLS[params["name"]](params.get("arguments") or {})
    return None


def hear(message: dict[str, Any]) -> None:
    with (FOLDER / "heard").open("a") as file:
        file.write(json.dumps(message) + "\n")
    known = ("initialize", "tools/list", "tools/call")
    if message.get("id") == "q":
        send({"id": STATE["asked"], "result": build_text(json.dumps(message))})
    elif "id" in message and message["method"] not in known:
        if MODE == "abrupt":
            sys.exit("expected initialize")
        send({"id": message["id"], "error": {"code": -32601, "message": "no such method"}})
    elif "id" in message and MODE != "deaf" and (result := answer(message)) is not None:
        send({"id": message["id"], "result": result})


if MODE == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("small server started", file=sys.stderr, flush=True)
with (FOLDER / "pids").open("a") as pids:
    pids.write(f"{os.getpid()}\n")
for line in sys.stdin:
    hear(json.loads(line))
while MODE == "stubborn":
    signal.pause()
