"""What a list shows of many agents, kept so that files that stay the same are not read again.

    {"made_by": "0.1.0", "agents": {"helper": [[310, 1769850000123456789, …], {"model": "m"},
                                               "You are terse.", []]}}

For each agent: its file's size, times and number, its settings, the first line of its prompt, and
its warnings. It is a cache: what cannot be read counts as absent, what cannot be written is left
out, and a file that has just been changed is not trusted to have another time after the next
change.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli import __version__
from hiveloom_cli.agents.agent import NAME_RULE, Agent, is_agent_name
from hiveloom_cli.agents.agent_file import load_content
from hiveloom_cli.agents.agent_folder import SUFFIX
from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.agents.schema import build_settings, parse_agent
from hiveloom_cli.errors import FileUnreadable, SettingsInvalid
from hiveloom_cli.files import decode_text, load_text, save_bytes
from hiveloom_cli.protocols.lookup import get_map, get_text
from hiveloom_cli.protocols.request import Parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.clock import Clock

# A file system's clock may stand still for as long: two changes within it can look like one.
_UNSETTLED_NS = 2_000_000_000


class BriefCache:
    """The briefs of folders of agents, a file for each in `folder`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def load_briefs(self, store: AgentStore) -> Iterator[Agent | FileUnreadable]:
        """Yield each agent, by name, with no more of its prompt than the first line.

        What cannot be read gives its error in its place, the folder itself as the only entry.
        """
        try:
            store.finish_changes()
            stems = store.list_stems()
        except FileUnreadable as error:
            yield error
            return
        cache = self._folder / f"{store.versions.folder.name}.json"
        kept = _load_rows(cache)
        rows: dict[str, Any] = {}
        for stem in stems:
            path = f"{store.folder}{os.sep}{stem}{SUFFIX}"
            stamp = _load_stamp(path)
            row = kept.get(stem)
            if row is None or row[0] != stamp:
                try:
                    row = _build_row(stamp, _load_agent(stem, Path(path)))
                except FileUnreadable as error:
                    if os.path.lexists(path):  # and was not deleted just now
                        yield error
                    continue
            if self._is_settled(stamp) and (row is kept.get(stem) or _load_stamp(path) == stamp):
                rows[stem] = row
            yield _build_brief(stem, row)
        if rows != kept:
            _save_rows(cache, rows)

    def _is_settled(self, stamp: list[int]) -> bool:
        _, changed_ns, moved_ns, _ = stamp
        now_ns = int(self._clock.now().timestamp() * 1_000_000_000)
        return max(changed_ns, moved_ns) + _UNSETTLED_NS < now_ns


def _load_rows(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(load_text(path))
    except (OSError, FileUnreadable, ValueError, RecursionError):
        return {}
    if get_text(document, "made_by") != __version__:
        return {}
    return {name: row for name, row in get_map(document, "agents").items() if _is_row(row)}


def _save_rows(path: Path, rows: dict[str, Any]) -> None:
    document = {"made_by": __version__, "agents": rows}
    with suppress(OSError):
        save_bytes(path, json.dumps(document, ensure_ascii=False).encode())


def _load_agent(stem: str, path: Path) -> Agent:
    if not is_agent_name(stem):
        raise SettingsInvalid(path, f"the file's name cannot be an agent's: {NAME_RULE}")
    return parse_agent(stem, decode_text(load_content(path), path), path)


def _load_stamp(path: str) -> list[int]:
    try:
        status = os.stat(path)  # noqa: PTH116 -- for each file of a long list
    except OSError:
        return [0, 0, 0, 0]
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _build_row(stamp: list[int], agent: Agent) -> list[Any]:
    first_line = agent.system_prompt.partition("\n")[0]
    return [stamp, build_settings(agent), first_line, list(agent.warnings)]


def _build_brief(name: str, row: list[Any]) -> Agent:
    _, settings, first_line, warnings = row
    given = settings.get
    stop = given("stop")
    return Agent(
        name,
        given("model"),
        first_line,
        given("description", ""),
        given("credential", ""),
        Parameters(given("temperature"), given("top_p"), given("max_tokens"), stop and tuple(stop)),
        tuple(given("tools", ())),
        tuple(given("skills", ())),
        save="save" not in settings,
        limits=Limits(**{field.name: given(field.name) for field in fields(Limits)}),
        warnings=tuple(warnings),
    )


def _is_row(row: Any) -> bool:
    match row:
        case [[_, _, _, _], {"model": str()}, str(), [*_]]:
            return True
        case _:
            return False
