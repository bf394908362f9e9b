"""A key that its upstream repeats in an answer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.secret import MASK, Secret
from hiveloom_cli.upstream.echo import mask_echo

KEY = "sk-sk-aQ7xP2mN9vB4cD6e"


@given(
    texts=st.lists(st.sampled_from([KEY, "sk-", KEY[:-1], KEY[3:], "s", "hello ", "é"])),
    cuts=st.lists(st.integers(0, 200)),
)
def test_the_key_is_hidden_however_its_bytes_come(texts: list[str], cuts: list[int]) -> None:
    whole = "".join(texts).encode()
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    assert b"".join(mask_echo(iter(pieces), Secret(KEY))) == whole.replace(
        KEY.encode(), MASK.encode()
    )


def test_nothing_waits_but_what_may_be_the_keys_beginning() -> None:
    arrived = mask_echo(iter([b"one s", b"k-", b"two", b"sk-"]), Secret(KEY))
    assert [*arrived] == [b"one ", b"sk-two", b"sk-"]


@pytest.mark.parametrize("key", ["ollama", "no-key", "local-model-server"])
def test_a_word_that_a_local_server_takes_for_a_key_is_said_as_any_other(key: str) -> None:
    said = [f"run {key} today".encode()]
    assert [*mask_echo(iter(said), Secret(key))] == said
