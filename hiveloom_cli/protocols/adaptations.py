"""Learning an upstream's dialect: what to change in a request when the upstream refuses it.

A table of pure pairs. `find` looks at a refusal and returns what is to be changed (a field's name,
a number, or "" where there is nothing to name), or None if the row has nothing to say; `change`
makes a new body from the refused one. The first row that finds something is applied and the request
sent again at once. What helped is remembered for the origin and model by the row's name and what it
found.

The texts are those that upstreams were seen to send; each is matched by what it names, since
routers wrap them ("litellm.BadRequestError: OpenAIException - ...").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from hiveloom_cli.protocols import body_changes as change
from hiveloom_cli.protocols.dialect import Learned
from hiveloom_cli.protocols.request import ChatRequest

Body: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Body, str, ChatRequest], Body]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an upstream said to a request: its status (0 for none), its text, and what was sent."""

    status: int
    text: str
    body: Body


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One row. `notice` says in one line what is changed, with `{found}` in it where it helps."""

    name: str
    notice: str
    find: Callable[[Refusal], str | None]
    change: Change


def decide_adaptation(refusal: Refusal, known: tuple[Learned, ...]) -> Learned | None:
    """Decide what to change after a refusal, if anything.

    `known` is what the refused request had been changed by already; nothing is applied twice.
    """
    if refusal.status not in _STATUSES:
        return None
    for row in ADAPTATIONS:
        found = row.find(refusal)
        if found is not None and (learned := Learned(row.name, found)) not in known:
            return learned
    return None


def apply_adaptations(body: Body, known: tuple[Learned, ...], chat: ChatRequest) -> Body:
    """Apply what is known of an upstream to a body; rows that are gone are passed over."""
    for learned in known:
        row = _BY_NAME.get(learned.name)
        if row is not None:
            body = row.change(body, learned.found, chat)
    return body


def format_notice(learned: Learned) -> str:
    """Say in one line what was learned."""
    return _BY_NAME[learned.name].notice.format(found=learned.found)


# 0: an error inside a reply of status 200 that names no status of its own.
_STATUSES = (0, 400, 404, 405, 415, 422, 500, 501)

# How servers say that they will not have a field.
_UNWANTED = re.compile(
    r"unsupported|not supported|does not support|unknown|unrecognized|unexpected|extra inputs"
    r"|extra fields|extra_forbidden|not permitted|not allowed|deprecated|additional propert"
    r"|cannot be specified|must be removed|not available",
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
    re.compile(r"requests with max_tokens > (\d+) must have stream", re.IGNORECASE),
    re.compile(r"range of max_tokens should be \[\d+, (\d+)\]", re.IGNORECASE),
)
_MESSAGE_FIELD = re.compile(
    r"messages?(?:\[\d+\]|\.\d+|'?, ?\d+)[^a-z]*(?:assistant|user|system|tool)?[^a-z]*"
    r"\b(reasoning_content|reasoning_details|reasoning|thinking_blocks|provider_specific_fields"
    r"|cache_control|name|refusal|function_call)\b",
    re.IGNORECASE,
)
_MESSAGE_PROPERTY = re.compile(
    r"property '(reasoning_content|reasoning_details|reasoning|thinking_blocks|name)' is",
    re.IGNORECASE,
)
# Without these there is no request, or another row knows better.
_KEPT_FIELDS = {"model", "messages", "stream", "tools", "system", "max_tokens"}


def _find_unwanted_field(refusal: Refusal) -> str | None:
    """Find a field of the body that the text names as unwanted, outside of the messages."""
    if not _UNWANTED.search(refusal.text):
        return None
    for field in refusal.body:
        if field not in _KEPT_FIELDS and re.search(rf"\b{re.escape(field)}\b", refusal.text):
            return field
    return None


def _find_message_field(refusal: Refusal) -> str | None:
    if not _UNWANTED.search(refusal.text):
        return None
    match = _MESSAGE_FIELD.search(refusal.text) or _MESSAGE_PROPERTY.search(refusal.text)
    if match is None or not change.has_message_field(refusal.body, match[1]):
        return None
    return match[1]


def _find_completion_tokens_wanted(refusal: Refusal) -> str | None:
    text = refusal.text.lower()
    wanted = "max_completion_tokens" in text and "max_tokens" in refusal.body
    return "" if wanted and re.search(r"\bmax_tokens\b", text) and _UNWANTED.search(text) else None


def _find_max_tokens_wanted(refusal: Refusal) -> str | None:
    text = refusal.text.lower()
    sent = "max_completion_tokens" in refusal.body and "max_completion_tokens" in text
    return "" if sent and _UNWANTED.search(text) else None


def _find_limit(refusal: Refusal) -> str | None:
    for pattern in _LIMITS:
        if match := pattern.search(refusal.text):
            return match[1]
    return None


def _find_both_sampling(refusal: Refusal) -> str | None:
    both = "temperature" in refusal.body and "top_p" in refusal.body
    return "" if both and "cannot both be specified" in refusal.text else None


def _find_system_refused(refusal: Refusal) -> str | None:
    said = re.search(
        r"does not support '?(system|developer)'?|system role (is )?not supported"
        r"|role[^.]{0,20}'system'|only user and assistant roles|unexpected role 'system'",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said and change.has_system(refusal.body) else None


def _find_null_content(refusal: Refusal) -> str | None:
    if not change.has_assistant_content(refusal.body, None):
        return None
    said = re.search(
        r"content[^.]{0,80}\b(null|none|nil|nonetype)\b|none[^.]{0,40}content"
        r"|\bnonetype\b",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said or refusal.status == 500 else None


def _find_empty_content(refusal: Refusal) -> str | None:
    said = re.search(
        r"content[^.]{0,80}(empty|non-empty|at least 1)|empty[^.]{0,40}content",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said and change.has_assistant_content(refusal.body, "") else None


def _find_tools_with_reasoning(refusal: Refusal) -> str | None:
    said = "with reasoning_effort are not supported" in refusal.text.lower()
    tried = refusal.body.get("reasoning_effort") == "none"
    return "" if said and "tools" in refusal.body and not tried else None


def _find_tools_refused(refusal: Refusal) -> str | None:
    if "tools" not in refusal.body:
        return None
    tried = refusal.body.get("reasoning_effort") == "none"
    if tried and "reasoning" in refusal.text.lower():
        return ""  # the model cannot do without reasoning, so it has to do without tools
    said = _NO_TOOLS.search(refusal.text) and not _NOT_NO_TOOLS.search(refusal.text)
    return "" if said else None


def _find_reasoning_wanted(refusal: Refusal) -> str | None:
    text = refusal.text.replace("`", "").lower()
    said = "reasoning_content in the thinking mode must be passed back" in text
    return "reasoning_content" if said else None


def _find_nine_wanted(refusal: Refusal) -> str | None:
    return "" if "must be a-z, A-Z, 0-9, with a length of 9" in refusal.text else None


def _find_id_length(refusal: Refusal) -> str | None:
    if "tool_call" not in refusal.text and "call_id" not in refusal.text:
        return None
    match = re.search(r"maximum length (\d+)", refusal.text)
    return match[1] if match else None


def _find_stream_refused(refusal: Refusal) -> str | None:
    said = re.search(
        r"stream(ing)?[`'\"]?(=true)?[`'\"]? (is |are |mode )*(currently )?not"
        r" (supported|allowed|available)"
        r"|does not support (stream|streaming)|stream(=true)?[\"'`]? with [^.]{0,60}not supported"
        r"|unsupported value: 'stream'",
        refusal.text,
        re.IGNORECASE,
    )
    return "" if said and refusal.body.get("stream") else None


ADAPTATIONS: tuple[Adaptation, ...] = (
    Adaptation(
        "stream-refused",
        "this model does not stream; asking for the answer in one piece",
        _find_stream_refused,
        change.drop_stream,
    ),
    Adaptation(
        "tools-without-reasoning",
        "this model takes tools only without reasoning; asking without reasoning",
        _find_tools_with_reasoning,
        change.stop_reasoning,
    ),
    Adaptation(
        "tools-refused",
        "this model takes no tools; going on without them",
        _find_tools_refused,
        change.drop_tools,
    ),
    Adaptation(
        "reasoning-wanted",
        "this upstream wants its reasoning back; sending it along",
        _find_reasoning_wanted,
        change.echo_reasoning,
    ),
    Adaptation(
        "nine-character-ids",
        "this upstream wants tool-call ids of nine letters and digits; rewriting them",
        _find_nine_wanted,
        change.use_nine_character_ids,
    ),
    Adaptation(
        "shorter-ids",
        "this upstream wants tool-call ids of at most {found} characters; rewriting them",
        _find_id_length,
        change.shorten_ids,
    ),
    Adaptation(
        "message-field-refused",
        "this upstream does not know {found} in a message; leaving it out",
        _find_message_field,
        change.drop_message_field,
    ),
    Adaptation(
        "max-completion-tokens",
        "this model calls the token limit max_completion_tokens; renaming it",
        _find_completion_tokens_wanted,
        change.use_max_completion_tokens,
    ),
    Adaptation(
        "max-tokens",
        "this upstream calls the token limit max_tokens; renaming it",
        _find_max_tokens_wanted,
        change.use_max_tokens,
    ),
    Adaptation(
        "token-limit",
        "this model answers with at most {found} tokens; asking for no more",
        _find_limit,
        change.lower_max_tokens,
    ),
    Adaptation(
        "one-sampling-field",
        "this model takes temperature or top_p, not both; leaving out top_p",
        _find_both_sampling,
        change.drop_top_p,
    ),
    Adaptation(
        "system-refused",
        "this model takes no system prompt; putting it before the first message",
        _find_system_refused,
        change.fold_system,
    ),
    Adaptation(
        "null-content-refused",
        "this upstream takes no null content; sending an empty text",
        _find_null_content,
        change.empty_null_content,
    ),
    Adaptation(
        "empty-content-refused",
        "this upstream takes no empty content; sending null",
        _find_empty_content,
        change.null_empty_content,
    ),
    Adaptation(
        "field-refused",
        "this upstream does not take {found}; leaving it out",
        _find_unwanted_field,
        change.drop_field,
    ),
)
_BY_NAME = {row.name: row for row in ADAPTATIONS}
