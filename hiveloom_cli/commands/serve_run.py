"""`hiveloom serve` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.app import App


def run_server(app: App) -> None:
    """Serve until Ctrl-C."""
    raise UsageMistake("nothing is served yet", hint="hiveloom serve token list")
