"""What is outside, for the tools of one test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from hiveloom_cli.tools.outside import Outside
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def build_outside(home: Path, environ: Mapping[str, str] | None = None) -> Outside:
    """Build it of a home; the environment is this process's own unless one is given."""
    return Outside(
        tools=home / "tools",
        skills=home / "skills",
        mcp=home / "mcp.json",
        cache=home / "cache",
        logs=home / "logs",
        environ=os.environ if environ is None else environ,
        clock=ManualClock(),
        open_web=_refuse,
        load_key=_refuse,
    )


def _refuse(*_: object) -> NoReturn:
    raise AssertionError("a command reached for what is not its own")
