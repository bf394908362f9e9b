"""What differs between two contents of a file, for a person or for `patch`."""

from __future__ import annotations

from difflib import diff_bytes, unified_diff
from typing import TYPE_CHECKING

from hiveloom_cli.terminal.visible import format_visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.terminal.streams import Streams

_HEADERS = 2  # lines that name the two files
_NO_NEWLINE = b"\\ No newline at end of file"
_STYLES = {b"+": "green", b"-": "red", b"@": "cyan", b"\\": "dim"}


def build_diff(old: bytes, new: bytes, old_label: str, new_label: str) -> Iterator[bytes]:
    """Yield the lines of a unified diff, without their ends; none if nothing differs.

    A label is a file's name and, after a tab, what else there is to say. Only a newline ends a
    line, as for `patch`: any other byte is the line's own.
    """
    labels = old_label.encode(), new_label.encode()
    lines = diff_bytes(unified_diff, _split(old), _split(new), *labels, lineterm=b"")
    for number, line in enumerate(lines):
        yield line.removesuffix(b"\n")
        is_content = number >= _HEADERS and not line.startswith(b"@@")
        if is_content and not line.endswith(b"\n"):
            yield _NO_NEWLINE


def print_diff(lines: Iterable[bytes], streams: Streams) -> None:
    """Put a diff on stdout: in colour on a terminal, and byte for byte anywhere else."""
    if not streams.stdout.isatty():
        streams.write_bytes(b"".join(line + b"\n" for line in lines))
        return
    from rich.text import Text

    console = streams.open_console(streams.stdout)
    for number, line in enumerate(lines):
        style = "bold" if number < _HEADERS else _STYLES.get(line[:1], "")
        text = format_visible(line.decode(errors="replace"))
        console.print(Text(text, style), soft_wrap=True)


def _split(content: bytes) -> list[bytes]:
    *lines, last = content.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])
