"""The unit's text is read by systemd as it was meant, whatever is in it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.serve.service_unit import Service, build_drop_in, build_unit, quote_word
from tests.support.served import serve
from tests.support.systemd import check_unit, measure_exposure, needs_systemd, read_unit

if TYPE_CHECKING:
    from pathlib import Path

START = (sys.executable, "-P", "-m", "hiveloom_cli", "serve")
STRANGE = '50% of $HOME ${PATH} $$ "it\'s" \\ \t ; é \u2028'


def write_unit(folder: Path, service: Service) -> Path:
    path = folder / "hiveloom.service"
    path.write_text(build_unit(service))
    return path


@needs_systemd
@pytest.mark.parametrize("is_user", [False, True])
@pytest.mark.parametrize("port", [3000, 80])
def test_systemd_has_no_complaint(tmp_path: Path, port: int, *, is_user: bool) -> None:
    assert check_unit(write_unit(tmp_path, Service(START, port, is_user))) == ""


@needs_systemd
def test_a_wrong_setting_would_be_told(tmp_path: Path) -> None:
    path = write_unit(tmp_path, Service(START, 3000))
    path.write_text(path.read_text().replace("UMask=0077", "Umsk=0077"))
    assert "Umsk" in check_unit(path)


@needs_systemd
def test_the_service_of_the_system_is_hardly_exposed(tmp_path: Path) -> None:
    assert measure_exposure(write_unit(tmp_path, Service(START, 3000))) < 1.6


@needs_systemd
def test_a_program_at_a_strange_path_with_strange_words_is_what_systemd_reads(
    tmp_path: Path,
) -> None:
    program = tmp_path / "a b%n $HOME $$x;é" / "python"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    service = Service([str(program), STRANGE, "%h"], 3000, environment={"WORD": STRANGE})
    assert check_unit(write_unit(tmp_path, service)) == ""
    lines = read_unit(build_unit(service))
    shown = [line.removeprefix("Command Line: ") for line in lines if "Command Line" in line]
    assert len(shown) == 1
    assert unquote_shown(shown[0]) == [str(program), STRANGE, "%h"]
    assert f"Environment: WORD={STRANGE}" in lines


def unquote_shown(line: str) -> list[str]:
    """Read the words of a command line as systemd shows it: quoted for a shell."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)
    return [re.sub(r"\\(.)", _unescape, quoted) if quoted else plain for quoted, plain in words]


def _unescape(found: re.Match[str]) -> str:
    return {"t": "\t", "n": "\n"}.get(found[1], found[1])


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("--port=80", "--port=80"),
        ("100%", "100%%"),
        ("a b", '"a b"'),
        ("", '""'),
        ('say "hi" \\', '"say \\"hi\\" \\\\"'),
        ("one\ntwo", '"one\\x0atwo"'),
        ("\udcff", '"\\xff"'),
        ("'", '"\'"'),
        (";", '";"'),
    ],
)
def test_a_word_is_quoted_where_it_has_to_be(word: str, quoted: str) -> None:
    assert quote_word(word) == quoted


@pytest.mark.parametrize("path", ['/a"b', "/a'b", "/a\\b", "/a\nb", "/a\udcff"])
def test_a_path_that_systemd_starts_nothing_at_is_refused(path: str) -> None:
    with pytest.raises(UsageMistake) as caught:
        build_unit(Service([path], 3000))
    assert "install hiveloom where" in caught.value.hint


def test_answers_on_their_way_may_end_before_the_service_is_killed() -> None:
    unit = build_unit(Service(START, 3000, grace_s=120))
    stop = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert stop
    assert int(stop[1]) > 120


def test_a_server_that_was_told_to_end_has_not_failed() -> None:
    with serve() as server:
        server.process.terminate()
        server.process.communicate(timeout=60)
    assert f"\nSuccessExitStatus={server.process.returncode}\n" in build_unit(Service(START, 3000))


def test_only_a_privileged_port_brings_a_capability() -> None:
    assert "CapabilityBoundingSet=\n" in build_unit(Service(START, 1024))
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in build_unit(Service(START, 443))


def test_the_drop_in_sets_the_variable() -> None:
    text = build_drop_in({"HIVELOOM_OPENAI_BASE_URL": "https://openrouter.ai/api/v1"})
    assert text == (
        "[Service]\nEnvironment=HIVELOOM_OPENAI_BASE_URL=https://openrouter.ai/api/v1\n"
    )
