"""What is said in a conversation, in no wire format's words.

A message is a role and parts. The results of tools stand in the user's next message, whatever the
wire format calls them; the system prompt is not a message but a field of the request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Role: TypeAlias = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text, as it was typed or as it came."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image; `media_type` such as "image/png" matches the bytes. The name stays here."""

    media_type: str
    content: bytes
    name: str = ""


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A PDF document; the model is told its name."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class TextFilePart:
    """A text file. No wire format knows it: it goes as text, fenced and under its name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What a model thought before it answered.

    `wire` is the block as JSON text, its values as they came, under the field name `field`: some
    upstreams demand it back unchanged, others refuse it. `made_by` says which upstream and model
    made it, since it means nothing to any other.
    """

    text: str
    field: str
    wire: str = ""
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """A block of Anthropic Messages that means nothing here, such as a search the upstream ran.

    `wire` is the block as JSON text, its values as they came; only the upstream and model that made
    it, `made_by`, gets it back.
    """

    wire: str
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to run a tool; `arguments` is JSON as the model wrote it, valid or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back for the call of that id."""

    call_id: str
    content: str
    is_error: bool = False


Attachment: TypeAlias = ImagePart | DocumentPart | TextFilePart
Part: TypeAlias = TextPart | Attachment | ReasoningPart | OpaquePart | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of one side.

    `complete` is false for an answer that was interrupted or cut off; it is part of the
    conversation all the same.
    """

    role: Role
    parts: tuple[Part, ...]
    complete: bool = True

    @property
    def text(self) -> str:
        """The message's text parts, joined as they came; what is attached is none of them."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


def build_user_message(text: str, attachments: Sequence[Attachment] = ()) -> Message:
    """Build what a person said.

    What they attached comes first, as models read it best; of that, text comes last, so that all
    text stands together.
    """
    said = (TextPart(text),) if text or not attachments else ()
    ordered = sorted(attachments, key=lambda part: isinstance(part, TextFilePart))
    return Message("user", (*ordered, *said))


def name_media(messages: Sequence[Message]) -> str:
    """Name in words what there is beside text: images, PDF documents, both, or ""."""
    parts = [part for message in messages for part in message.parts]
    images = any(isinstance(part, ImagePart) for part in parts)
    documents = any(isinstance(part, DocumentPart) for part in parts)
    return " or ".join(["images"] * images + ["PDF documents"] * documents)


def join_messages(messages: Sequence[Message]) -> Message:
    """Join the pieces in which an answer came, across pauses, to the one answer that it is."""
    parts = tuple(part for message in messages for part in message.parts)
    return Message("assistant", parts, complete=all(message.complete for message in messages))


def stamp_message(message: Message, made_by: str) -> Message:
    """Write into a reply's parts which upstream and model made them, where that matters."""
    return replace(message, parts=tuple(_stamp_part(part, made_by) for part in message.parts))


def _stamp_part(part: Part, made_by: str) -> Part:
    if isinstance(part, ReasoningPart | OpaquePart):
        return replace(part, made_by=made_by)
    return part
