"""The files of the systemd service: where they belong, what is in them, and writing them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hiveloom_cli
from hiveloom_cli.errors import AlreadyExists, HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hiveloom_cli.app import App
    from hiveloom_cli.serve.service_unit import Service
    from hiveloom_cli.terminal.streams import Streams

_SYSTEM_FOLDER = Path("/etc/systemd/system")
_HOMES = ("/home/", "/root/", "/run/user/")  # what ProtectHome=yes hides
_CHECK_S = 60.0


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """A file of the service, as it is to be."""

    path: Path
    text: str

    def load_present(self) -> bytes | None:
        """Read what is there now; None for nothing. Raises `OSError`."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None


def decide_folder(environ: Mapping[str, str], *, is_user: bool) -> Path:
    """Decide where units belong: the administrator's, or the person's own."""
    if not is_user:
        return _SYSTEM_FOLDER
    config = environ.get("XDG_CONFIG_HOME", "")
    return (Path(config) if config.startswith("/") else Path.home() / ".config") / "systemd/user"


def build_drop_ins(folder: Path, environ: Mapping[str, str]) -> Iterator[ServiceFile]:
    """Build the drop-in that sets the base URLs, where the environment sets any.

    An alias is written by its full name. Raises `BaseUrlInvalid` for one that no key may go to, and
    `UsageMistake` for one with a key in it.
    """
    from hiveloom_cli.protocols.base_url import ALLOW_HTTP_VARIABLE, check_encrypted, parse_base_url
    from hiveloom_cli.protocols.table import PROTOCOLS
    from hiveloom_cli.serve.service_unit import DROP_IN, UNIT, build_drop_in
    from hiveloom_cli.tools.mcp_launch import has_key_like
    from hiveloom_cli.upstream.resolve import is_http_allowed

    variables: dict[str, str] = {}
    for names in (row.base_url_variables for row in PROTOCOLS.values()):
        moved_by = next((name for name in names if environ.get(name, "").strip()), "")
        if not moved_by:
            continue
        base_url = parse_base_url(environ[moved_by], source=moved_by)
        check_encrypted(base_url, source=moved_by, allow_http=is_http_allowed(environ))
        if has_key_like(base_url.query):
            raise UsageMistake(
                f"{moved_by} holds what looks like a key, and anyone here can read a unit",
                hint="store the address where the service alone reads it:"
                " hiveloom credential set NAME --base-url URL",
            )
        variables[names[0]] = str(base_url)
        if base_url.scheme == "http" and not base_url.is_loopback:
            variables[ALLOW_HTTP_VARIABLE] = "1"
    if variables:
        yield ServiceFile(folder / f"{UNIT}.d" / DROP_IN, build_drop_in(variables))


def find_hidden() -> Path | None:
    """Find a part of this program that lies in a home folder; None if there is none."""
    program = Path(sys.executable)
    parts = (program, program.resolve(), Path(hiveloom_cli.__file__).resolve())
    return next((path for path in parts if str(path).startswith(_HOMES)), None)


def save_files(files: Sequence[ServiceFile], streams: Streams, *, force: bool) -> None:
    """Write the files that are not there yet; others only with `force`.

    Raises `AlreadyExists`, after what differs was shown, if one holds something else; then none is
    written. Raises `HiveloomError` where they cannot be.
    """
    try:
        present = {file.path: file.load_present() for file in files}
        if not force:
            _check_same(files, present, streams)
        for file in files:
            _save(file, present[file.path], streams)
    except PermissionError as error:
        raise HiveloomError(
            f"{error.filename} cannot be written ({error.strerror})",
            hint="write it as root (sudo), or make it a service of your own: --user",
        ) from None


def _check_same(
    files: Sequence[ServiceFile], present: Mapping[Path, bytes | None], streams: Streams
) -> None:
    from hiveloom_cli.terminal.diff import build_diff

    others = [file for file in files if present[file.path] not in (None, file.text.encode())]
    for file in others:
        labels = f"{file.path}\tas it is", f"{file.path}\tas it would be"
        diff = build_diff(present[file.path] or b"", file.text.encode(), *labels)
        streams.print_aside("\n".join(line.decode(errors="replace") for line in diff))
    if others:
        raise AlreadyExists(
            f"{others[0].path} holds something else, as shown above; nothing was written",
            hint="keep changes of your own in a drop-in (systemctl edit), and replace it: --force",
        )


def _save(file: ServiceFile, present: bytes | None, streams: Streams) -> None:
    from hiveloom_cli.files import save_bytes

    if present == file.text.encode():
        streams.print_notice(f"{file.path} is as it should be.")
        return
    save_bytes(file.path, file.text.encode(), is_private=False)
    streams.print_line(f"{'Wrote' if present is None else 'Replaced'} {file.path}.")


def print_check(path: Path, app: App, *, is_user: bool) -> None:
    """Have systemd check a unit where that is installed, and tell what it says."""
    if (program := shutil.which("systemd-analyze")) is None:
        app.streams.print_notice("note: systemd-analyze is not here, so the unit is not checked")
        return
    # Over ssh a person may have no session of their own, and the check needs none.
    needed = {"XDG_RUNTIME_DIR": app.environ.get("XDG_RUNTIME_DIR") or "/tmp"}  # noqa: S108
    scope = ["--user"] if is_user else []
    try:
        done = subprocess.run(  # noqa: S603 - systemd's own program, on a file of ours
            [program, *scope, "verify", str(path)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_CHECK_S,
            check=False,
            env={**app.environ, **needed},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        app.streams.print_notice(f"note: the unit is not checked: systemd-analyze failed: {error}")
        return
    said = (done.stderr + done.stdout).splitlines()
    for line in said or ["has no complaint." if not done.returncode else "failed."]:
        app.streams.print_notice(f"systemd-analyze: {line}")


def build_next(service: Service) -> Iterator[str]:
    """Build the lines that say what to type next."""
    from hiveloom_cli.serve.service_unit import ACCOUNT, HOME, UNIT

    own = _find_command()
    yield "Next:"
    if service.is_user:
        yield f"  {own} serve token create --name laptop"
        scope = " --user"
    else:
        if not _has_account(ACCOUNT):
            shell = "--shell /usr/sbin/nologin"
            yield f"  useradd --system --user-group --home-dir {HOME} {shell} {ACCOUNT}"
        yield f"  install -d -o {ACCOUNT} -g {ACCOUNT} -m 0700 {HOME}"
        yield f"  sudo -u {ACCOUNT} env HIVELOOM_HOME={HOME} {own} serve token create --name laptop"
        scope = ""
    yield f"  systemctl{scope} daemon-reload"
    yield f"  systemctl{scope} enable --now {UNIT}"
    yield f"Its log, where each request is a line: journalctl{scope} -u {UNIT} -f"
    if service.is_user:
        yield "To have it run while you are not logged in: loginctl enable-linger"


def _find_command() -> str:
    """Find what a person types for this program, wherever they are."""
    script = Path(sys.executable).with_name("hiveloom")
    words = [str(script)] if script.is_file() else [sys.executable, "-P", "-m", "hiveloom_cli"]
    return shlex.join(words)


def _has_account(name: str) -> bool:
    try:
        import pwd
    except ImportError:  # Windows, which has no systemd either
        return False
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
