"""Before the first visible piece a failure is mended; after it nothing is sent again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.errors import UpstreamError, UpstreamRefused
from hiveloom_cli.files import open_lock
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.event import TextDelta
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.protocols.request import ChatRequest, Parameters, ToolDefinition
from hiveloom_cli.secret import Secret
from hiveloom_cli.upstream.client import ModelClient
from hiveloom_cli.upstream.dialects import Dialects
from hiveloom_cli.upstream.event import Notice, RetryWaiting, UpstreamEvent
from hiveloom_cli.upstream.limits import Patience
from hiveloom_cli.upstream.resolve import PlaceholderKey, Upstream
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.clocks import ManualClock
from tests.support.upstream import (
    Ending,
    Reply,
    ScriptedUpstream,
    anthropic_stream,
    json_reply,
    openai_error,
    openai_reply,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hiveloom_cli.protocols.providers import ProtocolName
    from tests.support.program import Finished

OK = stream_reply(openai_stream("ok"))
CHAT = ChatRequest("m", (build_user_message("hi"),), parameters=Parameters(max_tokens=9))
TOOL = ToolDefinition("f", "does f", {"type": "object", "properties": {}})


class Asker:
    """A client of one upstream, with a clock that tests move and a cache of their own."""

    def __init__(
        self, upstream: ScriptedUpstream, cache: Path, patience: Patience | None = None
    ) -> None:
        self.upstream = upstream
        self.clock = ManualClock(drawn=1.0)
        self.dialects = Dialects(cache / "dialects.json")
        self._patience = patience

    def ask(
        self, chat: ChatRequest = CHAT, protocol: ProtocolName = "openai"
    ) -> list[UpstreamEvent]:
        events: list[UpstreamEvent] = []
        self.ask_into(events, chat, protocol)
        return events

    def ask_into(
        self,
        events: list[UpstreamEvent],
        chat: ChatRequest = CHAT,
        protocol: ProtocolName = "openai",
    ) -> None:
        base = {
            "openai": self.upstream.openai_base_url,
            "anthropic": self.upstream.anthropic_base_url,
        }[protocol]
        client = ModelClient(
            Upstream(protocol, parse_base_url(base, source="the test"), PlaceholderKey()),
            RequestsTransport({}),
            lambda: Secret("no-key"),
            dialects=self.dialects,
            clock=self.clock,
            patience=self._patience,
        )
        for event in client.open_reply(chat).stream_events():
            events.append(event)  # noqa: PERF402 -- what came before an error counts too


@pytest.fixture
def asker(upstream: ScriptedUpstream, tmp_path: Path) -> Asker:
    return Asker(upstream, tmp_path)


def refuse(text: str, status: int = 400) -> Reply:
    return json_reply(openai_error(text), status=status)


def join(events: list[UpstreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def sent(upstream: ScriptedUpstream) -> list[dict[str, Any]]:
    return [request.json for request in upstream.requests]


def test_a_refusal_is_adapted_to_said_and_remembered(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    text = (
        "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    )
    upstream.add(refuse(text), OK, OK)
    events = asker.ask()
    assert join(events) == "ok"
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "this model calls the token limit max_completion_tokens; renaming it"
    ]
    assert asker.clock.slept_s == []
    again = asker.ask()
    assert not [event for event in again if isinstance(event, Notice)]
    assert ["max_completion_tokens" in body for body in sent(upstream)] == [False, True, True]


def test_several_refusals_are_learned_one_after_the_other(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    upstream.add(
        refuse("body.stream_options: Extra inputs are not permitted", 422),
        refuse("tools is not supported in this model."),
        refuse("Streaming is not supported"),
        json_reply(openai_reply("whole")),
    )
    chat = ChatRequest("m", (build_user_message("hi"),), tools=(TOOL,))
    assert join(asker.ask(chat)) == "whole"
    assert sent(upstream)[-1].keys() == {"model", "messages"}
    learned = asker.dialects.load(f"openai {upstream.origin}", "m")
    assert [row.name for row in learned] == ["field-refused", "tools-refused", "stream-refused"]


def test_what_did_not_help_is_not_remembered(asker: Asker, upstream: ScriptedUpstream) -> None:
    upstream.add(
        *[refuse("`temperature` is deprecated; max_tokens unsupported: max_completion_tokens")] * 3
    )
    with pytest.raises(UpstreamRefused):
        asker.ask()
    assert asker.dialects.load(f"openai {upstream.origin}", "m") == ()


def test_what_is_learned_of_one_model_is_not_another_models(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    upstream.add(refuse("body.stream_options: Extra inputs are not permitted"), OK, OK)
    asker.ask()
    other = ChatRequest("n", (build_user_message("hi"),))
    asker.ask(other)
    assert "stream_options" in sent(upstream)[-1]
    assert asker.dialects.forget("m") == 1
    assert asker.dialects.load(f"openai {upstream.origin}", "m") == ()


def test_a_damaged_memory_counts_as_none(
    asker: Asker, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    for content in (b"", b"[]", b'{"x": 3}', b'{"openai": {"m": [["a"], 3, null]}}', b"\xff"):
        (tmp_path / "dialects.json").write_bytes(content)
        upstream.add(OK)
        assert join(asker.ask()) == "ok"


def test_an_adaptation_in_an_error_inside_the_reply_counts_too(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    error = (
        b"data: " + openai_error("body.stream_options: Extra inputs are not permitted") + b"\n\n"
    )
    upstream.add(stream_reply([error]), OK)
    assert join(asker.ask()) == "ok"


@pytest.mark.parametrize(
    "fault",
    [
        refuse("slow down", 429),
        refuse("oops", 503),
        refuse("overloaded", 529),
        Reply([b""], ending=Ending.RESET),
        stream_reply([b": keep-alive\n\n"], ending=Ending.CUT),
        stream_reply([b": keep-alive\n\n"]),
    ],
)
def test_a_passing_fault_is_waited_out(
    asker: Asker, upstream: ScriptedUpstream, fault: Reply
) -> None:
    upstream.add(fault, fault, OK)
    events = asker.ask()
    waits = [event for event in events if isinstance(event, RetryWaiting)]
    assert [(event.wait_s, event.attempt, event.attempts) for event in waits] == [
        (2.0, 2, 4),
        (4.0, 3, 4),
    ]
    assert asker.clock.slept_s == [2.0, 4.0]
    assert join(events) == "ok"
    assert sent(upstream)[0] == sent(upstream)[2]


def test_the_tries_are_counted(asker: Asker, upstream: ScriptedUpstream) -> None:
    upstream.add(*[refuse("oops", 503)] * 4)
    with pytest.raises(UpstreamRefused, match="503"):
        asker.ask()
    assert len(upstream.requests) == 4
    assert asker.clock.slept_s == [2.0, 4.0, 8.0]


def test_a_retry_after_header_is_kept_to(asker: Asker, upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(openai_error("slow"), status=429, headers=[("Retry-After", "7")]), OK)
    asker.ask()
    assert asker.clock.slept_s == [7.0]


def test_patience_can_be_none(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.add(refuse("oops", 503))
    with pytest.raises(UpstreamRefused):
        Asker(upstream, tmp_path, Patience(tries=1)).ask()


@pytest.mark.parametrize(
    ("protocol", "half"),
    [("openai", openai_stream("half")[:2]), ("anthropic", anthropic_stream("half")[:4])],
)
@pytest.mark.parametrize("ending", [Ending.CHUNKED, Ending.CUT, Ending.RESET])
def test_after_the_first_visible_piece_nothing_is_sent_again(
    asker: Asker,
    upstream: ScriptedUpstream,
    protocol: ProtocolName,
    half: list[bytes],
    ending: Ending,
) -> None:
    upstream.add(stream_reply([*half, 0.2], ending=ending))
    events: list[UpstreamEvent] = []
    with pytest.raises(UpstreamError):
        asker.ask_into(events, protocol=protocol)
    assert join(events) == "half"
    assert len(upstream.requests) == 1


def test_reasoning_is_visible_too(asker: Asker, upstream: ScriptedUpstream) -> None:
    chunk = {"choices": [{"delta": {"reasoning": "hm"}}]}
    upstream.add(stream_reply([f"data: {json.dumps(chunk)}\n\n".encode()]))
    with pytest.raises(UpstreamError):
        asker.ask()
    assert len(upstream.requests) == 1


def test_a_model_that_is_not_known_is_answered_with_those_that_look_alike(
    hiveloom: Callable[..., Finished], upstream: ScriptedUpstream
) -> None:
    unknown = refuse("The model `gpt-4o-mni` does not exist", 404)
    models = {"data": [{"id": "gpt-4o-mini"}, {"id": "whisper-1"}]}
    upstream.add(unknown, json_reply(json.dumps(models).encode()), unknown)
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    for _ in range(2):
        done = hiveloom("chat", "--model", "gpt-4o-mni", "hi", env=env)
        assert done.exit_code == 4
        assert "did you mean gpt-4o-mini?" in done.stderr
    assert [request.method for request in upstream.requests] == ["POST", "GET", "POST"]


def test_what_was_learned_is_used_by_the_next_run_and_can_be_forgotten(
    hiveloom: Callable[..., Finished], upstream: ScriptedUpstream
) -> None:
    refusal = refuse("body.stream_options: Extra inputs are not permitted", 422)
    upstream.add(refusal, OK, OK, refusal, OK)
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    first, second = (hiveloom("chat", "--model", "m", "hi", env=env) for _ in range(2))
    assert (first.stdout, second.stdout) == ("ok", "ok")
    assert "leaving it out" in first.stderr
    assert second.stderr == ""
    assert hiveloom("model", "forget", "m").stdout == "Forgot what was learned of 1 model.\n"
    third = hiveloom("chat", "--model", "m", "hi", env=env)
    assert "leaving it out" in third.stderr
    assert hiveloom("model", "forget").exit_code == 2
    assert hiveloom("model", "forget", "--all").exit_code == 0


def test_a_limit_that_grows_with_each_refusal_ends(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    upstream.add(
        *(refuse(f"max_tokens must be less than or equal to {limit}") for limit in (8, 7, 6))
    )
    with pytest.raises(UpstreamRefused):
        asker.ask()
    assert len(upstream.requests) == 2


def test_a_remembered_limit_can_be_learned_anew(asker: Asker, upstream: ScriptedUpstream) -> None:
    upstream.add(refuse("max_tokens must be less than or equal to 8"), OK)
    asker.ask()
    upstream.add(refuse("max_tokens must be less than or equal to 7"), OK)
    asker.ask()
    assert [body["max_tokens"] for body in sent(upstream)] == [9, 8, 8, 7]
    (learned,) = asker.dialects.load(f"openai {upstream.origin}", "m")
    assert learned.found == "7"


def test_a_server_that_fails_is_asked_again_before_anything_is_changed(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    upstream.add(refuse("Unexpected error; please stop and retry later", 500), OK)
    chat = ChatRequest("m", (build_user_message("hi"),), parameters=Parameters(stop=("x",)))
    events = asker.ask(chat)
    assert [event.reason for event in events if isinstance(event, RetryWaiting)] == [
        "the upstream answered 500"
    ]
    assert sent(upstream)[1]["stop"] == ["x"]
    assert asker.dialects.load(f"openai {upstream.origin}", "m") == ()


def test_a_refusal_before_a_reset_is_told_and_not_retried(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    body = openai_error("You exceeded your current quota", code="insufficient_quota")
    upstream.add(Reply([body, 0.2], ending=Ending.RESET))
    with pytest.raises(UpstreamRefused, match="quota"):
        asker.ask()
    assert len(upstream.requests) == 1


def test_a_cache_that_is_locked_or_takes_no_such_name_costs_nothing(
    asker: Asker, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    refusal = refuse("body.stream_options: Extra inputs are not permitted")
    upstream.add(refusal, OK, refusal, OK)
    with open_lock(tmp_path / "dialects.json"):
        assert join(asker.ask()) == "ok"
    assert join(asker.ask(ChatRequest("m\udcff", (build_user_message("hi"),)))) == "ok"
