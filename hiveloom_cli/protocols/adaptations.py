"""Learning an upstream's dialect: what to change in a request when the upstream refuses it.

A table of pure pairs. `find` looks at a refusal and returns what is to be changed (a field's name,
a number, or "" where there is nothing to name), or None if the row has nothing to say; `change`
makes a new body from the refused one. The first row that finds something is applied and the request
sent again at once. What helped is remembered for the origin and model by the row's name and what it
found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from hiveloom_cli.protocols import body_changes as change
from hiveloom_cli.protocols import refusals, schema_changes, schema_refusals
from hiveloom_cli.protocols.dialect import Learned
from hiveloom_cli.protocols.request import ChatRequest

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.protocols.refusals import Refusal

Body: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Body, str, ChatRequest], Body]


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One row. `notice` says in one line what is changed, with `{found}` in it where it helps.

    `protocol` is the one whose bodies the row is about, None for both. A row that `repeats` may
    find something else in the next refusal.
    """

    name: str
    notice: str
    find: Callable[[Refusal], str | None]
    change: Change
    protocol: ProtocolName | None = None
    repeats: bool = False


def decide_adaptation(
    refusal: Refusal, tried: tuple[Learned, ...], chat: ChatRequest
) -> Learned | None:
    """Decide what to change after a refusal, if anything.

    `tried` is what was learned for this request so far. No row is applied twice, but for those that
    repeat, and none that would change nothing.
    """
    if refusal.status not in _STATUSES:
        return None
    for row in ADAPTATIONS:
        if row.protocol not in (None, refusal.protocol):
            continue
        if not row.repeats and any(learned.name == row.name for learned in tried):
            continue
        found = row.find(refusal)
        if found is not None and row.change(refusal.body, found, chat) != refusal.body:
            return Learned(row.name, found)
    return None


def add_learned(known: tuple[Learned, ...], learned: Learned) -> tuple[Learned, ...]:
    """Add what was learned to what is known, in the place of what the same row found before."""
    row = _BY_NAME[learned.name]
    kept = (entry for entry in known if row.repeats or entry.name != learned.name)
    return (*(entry for entry in kept if entry != learned), learned)


def apply_adaptations(
    body: Body, known: tuple[Learned, ...], chat: ChatRequest, protocol: ProtocolName
) -> Body:
    """Apply what is known of an upstream to a body; rows that are gone are passed over."""
    for learned in known:
        row = _BY_NAME.get(learned.name)
        if row is not None and row.protocol in (None, protocol):
            body = row.change(body, learned.found, chat)
    return body


def format_notice(learned: Learned) -> str:
    """Say in one line what was learned."""
    return _BY_NAME[learned.name].notice.format(found=learned.found)


# Known by name, since an answer in one piece is asked for in other ways too.
STREAM_REFUSED = "stream-refused"
# Known by name, since whoever asks misses the tools each time.
TOOLS_REFUSED = "tools-refused"
# 0: an error inside a reply of status 200 that names no status of its own.
_STATUSES = (0, 400, 404, 405, 415, 422, 500, 501)

