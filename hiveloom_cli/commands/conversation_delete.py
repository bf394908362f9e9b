"""`hiveloom conversation rename` and `delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.conversation_view import choose_moment
from hiveloom_cli.commands.naming import complete_conversations
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@click.argument("conversation_id", metavar="ID", shell_complete=complete_conversations)
@click.argument("title")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def rename(app: App, conversation_id: str, title: str, *, as_json: bool) -> None:
    """Give a conversation a title."""
    title = " ".join(title.split())
    if not title:
        raise UsageMistake("a title has at least one word", hint="hiveloom conversation rename -h")
    whole_id = app.conversations.find(conversation_id)
    app.conversations.rename(whole_id, title)
    if as_json:
        _print_json(app, {"id": whole_id, "title": title})
    else:
        app.streams.print_line(f"Renamed {whole_id}: {title}")


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1, shell_complete=complete_conversations)
@click.option("--older-than", metavar="WHEN", help="Those without a change since then: 30d.")
@click.option("--all", "everything", is_flag=True, help="All conversations.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def delete(app: App, /, **options: Any) -> None:
    """Delete conversations for good: nothing of them is left in the file."""
    from hiveloom_cli.terminal.question import ask_consent

    ids = _choose(app, options)
    is_gone = True
    if ids:
        question = f"Delete {_describe(app, ids)} for good?"
        ask_consent(question, yes=options["yes"], streams=app.streams)
        is_gone = app.conversations.delete(ids)
    if options["as_json"]:
        _print_json(app, {"deleted": ids, "erased": is_gone})
    else:
        app.streams.print_line(f"Deleted {_count(len(ids))}.")
    if not is_gone:
        app.streams.print_notice(
            "note: another hiveloom has the file open; what was deleted leaves it when that ends"
        )


def _choose(app: App, options: dict[str, Any]) -> list[str]:
    from hiveloom_cli.chat.record import Filter

    older = choose_moment(options["older_than"], "--older-than")
    if sum((bool(options["ids"]), older is not None, options["everything"])) != 1:
        raise UsageMistake(
            "give ids, or --older-than, or --all", hint="hiveloom conversation delete ID"
        )
    if options["ids"]:
        return list(dict.fromkeys(app.conversations.find(prefix) for prefix in options["ids"]))
    return app.conversations.load_ids(Filter(until=older))


def _describe(app: App, ids: list[str]) -> str:
    if len(ids) > 1:
        return _count(len(ids))
    return f"the conversation {ids[0]} ({app.conversations.load_title(ids[0])})"


def _count(number: int) -> str:
    return "1 conversation" if number == 1 else f"{number:,} conversations"


def _print_json(app: App, document: dict[str, Any]) -> None:
    import json

    app.streams.print_line(json.dumps(document, ensure_ascii=False))
