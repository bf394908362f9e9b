"""Skills' folders for tests."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOTES = """---
name: release-notes
description: Writes release notes. Use it before a release.
---
Group the commits. See references/style.md.
"""


def build_text(name: str, description: str = "Does it.", body: str = "Do it.") -> str:
    return f"---\nname: {name}\ndescription: {description}\n---\n{body}\n"


def write_skill(
    folder: Path, text: str = NOTES, files: Mapping[str, bytes | str] | None = None
) -> Path:
    """Write a skill's folder below `folder`; return it. Its name is that in the text."""
    name = text.partition("name: ")[2].partition("\n")[0]
    root = folder / name
    for path, content in {"SKILL.md": text, **(files or {})}.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def build_archive(files: Mapping[str, bytes | str], *, compression: int = 8) -> bytes:
    """Build a zip archive of these files, as they are named."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return stream.getvalue()
