"""What an upstream offers: its list of models, in the many shapes that servers give it.

Chat Completions' `{"object": "list", "data": [...]}`, the same with `data` null (Ollama without a
model), a bare array with models of every kind (Together), pages (Anthropic). How much a model reads
and whether it takes tools stand under a different name at each, or nowhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import ReplyNotUnderstood
from hiveloom_cli.protocols.faults import format_page, is_error, parse_error_event
from hiveloom_cli.protocols.lookup import get_count, get_map, get_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 200
_HINT = "check the base URL: it must be the API's, often ending in /v1"
_CONTEXT_FIELDS = (
    "context_length",  # OpenRouter, Together, Fireworks
    "context_window",  # Groq
    "max_context_length",  # Mistral
    "max_model_len",  # vLLM
    "max_input_tokens",  # Anthropic, LiteLLM
)
_TOOLS_FIELDS = ("supports_tools", "supports_function_calling")  # Fireworks, LiteLLM
# A model that says one of these is false does not chat, or is switched off.
_NEEDED = ("active", "supports_chat")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model; `context_length` is in tokens, None where the upstream does not say."""

    id: str
    context_length: int | None = None
    takes_tools: bool | None = None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A part of a list, often all of it; the next part follows the model `next_after`, if any."""

    models: tuple[ModelInfo, ...]
    next_after: str = ""


def parse_models(body: bytes) -> ModelPage:
    """Read a list of models of any shape; models that cannot chat are left out.

    Raises `UpstreamRefused` for an error under status 200, and `ReplyNotUnderstood` for what is no
    list of models.
    """
    text = body.decode("utf-8", "replace").strip().removeprefix("\ufeff")
    value = _parse_json(text)
    if isinstance(value, dict) and is_error(value):
        raise parse_error_event(value)
    items = _find_items(value)
    if items is None:
        raise ReplyNotUnderstood(
            f"the upstream sent no list of models: {text[:_SHOWN]}", hint=_HINT
        )
    models = {model.id: model for model in _parse_items(items, mixed=isinstance(value, list))}
    return ModelPage(tuple(models.values()), _find_next(value, items))


def _parse_json(text: str) -> Any:
    if text.startswith("<"):
        raise ReplyNotUnderstood(
            f"the upstream answered with a web page, “{format_page(text)}”", hint=_HINT
        )
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        shown = text[:_SHOWN] or "nothing"
        raise ReplyNotUnderstood(
            f"the upstream sent no list of models: {shown}", hint=_HINT
        ) from None


def _find_items(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    for key in ("data", "models"):
        if key in value:
            found = value[key]
            return [] if found is None else found if isinstance(found, list) else None
    return None


def _find_next(value: Any, items: list[Any]) -> str:
    if not isinstance(value, dict) or value.get("has_more") is not True or not items:
        return ""
    return get_text(value, "last_id") or get_text(items[-1], "id")


def _parse_items(items: list[Any], *, mixed: bool) -> Iterator[ModelInfo]:
    for item in items:
        name = get_text(item, "id") or get_text(item, "name")
        # What is not printable is no name that anyone could type.
        if name.strip() and name.isprintable() and _can_chat(item, mixed=mixed):
            yield ModelInfo(name, _find_context_length(item), _find_takes_tools(item))


def _can_chat(item: dict[str, Any], *, mixed: bool) -> bool:
    if mixed and item.get("type", "chat") != "chat":
        return False
    if get_map(item, "capabilities").get("completion_chat") is False:
        return False
    return all(item.get(name) is not False for name in _NEEDED)


def _find_context_length(item: dict[str, Any]) -> int | None:
    return next((count for name in _CONTEXT_FIELDS if (count := get_count(item, name))), None)


def _find_takes_tools(item: dict[str, Any]) -> bool | None:
    parameters = item.get("supported_parameters")
    if isinstance(parameters, list):
        return "tools" in parameters
    flags = [item.get(name) for name in _TOOLS_FIELDS]
    flags.append(get_map(item, "capabilities").get("function_calling"))
    return next((flag for flag in flags if isinstance(flag, bool)), None)
