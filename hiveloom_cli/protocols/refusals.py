"""Reading a refusal, to tell what exactly the upstream did not like.

Each `find_` function returns what it found (a field's name, a number, or "" where there is nothing
to name), or None if the refusal is about something else. The texts are those that upstreams were
seen to send; each is told by what it names, since routers wrap them ("litellm.BadRequestError:
...").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols import body_changes as change

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an upstream said to a request: its status (0 for none), its text, and what was sent."""

    status: int
    text: str
    body: dict[str, Any]
    protocol: ProtocolName = "openai"


# How servers say that they will not have a field.
_UNWANTED_WORDS = (
    r"(?:unsupported|not supported|does not support|unknown|unrecognized|unexpected|extra inputs"
    r"|extra fields|extra_forbidden|not permitted|not allowed|deprecated|additional propert"
    r"|cannot be specified|must be removed|not available)"
)
# A stretch of one sentence; a full stop within a word ("body.stop") ends none.
_SENTENCE = r"(?:[^.]|\.(?=\S)){0,60}"
_UNWANTED = re.compile(_UNWANTED_WORDS, re.IGNORECASE)
# A complaint about a value, not about the field: leaving it out is not what the person asked for.
_WRONG_VALUE = re.compile(
    r"must be (at|less|between|in|greater|within)|at (most|least) -?\d|between -?\d|out of range",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"does not support tool|does not support function call|tool calling`? is not supported"
    r"|no endpoints found that support tool use|\"auto\" tool choice requires"
    r"|(tools?|functions?|tool_choice|tool use|tool_use|tool calls?|function calls?"
    r"|function calling|tool calling) (is|are) not (supported|enabled|available)"
    r"|the tool call is not supported"
    r"|does not support parameters: \[[^\]]*'tools'|\"tools\" is incompatible"
    r"|(unrecognized|unknown|unsupported|extra inputs)[^.]{0,60}\btools\b"
    r"|\btools\b[^.]{0,60}(extra inputs|not permitted|unrecognized|unknown|unsupported)",
    re.IGNORECASE,
)
# These name tools and mean something else.
_NOT_NO_TOOLS = re.compile(
    r"with reasoning_effort are not supported|tool choice is none|tool_use_failed|schema"
    r"|failed to call a function|tool call id",
    re.IGNORECASE,
)
_LIMITS = (
    re.compile(r"max_tokens: \d+ > (\d+), which is the maximum", re.IGNORECASE),
    re.compile(r"valid range of max_tokens is \[\d+, (\d+)\]", re.IGNORECASE),
    re.compile(
        r"max(?:_completion)?_tokens`? must be less than or equal to `?(\d+)", re.IGNORECASE
    ),
    re.compile(r"max_tokens is too large: \d+\. this model supports at most (\d+)", re.IGNORECASE),
    re.compile(r"range of max_tokens should be \[\d+, (\d+)\]", re.IGNORECASE),
)
_UNSTREAMED_LIMIT = re.compile(r"requests with max_tokens > (\d+) must have stream", re.IGNORECASE)
_CALL_ID_LENGTH = re.compile(
    r"(?:tool_calls?|tool_call_id|call_id)\b[^:]*\bid\b[^.]*string too long.*?maximum length (\d+)",
    re.IGNORECASE | re.DOTALL,
)
_SHORTEST_ID, _LONGEST_ID = 8, 64
_MESSAGE_FIELD = re.compile(
    r"messages?(?:\[\d+\]|\.\d+|'?, ?\d+)[^a-z]*(?:assistant|user|system|tool)?[^a-z]*"
    r"\b(reasoning_content|reasoning_details|reasoning|thinking_blocks)\b",
    re.IGNORECASE,
)
_MESSAGE_PROPERTY = re.compile(
    r"property '(reasoning_content|reasoning_details|reasoning|thinking_blocks)' is",
    re.IGNORECASE,
)
# Without these there is no request, or another row knows better.
_KEPT_FIELDS = {
    *("model", "messages", "stream", "tools", "system", "max_tokens"),
    *("response_format", "output_config"),
}


def find_unwanted_field(refusal: Refusal) -> str | None:
    """Find a field of the body that the text names as unwanted, outside of the messages."""
    if _WRONG_VALUE.search(refusal.text):
        return None
    fields = [field for field in refusal.body if field not in _KEPT_FIELDS]
    return next((field for field in fields if _is_unwanted(field, refusal)), None)


def _is_unwanted(field: str, refusal: Refusal) -> bool:
    # The two within one sentence; a server that failed has to name the field in quotes.
    quote = "['\"`]" if refusal.status >= 500 else ""
    name = rf"{quote}(?<![\w-]){re.escape(field)}(?![\w-]){quote}"
    near = rf"{_UNWANTED_WORDS}{_SENTENCE}{name}|{name}{_SENTENCE}{_UNWANTED_WORDS}"
    return re.search(near, refusal.text, re.IGNORECASE) is not None


