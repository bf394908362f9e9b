"""How a chat looks: what was chosen, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from hiveloom_cli.clock import Clock, SystemClock

if TYPE_CHECKING:
    from hiveloom_cli.chat.prices import Price


class Reasoning(StrEnum):
    """What is shown of the thoughts that come before an answer."""

    FOLDED = "folded"  # that there are any, and how long they take
    SHOWN = "shown"
    HIDDEN = "hidden"


class ThemeName(StrEnum):
    """The colours to choose from; `theme.get_theme` has them."""

    AUTO = "auto"
    DARK = "dark"
    LIGHT = "light"
    MONO = "mono"


@dataclass(frozen=True, slots=True)
class Look:
    """What decides how a turn is shown on a terminal, and the clock that its waits are told by.

    With `append_only` nothing that was written changes: plain lines, each speaker named, for a
    screen reader or a terminal that can do no more. `summary` adds what an answer cost, in dollars
    where `price` is known.
    """

    markdown: bool = True
    theme: ThemeName = ThemeName.AUTO
    reasoning: Reasoning = Reasoning.FOLDED
    append_only: bool = False
    summary: bool = False
    price: Price | None = None
    clock: Clock = field(default_factory=SystemClock)


DEFAULT_LOOK = Look()
