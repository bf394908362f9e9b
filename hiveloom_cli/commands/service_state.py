"""What systemd says of the service, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.commands.service_files import decide_folder
from hiveloom_cli.serve.service_unit import UNIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PATIENCE_S = 5.0
_PROPERTIES = ("ActiveState", "SubState", "UnitFileState")


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A unit that is installed. `active` and `enabled` are systemd's words, "" if it says nothing.

    `active` is such as "active (running)" or "failed (failed)".
    """

    path: Path
    is_user: bool
    active: str = ""
    enabled: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether systemd has given up on it."""
        return self.active.startswith("failed")


def load_services(environ: Mapping[str, str]) -> Iterator[ServiceState]:
    """Find the units that are installed, the system's first, and ask systemd how they are."""
    for is_user in (False, True):
        path = decide_folder(environ, is_user=is_user) / UNIT
        if path.is_file():
            yield _ask(path, environ, is_user=is_user)


def _ask(path: Path, environ: Mapping[str, str], *, is_user: bool) -> ServiceState:
    program = shutil.which("systemctl", path=environ.get("PATH"))
    if program is None:
        return ServiceState(path, is_user)
    scope = ["--user"] if is_user else []
    try:
        done = subprocess.run(  # noqa: S603 - systemd's own program, with words of ours
            [program, *scope, "show", UNIT, f"--property={','.join(_PROPERTIES)}"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ServiceState(path, is_user)
    return parse_state(path, done.stdout, is_user=is_user)


def parse_state(path: Path, text: str, *, is_user: bool) -> ServiceState:
    """Read what `systemctl show` printed."""
    said = dict(line.partition("=")[::2] for line in text.splitlines())
    active, sub, enabled = (said.get(name, "") for name in _PROPERTIES)
    return ServiceState(path, is_user, f"{active} ({sub})" if active else "", enabled)
