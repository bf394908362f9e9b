"""Replies of status 200 that are not quite the protocol's, and what is made of each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.faults import KEY, Wire, check_outcome, take_turn
from tests.support.wire import openai_error, sse

Bend = Callable[[Wire], bytes]
Case = tuple[Bend, str, tuple[str, ...]]

ENDED = ("ended in the middle", "ask again")
NOT_JSON = ("cannot be read as JSON", "what serves it")
OTHER_JSON = ("JSON of another kind", "what serves it")
EMPTY = ("empty reply", "check the base URL")


def answer(bend: Callable[[bytes], bytes]) -> Bend:
    return lambda wire: bend(wire.build_answer("whole"))


def literal(body: bytes) -> Bend:
    return lambda _: body


def after_half(more: Callable[[Wire], bytes]) -> Bend:
    return lambda wire: b"".join(wire.build_events("half", whole=False)) + more(wire)


def error(label: str) -> Callable[[Wire], bytes]:
    return lambda wire: wire.build_error_event("Oh", label)


def between_events(mark: bytes) -> Bend:
    return lambda wire: mark + mark.join(wire.build_events("whole"))


# Whatever was asked for, a stream or one body.
ANY: dict[str, Case] = {
    "a body for a stream": (lambda wire: wire.build_json("whole"), "whole", ()),
    "a stream for a body": (lambda wire: b"".join(wire.build_events("whole")), "whole", ()),
    "blank lines first": (answer(lambda body: b"\n\n\r\n  \n" + body), "whole", ()),
    "a byte order mark": (answer(lambda body: b"\xef\xbb\xbf" + body), "whole", ()),
    "a blank line and a mark": (answer(lambda body: b"\n\xef\xbb\xbf\n" + body), "whole", ()),
    "a web page": (
        literal(b"<!DOCTYPE html><html><title>Sign in</title>"),
        "",
        ("web page, “Sign in”", "base URL"),
    ),
    "a page without a title": (literal(b"<html><b>Blocked</b>"), "", ("web page, “Blocked”",)),
    "nothing": (literal(b""), "", EMPTY),
    "blank lines": (literal(b"\r\n\r\n \n"), "", EMPTY),
    "null": (literal(b"null"), "", ("ask again",)),
    "a list": (literal(b"[]"), "", OTHER_JSON),
    "a string": (literal(b'"hi"'), "", ("ask again",)),
    "a number": (literal(b"42"), "", ("ask again",)),
    "an empty object": (literal(b"{}"), "", ("no answer to a", "base URL")),
    "a nest": (literal(b'{"a":' * 50_000 + b"1" + b"}" * 50_000), "", NOT_JSON),
    "a nest of errors": (
        literal(b'{"error":' * 900 + b"1" + b"}" * 900),
        "",
        ("cannot be read as JSON",),
    ),
    "a number beyond all counting": (literal(b'{"a":' + b"9" * 5000 + b"}"), "", NOT_JSON),
    "a code beyond all counting": (
        literal(openai_error("Oh", kind="", code="9" * 5000)),
        "",
        ("broke off: Oh",),
    ),
    "binary": (literal(bytes(range(256)) * 10), "", ("ask again",)),
    "a cut body": (lambda wire: wire.build_json("half")[:-9], "", ENDED),
    "a body cut in a string": (lambda wire: wire.build_json("half")[:40], "", ENDED),
    "a body with a comma too many": (literal(b'{"a": 1,, "b": 2, "c": 3}'), "", NOT_JSON),
    "an error as a body": (literal(openai_error("Oh")), "", ("400 Bad Request: Oh", "parameters")),
    "an error that is a string": (literal(b'{"error": "Oh"}'), "", ("broke off: Oh",)),
    "an error with a number": (
        literal(openai_error("Oh", kind="", code=502)),
        "",
        ("502 Bad Gateway: Oh", "upstream's"),
    ),
    "an error with a number in a string": (
        literal(openai_error("Oh", kind="", code="429")),
        "",
        ("429 Too Many Requests: Oh", "wait"),
    ),
    "a flat error": (
        literal(b'{"object": "error", "message": "Oh", "type": "BadRequestError", "code": 400}'),
        "",
        ("400 Bad Request: Oh",),
    ),
    "an error that echoes the key": (
        literal(openai_error(f"key {KEY}", kind=KEY, code=KEY)),
        "",
        ("key [key]",),
    ),
    "a page that echoes the key": (literal(f"<title>{KEY}</title>".encode()), "", ("“[key]”",)),
    "text that echoes the key": (literal(f"data: {KEY}\n\n".encode()), "", ("[key]",)),
}

STREAMS: dict[str, Case] = {
    "comments": (between_events(b": PROCESSING\n\n"), "whole", ()),
    "keep-alives": (between_events(b": keep-alive\n"), "whole", ()),
    "empty events": (between_events(b"data:\n\n"), "whole", ()),
    "blank lines": (between_events(b"\n\n\n"), "whole", ()),
    "fields that mean nothing": (between_events(b"id: 7\nretry: 3\nx\n\n"), "whole", ()),
    "CRLF": (answer(lambda body: body.replace(b"\n", b"\r\n")), "whole", ()),
    "CR": (answer(lambda body: body.replace(b"\n", b"\r")), "whole", ()),
    "no space": (answer(lambda body: body.replace(b"data: ", b"data:")), "whole", ()),
    "no last blank line": (answer(lambda body: body.rstrip(b"\n")), "whole", ()),
    "more behind the end": (answer(lambda body: body + b"data: garbage\n\n"), "whole", ()),
    "DONE twice": (answer(lambda body: body + sse("[DONE]") * 2), "whole", ()),
    "no finish reason": (after_half(literal(b"")), "half", ENDED),
    "DONE without a finish reason": (after_half(literal(sse("[DONE]"))), "half", ENDED),
    "DONE alone": (literal(sse("[DONE]")), "", ENDED),
    "comments alone": (literal(b": ping\n\n" * 20), "", ENDED),
    "text among the events": (after_half(literal(sse("Oh"))), "half", ("Oh", "ask again")),
    "a page among the events": (after_half(literal(sse("<html>Oh"))), "half", ("Oh", "ask again")),
    "a NUL among the events": (after_half(literal(sse("\0"))), "half", ("cannot be read as JSON",)),
    "a list among the events": (after_half(literal(sse("[1]"))), "half", OTHER_JSON),
    "an error that is text": (literal(sse("Oh", event="error")), "", ("Oh", "ask again")),
    **{
        f"{label} {place}": (build(error(label)), text, (said, hint))
        for place, build, text in (
            ("at once", lambda more: more, ""),
            ("in the middle", after_half, "half"),
        )
        for label, said, hint in (
            ("overloaded_error", "529: Oh", "wait"),
            ("rate_limit_error", "429 Too Many Requests: Oh", "wait"),
            ("api_error", "500 Internal Server Error: Oh", "the fault is the upstream's"),
            ("server_error", "500 Internal Server Error: Oh", "the fault is the upstream's"),
            ("internal_error", "500 Internal Server Error: Oh", "the fault is the upstream's"),
            ("timeout_error", "504 Gateway Timeout: Oh", "the fault is the upstream's"),
            ("authentication_error", "401 Unauthorized: Oh", "credential rotate --name work"),
            ("permission_error", "403 Forbidden: Oh", "--credential"),
            ("billing_error", "402 Payment Required: Oh", "balance"),
            ("not_found_error", "404 Not Found: Oh", "base URL"),
            ("invalid_request_error", "400 Bad Request: Oh", "parameters"),
            ("request_too_large", "413", "send less"),
            ("unheard_of_error", "broke off: Oh", "ask again"),
        )
    },
}


@pytest.fixture(params=["openai", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ANY)
def test_what_is_made_of_any_reply(protocol: str, name: str, *, streamed: bool) -> None:
    wire = Wire("anthropic" if protocol == "anthropic" else "openai", streamed=streamed)
    bend, text, said = ANY[name]
    check_outcome(take_turn(wire.reply(bend(wire)), wire), text, said)


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_made_of_a_stream(protocol: str, name: str) -> None:
    wire = Wire("anthropic" if protocol == "anthropic" else "openai", streamed=True)
    bend, text, said = STREAMS[name]
    check_outcome(take_turn(wire.reply(bend(wire)), wire), text, said)


def test_a_missing_done_costs_nothing() -> None:
    wire = Wire("openai", streamed=True)
    reply = wire.reply(b"".join(wire.build_events("whole")[:-1]))
    check_outcome(take_turn(reply, wire), "whole")


def test_without_message_stop_an_answer_is_incomplete() -> None:
    wire = Wire("anthropic", streamed=True)
    reply = wire.reply(b"".join(wire.build_events("whole")[:-1]))
    check_outcome(take_turn(reply, wire), "whole", ENDED)
