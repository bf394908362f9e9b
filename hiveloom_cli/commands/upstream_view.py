"""What is shown of the upstream that an agent would ask; no keyring is touched for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.credentials.credential import Credential
    from hiveloom_cli.protocols.base_url import BaseUrl
    from hiveloom_cli.upstream.resolve import Route


@dataclass(frozen=True, slots=True)
class KeyView:
    """Whether a key is there.

    `state` is "stored", "systemd", "environment", "not_needed", "missing" or "unknown".

    `text` says so to a person, and what to type if it is missing.
    """

    state: str
    text: str


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """Where requests of an agent go; `base_url` is None, and `problem` says why, if nowhere.

    `title` is the protocol's name for a person; `moved_by` is the variable that set the base URL.
    """

    credential: str
    protocol: str = ""
    title: str = ""
    base_url: BaseUrl | None = None
    moved_by: str = ""
    key: KeyView = KeyView("unknown", "not known")
    problem: HiveloomError | None = None

    @property
    def origin(self) -> str:
        """Say where the key goes."""
        return self.base_url.origin if self.base_url else "nowhere: the base URL is broken"


def load_upstream_view(app: App, agent: Agent) -> UpstreamView:
    """Find out where requests of an agent go, and what stands in the way; raises nothing of it."""
    from hiveloom_cli.protocols.table import PROTOCOLS
    from hiveloom_cli.upstream.resolve import parse_route

    try:
        route = app.decide_route(agent.model, agent.credential)
    except HiveloomError as error:  # the list of credentials cannot be read
        return UpstreamView(agent.credential, problem=error)
    base_url = problem = None
    try:
        base_url = parse_route(route, app.environ)
    except HiveloomError as error:
        problem = error
    return UpstreamView(
        route.credential,
        route.protocol,
        PROTOCOLS[route.protocol].title,
        base_url,
        route.moved_by,
        _find_key(app, route, base_url),
        problem,
    )


def build_upstream_document(view: UpstreamView) -> dict[str, Any]:
    """Build what `--json` prints of an upstream."""
    return {
        "protocol": view.protocol or None,
        "base_url": str(view.base_url) if view.base_url else None,
        "moved_by": view.moved_by or None,
        "credential": view.credential or None,
        "key": view.key.state,
        "problem": view.problem.message if view.problem else None,
    }


def _find_key(app: App, route: Route, base_url: BaseUrl | None) -> KeyView:
    from hiveloom_cli.upstream.resolve import EnvironmentKey, StoredKey, SystemdKey, find_key

    name = route.credential
    stored = app.credentials.load_all()
    handed = app.credentials.load_handed_names()
    if name in stored:
        return _build_stored(stored[name], is_here=name in handed)
    if base_url is None:
        return KeyView("unknown", "not stored")
    match find_key(name, base_url, stored, app.environ, handed):
        case None | StoredKey():
            return KeyView("missing", f"not stored: hiveloom credential set {name}")
        case SystemdKey(provider):
            return KeyView("systemd", f"handed over by systemd, as hiveloom.{provider}")
        case EnvironmentKey(variable):
            return KeyView("environment", f"from {variable}")
        case _:
            return KeyView("not_needed", "not needed on this machine")


def _build_stored(credential: Credential, *, is_here: bool) -> KeyView:
    from hiveloom_cli.credentials.notice import format_place

    if credential.kept_in != "systemd":
        return KeyView("stored", f"stored in the {format_place(credential.kept_in)}")
    where = "" if is_here else ", to the service alone"
    return KeyView("systemd", f"handed over by systemd, as hiveloom.{credential.name}{where}")
