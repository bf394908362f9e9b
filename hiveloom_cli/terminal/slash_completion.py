"""What can be typed next in a slash command."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.terminal.slash import SLASH_COMMANDS, Takes
from hiveloom_cli.terminal.slash_agent import PARAMETERS
from hiveloom_cli.terminal.visible import format_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hiveloom_cli.terminal.world import World

# What is offered: the whole argument, and a word about it.
Offer: TypeAlias = tuple[str, str]

_MOST = 200
_ABOUT = 60  # characters of a title


def complete(typed: str, world: World) -> Iterator[tuple[str, str, int]]:
    """Yield what could stand in the place of the last so many characters, and a word about it."""
    name, space, argument = typed.partition(" ")
    if not space:
        for word, command in SLASH_COMMANDS.items():
            if word.startswith(typed):
                yield word, command.help, len(typed)
        return
    known = SLASH_COMMANDS.get(name)
    offer = _OFFERS.get(known.argument) if known and known.takes is not Takes.NOTHING else None
    if offer is None:
        return
    with suppress(HiveloomError, OSError):
        count = 0
        for text, about in offer(world, argument):
            if text.startswith(argument) and text.isprintable():
                count += 1
                yield text, format_one_line(about, _ABOUT), len(argument)
            if count == _MOST:
                return


def _offer_agents(world: World, _typed: str) -> Iterator[Offer]:
    return ((name, "") for name in world.load_agent_names())


def _offer_models(world: World, _typed: str) -> Iterator[Offer]:
    return ((name, "") for name in world.load_model_names())


def _offer_ids(world: World, typed: str) -> Iterator[Offer]:
    return ((row.id, row.title) for row in world.load_recent(typed))


def _offer_keys(_world: World, _typed: str) -> Iterator[Offer]:
    return ((f"{key}=", "") for key in PARAMETERS)


def _offer_paths(_world: World, typed: str) -> Iterable[Offer]:
    folder, _, begun = typed.rpartition("/")
    shown = typed[: len(typed) - len(begun)]
    try:
        place = Path(shown or ".").expanduser()
    except RuntimeError:  # the home folder is not known
        return []
    with os.scandir(place if folder or not shown else "/") as entries:
        found = sorted((entry.name, entry.is_dir()) for entry in entries)
    return [
        (f"{shown}{name}" + ("/" if is_folder else ""), "")
        for name, is_folder in found
        if name.startswith(begun) and (begun or not name.startswith("."))
    ]


_OFFERS: Mapping[str, Callable[[World, str], Iterable[Offer]]] = {
    "NAME": _offer_agents,
    "MODEL": _offer_models,
    "ID": _offer_ids,
    "KEY=VALUE": _offer_keys,
    "FILE": _offer_paths,
    "FILE|URL": _offer_paths,
}
