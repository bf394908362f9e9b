"""The settings of an HTTP tool's file, each held to what it may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.protocols.request import KeyHeader
from hiveloom_cli.secret import looks_like_key
from hiveloom_cli.tools.settings import check_known
from hiveloom_cli.tools.url_template import parse_url_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.tools.tool_file import ToolFile
    from hiveloom_cli.tools.url_template import UrlTemplate

SETTINGS = (
    *("url", "method", "headers", "credential", "credential_header"),
    *("input", "approval", "allow_private", "timeout"),
)
WITHOUT_BODY = ("GET", "HEAD", "DELETE")
METHODS = (*WITHOUT_BODY, "POST", "PUT", "PATCH")
_TIMEOUT_S = 30.0
_LONGEST_S = 300.0
_BEARER = "authorization"
_CREDENTIAL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t -~\xa0-\xff]*")
_PLACEHOLDER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_-]*\}")
_KEY_HEADER = re.compile(
    r"authorization|cookie|passw|secret|token$|(access|api|auth|private|subscription)[_-]?key"
)
_KEY_VALUE = re.compile(r"(bearer|basic|token)\s", re.IGNORECASE)
# They say where a request goes, or where it ends; that is decided by the URL and the body.
_OURS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te"),
        *("trailer", "upgrade", "expect", "proxy-connection", "proxy-authorization"),
        "accept-encoding",
    }
)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What an HTTP tool does.

    `key_header` is where the key of `credential` goes; both are None where no key is needed.
    `properties` are the names that arguments can have.
    """

    url: UrlTemplate
    method: str
    headers: Mapping[str, str]
    credential: str | None
    key_header: KeyHeader | None
    properties: frozenset[str]
    allows_private: bool
    timeout_s: float


def parse_http_settings(file: ToolFile) -> HttpSettings:
    """Read the settings of an HTTP tool's file. Raises `SettingsInvalid` with the line."""
    check_known(file, "an HTTP tool", SETTINGS)
    properties = file.input_schema.get("properties")
    names = frozenset(properties if isinstance(properties, dict) else ())
    settings = HttpSettings(
        url=_parse_url(file, names),
        method=_parse_method(file),
        headers=_parse_headers(file),
        credential=_parse_credential(file),
        key_header=_parse_key_header(file),
        properties=names,
        allows_private=_parse_allow_private(file),
        timeout_s=_parse_timeout(file),
    )
    _check_names(file, settings)
    _check_key(file, settings)
    return settings


def _parse_url(file: ToolFile, names: frozenset[str]) -> UrlTemplate:
    value = _get(file, "url")
    if not isinstance(value, str):
        raise _refuse(file, "url", "expected a URL, as in https://api.example.com/v1/weather")
    try:
        return parse_url_template(value, names)
    except ValueError as error:
        raise _refuse(file, "url", str(error)) from None


def _parse_method(file: ToolFile) -> str:
    value = _get(file, "method", "GET")
    if not isinstance(value, str) or value.upper() not in METHODS:
        raise _refuse(file, "method", f"expected one of {', '.join(METHODS)}")
    return value.upper()


def _parse_headers(file: ToolFile) -> Mapping[str, str]:
    value = _get(file, "headers", {})
    if not isinstance(value, dict):
        raise _refuse(file, "headers", "expected a name and a text each, as in {Accept: text/csv}")
    for name, text in value.items():
        _check_header(file, "headers", name)
        if _KEY_HEADER.search(name.lower()) or _KEY_VALUE.match(str(text)):
            # The value is not repeated: it may well be a key.
            hint = f"store the key: hiveloom credential set; then credential_header: {name}"
            problem = f"{name} carries a key, which no file holds; expected `credential: NAME`"
            raise _refuse(file, "headers", problem, hint)
        _check_text(file, name, text)
    if len({name.lower() for name in value}) < len(value):
        raise _refuse(file, "headers", "expected each name once")
    return dict(value)


