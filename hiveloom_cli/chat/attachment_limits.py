"""Whether what is attached is within what the upstream takes, told before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.image_size import find_image_size
from hiveloom_cli.chat.pdf_pages import count_pages
from hiveloom_cli.errors import SourceUnusable
from hiveloom_cli.protocols.media import MEGABYTE, PDF
from hiveloom_cli.protocols.message import DocumentPart, ImagePart, TextFilePart, TextPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.protocols.media import MediaLimits
    from hiveloom_cli.protocols.message import Message, Part

_TITLES = {"image/gif": "GIF images", PDF: "PDF documents"}


def check_attachments(messages: Iterable[Message], limits: MediaLimits) -> None:
    """Return if a request of these messages is within the limits.

    Raises `SourceUnusable` that names what is too large, the limit, and who sets it.
    """
    parts = [part for message in messages for part in message.parts]
    media = [part for part in parts if isinstance(part, ImagePart | DocumentPart)]
    if not media and not any(isinstance(part, TextFilePart) for part in parts):
        return
    images = sum(isinstance(part, ImagePart) for part in media)
    problems = (
        *(problem for part in media for problem in _find_problems(part, images, limits)),
        *_find_total_problems(parts, images, limits),
    )
    if problems:
        raise SourceUnusable(problems[0], hint="attach something smaller, or less of it")


def measure_base64(content: bytes) -> int:
    """Count the characters that bytes have as base64."""
    return (len(content) + 2) // 3 * 4


def _find_problems(
    part: ImagePart | DocumentPart, images: int, limits: MediaLimits
) -> Iterator[str]:
    media_type = PDF if isinstance(part, DocumentPart) else part.media_type
    name = part.name or "an image"
    if media_type in limits.refused:
        yield f"{name}: {limits.setter} takes no {_TITLES.get(media_type, media_type)}"
    if isinstance(part, DocumentPart):
        yield from _find_page_problem(part, limits)
        return
    size = measure_base64(part.content)
    if limits.image_bytes and size > limits.image_bytes:
        yield (
            f"{name}: {_format_size(size)} as it is sent;"
            f" {limits.setter} takes {_format_size(limits.image_bytes)} an image"
        )
    yield from _find_side_problem(part, images, limits)


def _find_side_problem(part: ImagePart, images: int, limits: MediaLimits) -> Iterator[str]:
    found = find_image_size(part.media_type, part.content)
    crowded = bool(limits.few_images and images > limits.few_images)
    side = limits.side_of_many if crowded else limits.side
    if found and side and max(found) > side:
        many = f" when there are more than {limits.few_images} images" if crowded else ""
        yield (
            f"{part.name or 'an image'}: {found[0]} x {found[1]} pixels;"
            f" {limits.setter} takes {side} x {side}{many}"
        )


def _find_page_problem(part: DocumentPart, limits: MediaLimits) -> Iterator[str]:
    pages = count_pages(part.content) if limits.pdf_pages else None
    if pages and limits.pdf_pages and pages > limits.pdf_pages:
        yield f"{part.name}: {pages} pages; this model takes {limits.pdf_pages}"


def _find_total_problems(parts: list[Part], images: int, limits: MediaLimits) -> Iterator[str]:
    if limits.images and images > limits.images:
        yield f"{images} images in one conversation; this model takes {limits.images}"
    total = sum(_measure(part) for part in parts)
    if limits.request_bytes and total > limits.request_bytes:
        yield (
            f"{_format_size(total)} to send in all;"
            f" {limits.setter} takes {_format_size(limits.request_bytes)} a request"
        )


def _measure(part: Part) -> int:
    match part:
        case ImagePart() | DocumentPart():
            return measure_base64(part.content)
        case TextPart() | TextFilePart():
            return len(part.text.encode("utf-8", "replace"))
    return 0


def _format_size(count: int) -> str:
    """Write a size in megabytes; one that is just over a limit does not read as the limit."""
    tenths = -(-count * 10 // MEGABYTE)
    return f"{tenths / 10:g} MB"
