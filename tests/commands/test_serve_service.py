"""`hiveloom serve install-service` prints the unit, or writes it and nothing over it."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.app import App
from hiveloom_cli.commands.serve_service import _check_place
from hiveloom_cli.commands.service_files import ServiceFile, decide_folder, find_hidden, save_files
from hiveloom_cli.errors import AlreadyExists, HiveloomError, UsageMistake
from hiveloom_cli.terminal.streams import Streams
from tests.support.program import Finished, run_hiveloom
from tests.support.systemd import check_unit, needs_systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

MOVED = {"HIVELOOM_OPENAI_BASE_URL": "https://openrouter.ai/api/v1"}
START = f"ExecStart=:{sys.executable} -P -m hiveloom_cli serve"


def install(*args: str, **env: str) -> Finished:
    return run_hiveloom("serve", "install-service", *args, env=env)


def find_units() -> Path:
    return Path(os.environ["HOME"]) / ".config/systemd/user"


def list_files() -> list[str]:
    units = find_units()
    return sorted(str(path.relative_to(units)) for path in units.rglob("*") if path.is_file())


@needs_systemd
def test_what_is_printed_is_a_unit_with_its_drop_in(tmp_path: Path) -> None:
    done = install(**MOVED)
    assert done.exit_code == 0
    path = tmp_path / "hiveloom.service"
    path.write_text(done.stdout)
    assert check_unit(path) == ""
    assert done.stdout.startswith("# /etc/systemd/system/hiveloom.service\n")
    assert done.stdout.endswith(
        "\n\n# /etc/systemd/system/hiveloom.service.d/30-llm-base-url.conf\n"
        "[Service]\nEnvironment=HIVELOOM_OPENAI_BASE_URL=https://openrouter.ai/api/v1\n"
    )
    assert f"{START}\n" in done.stdout
    assert "--write would write /etc/systemd/system/hiveloom.service and " in done.stderr
    assert list_files() == []


def test_the_unit_starts_the_server_with_the_options_that_were_given() -> None:
    options = ("--allow-host=a.example", "--allow-host=b.example", "--allow-tool=50% of it")
    done = install("--port", "8080", *options, "--save", "--user")
    words = '--port=8080 --allow-host=a.example --allow-host=b.example "--allow-tool=50%% of it"'
    assert f"{START} {words} --save\n" in done.stdout


def test_an_option_that_would_be_lost_is_told() -> None:
    done = run_hiveloom("serve", "--port", "8080", "install-service")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--port stands before install-service" in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--no-token", "--host", "0.0.0.0"), "--no-token would let anyone in who reaches 0.0.0.0"),
        (("--allow-origin", "*"), "--allow-origin takes one origin"),
        (("--allow-host", "https://x"), "--allow-host takes one host"),
    ],
)
def test_what_serve_would_refuse_is_put_into_no_unit(args: tuple[str, ...], said: str) -> None:
    done = install(*args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


@needs_systemd
def test_a_service_of_ones_own_is_written_checked_and_explained(home: Path) -> None:
    done = install("--user", "--write", **MOVED)
    assert done.exit_code == 0, done.stderr
    assert list_files() == ["hiveloom.service", "hiveloom.service.d/30-llm-base-url.conf"]
    unit = find_units() / "hiveloom.service"
    assert unit.stat().st_mode & 0o777 == 0o644
    assert f"Environment=HIVELOOM_HOME={home}\n" in unit.read_text()
    assert "systemd-analyze: has no complaint.\n" in done.stderr
    for command in ("daemon-reload", "enable --now hiveloom.service"):
        assert f"\n  systemctl --user {command}\n" in done.stderr
    assert "journalctl --user -u hiveloom.service" in done.stderr


def test_the_alias_is_written_by_its_full_name() -> None:
    install("--user", "--write", HIVELOOM_OPENAI_COMPAT_BASE_URL=" http://127.0.0.1:11434/v1/ ")
    drop_in = find_units() / "hiveloom.service.d/30-llm-base-url.conf"
    assert drop_in.read_text() == (
        "[Service]\nEnvironment=HIVELOOM_OPENAI_BASE_URL=http://127.0.0.1:11434/v1\n"
    )


def test_plain_http_to_another_machine_is_written_only_with_what_allows_it() -> None:
    plain = {"HIVELOOM_OPENAI_BASE_URL": "http://10.0.0.5:4000/v1"}
    refused = install("--user", "--write", **plain)
    assert refused.exit_code == 4
    assert list_files() == []
    assert install("--user", "--write", HIVELOOM_ALLOW_HTTP="1", **plain).exit_code == 0
    drop_in = find_units() / "hiveloom.service.d/30-llm-base-url.conf"
    assert drop_in.read_text().splitlines()[1:] == [
        "Environment=HIVELOOM_OPENAI_BASE_URL=http://10.0.0.5:4000/v1",
        "Environment=HIVELOOM_ALLOW_HTTP=1",
    ]


def test_a_base_url_with_a_password_reaches_no_file() -> None:
    done = install("--user", "--write", HIVELOOM_OPENAI_BASE_URL="https://me:pass@host.example/v1")
    assert done.exit_code == 4
    assert "pass@" not in done.stderr
    assert list_files() == []


@pytest.mark.parametrize("given", ["?api-key=sk-made-up-0123456789", "?v=2&k=aB3dE6gH9jK2mN5pQ8sT"])
def test_a_base_url_with_a_key_reaches_no_file_that_anyone_reads(given: str) -> None:
    done = install("--user", "--write", HIVELOOM_OPENAI_BASE_URL=f"https://host.example/v1{given}")
    assert done.exit_code == 2
    assert "HIVELOOM_OPENAI_BASE_URL holds what looks like a key" in done.stderr
    assert given not in done.stderr
    assert list_files() == []
    azure = "https://host.example/v1?api-version=2024-05-01-preview"
    assert f"HIVELOOM_OPENAI_BASE_URL={azure}" in install(HIVELOOM_OPENAI_BASE_URL=azure).stdout


def test_nothing_is_replaced_that_holds_something_else() -> None:
    assert install("--user", "--write").exit_code == 0
    again = install("--user", "--write")
    assert again.exit_code == 0
    assert again.stderr.startswith(f"{find_units() / 'hiveloom.service'} is as it should be.\n")
    unit = find_units() / "hiveloom.service"
    mine = unit.read_text().replace("RestartSec=2", "RestartSec=7")
    unit.write_text(mine)
    refused = install("--user", "--write", **MOVED)
    assert refused.exit_code == 1
    assert "\n-RestartSec=7\n+RestartSec=2\n" in refused.stderr
    assert "--force" in refused.stderr
    assert list_files() == ["hiveloom.service"]
    assert unit.read_text() == mine
    forced = install("--user", "--write", "--force")
    assert forced.stdout == f"Replaced {unit}.\n"
    assert "RestartSec=2" in unit.read_text()


@needs_systemd
def test_complaints_of_systemd_are_told() -> None:
    folder = find_units() / "hiveloom.service.d"
    folder.mkdir(parents=True)
    (folder / "50-mine.conf").write_text("[Service]\nNonsense=yes\n")
    done = install("--user", "--write")
    assert done.exit_code == 0
    assert "Nonsense" in done.stderr
    assert "has no complaint" not in done.stderr


def test_where_systemd_is_not_installed_the_files_are_written_all_the_same(tmp_path: Path) -> None:
    done = install("--user", "--write", PATH=str(tmp_path))
    assert done.exit_code == 0
    assert "systemd-analyze is not here" in done.stderr
    assert list_files() == ["hiveloom.service"]


@pytest.fixture
def streams() -> Streams:
    return Streams(io.StringIO(), io.StringIO(), io.StringIO())


def test_two_files_are_written_both_or_none(tmp_path: Path, streams: Streams) -> None:
    first = ServiceFile(tmp_path / "hiveloom.service", "new\n")
    second = ServiceFile(tmp_path / "hiveloom.service.d/30.conf", "new\n")
    second.path.parent.mkdir()
    second.path.write_text("other\n")
    with pytest.raises(AlreadyExists):
        save_files([first, second], streams, force=False)
    assert not first.path.exists()
    save_files([first, second], streams, force=True)
    assert [file.path.read_text() for file in (first, second)] == ["new\n"] * 2


def test_a_masked_unit_is_not_written_through(tmp_path: Path, streams: Streams) -> None:
    path = tmp_path / "hiveloom.service"
    path.symlink_to("/dev/null")
    with pytest.raises(AlreadyExists):
        save_files([ServiceFile(path, "new\n")], streams, force=False)
    save_files([ServiceFile(path, "new\n")], streams, force=True)
    assert not path.is_symlink()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, streams: Streams) -> None:
    tmp_path.chmod(0o500)
    with as_nobody(), pytest.raises(HiveloomError) as caught:
        save_files([ServiceFile(tmp_path / "hiveloom.service", "new\n")], streams, force=False)
    assert "cannot be written (Permission denied)" in caught.value.message
    assert "sudo" in caught.value.hint


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be no administrator for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_units_of_ones_own_are_where_the_desktop_keeps_its_settings() -> None:
    assert decide_folder({"XDG_CONFIG_HOME": "/x"}, is_user=True) == Path("/x/systemd/user")
    assert decide_folder({"XDG_CONFIG_HOME": "x"}, is_user=True) == find_units()
    assert decide_folder({}, is_user=False) == Path("/etc/systemd/system")


def test_a_program_in_a_home_folder_is_no_service_of_the_systems(
    monkeypatch: pytest.MonkeyPatch, streams: Streams
) -> None:
    monkeypatch.setattr(sys, "executable", "/home/me/venv/bin/python")
    assert find_hidden() == Path("/home/me/venv/bin/python")
    app = App({}, streams)
    _check_place(app, is_error=False)
    assert streams.stderr.getvalue().startswith("warning: /home/me/venv/bin/python is in a home")  # type: ignore[attr-defined]
    with pytest.raises(UsageMistake):
        _check_place(app, is_error=True)
