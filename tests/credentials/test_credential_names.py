from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.credentials.credential import NAME, parse_credential_name
from hiveloom_cli.errors import UsageMistake

KEYS = [
    "sk-ant-api03-abcdefgh",
    "sk_live_1234",
    "sk-",
    "gsk_Zz0",
    "csk-abc",
    "fw_abc",
    "xai-abc",
    "AIzaSyA1234567",
    "hf_abcdef",
    "r8_abcdef",
    " sk-abc\n",
    "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "d41d8cd98f00b204e9800998ecf8427e",
    "0123AbCd4567EfGh89ijKLmnop",
]
NAMES = [
    "openai",
    "a",
    "0",
    "groq-work",
    "my.own_one",
    "anthropic-production-eu-west-1",
    "backup-of-2024-11-05-eu1",
    "x" * 63,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_name_is_taken_as_it_is(name: str) -> None:
    assert parse_credential_name(name) == name


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_the_place_of_a_name_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(UsageMistake, match="looks like a key") as caught:
        parse_credential_name(key)
    assert key.strip() not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("name", ["", "-a", ".a", "A", "a/b", "a b", "a\n", "ä", "x" * 64, ".."])
def test_other_text_is_no_name(name: str) -> None:
    with pytest.raises(UsageMistake, match="cannot be a credential's name"):
        parse_credential_name(name)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_a_usage_mistake(text: str) -> None:
    try:
        name = parse_credential_name(text)
    except UsageMistake:
        return
    assert NAME.fullmatch(name)
