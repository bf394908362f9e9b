"""Reading a refusal of an answer by schema, to tell in which way it cannot be asked for.

Each `find_` function is of the kind that `refusals` describes. Where the refusal is about the one
schema that was sent, what is found is its digest: another schema may be taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.output_schema import digest_schema
from hiveloom_cli.protocols.refusals import find_tools_refused
from hiveloom_cli.protocols.schema_changes import (
    asks_json_object,
    find_format_schema,
    find_tool_schema,
    is_strict_asked,
)

if TYPE_CHECKING:
    from hiveloom_cli.protocols.refusals import Refusal
    from hiveloom_cli.protocols.schema_changes import Body

_FORMAT = re.compile(
    r"response[_ ]?format|json[_ ]?schema|json[_ ]?object|json[_ ]mode|output_config|output_format"
    r"|structured[_ -]?output|guided|grammar|output format",
    re.IGNORECASE,
)
_FORCED = re.compile(
    r"tool[_ ]choice|forces? tool|schema for function|input_schema|function\.?parameters",
    re.IGNORECASE,
)
_TOOLS = re.compile(r"\b(tools?|functions?|tool calls?|function calling)\b", re.IGNORECASE)
_STRICT = re.compile(r"\bstrict\b", re.IGNORECASE)
# How servers say that they will not have it at all.
_UNKNOWN = re.compile(
    r"not supported|not support|unsupported|unavailable|not available|unknown|unrecognized"
    r"|unexpected|extra inputs|extra_forbidden|not permitted|not allowed|not implemented"
    r"|incompatible|not compatible|deprecated|not enabled|additional propert|forces? tool",
    re.IGNORECASE,
)
# How they say that it is this schema which they will not have.
_THIS_SCHEMA = re.compile(
    r"invalid schema|invalid_json_schema|in context=|schema for |\.schema\b|input_schema"
    r"|for '\w+' type|keyword|grammar|\$ref|\$defs|too (complex|many|deep|large)|nesting",
    re.IGNORECASE,
)
# The model failed at what it was asked to; it may do better the next time.
_FAILED = re.compile(r"json_validate_failed|failed to generate json|tool_use_failed", re.IGNORECASE)


def find_streamed_schema_refused(refusal: Refusal) -> str | None:
    """Whether an answer by schema is not streamed."""
    said = re.search(r"\bstream", refusal.text, re.IGNORECASE) and _FORMAT.search(refusal.text)
    asked = find_format_schema(refusal.body) is not None and refusal.body.get("stream")
    return "" if said and asked and _UNKNOWN.search(refusal.text) else None


def find_schema_beside_tools_refused(refusal: Refusal) -> str | None:
    """Whether a schema is refused beside tools."""
    both = refusal.body.get("tools") and find_format_schema(refusal.body) is not None
    said = _TOOLS.search(refusal.text) and _FORMAT.search(refusal.text)
    return "" if both and said and not _FAILED.search(refusal.text) else None


def find_strict_refused(refusal: Refusal) -> str | None:
    """Find out whether the model cannot be held to each word of the schema."""
    if not is_strict_asked(refusal.body):
        return None
    if _STRICT.search(refusal.text) and _UNKNOWN.search(refusal.text):
        return ""
    is_this = _THIS_SCHEMA.search(refusal.text) and _FORMAT.search(refusal.text)
    return _digest(find_format_schema(refusal.body)) if is_this else None


def find_schema_refused(refusal: Refusal) -> str | None:
    """Find out whether the protocol's own field for a schema, or this schema in it, is refused."""
    schema = find_format_schema(refusal.body)
    if schema is None or not _FORMAT.search(refusal.text) or _FAILED.search(refusal.text):
        return None
    return _decide_reach(refusal, schema)


def find_answer_tool_refused(refusal: Refusal) -> str | None:
    """Find out whether a tool that has to be called, or this schema for one, is refused."""
    schema = find_tool_schema(refusal.body)
    if schema is None or _FAILED.search(refusal.text):
        return None
    if not _FORCED.search(refusal.text) and find_tools_refused(refusal) is None:
        return None
    return _decide_reach(refusal, schema)


def find_json_object_refused(refusal: Refusal) -> str | None:
    """Whether asking for any JSON object is refused."""
    said = _FORMAT.search(refusal.text) and not _FAILED.search(refusal.text)
    return "" if said and asks_json_object(refusal.body) else None


def _decide_reach(refusal: Refusal, schema: Body) -> str:
    """Tell a refusal of any schema, "", from that of this one, whose digest is returned."""
    all_of_them = _UNKNOWN.search(refusal.text) and not _THIS_SCHEMA.search(refusal.text)
    return "" if all_of_them or find_tools_refused(refusal) is not None else _digest(schema)


def _digest(schema: Body | None) -> str:
    return digest_schema(schema or {})