def _check_text(file: ToolFile, name: str, text: Any) -> None:
    if not isinstance(text, str):
        raise _refuse(file, "headers", f"{name}: expected a text (put it in quotes)")
    if not _HEADER_VALUE.fullmatch(text) or text != text.strip():
        raise _refuse(file, "headers", f"{name}: expected one line, of Latin-1")
    if name.lower() == "content-type" and "json" not in text.lower():
        raise _refuse(file, "headers", f"{name}: expected JSON, which is what is sent")
    if _PLACEHOLDER.search(text):
        raise _refuse(file, "headers", f"{name}: expected a text without places for arguments")


def _check_header(file: ToolFile, key: str, name: str) -> None:
    if not _HEADER.fullmatch(name):
        raise _refuse(file, key, "expected the name of a header, as in X-API-Key")
    if name.lower() in _OURS:
        raise _refuse(file, key, f"{name} is decided by the request itself")


def _parse_credential(file: ToolFile) -> str | None:
    value = _get(file, "credential")
    if value is None:
        return None
    # Not repeated: whoever pastes a key here must not find it on the screen as well.
    if isinstance(value, str) and looks_like_key(value):
        problem = "expected the name of a credential, and this looks like a key"
        raise _refuse(file, "credential", problem, "store it: hiveloom credential set NAME")
    if not isinstance(value, str) or not _CREDENTIAL.fullmatch(value):
        raise _refuse(file, "credential", "expected the name of a credential")
    return value


def _parse_key_header(file: ToolFile) -> KeyHeader | None:
    value = _get(file, "credential_header")
    if "credential" not in file.document.fields:
        if value is not None:
            raise _refuse(file, "credential_header", "expected `credential: NAME` as well")
        return None
    if value is None:
        value = "Authorization"
    if not isinstance(value, str):
        raise _refuse(file, "credential_header", "expected the name of a header")
    _check_header(file, "credential_header", value)
    return KeyHeader(value, "Bearer " if value.lower() == _BEARER else "")


def _parse_allow_private(file: ToolFile) -> bool:
    value = _get(file, "allow_private", False)  # noqa: FBT003 -- what holds without the setting
    if not isinstance(value, bool):
        raise _refuse(file, "allow_private", "expected true or false")
    return value


def _parse_timeout(file: ToolFile) -> float:
    value = _get(file, "timeout", _TIMEOUT_S)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _LONGEST_S:
        raise _refuse(file, "timeout", f"expected seconds, above 0 and {_LONGEST_S:.0f} at most")
    return float(value)


def _check_names(file: ToolFile, settings: HttpSettings) -> None:
    """Have no argument stand in for what the URL decides."""
    free = settings.properties - settings.url.names
    if settings.method in WITHOUT_BODY and (both := sorted(free & settings.url.fixed)):
        problem = f"the query says what {both[0]} is, and so would the argument {both[0]}"
        raise _refuse(file, "url", problem, f"write {both[0]}={{{both[0]}}}, or name it otherwise")


def _check_key(file: ToolFile, settings: HttpSettings) -> None:
    """Send a key over https, or to this machine."""
    if settings.key_header is None:
        return
    if settings.key_header.name.lower() in {name.lower() for name in settings.headers}:
        raise _refuse(file, "headers", f"{settings.key_header.name} is where the key goes")
    origin = settings.url.origin
    if origin.scheme == "https" or (origin.is_loopback and settings.allows_private):
        return
    if origin.is_loopback:
        raise _refuse(file, "url", "this machine is asked only with `allow_private: true`")
    raise _refuse(file, "url", "expected https, since a key goes along")


def _get(file: ToolFile, key: str, default: Any = None) -> Any:
    field = file.document.fields.get(key)
    return default if field is None else field.value


def _refuse(file: ToolFile, key: str, problem: str, hint: str = "") -> SettingsInvalid:
    field = file.document.fields.get(key)
    line = 0 if field is None else field.line
    return SettingsInvalid(file.path, f"`{key}`: {problem}", line=line, hint=hint)
