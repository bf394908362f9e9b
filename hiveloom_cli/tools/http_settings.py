"""The settings of an HTTP tool's file, each held to what it may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.request import KeyHeader
from hiveloom_cli.secret import looks_like_key
from hiveloom_cli.tools.settings import build_fault, check_known, get_setting, parse_timeout
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
        timeout_s=parse_timeout(file, usual_s=_TIMEOUT_S, longest_s=_LONGEST_S),
    )
    _check_names(file, settings)
    _check_key(file, settings)
    return settings


def _parse_url(file: ToolFile, names: frozenset[str]) -> UrlTemplate:
    value = get_setting(file, "url")
    if not isinstance(value, str):
        raise build_fault(file, "url", "expected a URL, as in https://api.example.com/v1/weather")
    try:
        return parse_url_template(value, names)
    except ValueError as error:
        raise build_fault(file, "url", str(error)) from None


def _parse_method(file: ToolFile) -> str:
    value = get_setting(file, "method", "GET")
    if not isinstance(value, str) or value.upper() not in METHODS:
        raise build_fault(file, "method", f"expected one of {', '.join(METHODS)}")
    return value.upper()


def _parse_headers(file: ToolFile) -> Mapping[str, str]:
    value = get_setting(file, "headers", {})
    if not isinstance(value, dict):
        expected = "expected a name and a text each, as in {Accept: text/csv}"
        raise build_fault(file, "headers", expected)
    for name, text in value.items():
        _check_header(file, "headers", name)
        if _KEY_HEADER.search(name.lower()) or _KEY_VALUE.match(str(text)):
            # The value is not repeated: it may well be a key.
            hint = f"store the key: hiveloom credential set; then credential_header: {name}"
            problem = f"{name} carries a key, which no file holds; expected `credential: NAME`"
            raise build_fault(file, "headers", problem, hint)
        _check_text(file, name, text)
    if len({name.lower() for name in value}) < len(value):
        raise build_fault(file, "headers", "expected each name once")
    return dict(value)


def _check_text(file: ToolFile, name: str, text: Any) -> None:
    if not isinstance(text, str):
        raise build_fault(file, "headers", f"{name}: expected a text (put it in quotes)")
    if not _HEADER_VALUE.fullmatch(text) or text != text.strip():
        raise build_fault(file, "headers", f"{name}: expected one line, of Latin-1")
    if name.lower() == "content-type" and "json" not in text.lower():
        raise build_fault(file, "headers", f"{name}: expected JSON, which is what is sent")
    if _PLACEHOLDER.search(text):
        raise build_fault(file, "headers", f"{name}: expected a text without places for arguments")


def _check_header(file: ToolFile, key: str, name: str) -> None:
    if not _HEADER.fullmatch(name):
        raise build_fault(file, key, "expected the name of a header, as in X-API-Key")
    if name.lower() in _OURS:
        raise build_fault(file, key, f"{name} is decided by the request itself")


def _parse_credential(file: ToolFile) -> str | None:
    value = get_setting(file, "credential")
    if value is None:
        return None
    # Not repeated: whoever pastes a key here must not find it on the screen as well.
    if isinstance(value, str) and looks_like_key(value):
        problem = "expected the name of a credential, and this looks like a key"
        raise build_fault(file, "credential", problem, "store it: hiveloom credential set NAME")
    if not isinstance(value, str) or not _CREDENTIAL.fullmatch(value):
        raise build_fault(file, "credential", "expected the name of a credential")
    return value


def _parse_key_header(file: ToolFile) -> KeyHeader | None:
    value = get_setting(file, "credential_header")
    if "credential" not in file.document.fields:
        if value is not None:
            raise build_fault(file, "credential_header", "expected `credential: NAME` as well")
        return None
    if value is None:
        value = "Authorization"
    if not isinstance(value, str):
        raise build_fault(file, "credential_header", "expected the name of a header")
    _check_header(file, "credential_header", value)
    return KeyHeader(value, "Bearer " if value.lower() == _BEARER else "")


def _parse_allow_private(file: ToolFile) -> bool:
    value = get_setting(file, "allow_private", False)  # noqa: FBT003 -- what holds without the setting
    if not isinstance(value, bool):
        raise build_fault(file, "allow_private", "expected true or false")
    return value


def _check_names(file: ToolFile, settings: HttpSettings) -> None:
    """Have no argument stand in for what the URL decides."""
    free = settings.properties - settings.url.names
    if settings.method in WITHOUT_BODY and (both := sorted(free & settings.url.fixed)):
        problem = f"the query says what {both[0]} is, and so would the argument {both[0]}"
        hint = f"write {both[0]}={{{both[0]}}}, or name it otherwise"
        raise build_fault(file, "url", problem, hint)


def _check_key(file: ToolFile, settings: HttpSettings) -> None:
    """Send a key over https, or to this machine."""
    if settings.key_header is None:
        return
    if settings.key_header.name.lower() in {name.lower() for name in settings.headers}:
        raise build_fault(file, "headers", f"{settings.key_header.name} is where the key goes")
    origin = settings.url.origin
    if origin.scheme == "https" or (origin.is_loopback and settings.allows_private):
        return
    if origin.is_loopback:
        raise build_fault(file, "url", "this machine is asked only with `allow_private: true`")
    raise build_fault(file, "url", "expected https, since a key goes along")
