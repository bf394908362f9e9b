"""An answer by schema: what it says, whether it fits, and what is said if it does not. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.json_schema import find_schema_faults, parse_json
from hiveloom_cli.protocols.event import FinishReason

if TYPE_CHECKING:
    from hiveloom_cli.protocols.output_schema import OutputSchema

# A fence that stands alone on its lines; what is in it is the answer if nothing else is.
_FENCE = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\n`]*\n(.*?)\n? {0,3}\1[ \t]*$", re.DOTALL | re.MULTILINE
)
_LONGEST_REASON = 120
_AGAIN = (
    "Your answer does not fit the JSON Schema:\n\n{faults}\n\nAnswer once more, with nothing but"
    " one JSON value that fits this schema:\n\n{schema}"
)
# The model ended of its own accord, so that it can be told what to do better.
_ENDED = {FinishReason.STOP, FinishReason.OTHER}


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer, judged. `text` is the JSON as the model wrote it, or all it said if that is none.

    `faults` is empty where the answer fits; `value` is None where the text is no JSON.
    """

    text: str
    value: Any
    faults: tuple[str, ...]


def judge_answer(text: str, output: OutputSchema) -> Judgement:
    """Judge what a model answered."""
    problem = ""
    for candidate in _list_candidates(text):
        try:
            value = parse_json(candidate)
        except ValueError as error:
            problem = problem or _format_problem(error)
            continue
        return Judgement(candidate, value, tuple(find_schema_faults(value, dict(output.schema))))
    return Judgement(text, None, (problem,))


def decide_again(judgement: Judgement, reason: FinishReason) -> bool:
    """Whether to ask once more: one that was cut or filtered would be again."""
    return bool(judgement.faults) and reason in _ENDED


def build_retry(judgement: Judgement, output: OutputSchema) -> str:
    """Build what the model is told; it may not have seen the schema until now."""
    faults = "\n".join(f"- {fault}" for fault in judgement.faults)
    return _AGAIN.format(faults=faults, schema=json.dumps(dict(output.schema), ensure_ascii=False))


def format_reason(judgement: Judgement) -> str:
    """Say in a few words what is wrong with the answer."""
    first = judgement.faults[0]
    shown = first if len(first) <= _LONGEST_REASON else f"{first[: _LONGEST_REASON - 1]}…"
    more = len(judgement.faults) - 1
    return f"{shown}; and {more} more" if more else shown


def format_failure(judgement: Judgement, reason: FinishReason) -> tuple[str, str]:
    """Say why there is no answer that fits, and what helps."""
    match reason:
        case FinishReason.LENGTH:
            cut = "the answer was cut at the token limit, and is no JSON that fits the schema"
            return cut, "allow more with --max-tokens"
        case FinishReason.CONTENT_FILTER:
            refused = "the model refused, or a filter broke the answer off"
            return refused, "ask in another way, or ask another model"
    why = format_reason(judgement)
    return f"the answer does not fit the schema: {why}", "ask again, or ask another model"


def _list_candidates(text: str) -> list[str]:
    stripped = text.strip()
    fenced = [match[2].strip() for match in _FENCE.finditer(stripped)]
    return [stripped, *(fenced if len(fenced) == 1 else [])]


def _format_problem(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"$: not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
    return f"$: not JSON: {error}"[:_LONGEST_REASON]
