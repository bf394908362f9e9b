"""The scripted upstream, behind a proxy that also looks after it unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.upstream import Reply, ScriptedUpstream, json_reply

if TYPE_CHECKING:
    from hiveloom_cli.demo.server import RecordedRequest


class UpstreamBehind(ScriptedUpstream):
    """Says that it has no models to whoever wants a list of them; only POSTs are recorded."""

    def decide_reply(self, request: RecordedRequest) -> Reply:
        if request.method == "POST":
            return super().decide_reply(request)
        self.requests.remove(request)
        return json_reply(b'{"object": "list", "data": []}')
