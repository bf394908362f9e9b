"""What a model is told of the reply to an HTTP tool's request."""

from __future__ import annotations

import codecs
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from hiveloom_cli.tools.tool import ToolOutput

if TYPE_CHECKING:
    from hiveloom_cli.protocols.web import WebReply

_TEXTS = re.compile(
    r"text/.*|.*[/+](json|xml|yaml)|application/(x-)?("
    r"ndjson|jsonl|json-seq|yaml|toml|javascript|ecmascript|www-form-urlencoded|graphql|sql|csv)"
)
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]+)""", re.IGNORECASE)
_LONGEST_TYPE = 200
# Codecs of Python that are no charset, or take forever.
_NO_CHARSETS = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)


def format_reply(reply: WebReply) -> ToolOutput:
    """Say what came: the body of a success, and before that the status of anything else."""
    if 200 <= reply.status < 300:
        return ToolOutput(_format_body(reply) or f"({_format_status(reply.status)}, no content)")
    said = f"HTTP status: {_format_status(reply.status)}"
    if 300 <= reply.status < 400 and reply.location:
        said += f"\nThe reply points to {reply.location}, and no redirect is followed."
    body = _format_body(reply)
    return ToolOutput(f"{said}\n\n{body}" if body else said, is_error=True)


def _format_status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status}"


def _format_body(reply: WebReply) -> str:
    if not reply.body:
        return ""
    text = _parse_text(reply)
    if text is None:
        size = f"{'more than ' if reply.is_cut else ''}{len(reply.body):,} bytes"
        kind = reply.content_type[:_LONGEST_TYPE] or "content of no type"
        return f"({kind}, {size}: no text, so not shown)"
    if reply.is_cut:
        return f"{text}\n\n(the rest is left out: only {len(reply.body):,} bytes are read)"
    return text


def _parse_text(reply: WebReply) -> str | None:
    """Decode a body that is text; None for any other."""
    kind = reply.content_type.partition(";")[0].strip().lower()
    if not kind:
        return _parse_unmarked(reply.body)
    if not _TEXTS.fullmatch(kind):
        return None
    charset = _CHARSET.search(reply.content_type)
    try:
        name = codecs.lookup(charset[1] if charset else "utf-8").name
        if name.replace("_", "-") in _NO_CHARSETS:
            name = "utf-8"
        return reply.body.decode("utf-8-sig" if name == "utf-8" else name, "replace")
    except (LookupError, ValueError):  # no charset of that name, or none of text
        return reply.body.decode("utf-8", "replace")


def _parse_unmarked(body: bytes) -> str | None:
    if b"\0" in body:
        return None
    text = body.decode("utf-8", "replace")
    return text if "\ufffd" not in text[:-1] else None
