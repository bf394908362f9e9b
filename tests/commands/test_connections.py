"""Several upstreams side by side: each key has its own address, and goes nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.program import Finished, spawn_hiveloom
from tests.support.upstream import (
    Reply,
    ScriptedUpstream,
    anthropic_stream,
    json_reply,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.upstream import RecordedRequest

Hiveloom = Callable[..., Finished]
KEY = "sk-a-made-up-key-0123456789"
OTHER = "sk-of-another-house-9876543210"


def answer(request: RecordedRequest) -> Reply:
    if request.method == "GET":
        return json_reply(b'{"data": [{"id": "m"}]}')
    stream = anthropic_stream if request.route.endswith("/messages") else openai_stream
    return stream_reply(stream("ok"))


@pytest.fixture
def house() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(script=answer) as server:
        yield server


@pytest.fixture
def stranger() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(script=answer) as server:
        yield server


def test_two_agents_talk_to_two_upstreams_with_two_keys(
    hiveloom: Hiveloom, house: ScriptedUpstream, stranger: ScriptedUpstream
) -> None:
    for name, key, url, protocol in [
        ("a", KEY, house.openai_base_url, "openai"),
        ("b", OTHER, stranger.anthropic_base_url, "anthropic"),
    ]:
        options = ["--base-url", url, "--protocol", protocol]
        done = hiveloom("credential", "set", "--name", name, *options, input=key)
        origin = url.removesuffix("/v1")
        assert done.stdout == f"Stored the key {name} in the file vault, for {origin}.\n"
        hiveloom("agent", "create", name, "--model", "m", "--credential", name)
        assert hiveloom("chat", name, "hi").stdout == "ok"
    (first,), (second,) = house.requests, stranger.requests
    assert (first.path, first.headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert (second.path, second.headers["x-api-key"]) == ("/v1/messages", OTHER)
    rows = json.loads(hiveloom("credential", "list", "--json").stdout)
    assert [(row["base_url"], row["protocol"], row["used_by"]) for row in rows] == [
        (house.openai_base_url, "openai", ["a"]),
        (stranger.anthropic_base_url, "anthropic", ["b"]),
    ]
    assert house.origin in hiveloom("credential", "list").stdout


@pytest.mark.parametrize(
    ("name", "options", "base_url", "protocol", "goal"),
    [
        ("groq", [], "https://api.groq.com/openai/v1", "openai", "https://api.groq.com"),
        ("openai", [], None, None, "https://api.openai.com"),
        ("anthropic", [], None, None, "https://api.anthropic.com"),
        (
            "work",
            ["--provider", "mistral"],
            "https://api.mistral.ai/v1",
            "openai",
            "https://api.mistral.ai",
        ),
        (
            "work",
            ["--base-url", "http://10.0.0.7/v1", "--allow-http"],
            "http://10.0.0.7/v1",
            "openai",
            "http://10.0.0.7",
        ),
    ],
)
def test_the_index_holds_the_address_and_the_person_is_told(
    hiveloom: Hiveloom,
    home: Path,
    name: str,
    options: list[str],
    base_url: str | None,
    protocol: str | None,
    goal: str,
) -> None:
    done = hiveloom("credential", "set", name, *options, input=KEY)
    assert done.stdout == f"Stored the key {name} in the file vault, for {goal}.\n"
    entry = json.loads((home / "credentials.json").read_text())["credentials"][name]
    assert (entry["base_url"], entry["protocol"]) == (base_url, protocol)


def test_a_name_that_says_nothing_leaves_it_to_the_model_and_a_slip_is_noticed(
    hiveloom: Hiveloom,
) -> None:
    done = hiveloom("credential", "set", "work", input=KEY)
    assert done.stdout == (
        "Stored the key work in the file vault; the model's name decides where it goes.\n"
    )
    assert "did you mean" not in done.stderr
    done = hiveloom("credential", "set", "gorq", input=KEY)
    assert "note: no provider is called gorq; did you mean groq?" in done.stderr


def test_a_rotated_key_keeps_its_address_and_a_set_one_takes_another(
    hiveloom: Hiveloom, house: ScriptedUpstream, stranger: ScriptedUpstream
) -> None:
    hiveloom("credential", "set", "work", "--base-url", house.openai_base_url, input=KEY)
    done = hiveloom("credential", "rotate", "work", input=OTHER)
    assert done.stdout == f"Rotated the key work in the file vault, for {house.origin}.\n"
    done = hiveloom("credential", "set", "work", input=KEY)
    assert done.stdout == f"Replaced the key work in the file vault, for {house.origin}.\n"
    options = ["--base-url", stranger.openai_base_url]
    done = hiveloom("credential", "set", "work", *options, input=OTHER)
    assert done.stdout == f"Replaced the key work in the file vault, for {stranger.origin}.\n"
    assert hiveloom("chat", "--model", "m", "--credential", "work", "hi").stdout == "ok"
    assert house.requests == []
    assert stranger.requests[0].headers["authorization"] == f"Bearer {OTHER}"


@pytest.mark.parametrize(
    ("options", "code", "said", "fix"),
    [
        (["--provider", "groq", "--base-url", "https://h"], 2, "both say", "one of them"),
        (["--provider", "groq", "--protocol", "anthropic"], 2, "Chat Comp", "--base-url"),
        (["--provider", "gorq"], 5, "did you mean groq?", "hiveloom provider list"),
        (["--protocol", "grpc"], 2, "expected one of: openai, anthropic", "--help"),
        (["--base-url", "http://10.0.0.7/v1"], 4, "another machine (10.0.0.7)", "--allow-http"),
        (["--base-url", "ftp://h/v1"], 4, "does not begin", "https://host/v1"),
        (["--base-url", "https://me:geheim@h/v1"], 4, "a password", "https://host/v1"),
        (["--base-url", "https://h/v1#geheim"], 4, "#fragment", "https://host/v1"),
    ],
)
def test_an_address_that_will_not_do_is_told_before_a_key_is_asked_for(
    home: Path, options: list[str], code: int, said: str, fix: str
) -> None:
    with spawn_hiveloom("credential", "set", "work", *options, columns=200) as terminal:
        assert terminal.wait() == code
        assert "hidden" not in terminal.text
        problem, hint = terminal.lines[:2]
        assert said in problem
        assert fix in hint
        assert "geheim" not in terminal.text
    assert not (home / "credentials.json").exists()


def list_attempts(stranger: ScriptedUpstream) -> Iterator[tuple[list[str], dict[str, str]]]:
    moved = {
        "HIVELOOM_OPENAI_BASE_URL": stranger.openai_base_url,
        "HIVELOOM_OPENAI_COMPAT_BASE_URL": stranger.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": stranger.anthropic_base_url,
        "OPENAI_BASE_URL": stranger.openai_base_url,
    }
    for model in ("m", "claude-x", stranger.openai_base_url):
        yield ["chat", "shared", "hi", "--model", model], moved
        yield ["chat", "--model", model, "--credential", "house", "hi", "--allow-http"], moved
        yield ["credential", "test", "house", "--model", model], moved
    yield ["chat", "shared", "hi"], moved
    yield ["model", "list", "--credential", "house", "--refresh"], moved
    yield ["credential", "test", "house"], moved
    yield ["credential", "rotate", "house", "--test"], moved


def test_a_key_goes_to_its_own_origin_whatever_agents_variables_and_options_say(
    hiveloom: Hiveloom, house: ScriptedUpstream, stranger: ScriptedUpstream, home: Path
) -> None:
    hiveloom("credential", "set", "house", "--base-url", house.openai_base_url, input=KEY)
    (home / "agents").mkdir()
    (home / "agents/shared.md").write_text(
        "---\nmodel: claude-x\ncredential: house\n"
        f"base_url: {stranger.openai_base_url}\nprovider: openai\nprotocol: anthropic\n"
        f"credential_base_url: {stranger.origin}\n---\n"
    )
    (home / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    attempts = list(list_attempts(stranger))
    for args, env in attempts:
        done = hiveloom(*args, input=KEY if "rotate" in args else "", env=env)
        assert done.exit_code == 0, (args, done.stderr)
    assert stranger.requests == []
    assert len(house.requests) >= len(attempts)
    sent = [request.headers.get("authorization") for request in house.requests]
    assert set(sent) == {f"Bearer {KEY}", None}  # None: is the list open to anyone?


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_key_is_not_carried_along_a_redirect(
    hiveloom: Hiveloom, stranger: ScriptedUpstream, status: int
) -> None:
    location = (("Location", f"{stranger.openai_base_url}/models"),)
    with ScriptedUpstream(script=lambda _: Reply([], status, location)) as house:
        hiveloom("credential", "set", "house", "--base-url", house.openai_base_url, input=KEY)
        for args in [
            ["chat", "--model", "m", "--credential", "house", "hi"],
            ["model", "list", "--credential", "house"],
            ["credential", "test", "house"],
        ]:
            done = hiveloom(*args)
            assert done.exit_code == 4
            assert f"points to {stranger.openai_base_url}/models" in done.stderr
            assert KEY not in done.stderr
    assert stranger.requests == []


def test_the_keys_of_openai_and_anthropic_follow_the_environment_and_their_own_protocol(
    hiveloom: Hiveloom, house: ScriptedUpstream, stranger: ScriptedUpstream
) -> None:
    env = {
        "HIVELOOM_OPENAI_BASE_URL": house.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": stranger.anthropic_base_url,
    }
    hiveloom("credential", "set", "openai", input=KEY)
    hiveloom("credential", "set", "anthropic", input=OTHER)
    for model in ("m", "claude-x"):
        for name in ("openai", "anthropic"):
            hiveloom("chat", "--model", model, "--credential", name, "hi", env=env)
    assert [request.headers["authorization"] for request in house.requests] == [f"Bearer {KEY}"] * 2
    assert [request.headers["x-api-key"] for request in stranger.requests] == [OTHER] * 2


def test_plain_http_to_another_machine_has_to_be_allowed(hiveloom: Hiveloom) -> None:
    env = {"HIVELOOM_OPENAI_BASE_URL": "http://models.example:8000/v1"}
    hiveloom("credential", "set", "openai", input=KEY)
    for args in [
        ["chat", "--model", "m", "hi"],
        ["model", "list"],
        ["credential", "test", "openai"],
    ]:
        done = hiveloom(*args, env=env)
        assert done.exit_code == 4
        assert "HIVELOOM_OPENAI_BASE_URL is plain http to another machine" in done.stderr
        assert "add --allow-http (or set HIVELOOM_ALLOW_HTTP=1)" in done.stderr
        for allowed in (
            hiveloom(*args, "--allow-http", env=env),
            hiveloom(*args, env={**env, "HIVELOOM_ALLOW_HTTP": "1"}),
        ):
            assert "cannot reach http://models.example:8000" in allowed.stderr
