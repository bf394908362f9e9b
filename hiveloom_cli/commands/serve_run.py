"""`hiveloom serve` itself, where what it needs is installed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.patience import choose_patience, choose_timeouts
from hiveloom_cli.commands.serve_host import ServeHost
from hiveloom_cli.commands.serve_notes import Notes
from hiveloom_cli.commands.serve_rules import build_rules
from hiveloom_cli.credentials.handed import SERVE_TOKEN, load_handed
from hiveloom_cli.errors import Interrupted
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.serve.door.access import TOKEN_VARIABLE, decide_access
from hiveloom_cli.serve.door.access_log import AccessLog, open_log_file
from hiveloom_cli.serve.door.guard import Guard
from hiveloom_cli.serve.door.tokens import Tokens
from hiveloom_cli.serve.metered_host import MeteredHost
from hiveloom_cli.serve.metrics import MeteredLog, Metrics
from hiveloom_cli.serve.server import open_socket, run_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

    from hiveloom_cli.app import App
    from hiveloom_cli.serve.door.access import Access
    from hiveloom_cli.serve.door.guard_rules import Rules

_STDERR = (None, "-")  # where the access log goes unless it has a file


def run(app: App, options: Mapping[str, Any]) -> None:
    """Serve until it is told to end. Raises `UsageMistake` for what cannot be served so."""
    app.timeouts, app.patience = choose_timeouts(options), choose_patience(options)
    access = decide_access(
        Tokens(app.paths.serve_tokens, app.clock),
        options["host"],
        _load_given_token(app),
        is_open=options["no_token"],
    )
    notes = Notes(app, as_json=options["access_log"] in _STDERR)
    host = ServeHost(app, options["allow_tool"], notes, keeps=options["save"])
    with closing(host), open_socket(options["host"], options["port"]) as listener:
        address, port, *_ = listener.getsockname()
        rules = build_rules(port, options, address=address)

        def note_ready() -> None:
            _print_start(app, listener, access, keeps=host.keeps)
            Thread(target=host.prepare, name="prepare", daemon=True).start()

        def note_ending() -> None:
            _print_ending(app, guard.running, options["grace"])

        guard = _build_guarded(app, host, rules, access, options)
        try:
            run_server(guard, listener, note_ready, note_ending, options["grace"])
        except KeyboardInterrupt:  # how a person ends a server, and no failure
            app.streams.print_notice("Stopped.")
            raise click.exceptions.Exit(Interrupted.exit_code) from None


def _load_given_token(app: App) -> str:
    """Return the token of the environment, else the one that systemd hands over; "" for none."""
    if given := app.environ.get(TOKEN_VARIABLE, "").strip():
        return given
    handed = load_handed(app.environ, SERVE_TOKEN)
    return handed.reveal() if handed is not None else ""


def _build_guarded(
    app: App, host: ServeHost, rules: Rules, access: Access, options: Mapping[str, Any]
) -> Guard:
    metrics = Metrics()
    service = build_application(MeteredHost(host, metrics), app.clock, metrics.build_route())
    log = MeteredLog(_open_log(app, options["access_log"]), metrics, service.routes)
    guard = Guard(service, rules, access.doorkeeper, log, app.clock)
    metrics.watch_running(lambda: guard.running)
    return guard


def _open_log(app: App, place: str | None) -> AccessLog:
    if place in _STDERR:
        return AccessLog(app.streams.stderr)
    return AccessLog(open_log_file(Path(str(place))))


def _print_start(app: App, listener: socket, access: Access, *, keeps: bool) -> None:
    host, port, *_ = listener.getsockname()
    origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    app.streams.print_notice(f"Serving at {origin} (/v1 for OpenAI's clients, /mcp/AGENT for MCP)")
    if access.made is not None:
        app.streams.write_aside(f"Token, for this run: {access.made.reveal()}\n")
        app.streams.print_notice("One that lasts: hiveloom serve token create")
    if keeps:
        app.streams.print_notice("What is said is kept: hiveloom conversation list")


def _print_ending(app: App, running: int, grace_s: int) -> None:
    if running and grace_s:
        app.streams.print_notice(
            f"Stopping once all answers are given, in {grace_s} s at most; Ctrl-C breaks them off"
        )
