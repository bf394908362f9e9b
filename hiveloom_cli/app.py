"""The composition root: builds each outside thing once, when it is first used."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.paths import decide_paths
from hiveloom_cli.upstream.limits import FETCHING, QUICK, Patience, Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.agent_library import AgentLibrary
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.agents.trust import TrustList
    from hiveloom_cli.agents.versions import Versions
    from hiveloom_cli.chat.conversations import Conversations
    from hiveloom_cli.chat.prices import Prices
    from hiveloom_cli.chat.store import Store
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.credentials.store import CredentialStore
    from hiveloom_cli.errors import FileUnreadable
    from hiveloom_cli.paths import Paths
    from hiveloom_cli.protocols.message import Attachment
    from hiveloom_cli.protocols.models import ModelInfo
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.terminal.streams import Streams
    from hiveloom_cli.tools.agreements import Agreements
    from hiveloom_cli.tools.outside import Outside, Web
    from hiveloom_cli.upstream.client import ModelClient
    from hiveloom_cli.upstream.dialects import Dialects
    from hiveloom_cli.upstream.dialing import Line
    from hiveloom_cli.upstream.key_check import KeyCheck
    from hiveloom_cli.upstream.model_cache import ModelCache
    from hiveloom_cli.upstream.resolve import KeySource, Route, Upstream
    from hiveloom_cli.upstream.transport import RequestsTransport


class App:
    """What commands work with. Making one touches nothing; each part is imported on first use."""

    def __init__(self, environ: Mapping[str, str], streams: Streams) -> None:
        self.environ = environ
        self.streams = streams
        self.clock: Clock = SystemClock()
        self.timeouts = Timeouts()
        self.patience = Patience()
        self.secrets: list[Secret] = []  # what was read in this run, for masking tracebacks

    @cached_property
    def paths(self) -> Paths:
        """The folders of this run."""
        return decide_paths(self.environ)

    @cached_property
    def agents(self) -> AgentLibrary:
        """The agents of the project that the person works in, and their own."""
        from hiveloom_cli.agents.agent_library import AgentLibrary, find_project_folder
        from hiveloom_cli.agents.store import AgentStore

        own = AgentStore(self.paths.agents, self._open_versions("own"))
        try:
            folder = find_project_folder(Path.cwd(), self._list_outside())
        except OSError:
            folder = None  # the working folder is gone
        return AgentLibrary(own, self._open_project(folder) if folder is not None else None)

    def load_briefs(self) -> Iterator[tuple[AgentStore, Agent | FileUnreadable]]:
        """Read what lists show of the agents; see `AgentLibrary.load_briefs`."""
        from hiveloom_cli.agents.briefs import BriefCache

        return self.agents.load_briefs(BriefCache(self.paths.briefs, self.clock))

    def open_project(self) -> AgentStore:
        """Open the agents of the project that the person works in, or of one to be begun there.

        Raises `UsageMistake` where no project can be.
        """
        from hiveloom_cli.agents.agent_library import decide_project_folder

        if self.agents.project is not None:
            return self.agents.project
        try:
            start = Path.cwd()
        except OSError:
            raise UsageMistake("the working folder is gone", hint="cd to another") from None
        return self._open_project(decide_project_folder(start, self._list_outside()))

    @cached_property
    def trust(self) -> TrustList:
        """The projects' agents that the person has agreed to."""
        from hiveloom_cli.agents.trust import TrustList

        return TrustList(self.paths.trusted, self.clock)

    def _list_outside(self) -> list[Path]:
        """Return the folders that look like a project's agents and are none."""
        from hiveloom_cli.agents.agent_library import PROJECT_AGENTS

        outside = [self.paths.agents]
        with suppress(RuntimeError):  # the home folder is not known
            outside.append(Path.home() / PROJECT_AGENTS)
        return outside

    def _open_project(self, folder: Path) -> AgentStore:
        from hiveloom_cli.agents.contents import compute_digest
        from hiveloom_cli.agents.store import AgentStore

        place = compute_digest(os.fsencode(folder))[:16]
        versions = self._open_versions(f"project-{place}")
        return AgentStore(folder, versions, is_project=True)

    def _open_versions(self, place: str) -> Versions:
        from hiveloom_cli.agents.contents import Contents
        from hiveloom_cli.agents.versions import Versions

        folder = self.paths.versions
        return Versions(folder / place, Contents(folder / "contents"), self.clock)

    @cached_property
    def conversations(self) -> Conversations:
        """The saved conversations; no file is touched before one is read or written."""
        from hiveloom_cli.chat.conversations import Conversations

        return Conversations(self._store)

    def load_prices(self) -> Prices:
        """Read what tokens cost. Raises `FileUnreadable`."""
        from hiveloom_cli.chat.price_file import load_prices

        return load_prices(self.paths.prices)

    @cached_property
    def _store(self) -> Store:
        from hiveloom_cli.chat.store import Store

        return Store(self.paths.conversations)

    def close(self) -> None:
        """Close what is open."""
        if "_store" in self.__dict__:
            self._store.close()

    @cached_property
    def credentials(self) -> CredentialStore:
        """The stored credentials; no keyring is touched before a secret is."""
        from hiveloom_cli.credentials.store import CredentialStore

        return CredentialStore(paths=self.paths, environ=self.environ, clock=self.clock)

    @cached_property
    def _transport(self) -> RequestsTransport:
        return self._open_transport(self.timeouts)

    def _open_transport(self, timeouts: Timeouts, line: Line | None = None) -> RequestsTransport:
        from hiveloom_cli.upstream.transport import RequestsTransport

        drop_key = self.credentials.drop_secret
        return RequestsTransport(self.environ, timeouts, self.clock, line, drop_key)

    @cached_property
    def dialects(self) -> Dialects:
        """What was learned of upstreams."""
        from hiveloom_cli.upstream.dialects import Dialects

        return Dialects(self.paths.dialects)

    @cached_property
    def model_cache(self) -> ModelCache:
        """The models that upstreams offered when they were last asked."""
        from hiveloom_cli.upstream.model_cache import ModelCache

        return ModelCache(self.paths.models, self.clock)

    def decide_upstream(self, model: str, credential: str, *, allow_http: bool = False) -> Upstream:
        """Decide where requests for a model go. Raises `SecretMissing` and `BaseUrlInvalid`."""
        from hiveloom_cli.upstream.resolve import decide_upstream

        kept, handed = self.credentials.load_all(), self.credentials.load_handed_names()
        return decide_upstream(model, credential, kept, self.environ, handed, allow_http=allow_http)

    def decide_route(self, model: str, credential: str) -> Route:
        """Decide where requests for a model would go, whether they can or not."""
        from hiveloom_cli.upstream.resolve import decide_route

        return decide_route(model, credential, self.credentials.load_all(), self.environ)

    def open_model(
        self, upstream: Upstream, key: Secret | None = None, line: Line | None = None
    ) -> ModelClient:
        """Open a client; a key not given is fetched for the first request, `line` can cut it."""
        from hiveloom_cli.upstream.client import ModelClient
        from hiveloom_cli.upstream.models import load_offered

        def load_key() -> Secret:
            return key or self.load_key(upstream.key)

        return ModelClient(
            upstream,
            self._transport if line is None else self._open_transport(self.timeouts, line),
            load_key,
            dialects=self.dialects,
            clock=self.clock if line is None else SystemClock(line.wait),
            patience=self.patience,
            load_offered=lambda: load_offered(
                upstream, self._open_transport(QUICK), load_key, self.model_cache
            ),
        )

    def load_window(self, upstream: Upstream, model: str) -> int | None:
        """Return how much a model reads, as far as that is known here; asks no upstream."""
        from hiveloom_cli.upstream.windows import load_window

        return load_window(upstream, model, self.model_cache, self.dialects)

    def load_models(self, upstream: Upstream) -> tuple[ModelInfo, ...]:
        """Ask an upstream what it offers. Raises `UpstreamError` and `CredentialError`."""
        from hiveloom_cli.upstream.models import load_models

        return load_models(upstream, self._transport, self.load_key(upstream.key))

    def check_key(self, upstream: Upstream, key: Secret, model: str = "") -> KeyCheck:
        """Try a key at its upstream; `model` is asked where a list of models tells nothing."""
        from hiveloom_cli.upstream.key_check import check_key

        self.patience = Patience(tries=1)  # whoever tries a key wants the answer of now
        return check_key(self.open_model(upstream, key), self._transport, key, model)

    def fetch_url(self, url: str, *, most_bytes: int) -> bytes:
        """Fetch what a URL names, without any key. Raises `SourceUnusable` and `UsageMistake`."""
        from hiveloom_cli.upstream.fetch import fetch_url

        return fetch_url(url, self._open_transport(FETCHING), self.clock, most_bytes=most_bytes)

    @cached_property
    def outside(self) -> Outside:
        """What tools need of the world; nothing of it is opened before a tool needs it."""
        from hiveloom_cli.tools.outside import Outside

        return Outside(
            tools=self.paths.tools,
            skills=self.paths.skills,
            mcp=self.paths.mcp,
            cache=self.paths.tool_cache,
            logs=self.paths.tool_logs,
            environ=self.environ,
            clock=self.clock,
            open_web=self._open_web,
            load_key=self._load_bound_key,
            note_wait=self.streams.print_wait,
        )

    @cached_property
    def agreements(self) -> Agreements:
        """The tools that the person has agreed to."""
        from hiveloom_cli.tools.agreements import Agreements

        return Agreements(self.paths.approvals, self.clock)

    def _open_web(self) -> Web:
        from hiveloom_cli.upstream.web import RequestsWeb

        return RequestsWeb(self.environ)

    def _load_bound_key(self, name: str, origin: str) -> Secret:
        """Fetch the key of a credential that belongs to an origin. Raises `CredentialError`."""
        from hiveloom_cli.upstream.web import check_bound

        check_bound(name, origin, self.credentials.load(name))
        return self._note(self.credentials.load_secret(name))

    def _note(self, secret: Secret) -> Secret:
        if all(secret.reveal() != known.reveal() for known in self.secrets):
            self.secrets.append(secret)  # once: a server reads the same key again and again
        return secret

    def load_attachment(self, source: str) -> Attachment:
        """Load what a path, a URL or "-" for stdin names. Raises `SourceUnusable`."""
        from hiveloom_cli.chat.attachment import MOST_BYTES, load_attachment, parse_attachment

        if source == "-":
            content = self.streams.stdin.buffer.read(MOST_BYTES + 1)
            return parse_attachment(content, source="stdin", name="stdin")
        return load_attachment(source, fetch=partial(self.fetch_url, most_bytes=MOST_BYTES))

    def load_key(self, source: KeySource) -> Secret:
        """Fetch a key from where it is kept. Raises `CredentialError`."""
        from hiveloom_cli.upstream.keys import load_key

        return self._note(load_key(source, self.environ, self.credentials))
