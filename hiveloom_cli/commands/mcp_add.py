"""`hiveloom mcp add`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import complete_credentials
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.mcp_server import McpServer

_HINT = "hiveloom mcp add NAME -- COMMAND ARGS...  (or: hiveloom mcp add NAME --url URL)"


@click.command()
@click.argument("words", nargs=-1, metavar="NAME [-- COMMAND ARGS...]")
@click.option("--name", "name_option", metavar="NAME", help="The name, if it is not an argument.")
@click.option("--url", metavar="URL", help="The address of a server that is reached over HTTP.")
@click.option(
    "--credential",
    metavar="NAME",
    shell_complete=complete_credentials,
    help="The stored key that is sent to the URL.",
)
@click.option(
    "--header", "headers", metavar="'K: V'", multiple=True, help="A header for the URL; repeatable."
)
@click.option(
    "--env",
    "variables",
    metavar="K=V",
    multiple=True,
    help="A variable for the command; repeatable. '${VAR}' stands for one of yours.",
)
@click.option("--cwd", metavar="FOLDER", help="Where the command runs.")
@click.option("--timeout", type=click.FloatRange(min=1, max=600), help="Seconds for a call.")
@click.option(
    "--approval", type=click.Choice(["auto", "ask", "deny"]), help="For all of its tools."
)
@click.option("--force", is_flag=True, help="Replace a server of that name.")
@click.pass_obj
def add(app: App, /, **options: Any) -> None:
    """Add an MCP server: a command that is started, or an address.

    \b
      hiveloom mcp add time -- uvx mcp-server-time
      hiveloom mcp add github --env 'GITHUB_TOKEN=${GITHUB_TOKEN}' -- github-mcp-server stdio
      hiveloom mcp add tickets --url https://mcp.example.com/mcp --credential tickets
    """
    from hiveloom_cli.tools.mcp_file import add_server
    from hiveloom_cli.tools.mcp_launch import format_transport
    from hiveloom_cli.tools.mcp_server import decide_server_name

    name, words = _split_words(options["words"], options["name_option"])
    if not decide_server_name(name):
        raise UsageMistake(f"“{name}” cannot name an MCP server", hint="use letters and digits")
    entry = _build_http(options) if options["url"] else _build_stdio(words, options)
    if options["url"] and words:
        raise UsageMistake("--url and a command are two ways to reach a server", hint=_HINT)
    common = {"timeout": options["timeout"], "approval": options["approval"]}
    entry |= {key: value for key, value in common.items() if value is not None}
    server = add_server(app.paths.mcp, name, entry, replace_it=options["force"])
    app.streams.print_line(f"Added {server.name}: {format_transport(server)}")
    for line in _list_notes(app, server):
        app.streams.print_notice(line)


def _split_words(words: tuple[str, ...], name_option: str | None) -> tuple[str, tuple[str, ...]]:
    if name_option is not None:
        return name_option, words
    if not words:
        raise UsageMistake("a name is missing", hint=_HINT)
    return words[0], words[1:]


def _build_stdio(words: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    if not words:
        raise UsageMistake("neither a command nor a URL is given", hint=_HINT)
    if options["credential"] or options["headers"]:
        raise UsageMistake("--credential and --header are for a URL", hint=_HINT)
    hint = "name a variable of yours instead: --env 'TOKEN=${TOKEN}'"
    _refuse_keys(words, "an argument", hint)
    env = dict(_parse_pairs(options["variables"], "=", "--env K=V"))
    for key, value in env.items():
        _refuse_keys((value,), f"the value of {key}", f"name a variable: --env '{key}=${{{key}}}'")
    entry: dict[str, Any] = {"command": words[0], "args": list(words[1:])}
    if env:
        entry["env"] = env
    if options["cwd"]:
        entry["cwd"] = options["cwd"]
    return entry


def _build_http(options: dict[str, Any]) -> dict[str, Any]:
    from hiveloom_cli.tools.mcp_server import check_url

    if options["variables"] or options["cwd"]:
        raise UsageMistake("--env and --cwd are for a command", hint=_HINT)
    hint = "store the key (hiveloom credential set NAME --base-url URL) and add --credential NAME"
    _refuse_keys((options["url"],), "the URL", hint)
    try:
        check_url(options["url"])
    except ValueError as error:
        problem = str(error).removeprefix("`url`: ")
        raise UsageMistake(f"--url: {problem}", hint="give it as https://host/path") from None
    headers = dict(_parse_pairs(options["headers"], ":", "--header 'K: V'"))
    for key, value in headers.items():
        _refuse_keys((value,), f"the value of the header {key}", hint)
    entry: dict[str, Any] = {"type": "http", "url": options["url"]}
    if headers:
        entry["headers"] = headers
    if options["credential"]:
        entry["credential"] = options["credential"]
    return entry


def _parse_pairs(texts: Iterable[str], between: str, form: str) -> Iterator[tuple[str, str]]:
    for text in texts:
        key, found, value = text.partition(between)
        if not found or not key.strip():
            raise UsageMistake(f"a pair is expected: {form}", hint=form)  # it may be a key alone
        yield key.strip(), value.strip()


def _refuse_keys(texts: Iterable[str], what: str, hint: str) -> None:
    from hiveloom_cli.tools.mcp_launch import has_key_like

    if any(has_key_like(text) for text in texts):
        raise UsageMistake(f"{what} looks like a key, and mcp.json is no place for one", hint=hint)


def _list_notes(app: App, server: McpServer) -> Iterator[str]:
    from hiveloom_cli.errors import CredentialNotFound
    from hiveloom_cli.tools.mcp_server import HttpTransport, get_origin

    transport = server.transport
    if isinstance(transport, HttpTransport) and transport.credential:
        try:
            app.credentials.load(transport.credential)
        except CredentialNotFound:
            command = f"hiveloom credential set {transport.credential}"
            yield f"The key is still missing: {command} --base-url {get_origin(transport.url)}"
    yield f"Try it: hiveloom mcp test {server.name}"
    yield f"Let an agent use it: hiveloom agent edit AGENT --add-tool mcp:{server.name}"
