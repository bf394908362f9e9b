"""`hiveloom agent edit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.agent_options import check_typed, load_prompt, take_agent_settings
from hiveloom_cli.commands.agent_view import print_saved, print_warnings
from hiveloom_cli.commands.key_note import print_key_note
from hiveloom_cli.commands.model_note import print_model_note
from hiveloom_cli.commands.naming import choose_name, complete_agents, complete_skills, take_name
from hiveloom_cli.commands.trusting import print_trust_note
from hiveloom_cli.errors import SettingsInvalid, UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.agents.editing import Changes
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.app import App

_SETTINGS = ("model", "description", "credential", "temperature", "top_p", "max_tokens")
_LISTS = ("tools", "skills")
_MOST_CHARACTERS = 10_000  # of a value: what is longer fits in no file, and might nest too deep


@click.command()
@take_name(complete_agents)
@take_agent_settings
@click.option("--add-tool", "add_tools", multiple=True, metavar="TOOL", help="Let it use a tool.")
@click.option(
    "--remove-tool", "remove_tools", multiple=True, metavar="TOOL", help="Take a tool away."
)
@click.option(
    "--add-skill",
    "add_skills",
    multiple=True,
    metavar="SKILL",
    help="Add a skill.",
    shell_complete=complete_skills,
)
@click.option(
    "--remove-skill", "remove_skills", multiple=True, metavar="SKILL", help="Take a skill away."
)
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set any setting; the value is YAML, as in stop=[a,b].",
)
@click.option("--unset", multiple=True, metavar="KEY", help="Take a setting out of the file.")
@click.pass_obj
def edit(app: App, /, **options: Any) -> None:
    """Change an agent. Without options its file opens in your editor ($VISUAL, $EDITOR).

    Options change their own lines and leave the rest of the file as it is. What the file held
    before is kept as a version.
    """
    name = choose_name(options["words"], options["name_option"])
    store = app.agents.get_store(name)
    changes = _build_changes(options)
    if not changes.is_empty:
        _change(app, store, name, changes)
        return
    streams = app.streams
    if not streams.can_ask or not streams.stdout.isatty():
        raise UsageMistake(
            "there is no terminal to open an editor on, and no option says what to change",
            hint=f"hiveloom agent edit {name} --model MODEL (hiveloom agent edit --help shows"
            " what else can be changed)",
        )
    from hiveloom_cli.commands.agent_editor import edit_by_hand

    edit_by_hand(app, store, name)


def _change(app: App, store: AgentStore, name: str, changes: Changes) -> None:
    from hiveloom_cli.agents.editing import edit_settings
    from hiveloom_cli.agents.schema import parse_agent
    from hiveloom_cli.files import decode_text

    path = store.build_path(name)
    texts: list[str] = []

    def change(content: bytes) -> str:
        texts.append(edit_settings(decode_text(content, path), path, changes))
        return texts[-1]

    try:
        saved = store.edit(name, change)
    except SettingsInvalid as error:
        error.hint = error.hint or f"repair it in an editor: hiveloom agent edit {name}"
        raise
    print_saved(name, saved, store, app.streams)
    agent = parse_agent(name, texts[-1], path)
    print_warnings(agent, app.streams)
    if {"model", "credential"} & {*changes.settings, *changes.unset}:
        print_model_note(app, agent)
    if "credential" in changes.settings:
        print_key_note(app, agent)
    if changes.added:
        _print_problems(app, changes)
    print_trust_note(app, name)


def _print_problems(app: App, changes: Changes) -> None:
    """Say what is wrong with the tools and skills that were added: most often a slip of the pen."""
    from hiveloom_cli.commands.capability_view import build_row

    for key, items in changes.added.items():
        for item in items:
            problem = build_row(app, "skills" if key == "skills" else "tools", item)["problem"]
            if problem:
                app.streams.print_notice(f"note: {problem}")


def _build_changes(options: dict[str, Any]) -> Changes:
    """Read what is to be changed. Raises `UsageMistake` for what contradicts itself."""
    from hiveloom_cli.agents.editing import Changes

    given = {key: options[key] for key in _SETTINGS if options[key] is not None}
    if "model" in given:
        given["model"] = given["model"].strip()
        if not given["model"]:
            raise UsageMistake("the name of the model is empty", hint="--model gpt-4o-mini")
    pairs = [_parse_pair(text) for text in options["pairs"]]
    added = {key: options[f"add_{key}"] for key in _LISTS if options[f"add_{key}"]}
    removed = {key: options[f"remove_{key}"] for key in _LISTS if options[f"remove_{key}"]}
    unset = tuple(key.strip() for key in options["unset"])
    _check_once([*given, *(key for key, _ in pairs), *unset, *{**added, **removed}])
    for key in _LISTS:
        _check_items(key, added.get(key, ()), removed.get(key, ()))
    return Changes({**given, **dict(pairs)}, unset, added, removed, load_prompt(options))


def _parse_pair(text: str) -> tuple[str, Any]:
    from hiveloom_cli.agents.schema import is_setting
    from hiveloom_cli.front_matter.yaml_text import parse_value
    from hiveloom_cli.secret import looks_like_key

    key, equals, written = text.partition("=")
    key = key.strip()
    if not key or not equals:
        raise UsageMistake("--set: expected a key and a value", hint="--set temperature=0.2")
    check_typed(text)
    try:
        value = parse_value(_check_length(key, written))
    except ValueError:
        raise UsageMistake(
            f"{key}: the value is not valid YAML",
            hint=f"put it in quotes within the shell's: --set '{key}=\"…\"'",
        ) from None
    if not is_setting(key) and looks_like_key(written) and not any(map(str.isspace, written)):
        raise UsageMistake(
            f"{key}: that looks like a key, and an agent's file is no place for one",
            hint="hiveloom credential set --name NAME",
        )
    return key, value


def _check_length(key: str, written: str) -> str:
    if len(written) > _MOST_CHARACTERS:
        raise UsageMistake(f"{key}: longer than {_MOST_CHARACTERS:,} characters")
    return written


def _check_once(keys: list[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise UsageMistake(f"{key} is to be changed in two ways", hint="name each setting once")


def _check_items(key: str, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    for item in (*added, *removed):
        check_typed(item)
        if not item.strip():
            raise UsageMistake(f"{key}: an empty name was given")
        if item in added and item in removed:
            raise UsageMistake(f"“{item}” is to be added and removed", hint="choose one of them")
