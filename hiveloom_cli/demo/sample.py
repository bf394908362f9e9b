"""The answer of a model that is asked for JSON by schema: the plainest value that fits.

Plain schemas are understood: types, properties, items, enumerations, alternatives, references
within the schema, least numbers and lengths. What asks for more gets a value that may not fit.
"""

from __future__ import annotations

from typing import Any

_DEEPEST = 20


def find_schema(fields: dict[str, Any], *path: str) -> dict[str, Any] | None:
    """Return the object at a path of a request's fields, if there is one."""
    found: Any = fields
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def build_sample(schema: dict[str, Any]) -> Any:
    """Build a value that fits."""
    return _build(schema, schema, _DEEPEST)


def _build(schema: Any, root: dict[str, Any], depth: int) -> Any:
    if not isinstance(schema, dict) or not depth:
        return None
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "examples"):
        if schema.get(key):
            return schema[key][0]
    if "$ref" in schema:
        return _build(_resolve(schema["$ref"], root), root, depth - 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _build(schema[key][0], root, depth - 1)
    return _build_typed(schema, root, depth)


def _build_typed(schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "null")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties", {})
            return {name: _build(inner, root, depth - 1) for name, inner in properties.items()}
        case "array":
            item = _build(schema.get("items"), root, depth - 1)
            return [item] * max(1, schema.get("minItems", 1))
        case "string":
            return "bee".ljust(schema.get("minLength", 0), "e")
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
    return None


def _resolve(reference: Any, root: dict[str, Any]) -> Any:
    found: Any = root
    for name in str(reference).removeprefix("#").strip("/").split("/"):
        found = found.get(name) if name and isinstance(found, dict) else found
    return found
