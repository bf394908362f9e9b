"""Who may ask a server for what, as its options have it; nothing that serves is loaded for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.commands.serve_limits import BYTES_A_MB
from hiveloom_cli.serve.door.access import check_names, check_open
from hiveloom_cli.serve.door.guard_rules import OPEN_PATHS, Rules
from hiveloom_cli.serve.door.hosts import build_hosts, parse_origin
from hiveloom_cli.serve.page import PATHS

if TYPE_CHECKING:
    from collections.abc import Mapping


def build_rules(port: int, options: Mapping[str, Any], *, address: str = "") -> Rules:
    """Build the rules of a server at a port; `address` is what its host has led to, if it listens.

    Raises `UsageMistake` for what cannot be served so.
    """
    rules = Rules(
        build_hosts(options["host"], port, options["allow_host"], address=address),
        frozenset(map(parse_origin, options["allow_origin"])),
        public=OPEN_PATHS | PATHS,
        most_bytes=round(options["max_body"] * BYTES_A_MB),
        most_running=options["max_running"],
    )
    if options["no_token"]:
        check_open(options["host"])
        check_names(rules.hosts)
    return rules
