"""URLs with places for arguments: `https://api.example.com/v1/cities/{city}?units={units}`.

An argument fills its place and nothing else: scheme, host and port have no places, values are
percent-encoded, and what would still move about in the path (`..`) is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

from hiveloom_cli.errors import BaseUrlInvalid, UsageMistake
from hiveloom_cli.protocols.base_url import parse_base_url

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hiveloom_cli.protocols.base_url import BaseUrl

_ORIGIN = re.compile(r"[a-z]+://[^/?#\\]*", re.IGNORECASE | re.ASCII)
_PLACE = re.compile(r"\{([^{}/?&=%\s]*)\}")
_PLACES = re.compile(r"(\{[^{}]*\})")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SLASHES = re.compile(r"[/\\]")
_KEPT = "/?:@!$&'()*+,;=%~{}[]"  # what a URL's path and query are written with
_MOST_DECODINGS = 5
_DOTS = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """A URL in parts; `path` and the `pairs` of the query hold places, the origin never does."""

    origin: BaseUrl
    path: str
    pairs: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """The arguments that have a place."""
        return frozenset(_PLACE.findall("&".join((self.path, *self.pairs))))

    @property
    def fixed(self) -> frozenset[str]:
        """The parameters of the query that the URL itself has."""
        text = "&".join(self.pairs)
        return frozenset(name for name, _ in parse_qsl(text, keep_blank_values=True))


def parse_url_template(text: str, known: Collection[str]) -> UrlTemplate:
    """Read a URL with places for arguments of the names `known`.

    Raises `ValueError` that says what was expected.
    """
    origin, rest = _split(text.strip())
    # As it will be sent, but for the names of arguments.
    pieces = _PLACES.split(rest)
    rest = "".join(piece if piece[:1] == "{" else quote(piece, safe=_KEPT) for piece in pieces)
    if _BROKEN_ESCAPE.search(rest):
        raise ValueError("expected two hexadecimal digits after each % (write % itself as %25)")
    if set(_PLACE.sub("", rest)) & set("{}"):
        raise ValueError("expected braces in pairs, around the name of an argument")
    path, _, query = rest.partition("?")
    template = UrlTemplate(origin, path or "/", tuple(filter(None, query.split("&"))))
    if unknown := sorted(template.names - set(known)):
        raise ValueError(f"expected {{{unknown[0]}}} among the properties of `input`")
    if _moves(_PLACE.sub("x", path)):
        raise ValueError("expected a path without . and ..")
    return template


def build_url(
    template: UrlTemplate, arguments: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> str:
    """Put arguments in their places, and `more` of them at the end of the query.

    A pair of the query whose argument is not given is left out. Raises `UsageMistake` for an
    argument that the path needs and that is not given, and for one that cannot stand in its place.
    """
    path = _PLACE.sub(lambda place: _encode_segment(place[1], arguments), template.path)
    if _moves(path):
        raise UsageMistake("“.” and “..” cannot stand in the URL's path")
    pairs = [_fill(pair, arguments) for pair in template.pairs]
    for name, value in (more or {}).items():
        if name in template.fixed:
            raise UsageMistake(f"`{name}` is decided by the tool, and no argument")
        values = value if isinstance(value, list) else [value]
        pairs += [f"{_quote(name)}={_quote(_format(item))}" for item in values if item is not None]
    query = "&".join(filter(None, pairs))
    return f"{template.origin.origin}{path}{'?' if query else ''}{query}"


def _split(text: str) -> tuple[BaseUrl, str]:
    found = _ORIGIN.match(text)
    if found is None:
        raise ValueError("expected a URL that begins with https://, as it stands")
    origin, rest = found[0], text[found.end() :]
    if set(origin) & set("{}"):
        raise ValueError("expected a host and a port as they are: arguments stand after them")
    if any(character.isspace() or not character.isprintable() for character in rest):
        raise ValueError("expected no spaces (write %20)")
    if "\\" in rest or "#" in rest:
        raise ValueError("expected no \\ and no # (write %5C and %23)")
    try:
        return parse_base_url(origin, source="the file"), rest
    except BaseUrlInvalid as error:
        raise ValueError(f"expected https://host/path, but {_explain(error)}") from None


def _explain(error: BaseUrlInvalid) -> str:
    return error.message.replace("the base URL in the file", "it")


def _moves(path: str) -> bool:
    """Whether a server could read a step up or in place in a path, however often it decodes it."""
    for _ in range(_MOST_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            return not _DOTS.isdisjoint(_SLASHES.split(path))
        path = decoded
    return True  # nobody writes that who means well


def _encode_segment(name: str, arguments: Mapping[str, Any]) -> str:
    value = arguments.get(name)
    if value is None or value == "":
        raise UsageMistake(f"`{name}` is missing or empty, and the URL's path needs it")
    return _encode(name, value)


def _fill(pair: str, arguments: Mapping[str, Any]) -> str:
    names = _PLACE.findall(pair)
    absent = [name for name in names if arguments.get(name) is None]
    if absent and len(absent) == len(names):
        return ""
    if absent:
        raise UsageMistake(f"`{absent[0]}` is missing, and stands beside one that is given")
    return _PLACE.sub(lambda place: _encode(place[1], arguments[place[1]]), pair)


def _encode(name: str, value: Any) -> str:
    if isinstance(value, list | dict):
        raise UsageMistake(f"`{name}`: a list or an object cannot stand in a URL's place")
    return _quote(_format(value))


def _format(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _quote(text: str) -> str:
    return quote(text, safe="", errors="replace")
