"""What is known of an upstream's dialect, in a form that can be kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Learned:
    """A row of the table of adaptations, by name, and what it found ("" for nothing)."""

    name: str
    found: str = ""
