"""The chat page for a person: a few files, which hold nothing secret and are for anyone to read.

What the page may do is told with each of them: load what this server has and ask this server, and
nothing else, so that no text of a model's becomes a script, a style or a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

_FOLDER = "page"
_FIRST = "index.html"
_NAMES = (
    "answer.js",
    "blocks.js",
    "chat.js",
    "copying.js",
    "following.js",
    "icon.svg",
    "inline.js",
    "kept.js",
    "render.js",
    "server.js",
    "style.css",
    "token.js",
)
_FILES = {"/": _FIRST, **{f"/{_FOLDER}/{name}": name for name in _NAMES}}
PATHS = frozenset(_FILES)

_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
_HEADERS = {
    "cache-control": "no-cache",  # kept, and asked for each time whether it is still the same
    "content-security-policy": "; ".join(_POLICY),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    kind: str
    etag: str


def build_page() -> list[Route]:
    """Build the routes of the page's files, which are read now."""
    from starlette.routing import Route

    return [Route(path, _serve(_load(name))) for path, name in _FILES.items()]


def _load(name: str) -> _File:
    content = (files("hiveloom_cli.serve") / _FOLDER / name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]
    return _File(content, kind, f'"{sha256(content).hexdigest()[:32]}"')


def _serve(file: _File) -> Callable[[Request], Awaitable[Response]]:
    from starlette.responses import Response

    headers = {**_HEADERS, "etag": file.etag}

    async def answer(request: Request) -> Response:
        if _knows(request.headers.get("if-none-match", ""), file.etag):
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.kind)

    return answer


def _knows(tags: str, etag: str) -> bool:
    """Whether what a browser has is what there is; a proxy that compressed it calls it weak."""
    return etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
