"""`hiveloom serve` itself."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

    from hiveloom_cli.app import App
    from hiveloom_cli.commands.serve_host import ServeHost
    from hiveloom_cli.serve.access import Access
    from hiveloom_cli.serve.access_log import AccessLog

_STDERR = (None, "-")  # where the access log goes unless it has a file


def run(app: App, options: dict[str, Any]) -> None:
    """Serve until it is told to end.

    Raises `UsageMistake` for what cannot be served so, and `HiveloomError` without the extra.
    """
    check_installed()
    from hiveloom_cli.serve.access import TOKEN_VARIABLE, decide_access
    from hiveloom_cli.serve.application import build_application
    from hiveloom_cli.serve.guard import Guard
    from hiveloom_cli.serve.guard_rules import Rules
    from hiveloom_cli.serve.hosts import build_hosts, parse_origin
    from hiveloom_cli.serve.metered_host import MeteredHost
    from hiveloom_cli.serve.metrics import MeteredLog, Metrics
    from hiveloom_cli.serve.server import open_socket, run_server
    from hiveloom_cli.serve.tokens import Tokens

    host = options["host"]
    access = decide_access(
        Tokens(app.paths.serve_tokens, app.clock),
        host,
        app.environ.get(TOKEN_VARIABLE, ""),
        is_open=options["no_token"],
    )
    origins = frozenset(map(parse_origin, options["allow_origin"]))
    with (
        closing(_open_host(app, options)) as agents,
        open_socket(host, options["port"]) as listener,
    ):
        names = build_hosts(host, listener.getsockname()[1], options["allow_host"])
        metrics = Metrics()
        service = build_application(MeteredHost(agents, metrics), app.clock, metrics.build_route())
        log = MeteredLog(_open_log(app, options["access_log"]), metrics, service.routes)
        guard = Guard(service, Rules(names, origins), access.doorkeeper, log, app.clock)
        metrics.watch_running(lambda: guard.running)

        def note_ready() -> None:
            _print_start(app, listener, access)
            Thread(target=agents.prepare, daemon=True).start()

        run_server(guard, listener, note_ready)


def check_installed() -> None:
    """Return if what serves is there; raise `HiveloomError` with the way to get it if not."""
    from importlib.util import find_spec

    if None in map(find_spec, ("starlette", "uvicorn", "prometheus_client")):
        raise HiveloomError(
            "serving needs the extra `serve`",
            hint="pip install 'hiveloom-cli[serve]', or pipx inject hiveloom-cli starlette uvicorn"
            " prometheus-client",
        )


def check_options(options: Mapping[str, Any]) -> None:
    """Return if that can be served, as far as it is known before; raise `UsageMistake`."""
    from hiveloom_cli.serve.access import check_open
    from hiveloom_cli.serve.hosts import build_hosts, parse_origin

    build_hosts(options["host"], options["port"], options["allow_host"])
    for origin in options["allow_origin"]:
        parse_origin(origin)
    if options["no_token"]:
        check_open(options["host"])


def _open_host(app: App, options: Mapping[str, Any]) -> ServeHost:
    from hiveloom_cli.commands.serve_host import ServeHost
    from hiveloom_cli.commands.serve_tools import ServedTools

    tools = ServedTools(app, as_json=options["access_log"] in _STDERR)
    return ServeHost(app, options["allow_tool"], tools, keeps=options["save"])


def _open_log(app: App, place: str | None) -> AccessLog:
    from hiveloom_cli.serve.access_log import AccessLog, open_log_file

    if place in _STDERR:
        return AccessLog(app.streams.stderr)
    return AccessLog(open_log_file(Path(str(place))))


def _print_start(app: App, listener: socket, access: Access) -> None:
    host, port, *_ = listener.getsockname()
    origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    app.streams.print_notice(f"Serving at {origin} (OpenAI: {origin}/v1, Anthropic: {origin})")
    if access.made is not None:
        app.streams.write_aside(f"Token, for this run: {access.made.reveal()}\n")
        app.streams.print_notice("One that lasts: hiveloom serve token create")
