"""What `hiveloom status` finds out; no keyring is unlocked, and no upstream asked."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from hiveloom_cli import __version__
from hiveloom_cli.errors import FileUnreadable, HiveloomError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.app import App
    from hiveloom_cli.protocols.base_url import BaseUrl


def load_facts(app: App, url: BaseUrl, *, was_asked: bool) -> dict[str, Any]:
    """Load all facts, as `--json` prints them; what is broken is among the `problems`.

    A server at `url` that does not answer is one of them only if that `was_asked` for.
    """
    problems: list[HiveloomError] = []
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "folders": _find_folders(app),
        **_load_keys(app, problems),
        "base_urls": {
            name: _load_base_url(app, name, problems) for name in ("openai", "anthropic")
        },
        "agents": _load_agents(app, problems),
        "tools": _load_tools(app, problems),
        "skills": _load_skills(app, problems),
        "mcp_servers": _load_mcp(app, problems),
        "conversations": _measure_conversations(app),
        "server": _ask_server(url, problems if was_asked else []),
        "services": _load_services(app, problems),
    }
    told = {(error.message, error.hint): None for error in problems}
    return {**facts, "problems": [{"message": text, "hint": hint} for text, hint in told]}


def _find_folders(app: App) -> dict[str, str]:
    paths = app.paths
    return {
        "config": str(paths.config),
        "data": str(paths.data),
        "state": str(paths.state),
        "cache": str(paths.cache),
    }


def _load_keys(app: App, problems: list[HiveloomError]) -> dict[str, Any]:
    from hiveloom_cli.protocols.providers import PROVIDERS

    stored = _try(problems, app.credentials.load_all) or {}
    variables = [row.key_variable for row in PROVIDERS if row.key_variable]
    return {
        "credentials": [
            {"name": one.name, "kept_in": one.kept_in, "base_url": _strip_query(one.base_url)}
            for one in stored.values()
        ],
        "handed_over": sorted(app.credentials.load_handed_names()),
        "key_variables": [name for name in variables if app.environ.get(name, "").strip()],
    }


def _load_base_url(app: App, name: str, problems: list[HiveloomError]) -> dict[str, Any] | None:
    """Load where requests go with the key of that name, and what says so."""
    from hiveloom_cli.upstream.resolve import parse_route

    route = _try(problems, lambda: app.decide_route("", name))
    if route is None:
        return None
    base_url = _try(problems, lambda: parse_route(route, app.environ))
    address = _strip_query(str(base_url)) if base_url else None
    return {"base_url": address, "set_by": route.source}


def _strip_query(address: str | None) -> str | None:
    return address.partition("?")[0] if address else address  # some services take keys there


def _load_agents(app: App, problems: list[HiveloomError]) -> dict[str, Any]:
    found = _try(problems, lambda: [one for _, one in app.load_briefs()]) or []
    broken = [one for one in found if isinstance(one, FileUnreadable)]
    problems.extend(broken)
    folder = str(app.agents.project.folder) if app.agents.project is not None else None
    return {"count": len(found) - len(broken), "broken": len(broken), "project": folder}


def _load_tools(app: App, problems: list[HiveloomError]) -> dict[str, Any]:
    from hiveloom_cli.commands.tool_view import load_card, open_tools

    names = _try(problems, open_tools(app).load_names) or []
    cards = [load_card(app, name) for name in names]
    return _count(cards, problems)


def _load_skills(app: App, problems: list[HiveloomError]) -> dict[str, Any]:
    from hiveloom_cli.tools.skill_folder import SkillFolder

    found = _try(problems, lambda: [*SkillFolder(app.paths.skills).load_all()]) or []
    return _count(found, problems)


def _load_mcp(app: App, problems: list[HiveloomError]) -> dict[str, Any]:
    from hiveloom_cli.tools.mcp_file import load_mcp_file

    file = _try(problems, lambda: load_mcp_file(app.paths.mcp))
    return _count([*file.servers.values(), *file.faults.values()] if file else [], problems)


def _count(found: list[Any], problems: list[HiveloomError]) -> dict[str, Any]:
    broken = [one for one in found if isinstance(one, HiveloomError)]
    problems.extend(broken)
    return {"count": len(found) - len(broken), "broken": len(broken)}


def _measure_conversations(app: App) -> dict[str, Any]:
    """Measure the file that keeps what was said, and the log beside it; it is not opened."""
    path = app.paths.conversations
    size = 0
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            size += file.stat().st_size
        except OSError:
            continue
    return {"path": str(path), "bytes": size}


def _ask_server(url: BaseUrl, problems: list[HiveloomError]) -> dict[str, Any]:
    from hiveloom_cli.serve.health import ask_health

    health = ask_health(url)
    if not health.answers:
        problems.append(
            HiveloomError(
                f"no server of hiveloom's at {url}: {health.detail}",
                hint="start it: hiveloom serve",
            )
        )
    return {"url": str(url), "answers": health.answers, "detail": health.detail}


def _load_services(app: App, problems: list[HiveloomError]) -> list[dict[str, Any]]:
    from hiveloom_cli.commands.service_state import load_services

    rows = []
    for state in load_services(app.environ):
        scope = " --user" if state.is_user else ""
        if state.has_failed:
            hint = f"journalctl{scope} -u {state.path.name} says why"
            problems.append(HiveloomError(f"the service {state.path} has failed", hint=hint))
        rows.append(
            {
                "path": str(state.path),
                "user": state.is_user,
                "active": state.active or None,
                "enabled": state.enabled or None,
            }
        )
    return rows


def _try(problems: list[HiveloomError], load: Callable[[], Any]) -> Any:
    try:
        return load()
    except HiveloomError as error:
        problems.append(error)
        return None
