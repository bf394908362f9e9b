"""`hiveloom chat --attach`, the real program against a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.files import build_gif, build_jpeg, build_pdf, build_png, build_webp, encode
from tests.support.official import check_official
from tests.support.program import Finished, build_environment, spawn_hiveloom
from tests.support.upstream import (
    Ending,
    Reply,
    ScriptedUpstream,
    anthropic_reply,
    anthropic_stream,
    json_reply,
    openai_reply,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from hiveloom_cli.protocols.providers import ProtocolName

Hiveloom = Callable[..., Finished]
MODELS: dict[ProtocolName, str] = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}
STREAMS: dict[str, Callable[..., list[bytes]]] = {
    "openai": openai_stream,
    "anthropic": anthropic_stream,
}
REPLIES: dict[str, Callable[..., bytes]] = {"openai": openai_reply, "anthropic": anthropic_reply}
ODD = "e\x1b[31m\u202e``` \n日本.png"


def point_at(upstream: ScriptedUpstream | LoopbackUpstream) -> dict[str, str]:
    return {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
    }


def build_content(protocol: str, *parts: tuple[str, str, bytes], text: str) -> Any:
    """Build what a message's content has to be: name, media type and bytes of each part."""
    if protocol == "openai":
        built = [
            {"type": "file", "file": {"filename": name, "file_data": url}}
            if media_type == "application/pdf"
            else {"type": "image_url", "image_url": {"url": url}}
            for name, media_type, content in parts
            for url in [f"data:{media_type};base64,{encode(content)}"]
        ]
        return [*built, {"type": "text", "text": text}]
    built = [
        {"type": "document", "source": source, "title": name.removesuffix(".pdf")}
        if media_type == "application/pdf"
        else {"type": "image", "source": source}
        for name, media_type, content in parts
        for source in [{"type": "base64", "media_type": media_type, "data": encode(content)}]
    ]
    return [*built, {"type": "text", "text": text}]


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize("streamed", [True, False])
def test_every_kind_goes_in_the_form_of_its_protocol(
    hiveloom: Hiveloom,
    upstream: ScriptedUpstream,
    tmp_path: Path,
    protocol: ProtocolName,
    *,
    streamed: bool,
) -> None:
    files = {
        "a.txt": build_png(),  # names say nothing
        "b": build_jpeg(),
        ODD: build_gif(),
        "d.png": build_webp(),
        "e.txt": build_pdf(),
        "-a.md": "Ä ``` 🐝\n".encode("utf-16"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    reply = stream_reply(STREAMS[protocol]("ok"))
    upstream.add(reply if streamed else json_reply(REPLIES[protocol]("ok")))
    done = hiveloom(
        *("chat", "--model", MODELS[protocol], "what?"),
        *(word for name in files for word in ("-a", name)),
        *([] if streamed else ["--no-stream"]),
        env=point_at(upstream),
        cwd=tmp_path,
    )
    assert (done.exit_code, done.stdout, done.stderr) == (0, "ok", "")
    body = upstream.requests[0].json
    check_official(protocol, body)
    assert body["messages"] == [
        {
            "role": "user",
            "content": build_content(
                protocol,
                ("", "image/png", files["a.txt"]),
                ("", "image/jpeg", files["b"]),
                ("", "image/gif", files[ODD]),
                ("", "image/webp", files["d.png"]),
                ("e.txt.pdf", "application/pdf", files["e.txt"]),
                text="File: -a.md\n````\nÄ ``` 🐝\n\n````\n\nwhat?",
            ),
        }
    ]


def test_names_are_shown_harmless_to_person_and_model(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.add(stream_reply(openai_stream("ok")))
    (tmp_path / ODD).write_text("hi")
    (tmp_path / f"{ODD}.zip").write_bytes(b"PK\x03\x04")
    options = {"env": point_at(upstream), "cwd": tmp_path}
    assert hiveloom("chat", "--model", "m", "q", "-a", ODD, **options).exit_code == 0
    assert upstream.requests[0].json["messages"][0]["content"] == (
        "File: e\ufffd[31m\ufffd``` \ufffd日本.png\n```\nhi\n```\n\nq"
    )
    done = hiveloom("chat", "--model", "m", "q", "-a", f"{ODD}.zip", **options)
    assert done.exit_code == 1
    assert "is a ZIP archive" in done.stderr
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr


def test_what_is_piped_in_is_attached_as_bytes_and_not_appended(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    for words, piped, content in [
        (
            ["what?"],
            build_png(),
            build_content("openai", ("", "image/png", build_png()), text="what?"),
        ),
        (["why?"], b"a,b\r\n", "File: stdin\n```\na,b\r\n\n```\n\nwhy?"),
        ([], b"alone", "File: stdin\n```\nalone\n```"),
    ]:
        upstream.add(stream_reply(openai_stream("ok")))
        done = hiveloom(
            *("chat", "--model", "m", *words, "-a", "-"), input=piped, env=point_at(upstream)
        )
        assert (done.stdout, done.stderr) == ("ok", "")
        assert upstream.requests[-1].json["messages"][0]["content"] == content


def test_beside_a_file_what_is_piped_in_is_still_appended(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    (tmp_path / "n").write_text("hi")
    upstream.add(stream_reply(openai_stream("ok")))
    words = ("chat", "--model", "m", "q", "-a", str(tmp_path / "n"))
    hiveloom(*words, input="piped", env=point_at(upstream))
    content = upstream.requests[0].json["messages"][0]["content"]
    assert content == "File: n\n```\nhi\n```\n\nq\n\npiped"


def test_json_is_one_object_with_an_attachment_too(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.add(stream_reply(anthropic_stream("ok")))
    words = ("chat", "--model", "claude-x", "--json", "-a")
    done = hiveloom(*words, "-", input=build_png(), env=point_at(upstream))
    assert json.loads(done.stdout)["response"] == "ok"
    done = hiveloom(*words, str(tmp_path / "none"), env=point_at(upstream))
    assert json.loads(done.stdout)["error"]["code"] == "source_unusable"
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (["-a", "-", "-a", "-"], 2, "stdin can be attached once"),
        (["-a", "-"], 1, "stdin is empty"),
        (["-a", ""], 2, "the name of what to attach is empty"),
        (["-a", "none.png"], 1, "none.png: no such file"),
        (["-a", "."], 1, ". is a folder"),
        (["-a", "/dev/zero"], 1, "/dev/zero is a pipe or a device"),
        (["-a", "ftp://h/x"], 2, "does not begin with https://"),
        (["-a", "http://example.org/x"], 2, "plain http to another machine"),
        (["-a", "https://u:swordfish@h/x"], 2, "holds a user name or a password"),
    ],
)
def test_what_cannot_be_attached_stops_before_anything_is_sent(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, words: list[str], exit_code: int, said: str
) -> None:
    done = hiveloom("chat", "--model", "m", "q", *words, env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert said in done.stderr
    assert "  try: " in done.stderr
    assert "swordfish" not in done.stderr
    assert upstream.requests == []


def test_a_terminal_is_nothing_to_attach(upstream: ScriptedUpstream) -> None:
    words = ("chat", "--model", "m", "q", "-a", "-")
    with spawn_hiveloom(*words, env=point_at(upstream)) as terminal:
        assert terminal.wait() == 2
        assert "nothing is piped in" in terminal.text


def test_limits_are_told_with_their_number_before_anything_is_sent(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    most = 10 * 1024 * 1024 // 4 * 3
    (tmp_path / "just.png").write_bytes(build_png(size=most))
    (tmp_path / "over.png").write_bytes(build_png(size=most + 1))
    (tmp_path / "wide.png").write_bytes(build_png(8001, 1))
    (tmp_path / "long.pdf").write_bytes(build_pdf(101))
    options = {"env": point_at(upstream), "cwd": tmp_path}
    words = ("chat", "--model", "claude-haiku-4-5", "q", "-a")
    for name, said in {
        "over.png": "over.png: 10.1 MB as it is sent; Anthropic Messages takes 10 MB an image",
        "wide.png": "wide.png: 8001 x 1 pixels; Anthropic Messages takes 8000 x 8000",
        "long.pdf": "long.pdf: 101 pages; this model takes 100",
    }.items():
        done = hiveloom(*words, name, **options)
        assert (done.exit_code, said in done.stderr) == (1, True), done.stderr
    assert upstream.requests == []
    upstream.add(stream_reply(anthropic_stream("ok")))
    assert hiveloom(*words, "just.png", **options).stdout == "ok"
    upstream.add(stream_reply(openai_stream("ok")))
    assert hiveloom("chat", "--model", "m", "q", "-a", "over.png", **options).stdout == "ok"


def test_a_url_is_fetched_without_the_key_and_sent_as_bytes(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    hiveloom("credential", "set", "openai", input="sk-a-made-up-key-0123456789")
    with ScriptedUpstream(Reply([build_png()], 200, (("Content-Type", "text/html"),))) as other:
        upstream.add(stream_reply(openai_stream("ok")))
        url = f"{other.origin}/a.pdf?sig=1"
        done = hiveloom("chat", "--model", "m", "q", "-a", url, env=point_at(upstream))
        assert (done.stdout, done.stderr) == ("ok", "")
        assert other.requests[0].path == "/a.pdf?sig=1"
        assert "authorization" not in other.requests[0].headers
    assert upstream.requests[0].headers["authorization"].startswith("Bearer sk-")
    content = upstream.requests[0].json["messages"][0]["content"]
    assert content == build_content("openai", ("", "image/png", build_png()), text="q")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply([b"<!doctype html><title>Log in</title>"]),
            "/a.png is a web page, “Log in”, and not a file",
        ),
        (Reply([], 301, (("Location", "/b.png"),)), "/a.png answered 301 and points to /b.png"),
        (Reply([b"no"], 403), "/a.png answered 403"),
        (Reply([build_png()], 200, (), Ending.SHORT), "/a.png stopped in the middle"),
        (Reply([b""]), "/a.png is empty"),
        (Reply([b"PK\x03\x04"]), "/a.png is a ZIP archive"),
        (Reply([bytes(1024 * 1024)] * 51), "/a.png is larger than 50 MB"),
    ],
)
def test_a_url_that_brings_nothing_to_attach_is_told(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, reply: Reply, said: str
) -> None:
    upstream.add(reply)
    url = f"{upstream.origin}/a.png?sig=swordfish"
    done = hiveloom("chat", "--model", "m", "q", "-a", url, env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    assert "swordfish" not in done.stderr
    assert len(upstream.requests) == 1


REFUSALS = {
    "routed": (404, "No endpoints found that support image input"),
    "deepseek": (422, "messages[0]: unknown variant `image_url`, expected `text` at line 1"),
    "vllm": (400, "m is not a multimodal model"),
    "ollama": (400, '"m" does not support vision'),
    "llama.cpp": (500, "image input is not supported - hint: you may need to provide the mmproj"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_model_that_takes_no_images_is_said_to(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, name: str
) -> None:
    status, text = REFUSALS[name]
    upstream.add(json_reply(json.dumps({"error": {"message": text}}).encode(), status=status))
    words = ("chat", "--model", "m", "q", "-a", "-")
    done = hiveloom(*words, input=build_png(), env=point_at(upstream))
    assert done.exit_code == 4
    assert f"error: this model takes no images: the upstream answered {status}" in done.stderr
    assert text[:40] in done.stderr
    assert "  try: ask a model that takes images" in done.stderr
    assert len(upstream.requests) == 1


def test_a_refusal_that_says_nothing_of_attachments_may_mean_them(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(json_reply(b'{"error":{"message":"invalid message format"}}', status=400))
    words = ("chat", "--model", "m", "q", "-a", "-")
    done = hiveloom(*words, input=build_pdf(), env=point_at(upstream))
    assert "invalid message format" in done.stderr
    assert "try: this upstream may take no PDF documents" in done.stderr


def test_an_upstream_that_wants_document_urls_gets_them(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    refusal = {"detail": [{"msg": "Input tag 'file' is none of 'text', 'document_url'"}]}
    upstream.add(json_reply(json.dumps(refusal).encode(), status=422))
    upstream.add(stream_reply(openai_stream("ok")))
    words = ("chat", "--model", "m", "q", "-a", "-")
    done = hiveloom(*words, input=build_pdf(), env=point_at(upstream))
    assert done.stdout == "ok"
    assert "wants a PDF as document_url" in done.stderr
    assert upstream.requests[1].json["messages"][0]["content"][0] == {
        "type": "document_url",
        "document_url": f"data:application/pdf;base64,{encode(build_pdf())}",
        "document_name": "stdin.pdf",
    }


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_the_built_in_upstream_says_what_it_was_sent(
    hiveloom: Hiveloom, loopback: LoopbackUpstream, tmp_path: Path, protocol: ProtocolName
) -> None:
    (tmp_path / "a.pdf").write_bytes(build_pdf())
    (tmp_path / "b.txt").write_text("hi")
    done = hiveloom(
        *("chat", "--model", MODELS[protocol], "-a", "-", "-a", "a.pdf", "-a", "b.txt"),
        input=build_png(),
        env=point_at(loopback),
        cwd=tmp_path,
    )
    assert f"- attached: image/png, {len(build_png())} bytes\n" in done.stdout
    assert f"- attached: application/pdf, {len(build_pdf())} bytes, a.pdf\n" in done.stdout
    assert "> File: b.txt\n> ```\n> hi\n> ```\n" in done.stdout


def test_paths_are_completed(hiveloom: Hiveloom) -> None:
    words = "hiveloom chat helper -a some"
    environment = {"_HIVELOOM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"}
    assert hiveloom(env=build_environment(environment)).stdout == "file,some\n"
