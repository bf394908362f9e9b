"""`hiveloom model list`, and the completion that it feeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.models import list_reply
from tests.support.program import Finished, spawn_hiveloom
from tests.support.upstream import Ending, Reply, ScriptedUpstream

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.upstream import RecordedRequest

Hiveloom = Callable[..., Finished]
KEY = "sk-a-made-up-key-0123456789"
GROQ = [
    {"id": "openai/gpt-oss-120b", "object": "model", "active": True, "context_window": 131072},
    {"id": "whisper-large-v3", "object": "model", "active": False, "context_window": 448},
]


def point_at(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}


def complete(hiveloom: Hiveloom, words: str) -> list[str]:
    env = {
        "_HIVELOOM_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    return [line.partition(",")[2] for line in hiveloom(env=env).stdout.split()]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"object": "list", "data": GROQ}, ["openai/gpt-oss-120b  131,072  -"]),
        (
            {"data": [{"id": "a/b", "context_length": 200000, "supported_parameters": ["tools"]}]},
            ["a/b    200,000  yes"],
        ),
        (
            [
                {"id": "c", "type": "chat", "context_length": 8192},
                {"id": "i", "type": "image"},
            ],
            ["c      8,192    -"],
        ),
        (
            {"data": [{"id": "x", "supports_tools": False}, {"id": "y"}]},
            ["x      -        no", "y      -        -"],
        ),
    ],
)
def test_the_list_shows_what_the_upstream_says(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, value: Any, lines: list[str]
) -> None:
    upstream.add(list_reply(value))
    done = hiveloom("model", "list", env=point_at(upstream))
    assert (done.exit_code, done.stderr) == (0, "")
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["MODEL", "CONTEXT", "TOOLS"]
    assert rows == lines
    request = upstream.requests[0]
    assert (request.method, request.path, request.body) == ("GET", "/v1/models", b"")
    assert request.headers["authorization"] == "Bearer no-key"


@pytest.mark.parametrize("value", [{"object": "list", "data": None}, [], {"data": []}])
def test_an_upstream_without_models_says_so(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, value: Any
) -> None:
    upstream.add(list_reply(value))
    done = hiveloom("model", "list", env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"{upstream.origin} offers no model yet.\n"


def test_pages_are_asked_for_to_their_end_and_not_beyond(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    options = ["--base-url", upstream.anthropic_base_url, "--protocol", "anthropic"]
    hiveloom("credential", "set", "house", *options, input=KEY)
    upstream.add(
        list_reply({"data": [{"id": "claude-a"}], "has_more": True, "last_id": "claude-a"}),
        list_reply({"data": [{"id": "claude-b", "max_input_tokens": 9}], "has_more": False}),
    )
    done = hiveloom("model", "list", "--credential", "house", "--json")
    assert json.loads(done.stdout)["models"] == [
        {"id": "claude-a", "context_length": None, "takes_tools": None},
        {"id": "claude-b", "context_length": 9, "takes_tools": None},
    ]
    assert [request.path for request in upstream.requests] == [
        "/v1/models?limit=1000",
        "/v1/models?limit=1000&after_id=claude-a",
    ]
    assert {request.headers["x-api-key"] for request in upstream.requests} == {KEY}
    assert {request.headers["anthropic-version"] for request in upstream.requests} == {"2023-06-01"}


def test_pages_without_an_end_are_given_up(hiveloom: Hiveloom) -> None:
    count = 0

    def answer(_: RecordedRequest) -> Reply:
        nonlocal count
        count += 1
        name = f"m{count}" if count > 3 else "same"
        return list_reply({"data": [{"id": name}], "has_more": True})

    with ScriptedUpstream(script=answer) as upstream:
        done = hiveloom("model", "list", env=point_at(upstream))
        assert done.stdout.split()[3:] == ["same", "-", "-"]
        assert len(upstream.requests) == 2
        done = hiveloom("model", "list", "--refresh", env=point_at(upstream))
        assert (done.exit_code, len(upstream.requests)) == (0, 22)


def test_a_list_is_kept_for_a_day_and_refreshed_when_asked(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path
) -> None:
    upstream.add(list_reply({"data": [{"id": "old"}]}), list_reply({"data": [{"id": "new"}]}))
    env = point_at(upstream)
    hiveloom("model", "list", env=env)
    done = hiveloom("model", "list", env=env)
    assert "old" in done.stdout
    assert f"note: {upstream.origin} said so at 20" in done.stderr
    assert "new" in hiveloom("model", "list", "--refresh", env=env).stdout
    assert "new" in hiveloom("model", "list", env=env).stdout
    assert len(upstream.requests) == 2
    (file,) = (home / "cache/models").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    upstream.add(list_reply({"data": [{"id": "newer"}]}))
    file.write_text("{")
    assert "newer" in hiveloom("model", "list", env=env).stdout


PAGE = b"<html><title>Portal</title></html>"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply([b'{"error": {"message": "bad key"}}'], 401), "401 Unauthorized: bad key"),
        (Reply([b'{"error": {"message": "gone"}}'], 404), "404 Not Found: gone"),
        (Reply([PAGE]), "a web page, “Portal”"),
        (Reply([b'{"data": [{"id": "m"}']), "no list of models"),
        (Reply([b'{"data": [{"id"'], ending=Ending.SHORT), "the connection broke"),
        (Reply([b'{"data": ['], ending=Ending.RESET), "the connection broke"),
        (Reply([b" " * (17 << 20)]), "larger than 16 MiB"),
        (Reply([], 307, (("Location", "/v2/models"),)), "points to /v2/models"),
    ],
)
def test_a_list_that_does_not_come_is_an_error_and_nothing_is_kept(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, home: Path, reply: Reply, said: str
) -> None:
    upstream.add(reply)
    done = hiveloom("model", "list", "--json", env=point_at(upstream))
    assert done.exit_code == 4
    assert said in done.stderr
    assert said in json.loads(done.stdout)["error"]["message"]
    assert not (home / "cache").exists()


def test_without_a_key_it_is_exit_code_3(hiveloom: Hiveloom) -> None:
    done = hiveloom("model", "list")
    assert done.exit_code == 3
    assert "hiveloom credential set --name openai" in done.stderr
    done = hiveloom("model", "list", "--credential", "groq")
    assert done.exit_code == 3
    assert "groq, which https://api.groq.com needs" in done.stderr


def test_models_complete_for_the_key_that_was_offered_them(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    hiveloom("credential", "set", "work", "--base-url", upstream.openai_base_url, input=KEY)
    upstream.add(list_reply({"data": [{"id": "gpt-a"}, {"id": "other"}]}))
    hiveloom("model", "list", env=point_at(upstream))
    upstream.add(list_reply({"data": [{"id": "gpt-work"}]}))
    hiveloom("model", "list", "--credential", "work")
    assert complete(hiveloom, "hiveloom chat --model g") == ["gpt-a"]
    assert complete(hiveloom, "hiveloom agent create --model o") == ["other"]
    assert complete(hiveloom, "hiveloom chat --credential work --model g") == ["gpt-work"]
    assert complete(hiveloom, "hiveloom chat --credential none --model g") == []
    assert len(upstream.requests) == 2


def test_a_models_name_cannot_steer_a_terminal(upstream: ScriptedUpstream) -> None:
    upstream.add(list_reply({"data": [{"id": "x\x1b[2Jy"}, {"id": "plain"}]}))
    with spawn_hiveloom("model", "list", env=point_at(upstream)) as terminal:
        assert terminal.wait() == 0
        assert "plain" in terminal.text
        assert b"\x1b[2J" not in terminal.output
