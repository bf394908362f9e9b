"""A key that is refused is fetched anew, and another one is tried at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import SecretMissing, UpstreamRefused
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.event import TextDelta
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.protocols.request import ChatRequest
from hiveloom_cli.secret import Secret
from hiveloom_cli.upstream.client import ModelClient
from hiveloom_cli.upstream.dialects import Dialects
from hiveloom_cli.upstream.resolve import StoredKey, Upstream
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.clocks import ManualClock
from tests.support.upstream import json_reply, openai_error, openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.upstream import ScriptedUpstream

OLD, NEW = Secret("made-up-old-key"), Secret("made-up-new-key")
REFUSED = json_reply(openai_error("Incorrect API key provided", code="invalid_api_key"), status=401)


def ask(
    upstream: ScriptedUpstream,
    folder: Path,
    load_key: Callable[[], Secret],
    dropped: list[Secret] | None = None,
) -> str:
    base_url = parse_base_url(upstream.openai_base_url, source="the test")
    drop = (dropped if dropped is not None else []).append
    client = ModelClient(
        Upstream("openai", base_url, StoredKey("work")),
        RequestsTransport({}, drop_key=drop),
        load_key,
        dialects=Dialects(folder / "dialects.json"),
        clock=ManualClock(),
    )
    events = client.open_reply(ChatRequest("m", (build_user_message("hi"),))).stream_events()
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def list_keys(upstream: ScriptedUpstream) -> list[str]:
    return [one.headers["authorization"] for one in upstream.requests]


def test_another_key_is_tried_at_once(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.add(REFUSED, stream_reply(openai_stream("Hello.")))
    keys, dropped = [NEW, OLD], list[Secret]()
    assert ask(upstream, tmp_path, keys.pop, dropped) == "Hello."
    assert list_keys(upstream) == [f"Bearer {OLD.reveal()}", f"Bearer {NEW.reveal()}"]
    assert dropped == [OLD]


def test_the_same_key_is_not_sent_again(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.add(REFUSED)
    with pytest.raises(UpstreamRefused, match="401"):
        ask(upstream, tmp_path, lambda: OLD)
    assert len(upstream.requests) == 1


def test_a_key_that_cannot_be_fetched_anew_was_refused(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.add(REFUSED)
    keys = [OLD]

    def load_key() -> Secret:
        if not keys:
            raise SecretMissing("gone")
        return keys.pop()

    with pytest.raises(UpstreamRefused, match="401"):
        ask(upstream, tmp_path, load_key)


def test_neither_of_two_keys_that_are_refused_is_told(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    echo = json_reply(openai_error(f"Incorrect API key provided: {NEW.reveal()}"), status=401)
    upstream.add(REFUSED, echo)
    keys, dropped = [NEW, OLD], list[Secret]()
    with pytest.raises(UpstreamRefused) as caught:
        ask(upstream, tmp_path, keys.pop, dropped)
    assert NEW.reveal() not in f"{caught.value} {caught.value.detail}"
    assert dropped == [OLD, NEW]


def test_another_refusal_drops_no_key(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.add(json_reply(openai_error("That is no request"), status=400))
    dropped = list[Secret]()
    with pytest.raises(UpstreamRefused):
        ask(upstream, tmp_path, lambda: OLD, dropped)
    assert dropped == []
