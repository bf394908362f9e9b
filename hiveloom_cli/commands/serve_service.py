"""`hiveloom serve install-service`: the server as a service of systemd's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hiveloom_cli.commands.serve import command as serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.app import App
    from hiveloom_cli.commands.service_files import ServiceFile
    from hiveloom_cli.serve.service_unit import Service


@click.command(name="install-service", short_help="Print or write the systemd unit that serves.")
@click.option("--user", "is_user", is_flag=True, help="A service of your own, not the system's.")
@click.option("--write", is_flag=True, help="Write the files, and check them.")
@click.option("--force", is_flag=True, help="With --write, replace files that hold something else.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Print the systemd unit that runs `hiveloom serve`, or write it where systemd looks for it.

    The other options are those of `hiveloom serve`: the unit starts it with those that are given.
    A base URL that the environment sets (HIVELOOM_OPENAI_BASE_URL) goes into a drop-in beside it.
    A service of the system's has an account and a folder of its own, /var/lib/hiveloom; one of your
    own has your agents and your keyring.

    \b
      hiveloom serve install-service --user --write
      sudo hiveloom serve install-service --allow-host agents.example.com --write
    """
    from hiveloom_cli.commands.serve_extra import check_installed

    check_installed()
    from hiveloom_cli.commands import service_files
    from hiveloom_cli.commands.serve_rules import build_rules
    from hiveloom_cli.serve.service_unit import UNIT, build_unit

    app: App = context.obj
    _check_order(context)
    build_rules(options["port"], options)
    service = _build_service(app, context, options)
    folder = service_files.decide_folder(app.environ, is_user=service.is_user)
    files = [service_files.ServiceFile(folder / UNIT, build_unit(service))]
    files += service_files.build_drop_ins(folder, app.environ)
    if not service.is_user:
        _check_place(app, is_error=options["write"])
    if options["write"]:
        service_files.save_files(files, app.streams, force=options["force"])
        service_files.print_check(files[0].path, app, is_user=service.is_user)
        app.streams.print_aside("\n".join(service_files.build_next(service)))
    else:
        app.streams.print_lines(_format_files(files))
        places = " and ".join(str(file.path) for file in files)
        app.streams.print_notice(f"--write would write {places}")


def _check_order(context: click.Context) -> None:
    """Return unless options stand where they would be lost; raise `UsageMistake` if they do."""
    from hiveloom_cli.errors import UsageMistake

    before = context.parent
    for option in serve.params:
        name = option.name or ""
        if before and before.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageMistake(
                f"{option.opts[0]} stands before install-service, where it is not the unit's",
                hint=f"put it behind: hiveloom serve install-service {option.opts[0]} ...",
            )


def _build_service(app: App, context: click.Context, options: Mapping[str, Any]) -> Service:
    import sys

    from hiveloom_cli.paths import HOME_VARIABLE
    from hiveloom_cli.serve.service_unit import Service

    # -P: the folder that it is started in brings no module.
    words = [sys.executable, "-P", "-m", "hiveloom_cli", "serve", *_list_words(context)]
    is_own = options["is_user"] and app.environ.get(HOME_VARIABLE, "").strip()
    home = {HOME_VARIABLE: str(app.paths.config)} if is_own else {}
    return Service(words, options["port"], options["is_user"], options["grace"], home)


def _list_words(context: click.Context) -> Iterator[str]:
    """List what the command line has of the options of `hiveloom serve`."""
    for option in serve.params:
        name = option.name or ""
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if isinstance(option, click.Option) and option.is_flag:
            yield (option.opts if value else option.secondary_opts)[0]
        else:
            values = value if option.multiple else (value,)
            yield from (f"{option.opts[0]}={one}" for one in values)


def _check_place(app: App, *, is_error: bool) -> None:
    """Tell if this program lies where the service cannot see it; raise that if `is_error`."""
    from hiveloom_cli.commands.service_files import find_hidden
    from hiveloom_cli.errors import UsageMistake

    if not (hidden := find_hidden()):
        return
    problem = f"{hidden} is in a home folder, which the system's service does not see"
    hint = (
        "install it elsewhere (sudo python3 -m venv /opt/hiveloom && sudo /opt/hiveloom/bin/pip"
        " install 'hiveloom-cli[serve]'), and let that one write the unit; or: --user"
    )
    if is_error:
        raise UsageMistake(problem, hint=hint)
    app.streams.print_notice(f"warning: {problem}: {hint}")


def _format_files(files: list[ServiceFile]) -> Iterator[str]:
    """Format files as `systemctl cat` does; together they are a unit as well."""
    for number, file in enumerate(files):
        if number:
            yield ""
        yield f"# {file.path}"
        yield file.text.rstrip("\n")


command.params = [*command.params, *serve.params]
