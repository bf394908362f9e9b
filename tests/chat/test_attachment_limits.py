"""What is too large, too many or refused is told before anything is sent, with the number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.chat.attachment_limits import check_attachments
from hiveloom_cli.chat.image_size import find_image_size
from hiveloom_cli.chat.pdf_pages import count_pages
from hiveloom_cli.errors import SourceUnusable
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.media import MEGABYTE, MediaLimits, decide_limits
from hiveloom_cli.protocols.message import (
    Attachment,
    DocumentPart,
    ImagePart,
    TextFilePart,
    build_user_message,
)
from hiveloom_cli.protocols.providers import get_provider
from tests.support.files import build_gif, build_jpeg, build_pdf, build_png, build_webp

BASE = parse_base_url("https://api.anthropic.com", source="the test")
CLAUDE = decide_limits("anthropic", BASE, "claude-sonnet-5")
OLD_CLAUDE = decide_limits("anthropic", BASE, "claude-haiku-4-5")
IMAGE_BYTES = 10 * MEGABYTE // 4 * 3  # as base64 just what is taken


def find_problem(limits: MediaLimits, *attached: Attachment) -> str:
    try:
        check_attachments([build_user_message("?", attached)], limits)
    except SourceUnusable as error:
        return error.message
    return ""


def image(width: int = 1, height: int = 1, *, size: int = 0) -> ImagePart:
    return ImagePart("image/png", build_png(width, height, size=size), "a.png")


def test_an_image_may_have_just_so_many_bytes_as_base64() -> None:
    assert find_problem(CLAUDE, image(size=IMAGE_BYTES)) == ""
    assert find_problem(CLAUDE, image(size=IMAGE_BYTES + 1)) == (
        "a.png: 10.1 MB as it is sent; Anthropic Messages takes 10 MB an image"
    )


def test_an_image_may_have_so_many_pixels_and_fewer_among_many() -> None:
    assert find_problem(CLAUDE, image(8000, 8000)) == ""
    assert find_problem(CLAUDE, image(3, 8001)) == (
        "a.png: 3 x 8001 pixels; Anthropic Messages takes 8000 x 8000"
    )
    assert find_problem(CLAUDE, *[image(2001)] * 20) == ""
    assert find_problem(CLAUDE, *[image(2000)] * 21) == ""
    assert find_problem(CLAUDE, *[image(2001)] * 21) == (
        "a.png: 2001 x 1 pixels; Anthropic Messages takes 2000 x 2000"
        " when there are more than 20 images"
    )


def test_a_model_takes_so_many_images_and_pages() -> None:
    assert find_problem(OLD_CLAUDE, *[image()] * 100) == ""
    assert find_problem(OLD_CLAUDE, *[image()] * 101).startswith("101 images in one conversation")
    assert find_problem(CLAUDE, *[image()] * 600) == ""
    assert find_problem(CLAUDE, *[image()] * 601).endswith("this model takes 600")
    assert find_problem(OLD_CLAUDE, DocumentPart("a.pdf", build_pdf(100))) == ""
    assert find_problem(OLD_CLAUDE, DocumentPart("a.pdf", build_pdf(101))) == (
        "a.pdf: 101 pages; this model takes 100"
    )
    assert find_problem(CLAUDE, DocumentPart("a.pdf", build_pdf(101))) == ""


def test_a_request_may_have_just_so_many_bytes_with_what_was_said_before() -> None:
    document = DocumentPart("a.pdf", build_pdf().ljust(24 * MEGABYTE - 3))
    rest = 32 * MEGABYTE - (24 * MEGABYTE - 3) // 3 * 4
    assert find_problem(CLAUDE, document, TextFilePart("n", "x" * (rest - 1))) == ""
    said = "Anthropic Messages takes 32 MB a request"
    assert find_problem(CLAUDE, document, TextFilePart("n", "x" * rest)).endswith(said)
    messages = [build_user_message("?", [document]), build_user_message("?", [image(size=99)])]
    with pytest.raises(SourceUnusable, match=said):
        check_attachments(messages, CLAUDE)


def test_text_without_attachments_is_never_measured() -> None:
    assert find_problem(MediaLimits(request_bytes=1)) == ""


def test_what_an_upstream_is_known_to_refuse_is_told() -> None:
    ollama = decide_limits(
        "openai", parse_base_url("http://localhost:11434/v1", source="the test"), "m"
    )
    gif = ImagePart("image/gif", build_gif(), "a.gif")
    pdf = DocumentPart("a.pdf", build_pdf())
    assert find_problem(ollama, image()) == ""
    assert find_problem(ollama, gif) == "a.gif: Ollama (local) takes no GIF images"
    assert find_problem(ollama, pdf) == "a.pdf: Ollama (local) takes no PDF documents"
    for name, refused in {"fireworks": True, "openai": False, "mistral": False}.items():
        base_url = parse_base_url(get_provider(name).base_url, source="the test")
        assert bool(find_problem(decide_limits("openai", base_url, "m"), pdf)) is refused


def test_an_unknown_server_of_chat_completions_has_no_known_limit() -> None:
    base_url = parse_base_url("http://127.0.0.1:1/v1", source="the test")
    limits = decide_limits("openai", base_url, "m")
    assert find_problem(limits, image(9000, 9000, size=IMAGE_BYTES + 1)) == ""


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("image/png", build_png(300, 70_000)),
        ("image/gif", build_gif(300, 7000)),
        ("image/jpeg", build_jpeg(300, 7000)),
        ("image/webp", build_webp(b"VP8X", 300, 70_000)),
        ("image/webp", build_webp(b"VP8L", 300, 7000)),
        ("image/webp", build_webp(b"VP8 ", 300, 7000)),
    ],
)
def test_the_size_of_an_image_is_read_off_its_bytes(media_type: str, content: bytes) -> None:
    size = find_image_size(media_type, content)
    assert size in ((300, 7000), (300, 70_000))
    assert find_image_size(media_type, content[:11]) is None or media_type == "image/gif"


_STARTS = [build_png(), build_gif(), build_jpeg(), build_webp(), build_webp(b"VP8L")]


@given(
    st.sampled_from(["image/png", "image/gif", "image/jpeg", "image/webp", "image/bmp"]),
    st.sampled_from(_STARTS),
    st.integers(0, 40),
    st.binary(max_size=40),
)
def test_a_damaged_image_has_some_size_or_none(
    media_type: str, start: bytes, kept: int, rest: bytes
) -> None:
    size = find_image_size(media_type, start[:kept] + rest)
    assert size is None or min(size) >= 0


def test_pages_are_counted_only_where_they_can_be() -> None:
    assert count_pages(build_pdf(7)) == 7
    assert count_pages(build_pdf(7) + build_pdf(7)) is None  # changed since it was written
    assert count_pages(build_pdf(7) + b"/Type /ObjStm") is None
    assert count_pages(b"%PDF-1.4 %%EOF") is None
    linear = b"%%PDF-1.4\n1 0 obj<</Linearized 1/L %d/O 3/N 42>>\n%%%%EOF\n%%%%EOF"
    whole = linear % len(linear % 10)
    assert count_pages(whole) == 42
    assert count_pages(whole + b"changed") is None
