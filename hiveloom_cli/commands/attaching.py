"""`--attach`: what goes along with a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import complete_paths
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.app import App
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.protocols.message import Attachment, Message
    from hiveloom_cli.upstream.resolve import Upstream

STDIN = "-"


def take_attachments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare the option; `load_attachments` reads it."""
    return click.option(
        "-a",
        "--attach",
        "attach",
        metavar="FILE|URL|-",
        multiple=True,
        shell_complete=complete_paths,
        help="Attach an image, a PDF or a text, or what is piped in (-); can be repeated.",
    )(command)


def load_attachments(app: App, sources: tuple[str, ...]) -> tuple[Attachment, ...]:
    """Load what was named, in its order.

    Raises `UsageMistake` for a stdin that a person types into, or that is named twice.
    """
    if sources.count(STDIN) > 1:
        raise UsageMistake("stdin can be attached once", hint="give -a - once")
    if STDIN in sources and app.streams.stdin.isatty():
        raise UsageMistake(
            "nothing is piped in that -a - could attach",
            hint="pipe it in: command | hiveloom chat AGENT MESSAGE -a -",
        )
    return tuple(app.load_attachment(source) for source in sources)


def check_message(conversation: Conversation, message: Message, upstream: Upstream) -> None:
    """Return if the upstream takes what is attached; raise `SourceUnusable` if it does not."""
    from hiveloom_cli.chat.attachment_limits import check_attachments
    from hiveloom_cli.protocols.media import decide_limits

    model = conversation.agent.model
    limits = decide_limits(upstream.protocol, upstream.base_url, model)
    check_attachments((*conversation.messages, message), limits)
