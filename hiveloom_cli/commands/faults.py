"""Several faults at once: each on a line of its own, and one that ends the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.errors import FileUnreadable
    from hiveloom_cli.terminal.streams import Streams


def raise_faults(faults: Sequence[FileUnreadable], streams: Streams) -> None:
    """Return if there is none; tell all of them and raise if there are."""
    from hiveloom_cli.terminal.report import print_error

    if not faults:
        return
    if len(faults) == 1:
        raise faults[0]
    for fault in sorted(faults, key=lambda fault: (str(fault.path), fault.line)):
        print_error(fault, streams)
    raise HiveloomError(f"{len(faults)} faults; nothing was changed", hint="mend them, then again")
