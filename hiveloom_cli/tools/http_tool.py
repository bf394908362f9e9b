"""Tools that ask an HTTP server: files with a `url`.

    ---
    url: https://api.weather.example/v1/cities/{city}
    credential: weather
    input:
      type: object
      properties:
        city: {type: string}
        days: {type: integer}
      required: [city]
    ---
    Tells the weather in a city, today or for some days to come.

| setting | what it says |
|---|---|
| `url` | where; `{name}` stands for an argument, anywhere after host and port |
| `method` | `GET` unless set; `HEAD`, `DELETE`, `POST`, `PUT`, `PATCH` |
| `headers` | names and texts to send along, without a key |
| `credential` | the name of the key to send; it is bound to the URL's origin when it is stored |
| `credential_header` | where the key goes: `Authorization`, after `Bearer`; any other, by itself |
| `input` | the arguments, as JSON Schema |
| `approval` | `auto`, `ask` or `deny`; unless set, `auto` for `GET` and `HEAD`, else `ask` |
| `allow_private` | `true` lets it reach this machine and private networks |
| `timeout` | seconds for all of it: 30 unless set, 300 at most |

Arguments without a place in the URL go to the query of `GET`, `HEAD` and `DELETE`, a list as one
parameter for each item, and to the body of the others, as one JSON object. An argument never leaves
its place, no redirect is followed, and no more than a megabyte of a reply is read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.protocols.web import WebRequest
from hiveloom_cli.secret import mask_secret
from hiveloom_cli.tools.http_reply import format_reply
from hiveloom_cli.tools.http_settings import WITHOUT_BODY, parse_http_settings
from hiveloom_cli.tools.tool import Approval, ToolCard, ToolOutput
from hiveloom_cli.tools.url_template import build_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.stop import Stop
    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.tool_file import ToolFile

_MOST_BYTES = 1024 * 1024
_SAFE_METHODS = ("GET", "HEAD")


class HttpTool:
    """The tool of a file with a `url`. Raises `SettingsInvalid` for a file that says it wrongly."""

    def __init__(self, file: ToolFile, outside: Outside) -> None:
        self._file = file
        self._outside = outside
        self._settings = parse_http_settings(file)

    def load_card(self) -> ToolCard:
        """See `Tool`; nothing is asked of anyone."""
        is_safe = self._settings.method in _SAFE_METHODS
        usual = Approval.AUTO if is_safe else Approval.ASK
        file = self._file
        return ToolCard(
            reference=file.name,
            kind="http",
            definition=ToolDefinition(file.name, file.description, file.input_schema),
            approval=file.approval or usual,
            definition_text=file.text,
            usual=usual,
        )

    def describe_call(self, arguments: Mapping[str, Any]) -> str:
        """Say what would be sent, as it would go out; see `Tool`."""
        request = self._build_request(arguments)
        lines = [f"{request.method} {request.url}"]
        lines += [f"{name}: {text}" for name, text in request.headers.items()]
        if request.key_header is not None:
            key = f"{request.key_header.prefix}(the key {self._settings.credential})"
            lines.append(f"{request.key_header.name}: {key}")
        if request.body is not None:
            body = json.loads(request.body)
            lines += ["", json.dumps(body, ensure_ascii=False, indent=2)]
        return "\n".join(lines)

    def run(self, arguments: Mapping[str, Any], stop: Stop) -> ToolOutput:
        """Send it, and say what came back; see `Tool`.

        The key is hidden in what a server repeats of it.
        """
        request = self._build_request(arguments)
        credential, origin = self._settings.credential, self._settings.url.origin.origin
        key = self._outside.load_key(credential, origin) if credential else None
        output = format_reply(self._outside.open_web().send(request, key, stop))
        if key is None:
            return output
        return ToolOutput(mask_secret(output.content, key), is_error=output.is_error)

    def _build_request(self, arguments: Mapping[str, Any]) -> WebRequest:
        settings = self._settings
        left = {name: value for name, value in arguments.items() if name not in settings.url.names}
        has_body = settings.method not in WITHOUT_BODY
        headers, body = dict(settings.headers), None
        if has_body and (left or settings.properties - settings.url.names):
            body = json.dumps(left, ensure_ascii=False).encode("utf-8", "replace")
            if not any(name.lower() == "content-type" for name in headers):
                headers["Content-Type"] = "application/json"
        return WebRequest(
            method=settings.method,
            url=build_url(settings.url, arguments, None if has_body else left),
            headers=headers,
            body=body,
            key_header=settings.key_header,
            allows_private=settings.allows_private,
            timeout_s=settings.timeout_s,
            most_bytes=_MOST_BYTES,
        )