def find_message_field(refusal: Refusal) -> str | None:
    """Find a field of a message that the text names as unwanted."""
    if not _UNWANTED.search(refusal.text):
        return None
    match = _MESSAGE_FIELD.search(refusal.text) or _MESSAGE_PROPERTY.search(refusal.text)
    if match is None or not change.has_message_field(refusal.body, match[1]):
        return None
    return match[1]


def find_completion_tokens_wanted(refusal: Refusal) -> str | None:
    """Whether `max_completion_tokens` is wanted in the place of `max_tokens`."""
    text = refusal.text.lower()
    wanted = "max_completion_tokens" in text and "max_tokens" in refusal.body
    return "" if wanted and re.search(r"\bmax_tokens\b", text) and _UNWANTED.search(text) else None


def find_max_tokens_wanted(refusal: Refusal) -> str | None:
    """Whether `max_completion_tokens` is not known."""
    text = refusal.text.lower()
    sent = "max_completion_tokens" in refusal.body and "max_completion_tokens" in text
    return "" if sent and _UNWANTED.search(text) else None


def find_limit(refusal: Refusal) -> str | None:
    """Find the most tokens that the model answers with."""
    for pattern in _LIMITS:
        if match := pattern.search(refusal.text):
            return match[1]
    return None


def find_unstreamed_limit(refusal: Refusal) -> str | None:
    """Find the most tokens that an answer in one piece may have."""
    match = _UNSTREAMED_LIMIT.search(refusal.text)
    return match[1] if match else None


def find_both_sampling(refusal: Refusal) -> str | None:
    """Whether temperature and top_p are refused together."""
    both = "temperature" in refusal.body and "top_p" in refusal.body
    return "" if both and "cannot both be specified" in refusal.text else None


def find_system_refused(refusal: Refusal) -> str | None:
    """Whether the model takes no system prompt."""
    said = re.search(
        r"does not support '?(system|developer)'?|system role (is )?not supported"
        r"|role[^.]{0,20}'system'|only user and assistant roles|unexpected role 'system'",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said and change.has_system(refusal.body) else None


def find_document_url_wanted(refusal: Refusal) -> str | None:
    """Whether documents are wanted by URL, which may be a data URL."""
    return "" if "document_url" in refusal.text and change.has_files(refusal.body) else None


def find_null_content(refusal: Refusal) -> str | None:
    """Whether null beside tool calls is refused."""
    if not change.has_assistant_content(refusal.body, None):
        return None
    said = re.search(
        r"content[^.]{0,80}\b(null|none|nil|nonetype)\b|none[^.]{0,40}content"
        r"|\bnonetype\b",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said or refusal.status == 500 else None


def find_empty_content(refusal: Refusal) -> str | None:
    """Whether an empty text beside tool calls is refused."""
    said = re.search(
        r"content[^.]{0,80}(empty|non-empty|at least 1)|empty[^.]{0,40}content",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said and change.has_assistant_content(refusal.body, "") else None


def find_tools_with_reasoning(refusal: Refusal) -> str | None:
    """Whether tools are refused while reasoning is on."""
    said = "with reasoning_effort are not supported" in refusal.text.lower()
    tried = refusal.body.get("reasoning_effort") == "none"
    return "" if said and "tools" in refusal.body and not tried else None


def find_tools_refused(refusal: Refusal) -> str | None:
    """Whether tools are refused altogether."""
    if "tools" not in refusal.body:
        return None
    if "tool_choice" in refusal.body and _is_unwanted("tool_choice", refusal):
        return None  # they may be taken without it
    tried = refusal.body.get("reasoning_effort") == "none"
    if tried and "reasoning" in refusal.text.lower():
        return ""  # the model cannot do without reasoning, so it has to do without tools
    said = _NO_TOOLS.search(refusal.text) and not _NOT_NO_TOOLS.search(refusal.text)
    return "" if said else None


def find_reasoning_wanted(refusal: Refusal) -> str | None:
    """Find the field in which reasoning is demanded back."""
    text = refusal.text.replace("`", "").lower()
    said = "reasoning_content in the thinking mode must be passed back" in text
    return "reasoning_content" if said else None


def find_nine_wanted(refusal: Refusal) -> str | None:
    """Whether tool-call ids must be nine letters and digits."""
    return "" if "must be a-z, A-Z, 0-9, with a length of 9" in refusal.text else None


def find_id_length(refusal: Refusal) -> str | None:
    """Find the longest tool-call id that is taken."""
    match = _CALL_ID_LENGTH.search(refusal.text)
    if match is None or len(match[1]) > 2:
        return None
    return match[1] if _SHORTEST_ID <= int(match[1]) <= _LONGEST_ID else None


def find_stream_refused(refusal: Refusal) -> str | None:
    """Whether the model does not stream."""
    said = re.search(
        r"stream(ing)?[`'\"]?(=true)?[`'\"]? (is |are |mode )*(currently )?not"
        r" (supported|allowed|available)"
        r"|does not support (stream|streaming)|stream(=true)?[\"'`]? with [^.]{0,60}not supported"
        r"|unsupported value: 'stream'",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said and refusal.body.get("stream") else None
