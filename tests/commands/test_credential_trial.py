"""`credential test` and `rotate --test`: whether an upstream takes a key, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.models import serve_models
from tests.support.program import Finished
from tests.support.upstream import (
    Reply,
    ScriptedUpstream,
    anthropic_error,
    json_reply,
    openai_error,
    openai_reply,
)

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from tests.support.upstream import RecordedRequest, Script

Hiveloom = Callable[..., Finished]
KEY = "sk-a-made-up-key-0123456789"
NEW = "sk-brand-new-key-9876543210"
LIST = {"data": [{"id": "one"}, {"id": "two"}]}


def store(hiveloom: Hiveloom, url: str, *options: str, key: str = KEY) -> None:
    done = hiveloom("credential", "set", "work", "--base-url", url, *options, input=key)
    assert done.exit_code == 0


def refuse_list(status: int, then: Reply) -> Script:
    def answer(request: RecordedRequest) -> Reply:
        if request.method == "GET":
            return json_reply(openai_error("no list here"), status=status)
        return then

    return answer


def test_a_key_that_opens_the_list_works(hiveloom: Hiveloom) -> None:
    with ScriptedUpstream(script=serve_models(LIST, key=KEY)) as upstream:
        store(hiveloom, upstream.openai_base_url)
        done = hiveloom("credential", "test", "work")
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout == f"The key work works at {upstream.origin}: it opens 2 models.\n"
        assert json.loads(hiveloom("credential", "test", "work", "--json").stdout) == {
            "name": "work",
            "base_url": upstream.openai_base_url,
            "protocol": "openai",
            "works": True,
            "models": 2,
            "asked": None,
        }


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_both_protocols_are_tried_where_the_environment_points(
    hiveloom: Hiveloom, loopback: LoopbackUpstream, name: str
) -> None:
    env = {
        "HIVELOOM_OPENAI_BASE_URL": loopback.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": loopback.anthropic_base_url,
    }
    hiveloom("credential", "set", name, input=KEY)
    done = hiveloom("credential", "test", name, env=env)
    assert done.stdout == f"The key {name} works at {loopback.origin}: it opens 1 model.\n"
    header = {"openai": "authorization", "anthropic": "x-api-key"}[name]
    assert loopback.requests[0].headers[header].endswith(KEY)
    assert header not in loopback.requests[1].headers


def test_a_list_that_anyone_may_see_proves_nothing(hiveloom: Hiveloom) -> None:
    with ScriptedUpstream(script=serve_models(LIST)) as upstream:
        store(hiveloom, upstream.openai_base_url)
        done = hiveloom("credential", "test", "work")
        assert done.exit_code == 0
        assert done.stdout == (
            f"{upstream.origin} offers 2 models to anyone, so the key work was not put to the"
            " test.\n"
        )
        done = hiveloom("credential", "test", "work", "--model", "two")
        assert done.exit_code == 4
        assert "401 Unauthorized: Incorrect API key provided" in done.stderr
        store(hiveloom, upstream.openai_base_url, key="right")
        done = hiveloom("credential", "test", "work", "--model", "two")
        assert done.stdout == f"The key work works at {upstream.origin}: two answered.\n"
        asked = upstream.requests[-1].json
        assert (asked["model"], asked["max_tokens"]) == ("two", 1)


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_without_a_list_a_model_is_asked_for_one_token(hiveloom: Hiveloom, status: int) -> None:
    for then in (json_reply(openai_reply("")), json_reply(openai_reply("H"))):
        with ScriptedUpstream(script=refuse_list(status, then)) as upstream:
            store(hiveloom, upstream.openai_base_url)
            done = hiveloom("credential", "test", "work")
            assert done.exit_code == 4
            assert "no list here" in done.stderr
            assert "or name a model to ask: --model MODEL" in done.stderr
            done = hiveloom("credential", "test", "work", "--model", "m")
            assert done.stdout == f"The key work works at {upstream.origin}: m answered.\n"


PAGE = b"<!doctype html><title>Sign in</title>"


@pytest.mark.parametrize(
    ("reply", "said", "fix"),
    [
        (json_reply(openai_error(f"Incorrect API key: {KEY}"), status=401), "401", "rotate"),
        (json_reply(b'{"error": "Unauthorized"}', status=401), "Unauthorized", "rotate"),
        (json_reply(anthropic_error("invalid x-api-key"), status=401), "invalid", "rotate"),
        (json_reply(openai_error("no money"), status=402), "402", "balance"),
        (json_reply(openai_error("slow down"), status=429), "429", ""),
        (json_reply(b"", status=500), "500", ""),
        (json_reply(PAGE, status=502), "Sign in", ""),
        (json_reply(PAGE), "a web page, “Sign in”", "base URL"),
        (json_reply(b""), "no list of models: nothing", "base URL"),
        (json_reply(b'{"error": {"message": "no such team"}}'), "no such team", ""),
        (Reply([], 302, (("Location", "https://login.example/"),)), "login.example", ""),
    ],
)
def test_what_an_upstream_says_against_a_key_is_told(
    hiveloom: Hiveloom, reply: Reply, said: str, fix: str
) -> None:
    with ScriptedUpstream(script=lambda _: reply) as upstream:
        store(hiveloom, upstream.openai_base_url)
        done = hiveloom("credential", "test", "work")
    assert (done.exit_code, done.stdout) == (4, "")
    problem, *hint = done.stderr.splitlines()
    assert said in problem
    assert fix in "".join(hint)
    assert KEY not in done.stderr


def test_an_upstream_that_is_not_there_is_named(hiveloom: Hiveloom) -> None:
    store(hiveloom, "http://127.0.0.1:9/v1")
    done = hiveloom("credential", "test", "work")
    assert done.exit_code == 4
    assert "cannot reach http://127.0.0.1:9: Connection refused" in done.stderr


def test_a_key_that_is_not_stored_or_belongs_nowhere_is_sent_nowhere(hiveloom: Hiveloom) -> None:
    assert hiveloom("credential", "test", "work").exit_code == 5
    hiveloom("credential", "set", "work", input=KEY)
    done = hiveloom("credential", "test", "work")
    assert done.exit_code == 2
    assert "only a model's name decides where the key work goes" in done.stderr
    assert "--model MODEL" in done.stderr
    done = hiveloom("model", "list", "--credential", "work")
    assert done.exit_code == 2
    assert "hiveloom credential set --name work --provider PRESET" in done.stderr


def test_a_key_that_its_place_has_lost_is_exit_code_3(hiveloom: Hiveloom, home: Any) -> None:
    store(hiveloom, "http://127.0.0.1:9/v1")
    (home / "vault.json").unlink()
    assert hiveloom("credential", "test", "work").exit_code == 3


def test_a_new_key_is_tried_before_it_replaces_the_old_one(hiveloom: Hiveloom) -> None:
    with ScriptedUpstream(script=serve_models(LIST, key=NEW)) as upstream:
        store(hiveloom, upstream.openai_base_url)
        done = hiveloom("credential", "rotate", "work", "--test", input="sk-a-wrong-key-000000")
        assert (done.exit_code, done.stdout) == (4, "")
        assert done.stderr.startswith(
            f"Trying the new key at {upstream.origin}; the old one stays if it fails.\n"
        )
        assert "Incorrect API key" in done.stderr
        hiveloom("credential", "test", "work")
        assert upstream.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        done = hiveloom("credential", "rotate", "work", "--test", input=NEW)
        assert done.exit_code == 0
        assert done.stdout == (
            f"The key work works at {upstream.origin}: it opens 2 models.\n"
            f"Rotated the key work in the file vault, for {upstream.origin}.\n"
        )
        assert hiveloom("credential", "test", "work").exit_code == 0


def test_a_new_key_stays_out_if_the_upstream_is_not_there(hiveloom: Hiveloom, home: Any) -> None:
    store(hiveloom, "http://127.0.0.1:9/v1")
    before = (home / "vault.json").read_bytes(), (home / "credentials.json").read_bytes()
    done = hiveloom("credential", "rotate", "work", "--test", input=NEW)
    assert done.exit_code == 4
    assert ((home / "vault.json").read_bytes(), (home / "credentials.json").read_bytes()) == before


def test_the_first_model_offered_is_asked_elsewhere_than_on_this_machine() -> None:
    from hiveloom_cli.protocols.base_url import parse_base_url
    from hiveloom_cli.protocols.models import ModelInfo
    from hiveloom_cli.upstream.key_check import _choose_model
    from hiveloom_cli.upstream.resolve import StoredKey, Upstream

    def choose(url: str, *names: str) -> str:
        upstream = Upstream("openai", parse_base_url(url, source="X"), StoredKey("a"))
        return _choose_model(upstream, tuple(map(ModelInfo, names)))

    assert choose("https://openrouter.ai/api/v1") == "anthropic/claude-sonnet-4"
    assert choose("https://openrouter.ai/api/v1", "a", "b") == "a"
    assert choose("https://llm.example.org/v1", "a", "b") == "a"
    assert choose("http://127.0.0.1:1/v1", "a", "b") == ""
