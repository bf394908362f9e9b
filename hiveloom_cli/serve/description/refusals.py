"""What the server answers where it does not do what it was asked, status by status.

Two speak: the guard before the app, in one form for everybody, and the wire format that a request
came in. Which codes there are is read from the tables that answers are made with.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hiveloom_cli.serve.description.parts import JSON, Schema, build_either, build_reply, build_text
from hiveloom_cli.serve.door.guard_reply import build_error
from hiveloom_cli.serve.formats.failure import list_told
from hiveloom_cli.serve.formats.wire_format import Stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hiveloom_cli.serve.formats.wire_format import WireFormat

    Codes = Mapping[int, Iterable[str]]

# Of the guard, for anything that is asked for.
FOR_ALL: Codes = {
    400: ("framing_invalid", "host_invalid"),
    403: ("origin_not_allowed",),
    421: ("host_not_allowed",),
    500: ("server_fault",),
    503: ("shutting_down",),
}
# Of the guard, beside those, where a token is wanted.
FOR_TOKENS: Codes = {
    401: ("token_invalid", "token_missing"),
    403: ("cross_site_request",),
    408: ("request_too_slow",),
    413: ("request_too_large",),
    503: ("tokens_unreadable",),
}
# Beside those, where only so many are answered at a time.
FOR_PLACES: Codes = {429: ("too_many_requests",)}
# Beside those, where JSON is sent.
FOR_BODIES: Codes = {415: ("content_type_invalid",)}
# Of the format: what a path can come to by itself, reading the agents, naming one in the path,
# naming a conversation, and what was said.
ON_ASKING: Codes = {405: ("method_not_allowed",)}
ON_READING: Codes = {500: ("server_error",), 503: ("locked",)}
ON_NAMING: Codes = {404: ("model_not_found", "not_found")}
ON_GOING_ON: Codes = {404: ("conversation_not_found",), 409: ("conversation_busy",)}
ON_SAYING: Codes = {
    400: ("invalid_request_error",),
    404: ("model_not_found",),
}
_GONE = 499
_PHRASES = {421: "Misdirected request", _GONE: "The client left: only the access log has this"}
_HEADERS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    500: ("X-Should-Retry",),
    502: ("X-Should-Retry",),
    503: ("Retry-After",),
}
_FREE = frozenset({"message", "request_id"})  # the rest of an error is one of a few words
_STAMP = Stamp("0", datetime.fromtimestamp(0, UTC))


def list_answering() -> Codes:
    """List what asking an agent can come to, in the words of a format."""
    return join([ON_SAYING, *({status: (code,)} for status, code in list_told())])


def build_refusals(guard: Sequence[Codes], formats: Mapping[WireFormat, Codes]) -> dict[str, Any]:
    """Build the responses, by status: of the guard, and of the formats that a request may be in."""
    shapes: dict[int, list[Schema]] = defaultdict(list)
    for format_, codes in formats.items():
        for status, schema in _describe_codes(codes, _bind(format_)).items():
            shapes[status].append(schema)
    for status, schema in _describe_codes(join(guard), _build_guards).items():
        shapes[status].append(schema)
    return {str(status): _build_response(status, found) for status, found in shapes.items()}


def build_gone() -> dict[str, Any]:
    """Build what is noted of a request whose client left before there was an answer."""
    return {str(_GONE): {"description": _PHRASES[_GONE]}}


def describe_errors(bodies: Sequence[Mapping[str, Any]]) -> Schema:
    """Describe bodies of one shape: sentences can be any, kinds and codes are the ones here."""
    members: dict[str, Schema] = {}
    for key, first in bodies[0].items():
        values = [body[key] for body in bodies]
        if isinstance(first, dict):
            members[key] = describe_errors(values)
        elif key in _FREE:
            members[key] = build_text(minLength=1)
        else:
            members[key] = {"enum": list(dict.fromkeys(values))}
    return {"type": "object", "properties": members, "required": list(members)}


def describe_any_error(format_: WireFormat) -> Schema:
    """Describe what ends a stream that fails: any of the errors that an agent's answer can be."""
    codes = {(status, code) for status, found in list_answering().items() for code in found}
    build = _bind(format_)
    return describe_errors([build(status, code) for status, code in sorted(codes)])


def _describe_codes(
    codes: Codes, build: Callable[[int, str], Mapping[str, Any]]
) -> dict[int, Schema]:
    return {
        status: describe_errors([build(status, code) for code in sorted(found)])
        for status, found in codes.items()
    }


def _bind(format_: WireFormat) -> Callable[[int, str], Mapping[str, Any]]:
    def build(status: int, code: str) -> Mapping[str, Any]:
        return format_.build_error(status, "", code, _STAMP)

    return build


def _build_guards(status: int, code: str) -> Mapping[str, Any]:
    return build_error(status, "", code)


def _build_response(status: int, shapes: Sequence[Schema]) -> dict[str, Any]:
    shape = shapes[0] if len(shapes) == 1 else build_either(*shapes)
    phrase = _PHRASES.get(status) or HTTPStatus(status).phrase.capitalize()
    return build_reply(phrase, {JSON: shape}, _HEADERS.get(status, ()))


def join(tables: Iterable[Codes]) -> Codes:
    """Put tables together."""
    joined: dict[int, set[str]] = defaultdict(set)
    for table in tables:
        for status, codes in table.items():
            joined[status].update(codes)
    return joined
