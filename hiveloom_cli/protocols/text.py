"""Text that comes in pieces."""

from __future__ import annotations

from typing import Any


class SurrogateJoiner:
    r"""Joins the halves of a character that JSON's \u escapes split over two pieces of text.

    What `feed` returns holds no lone surrogate, so that it can be encoded; a half that stays alone
    becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Take a piece; return what is certain, holding back a first half at its end."""
        text = self._held + text
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._held, text = text[-1], text[:-1]
        return repair_text(text)

    def close(self) -> str:
        """Return what was still held back."""
        held, self._held = self._held, ""
        return repair_text(held)


def repair_text(text: str) -> str:
    """Join halves of characters that stand side by side; a lone half becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def repair_value(value: Any) -> Any:
    """Repair each text of a JSON value, names of members among them."""
    match value:
        case str():
            return repair_text(value)
        case list():
            return [repair_value(item) for item in value]
        case dict():
            return {repair_text(name): repair_value(item) for name, item in value.items()}
    return value
