"""What a person can do about an upstream's refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from hiveloom_cli.upstream.resolve import EnvironmentKey, PlaceholderKey, StoredKey

if TYPE_CHECKING:
    from hiveloom_cli.upstream.resolve import Upstream


def decide_hint(status: int, upstream: Upstream) -> str:
    """Decide what to suggest for an HTTP status, or ""."""
    match status:
        case 401 | 403:
            return _suggest_key(upstream)
        case 402:
            return f"check the account's balance at {upstream.base_url.host}"
        case 429:
            return "wait a little, then ask again"
        case _ if status in (404, 405) or 300 <= status < 400:
            return _suggest_address(upstream)
        case _:
            return "ask again; the fault is the upstream's" if status >= 500 else ""


def _suggest_key(upstream: Upstream) -> str:
    match upstream.key:
        case StoredKey(name):
            return f"hiveloom credential rotate --name {name}"
        case EnvironmentKey(variable):
            return f"check the key in {variable}, or store one: hiveloom credential set"
        case PlaceholderKey():
            return f"this server wants a key: hiveloom credential set --name {upstream.protocol}"
        case _:
            assert_never(upstream.key)


def _suggest_address(upstream: Upstream) -> str:
    where = upstream.moved_by or "the base URL"
    base_url = upstream.base_url
    if upstream.protocol == "openai" and not base_url.path.endswith("/v1"):
        return f"check the model's name and {where}: did you mean {base_url.join('/v1')}?"
    return f"check the model's name and {where} ({base_url})"
