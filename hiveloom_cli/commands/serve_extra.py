"""Whether what serves is installed; this much is known without it."""

from __future__ import annotations

from importlib.util import find_spec

from hiveloom_cli.errors import HiveloomError


def check_installed() -> None:
    """Return if what serves is there; raise `HiveloomError` with the way to get it if not."""
    if None in map(find_spec, ("starlette", "uvicorn", "prometheus_client")):
        raise HiveloomError(
            "serving needs the extra `serve`",
            hint="pip install 'hiveloom-cli[serve]', or pipx inject hiveloom-cli starlette uvicorn"
            " prometheus-client",
        )