ADAPTATIONS: tuple[Adaptation, ...] = (
    Adaptation(
        "streamed-schema-refused",
        "this model does not stream JSON by schema; asking for the answer in one piece",
        schema_refusals.find_streamed_schema_refused,
        schema_changes.drop_stream_by_schema,
    ),
    Adaptation(
        "schema-beside-tools-refused",
        "this model takes tools or a schema, not both; describing the schema in words",
        schema_refusals.find_schema_beside_tools_refused,
        schema_changes.tell_schema_beside_tools,
    ),
    Adaptation(
        "strict-schema-refused",
        "this model cannot be held strictly to the schema; asking without that",
        schema_refusals.find_strict_refused,
        schema_changes.drop_strict,
        protocol="openai",
        repeats=True,
    ),
    Adaptation(
        "schema-refused",
        "this model does not take the schema as its answer's; asking in another way",
        schema_refusals.find_schema_refused,
        schema_changes.use_answer_tool,
        repeats=True,
    ),
    Adaptation(
        "answer-tool-refused",
        "this model need not call a tool; describing the schema in words",
        schema_refusals.find_answer_tool_refused,
        schema_changes.use_instruction,
        repeats=True,
    ),
    Adaptation(
        "json-object-refused",
        "this model has no JSON mode; describing the schema in words alone",
        schema_refusals.find_json_object_refused,
        schema_changes.drop_json_object,
        protocol="openai",
    ),
    Adaptation(
        STREAM_REFUSED,
        "this model does not stream; asking for the answer in one piece",
        refusals.find_stream_refused,
        change.drop_stream,
    ),
    Adaptation(
        "tools-without-reasoning",
        "this model takes tools only without reasoning; asking without reasoning",
        refusals.find_tools_with_reasoning,
        change.stop_reasoning,
        protocol="openai",
    ),
    Adaptation(
        TOOLS_REFUSED,
        "this model takes no tools; going on without them",
        refusals.find_tools_refused,
        change.drop_tools,
    ),
    Adaptation(
        "tools-forbidden",
        "this model calls tools also where it may not; asking without them",
        refusals.find_forbidden_call,
        change.drop_forbidden_tools,
    ),
    Adaptation(
        "reasoning-wanted",
        "this upstream wants its reasoning back; sending it along",
        refusals.find_reasoning_wanted,
        change.echo_reasoning,
        protocol="openai",
    ),
    Adaptation(
        "nine-character-ids",
        "this upstream wants tool-call ids of nine letters and digits; rewriting them",
        refusals.find_nine_wanted,
        change.use_nine_character_ids,
        protocol="openai",
    ),
    Adaptation(
        "shorter-ids",
        "this upstream wants tool-call ids of at most {found} characters; rewriting them",
        refusals.find_id_length,
        change.shorten_ids,
        protocol="openai",
    ),
    Adaptation(
        "message-field-refused",
        "this upstream does not know {found} in a message; leaving it out",
        refusals.find_message_field,
        change.drop_message_field,
        repeats=True,
    ),
    Adaptation(
        "max-completion-tokens",
        "this model calls the token limit max_completion_tokens; renaming it",
        refusals.find_completion_tokens_wanted,
        change.use_max_completion_tokens,
        protocol="openai",
    ),
    Adaptation(
        "max-tokens",
        "this upstream calls the token limit max_tokens; renaming it",
        refusals.find_max_tokens_wanted,
        change.use_max_tokens,
        protocol="openai",
    ),
    Adaptation(
        "token-limit",
        "this model answers with at most {found} tokens; asking for no more",
        refusals.find_limit,
        change.lower_max_tokens,
    ),
    Adaptation(
        "unstreamed-token-limit",
        "this upstream answers in one piece with at most {found} tokens; asking for no more",
        refusals.find_unstreamed_limit,
        change.lower_unstreamed_max_tokens,
    ),
    Adaptation(
        "one-sampling-field",
        "this model takes temperature or top_p, not both; leaving out top_p",
        refusals.find_both_sampling,
        change.drop_top_p,
    ),
    Adaptation(
        "system-refused",
        "this model takes no system prompt; putting it before the first message",
        refusals.find_system_refused,
        change.fold_system,
        protocol="openai",
    ),
    Adaptation(
        "documents-by-url",
        "this upstream wants a PDF as document_url; sending it so",
        refusals.find_document_url_wanted,
        change.use_document_urls,
        protocol="openai",
    ),
    Adaptation(
        "null-content-refused",
        "this upstream takes no null content; sending an empty text",
        refusals.find_null_content,
        change.empty_null_content,
        protocol="openai",
    ),
    Adaptation(
        "empty-content-refused",
        "this upstream takes no empty content; sending null",
        refusals.find_empty_content,
        change.null_empty_content,
        protocol="openai",
    ),
    Adaptation(
        "field-refused",
        "this upstream does not take {found}; leaving it out",
        refusals.find_unwanted_field,
        change.drop_field,
        repeats=True,
    ),
)
_BY_NAME = {row.name: row for row in ADAPTATIONS}
