"""How long to wait for an upstream, and how often to ask it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, for an answer's first byte, and for each next one.

    The first byte has a limit of its own, since a local server may load a model before it, and an
    answer that is not streamed is written whole before it.
    """

    connect_s: float = 10.0
    first_byte_s: float = 600.0
    read_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent at most, and within how many seconds from the first time on."""

    tries: int = 4
    within_s: float = 60.0


QUICK = Timeouts(connect_s=5, first_byte_s=10, read_s=5)  # nobody asked for it, and waits
# For a file that a person names by its URL: no model has to think before the first byte.
FETCHING = Timeouts(connect_s=10, first_byte_s=30, read_s=30)
