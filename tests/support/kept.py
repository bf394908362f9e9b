"""What is said to a server by its clients, and what `hiveloom conversation` shows of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.support.patience import PATIENCE_S
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN
from tests.support.upstream import openai_stream, stream_reply

if TYPE_CHECKING:
    from tests.support.served import Served
    from tests.support.upstream import Reply, ScriptedUpstream

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def write_agent(settings: str = "", name: str = "helper") -> None:
    path = Path(os.environ["HIVELOOM_HOME"]) / "agents" / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"---\nmodel: m\n{settings}\n---\nBe terse.\n")


def point_at(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}


def say(*texts: str) -> list[Reply]:
    return [stream_reply(openai_stream(text)) for text in texts]


def ask(
    server: Served, message: str, id_: str | None = None, agent: str = "helper", **options: Any
) -> requests.Response:
    """Ask in the product's own way."""
    return requests.post(
        f"{server.origin}/api/tenants/default/agents/{agent}/chat",
        json={"message": message, "conversation_id": id_, **options},
        headers=HEADERS,
        stream=bool(options),
        timeout=PATIENCE_S,
    )


def read_reply(reply: requests.Response) -> tuple[str, str]:
    """Read an answer, and the id of its conversation."""
    assert reply.status_code == 200, reply.text
    return reply.json()["response"], reply.json()["conversation_id"]


def read_refusal(reply: requests.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


def list_kept() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run_hiveloom("conversation", "list", "--json").stdout)
    return rows


def show(id_: str) -> list[dict[str, Any]]:
    shown = run_hiveloom("conversation", "show", id_, "--json").stdout
    return [row for row in json.loads(shown)["messages"] if not row["replaced"]]


def read_said(id_: str) -> list[tuple[str, str]]:
    return [(row["text"], row["state"]) for row in show(id_)]


def get_sent(upstream: ScriptedUpstream) -> list[str]:
    """Return what the upstream was told last, without the system prompt."""
    said = upstream.requests[-1].json["messages"]
    return [message["content"] for message in said if message["role"] != "system"]
