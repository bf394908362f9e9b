"""What agents' files have held, each content once, in a file that is named after its digest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import FileUnreadable
from hiveloom_cli.files import save_bytes

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST = re.compile(r"[0-9a-f]{64}")
_HINT = "restore it from a backup; other versions are not affected"


class Contents:
    """The contents in `folder`, which need not exist; all agents of all places share them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, digest: str) -> bytes:
        """Return what was kept under a digest. Raises `FileUnreadable`."""
        path = self._folder / digest
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise FileUnreadable(path, "what a version held is missing", hint=_HINT) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise FileUnreadable(path, f"cannot be read ({reason})", hint=_HINT) from error
        if compute_digest(content) != digest:
            raise FileUnreadable(path, "not what was kept under this name", hint=_HINT)
        return content

    def keep(self, content: bytes) -> str:
        """Keep a content, once, and return its digest.

        Something else under that digest is damage, which is mended by it.
        """
        digest = compute_digest(content)
        if not self.holds(digest, content):
            save_bytes(self._folder / digest, content)
        return digest

    def holds(self, digest: str, content: bytes) -> bool:
        """Whether just this is kept under a digest; none is computed for it."""
        try:
            return (self._folder / digest).read_bytes() == content
        except FileNotFoundError:
            return False


def is_digest(text: Any) -> bool:
    """Whether `text` can name a content, and so never a path that leads elsewhere."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def compute_digest(content: bytes) -> str:
    """Compute the name that a content is kept under: its SHA-256, in hexadecimal digits."""
    from hashlib import sha256

    return sha256(content).hexdigest()
