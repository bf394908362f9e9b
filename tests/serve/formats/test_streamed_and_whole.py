"""What is streamed and what is answered at once say the same, as the official packages read it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from hiveloom_cli.protocols.output_schema import OutputSchema
from hiveloom_cli.serve.formats import anthropic_messages, native, openai_chat
from tests.support.turns import (
    ASKED,
    STAMP,
    build_turn,
    draw_rounds,
    read_events,
    write_stream,
)

if TYPE_CHECKING:
    from types import ModuleType

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.asked import Asked

_asked = st.builds(
    replace,
    st.just(ASKED),
    thoughts=st.booleans(),
    one_call=st.booleans(),
    output=st.none() | st.just(OutputSchema({"type": "object"})),
)


@given(events=draw_rounds(), asked=_asked)
def test_chat_completions_say_the_same_either_way(events: list[Event], asked: Asked) -> None:
    state = ChatCompletionStreamState()
    for chunk in read_events(write_stream(openai_chat, events, asked)):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    streamed = state.current_completion_snapshot.choices[0]
    whole = openai_chat.build_reply(events, asked, STAMP)["choices"][0]
    said: dict[str, Any] = streamed.message.to_dict()
    assert (said.get("content") or "") == (whole["message"]["content"] or "")
    assert said.get("reasoning_content") == whole["message"].get("reasoning_content")
    assert streamed.finish_reason == whole["finish_reason"]
    calls = [
        {name: value for name, value in call.items() if name != "index"}
        for call in said.get("tool_calls") or []
    ]
    for call in calls:
        call["function"].pop("parsed_arguments", None)
    assert calls == whole["message"].get("tool_calls", [])


@given(events=draw_rounds(), asked=_asked)
def test_messages_say_the_same_either_way(events: list[Event], asked: Asked) -> None:
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in read_events(write_stream(anthropic_messages, events, asked)):
        if event["type"] not in ("ping", "message_stop"):
            snapshot = accumulate_event(
                event=event,  # type: ignore[arg-type]
                current_snapshot=snapshot,
                json_bufs=buffers,
            )
    streamed = snapshot.to_dict()
    whole = anthropic_messages.build_reply(events, asked, STAMP)
    assert [_strip(block) for block in streamed["content"]] == [
        _strip(block) for block in whole["content"]
    ]
    for name in ("stop_reason", "stop_sequence", "usage", "model", "id"):
        assert streamed[name] == whole[name]


@pytest.mark.parametrize("module", [openai_chat, anthropic_messages, native])
def test_no_letter_of_an_answer_ends_a_line_for_any_reader(module: ModuleType) -> None:
    said = "a\x85b\u2028c\u2029d\x0be\x1cf"
    written = write_stream(module, build_turn(said))
    assert written.decode().splitlines() == written.decode().split("\n")[:-1]
    assert said[:4] in json.dumps(read_events(written), ensure_ascii=False)


def _strip(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if value is not None}


@given(events=draw_rounds(), asked=_asked)
def test_the_products_own_format_says_the_same_either_way(
    events: list[Event], asked: Asked
) -> None:
    *texts, reply = read_events(write_stream(native, events, asked))
    assert reply == native.build_reply(events, asked, STAMP)
    assert "".join(one["text"] for one in texts) == reply["response"]
