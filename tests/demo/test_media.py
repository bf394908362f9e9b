"""The built-in upstream takes images and documents as the official clients send them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.files import build_gif, build_pdf, build_png, encode

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream

PNG_URL = f"data:image/png;base64,{encode(build_png())}"


def ask(upstream: LoopbackUpstream, path: str, part: Any) -> str:
    """Ask with one part; return the answer's text, or the refusal's."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]}
    request = urllib.request.Request(
        f"{upstream.origin}{path}",
        json.dumps(body).encode(),
        {"Authorization": "Bearer any", "anthropic-version": "2023-06-01"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return str(reply.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return f"{refused.status} {refused.read().decode()}"


def source(media_type: str, content: bytes) -> dict[str, str]:
    return {"type": "base64", "media_type": media_type, "data": encode(content)}


@pytest.mark.parametrize(
    ("path", "part", "said"),
    [
        ("/v1/chat/completions", {"type": "image_url", "image_url": {"url": PNG_URL}}, "image/png"),
        ("/v1/messages", {"type": "image", "source": source("image/gif", build_gif())}, "gif, 14"),
        (
            "/v1/messages",
            {
                "type": "document",
                "source": source("application/pdf", build_pdf()),
                "title": "a.pdf",
            },
            "bytes, a.pdf",
        ),
    ],
)
def test_what_is_attached_is_named_in_the_answer(
    loopback: LoopbackUpstream, path: str, part: Any, said: str
) -> None:
    answer = ask(loopback, path, part)
    assert "- attached: " in answer
    assert said in answer


@pytest.mark.parametrize(
    ("path", "part", "said"),
    [
        ("/v1/chat/completions", {"type": "image_url", "image_url": PNG_URL}, "expected an object"),
        (
            "/v1/chat/completions",
            {"type": "image_url", "image_url": {"url": "https://h/a.png"}},
            "only data URLs",
        ),
        ("/v1/chat/completions", {"type": "file", "file": {"file_data": PNG_URL}}, "filename"),
        (
            "/v1/chat/completions",
            {"type": "file", "file": {"filename": "a", "file_data": PNG_URL}},
            "none of application/pdf",
        ),
        (
            "/v1/messages",
            {"type": "image", "source": source("image/jpeg", build_png())},
            "does not match the media type image/jpeg",
        ),
        (
            "/v1/messages",
            {"type": "image", "source": {"type": "base64", "media_type": "image/png"}},
            "not valid base64",
        ),
        ("/v1/messages", {"type": "image", "source": {"type": "url"}}, "only base64"),
    ],
)
def test_what_is_not_what_it_says_is_refused(
    loopback: LoopbackUpstream, path: str, part: Any, said: str
) -> None:
    answer = ask(loopback, path, part)
    assert answer.startswith("400 ")
    assert said in answer
