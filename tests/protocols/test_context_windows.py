"""How much a model reads, from whoever says so."""

from __future__ import annotations

import pytest

from hiveloom_cli.protocols.context_windows import (
    decide_window,
    find_known_window,
    find_said_window,
    parse_window,
)

SAID = {
    "This model's maximum context length is 8192 tokens. However, your messages resulted": 8192,
    "This endpoint's maximum context length is 200000 tokens. However, you requested about": 200000,
    "'max_tokens' is too large: 9. This model's maximum context length is 4,096 tokens and": 4096,
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 1": 4097,
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).": 8192,
    "Prompt contains 50000 tokens and 0 draft tokens, too large for model with 40960 maximum"
    " context length": 40960,
    "Prompt 262280 > 262144 maximum context length": 262144,
    "Please reduce the length of the messages or completion. Current length is 8200 while limit is"
    " 8192": 8192,
    "The prompt is too long: 1000008, model maximum context length: 131071": 131071,
    "prompt is too long: 200005 tokens > 200000 maximum": 200000,
    "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease": 200000,
    "Range of input length should be [1, 30720]": 30720,
    "Invalid request: Your request exceeded model token limit: 8192": 8192,
    "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing": 4096,
    "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).": 1048576,  # noqa: E501
    "Your input exceeds the context window of this model. Please adjust your input": None,
    "Please reduce the length of the messages or completion.": None,
    "invalid params, context window exceeds limit (2013)": None,  # the code of the error
    "This model's maximum context length is 8 tokens": None,
    "": None,
}


@pytest.mark.parametrize("text", SAID)
def test_a_refusal_says_how_much_a_model_reads(text: str) -> None:
    assert find_said_window(text) == SAID[text]
    assert find_said_window(f"litellm.BadRequestError: {text}") == SAID[text]


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("claude-opus-4-6", 1_000_000),
        ("claude-sonnet-5", 1_000_000),
        ("claude-haiku-4-5-20251001", 200_000),
        ("claude-3-5-sonnet", None),
        ("deepseek-v4-pro", 1_000_000),
        ("gpt-4o", None),
        ("", None),
    ],
)
def test_of_a_few_models_it_is_known(model: str, window: int | None) -> None:
    assert find_known_window(model) == window


def test_the_persons_own_number_goes_first() -> None:
    claude = "claude-haiku-4-5"
    assert decide_window(own=1000, offered=2000, learned=3000, model=claude) == 1000
    assert decide_window(own=None, offered=2000, learned=3000, model=claude) == 2000
    assert decide_window(own=None, offered=None, learned=3000, model=claude) == 3000
    assert decide_window(own=None, offered=None, learned=None, model=claude) == 200_000
    assert decide_window(own=None, offered=None, learned=None, model="m") is None


@pytest.mark.parametrize("text", ["", "x", "12", "-500", "٣٣٣٣", "9" * 13])
def test_what_is_no_window_is_not_taken_for_one(text: str) -> None:
    assert parse_window(text) is None
