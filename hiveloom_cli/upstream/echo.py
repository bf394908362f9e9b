"""An upstream that repeats the key it was asked with: no reader of the answer gets to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.secret import MASK, looks_like_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.secret import Secret

_MASK = MASK.encode()


def mask_echo(pieces: Iterator[bytes], key: Secret) -> Iterator[bytes]:
    """Yield a reply's bytes without the key, where that is one: a local server's may be a word.

    What could be the key's beginning waits for the next piece. A key that comes in several events,
    or written in another way, is not known for one.
    """
    value = key.reveal()
    if not looks_like_key(value):
        yield from pieces
        return
    wanted, held = value.encode("latin-1"), b""
    for piece in pieces:
        text = (held + piece).replace(wanted, _MASK)
        held = _find_beginning(text, wanted)
        if shown := text[: len(text) - len(held)]:
            yield shown
    if held:
        yield held


def _find_beginning(text: bytes, wanted: bytes) -> bytes:
    """Return the end of `text` that `wanted` could begin with; b"" if there is none."""
    start = text.find(wanted[:1], max(0, len(text) - len(wanted) + 1))
    while start >= 0:
        if wanted.startswith(text[start:]):
            return text[start:]
        start = text.find(wanted[:1], start + 1)
    return b""
