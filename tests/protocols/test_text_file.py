"""A text file in a message: fenced so that it can be read back, whatever it holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.message import (
    ImagePart,
    Message,
    Part,
    TextFilePart,
    TextPart,
    build_user_message,
)
from hiveloom_cli.protocols.request import ChatRequest
from hiveloom_cli.protocols.table import PROTOCOLS
from hiveloom_cli.protocols.text_file import format_text_file, write_out_files

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName

_FENCE = re.compile(r"File: [^\n]*\n(`{3,})\n")
_texts = st.text(st.sampled_from("`~\n\r ab\u2028\x1b")) | st.text()
_names = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20)


def read_back(message: str, count: int) -> list[str]:
    """Read the texts of so many files, as a reader who knows nothing but the fences."""
    texts = []
    for _ in range(count):
        found = _FENCE.match(message)
        assert found
        body = message[found.end() :]
        end = re.search(rf"\n{found[1]}(?=\n\n|$)", f"\n{body}")
        assert end
        texts.append(body[: max(end.start() - 1, 0)])
        message = body[end.end() - 1 :].removeprefix("\n\n")
    return texts


@given(st.lists(st.tuples(_names, _texts), min_size=1, max_size=3), _texts)
def test_any_text_can_be_read_back_out_of_the_message(
    files: list[tuple[str, str]], typed: str
) -> None:
    attached = [TextFilePart(name, text) for name, text in files]
    parts = write_out_files(build_user_message(typed, attached).parts)
    (part,) = parts
    assert isinstance(part, TextPart)
    assert read_back(part.text, len(files)) == [text for _, text in files]
    assert part.text.endswith(typed)


def test_the_fence_is_longer_than_any_in_the_text() -> None:
    assert format_text_file(TextFilePart("a.md", "hi\n")) == "File: a.md\n```\nhi\n\n```"
    assert format_text_file(TextFilePart("a", "x ```` y")) == "File: a\n`````\nx ```` y\n`````"


def test_only_files_are_kept_apart_from_what_was_typed() -> None:
    file, image = TextFilePart("a", "t"), ImagePart("image/png", b"")
    told = format_text_file(file)
    cases: list[tuple[tuple[Part, ...], tuple[Part, ...]]] = [
        ((TextPart("a"), TextPart("b")), (TextPart("a"), TextPart("b"))),
        ((TextPart("a"), file, TextPart("b")), (TextPart(f"a\n\n{told}\n\nb"),)),
        ((file, image, TextPart("b")), (TextPart(told), image, TextPart("b"))),
    ]
    for parts, written in cases:
        assert write_out_files(parts) == written


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_a_text_file_is_no_part_of_what_was_typed_but_of_what_is_sent(
    protocol: ProtocolName,
) -> None:
    message = build_user_message("why?", [TextFilePart("a.py", "x = 1")])
    assert message.text == "why?"
    base_url = parse_base_url("http://127.0.0.1:1", source="the test")
    chat = ChatRequest("m", (message, Message("assistant", (TextPart("so"),))))
    body = PROTOCOLS[protocol].requests.build_request(chat, base_url).body
    assert body is not None
    content = body["messages"][0]["content"]
    text = "File: a.py\n```\nx = 1\n```\n\nwhy?"
    assert content == (text if protocol == "openai" else [{"type": "text", "text": text}])
