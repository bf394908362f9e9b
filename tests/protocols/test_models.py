"""Lists of models, as servers write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import ReplyNotUnderstood, UpstreamError, UpstreamRefused
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.models import ModelInfo, ModelPage, parse_models
from hiveloom_cli.protocols.table import PROTOCOLS


def read(value: Any) -> ModelPage:
    return parse_models(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("item", "model"),
    [
        ({"id": "gpt-4o-mini", "object": "model", "owned_by": "system"}, ("gpt-4o-mini",)),
        (
            {"id": "a/b", "context_length": 131072, "supported_parameters": ["tools", "stop"]},
            ("a/b", 131072, True),
        ),
        ({"id": "a/c", "context_length": 8192, "supported_parameters": []}, ("a/c", 8192, False)),
        ({"id": "g", "active": True, "context_window": 131072}, ("g", 131072)),
        ({"id": "m", "max_context_length": 32768, "capabilities": {"function_calling": True}},
         ("m", 32768, True)),
        ({"id": "v", "max_model_len": 4096, "root": "v", "parent": None}, ("v", 4096)),
        ({"id": "accounts/fireworks/models/x", "context_length": 1, "supports_tools": False},
         ("accounts/fireworks/models/x", 1, False)),
        ({"id": "l", "max_input_tokens": 9, "supports_function_calling": True}, ("l", 9, True)),
        ({"type": "model", "id": "claude-x", "max_input_tokens": 200000, "capabilities": None},
         ("claude-x", 200000)),
        ({"type": "model", "id": "claude-y", "max_input_tokens": None, "capabilities": {}},
         ("claude-y",)),
        ({"id": "n", "context_length": 0, "context_window": 7}, ("n", 7)),
        ({"id": "o", "context_length": "8192", "supports_tools": "yes"}, ("o",)),
        ({"id": "p", "capabilities": ["completion", "tools"]}, ("p",)),
        ({"name": "q"}, ("q",)),
    ],
)  # fmt: skip
def test_context_and_tools_are_found_under_each_upstreams_name(
    item: dict[str, Any], model: tuple[Any, ...]
) -> None:
    assert read({"object": "list", "data": [item]}) == ModelPage((ModelInfo(*model),))


def test_a_bare_array_is_a_list_of_which_only_chat_models_count() -> None:
    items = [
        {"id": "chat", "type": "chat", "context_length": 8192},
        {"id": "image", "type": "image"},
        {"id": "embedding", "type": "embedding"},
        {"id": "old"},
    ]
    assert read(items).models == (ModelInfo("chat", 8192), ModelInfo("old"))


@pytest.mark.parametrize(
    "item",
    [
        {"id": "whisper", "active": False},
        {"id": "flux", "supports_chat": False},
        {"id": "embed", "capabilities": {"completion_chat": False}},
        {"id": ""},
        {"id": " "},
        {"id": None},
        {"id": 3},
        {"id": "two\nlines"},
        {"id": "\x1b[2J"},
        {"id": "\ud800"},
        {"id": "\u202e"},
        {},
        [],
        "gpt",
        None,
        7,
    ],
)
def test_what_cannot_chat_or_has_no_name_to_type_is_left_out(item: Any) -> None:
    assert read({"data": [item, {"id": "good"}]}).models == (ModelInfo("good"),)


@pytest.mark.parametrize(
    "value", [{"object": "list", "data": None}, {"data": []}, [], {"models": []}]
)
def test_a_list_may_be_empty(value: Any) -> None:
    assert read(value) == ModelPage(())


def test_a_model_that_is_listed_twice_counts_once() -> None:
    assert read({"data": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}).models == (
        ModelInfo("a"),
        ModelInfo("b"),
    )


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}], "has_more": True, "last_id": "b"}, "b"),
        ({"data": [{"id": "a"}, {"id": "b"}], "has_more": True}, "b"),
        ({"data": [{"id": "a"}], "has_more": False, "last_id": "a"}, ""),
        ({"data": [], "has_more": True, "last_id": "a"}, ""),
        ({"data": [{"id": "a"}], "has_more": "yes", "last_id": "a"}, ""),
        ([{"id": "a"}], ""),
    ],
)
def test_a_page_says_what_the_next_one_follows(value: Any, after: str) -> None:
    assert read(value).next_after == after


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no list of models: nothing"),
        (b"{", "no list of models: {"),
        (b'{"ok": true}', "no list of models"),
        (b'{"data": "x"}', "no list of models"),
        (b"3", "no list of models: 3"),
        (b"<!doctype html><title>Sign in</title>", "a web page, “Sign in”"),
        (b"[" * 100_000, "no list of models"),
        (b'{"data": ' + b"9" * 10_000 + b"}", "no list of models"),
    ],
)
def test_what_is_no_list_of_models_is_said_to_be_none(body: bytes, said: str) -> None:
    with pytest.raises(ReplyNotUnderstood) as caught:
        parse_models(body)
    assert said in caught.value.message
    assert "base URL" in caught.value.hint


def test_an_error_under_status_200_is_the_upstreams() -> None:
    with pytest.raises(UpstreamRefused, match="no such team"):
        read({"error": {"message": "no such team", "code": 404}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["data", "models", "id", "type", "capabilities", "error", "has_more", "last_id"]
            )
            | st.text(max_size=3),
            inner,
        )
    ),
    max_leaves=20,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_page_or_an_upstreams_error(body: bytes) -> None:
    try:
        page = parse_models(body)
    except UpstreamError:
        return
    assert all(model.id.isprintable() and model.id.encode() for model in page.models)


@pytest.mark.parametrize(
    ("protocol", "base_url", "after", "url"),
    [
        ("openai", "https://h/v1", "", "https://h/v1/models"),
        ("openai", "https://h/v1?v=1", "", "https://h/v1/models?v=1"),
        ("anthropic", "https://h", "", "https://h/v1/models?limit=1000"),
        ("anthropic", "https://h/v1", "", "https://h/v1/models?limit=1000"),
        ("anthropic", "https://h?v=1", "a&b", "https://h/v1/models?v=1&limit=1000&after_id=a%26b"),
    ],
)
def test_the_list_is_asked_for_beside_the_endpoint_that_answers(
    protocol: Any, base_url: str, after: str, url: str
) -> None:
    wire = PROTOCOLS[protocol]
    request = wire.requests.build_models_request(parse_base_url(base_url, source="X"), after)
    assert (request.url, request.content) == (url, None)
    assert {header.name for header in request.key_headers} >= {
        {"openai": "Authorization", "anthropic": "x-api-key"}[protocol]
    }
