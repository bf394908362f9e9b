"""Commands about what goes in and out: attachments, the clipboard, a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError, UsageMistake
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    TextFilePart,
    build_user_message,
)
from hiveloom_cli.terminal.echo import show_typing
from hiveloom_cli.terminal.question import ask_yes

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Attachment
    from hiveloom_cli.terminal.repl import Repl

_MOST_TO_TERMINAL = 70_000  # bytes; terminals drop a longer sequence, some of them whole
_SCHEMES = ("http://", "https://")


def attach(chat: Repl, argument: str) -> None:
    """Attach a file or a URL to the next message, or list what is attached."""
    if not argument:
        for part in chat.attached:
            chat.streams.print_line(_describe(part))
        if not chat.attached:
            chat.streams.print_notice("(nothing is attached)")
        return
    if argument == "-":
        hint = "/attach FILE, or hiveloom chat -a -"
        raise UsageMistake("a chat has no pipe that could be attached", hint=hint)
    source = argument if argument.startswith(_SCHEMES) else str(parse_path(argument))
    part = chat.world.load_attachment(source)
    chat.check(build_user_message("", [*chat.attached, part]))
    chat.attached.append(part)
    chat.streams.print_line(f"{_describe(part)} goes with your next message.")


def _describe(part: Attachment) -> str:
    match part:
        case ImagePart():
            return f"{part.name or 'an image'} ({part.media_type}, {len(part.content):,} bytes)"
        case DocumentPart():
            return f"{part.name} (PDF, {len(part.content):,} bytes)"
        case TextFilePart():
            return f"{part.name} (text, {len(part.text):,} characters)"


def paste(chat: Repl, _argument: str) -> None:
    """Begin the next message with the clipboard's text."""
    text = chat.world.load_clipboard()
    if not text.strip():
        chat.streams.print_notice("(the clipboard holds no text)")
        return
    chat.beginning = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    chat.streams.print_notice(f"({len(text):,} characters from the clipboard begin your message)")


def copy(chat: Repl, _argument: str) -> None:
    """Copy the last answer to the clipboard."""
    answers = [one for one in chat.conversation.messages if one.role == "assistant" and one.text]
    if not answers:
        chat.streams.print_notice("(no answer to copy)")
    elif program := chat.world.copy_text(answers[-1].text):
        chat.streams.print_line(f"The last answer is on the clipboard ({program}).")
    else:
        _copy_through_terminal(chat, answers[-1].text)


def _copy_through_terminal(chat: Repl, text: str) -> None:
    from base64 import b64encode

    content = text.encode("utf-8", "replace")
    streams = chat.streams
    terminal = next((one for one in (streams.stdout, streams.stderr) if one.isatty()), None)
    if chat.look.append_only or terminal is None or len(content) > _MOST_TO_TERMINAL:
        raise HiveloomError(
            "there is no clipboard program here", hint="install wl-copy, xclip or pbcopy"
        )
    terminal.write(f"\x1b]52;c;{b64encode(content).decode()}\x07")
    terminal.flush()
    streams.print_notice("(sent to your terminal, which may put it on the clipboard)")


def save(chat: Repl, argument: str) -> None:
    """Save the conversation as Markdown."""
    from hiveloom_cli.chat.export import build_document, format_markdown

    if not chat.conversation.messages:
        chat.streams.print_notice("(nothing was said that could be saved)")
        return
    path = parse_path(argument)
    if path.is_dir():
        raise UsageMistake(f"{path} is a folder", hint="/save FILE")
    if not path.parent.is_dir():
        raise UsageMistake(f"there is no folder {path.parent}", hint="/save FILE")
    if path.exists() and not _may_replace(chat, path):
        chat.streams.print_notice("(nothing was saved)")
        return
    if chat.answerer.turns.has_saved:
        kept = chat.world.load_kept(chat.conversation.id)
    else:
        kept = build_document(chat.conversation)
    chat.world.save_file(path, format_markdown(kept))
    chat.streams.print_line(f"Saved: {path}")


def _may_replace(chat: Repl, path: Path) -> bool:
    if not chat.streams.can_ask:
        return False
    with show_typing(chat.streams.stdin):
        return ask_yes(f"{path} is there. Replace it?", chat.streams)


def parse_path(text: str) -> Path:
    """Read a path as a person types it, or a terminal writes it when a file is dropped there."""
    from shlex import split

    try:
        path = Path(text).expanduser()
        words = split(text)
        is_one = len(words) == 1 and words[0] != text
        return Path(words[0]).expanduser() if is_one and not path.exists() else path
    except (ValueError, OSError, RuntimeError):
        return Path(text)
