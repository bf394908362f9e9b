"""`hiveloom credential` against a real Secret Service and against the file vault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.credentials.secret_service import open_secret_service
from tests.support.patience import PATIENCE_S
from tests.support.program import Finished
from tests.support.upstream import ScriptedUpstream, openai_stream, stream_reply

if TYPE_CHECKING:
    from pathlib import Path

Hiveloom = Callable[..., Finished]
FIRST = "sk-first-made-up-0123456789"
SECOND = "sk-second-made-up-9876543210"


@pytest.fixture(params=["os", "vault"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give the environment in which keys go to the one place or the other."""
    if request.param == "vault":
        yield {"HIVELOOM_KEYRING": "vault"}
        return
    with open_secret_service(tmp_path / "bus", unlocked=True) as address:
        yield {
            "HIVELOOM_KEYRING": "",
            "HIVELOOM_KEYRING_TIMEOUT": str(PATIENCE_S),
            "DBUS_SESSION_BUS_ADDRESS": address,
        }


def test_a_key_is_set_used_rotated_and_removed(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, place: dict[str, str], home: Path
) -> None:
    env = {**place, "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    kept_in = "file vault" if place["HIVELOOM_KEYRING"] else "system keyring"
    done = hiveloom("credential", "set", "--name", "openai", input=f"{FIRST}\n", env=env)
    goal = "the address in HIVELOOM_OPENAI_BASE_URL"
    assert done.stdout == f"Stored the key openai in the {kept_in}, for {goal}.\n"
    assert done.stderr.count("AES") == (kept_in == "file vault")
    assert (home / "vault.json").exists() == (kept_in == "file vault")

    upstream.add(*[stream_reply(openai_stream("ok"))] * 3)
    hiveloom("chat", "--model", "m", "hi", env=env)
    done = hiveloom("credential", "rotate", "openai", input=SECOND, env=env)
    assert done.stdout == f"Rotated the key openai in the {kept_in}, for {goal}.\n"
    assert done.stderr == ""
    hiveloom("chat", "--model", "m", "hi", env=env)
    sent = [request.headers["authorization"] for request in upstream.requests]
    assert sent == [f"Bearer {FIRST}", f"Bearer {SECOND}"]

    (row,) = json.loads(hiveloom("credential", "list", "--json", env=env).stdout)
    assert row["rotated_at"] is not None
    done = hiveloom("credential", "remove", "openai", "--yes", env=env)
    assert (done.exit_code, done.stdout) == (0, "Removed openai.\n")
    hiveloom("chat", "--model", "m", "hi", env=env)
    assert upstream.requests[2].headers["authorization"] == "Bearer no-key"


@pytest.mark.parametrize("command", ["rotate", "remove"])
def test_an_unknown_name_is_exit_code_5_with_the_names_that_exist(
    hiveloom: Hiveloom, command: str
) -> None:
    hiveloom("credential", "set", "openai", input=FIRST)
    done = hiveloom("credential", command, "groq", input=FIRST)
    assert done.exit_code == 5
    assert "there are: openai" in done.stderr


def test_a_key_comes_from_a_variable_or_a_file_too(hiveloom: Hiveloom, tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    file.write_text(f"{FIRST}\r\n")
    assert hiveloom("credential", "set", "a", "--from-env", "K", env={"K": FIRST}).exit_code == 0
    assert hiveloom("credential", "set", "a", "--from-file", str(file)).exit_code == 0
    done = hiveloom("credential", "set", "a", "--from-file", "-", input=FIRST)
    assert done.stdout.startswith("Replaced")
    assert hiveloom("credential", "set", "a", "--from-env", "NONE").exit_code == 3
    done = hiveloom("credential", "set", "a", "--from-env", "K", "--from-file", str(file))
    assert done.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "  \n",
        "one\ntwo\n",
        "with\x00nul",
        "\x1b[31m",
        "naïve\u2019",
        " padded",
        pytest.param("a" * 8193, id="long"),
        pytest.param("a" * 10**6, id="longer"),
    ],
)
def test_what_cannot_be_a_key_is_refused_before_anything_is_stored(
    hiveloom: Hiveloom, home: Path, text: str
) -> None:
    done = hiveloom("credential", "set", "openai", input=text)
    assert done.exit_code == 3
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "args",
    [
        ("openai", FIRST),
        ("--name", "openai", FIRST),
        (FIRST,),
        ("--name", FIRST),
        ("openai", "--key", FIRST),
        ("openai", f"--key={FIRST}"),
        ("openai", f"-k{FIRST}"),
        ("openai", "--from-env", FIRST),
        ("openai", "--from-file", FIRST),
        ("openai", "--provider", FIRST),
        ("openai", "--base-url", FIRST),
    ],
)
@pytest.mark.parametrize("command", ["set", "rotate"])
def test_a_key_on_the_command_line_is_refused_and_not_repeated(
    hiveloom: Hiveloom, home: Path, command: str, args: tuple[str, ...]
) -> None:
    hiveloom("credential", "set", "openai", input=SECOND)
    done = hiveloom("credential", command, *args, input=FIRST)
    assert done.exit_code in {2, 3, 4, 5}
    assert FIRST not in done.stdout + done.stderr
    assert not [path for path in home.rglob("*") if FIRST.encode() in _read(path)]


def test_the_list_says_where_and_who_and_no_part_of_a_key(hiveloom: Hiveloom) -> None:
    hiveloom("credential", "set", "openai", input=FIRST)
    hiveloom("credential", "set", "work", input=SECOND)
    hiveloom("agent", "create", "a", "--model", "m")
    hiveloom("agent", "create", "b", "--model", "claude-x", "--credential", "work")
    done = hiveloom("credential", "list")
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["NAME", "GOES", "TO", "KEPT", "IN", "SET", "ROTATED", "USED", "BY"]
    assert [row.split()[0] for row in rows] == ["openai", "work"]
    assert [row.split()[-1] for row in rows] == ["a", "b"]
    assert ["https://api.openai.com" in rows[0], "by model" in rows[1]] == [True, True]
    assert FIRST[3:11] not in done.stdout
    assert SECOND[3:11] not in done.stdout


def test_removing_asks_or_needs_yes(hiveloom: Hiveloom) -> None:
    hiveloom("credential", "set", "openai", input=FIRST)
    done = hiveloom("credential", "remove", "openai")
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert "openai" in hiveloom("credential", "list").stdout


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def test_a_passphrase_stands_in_for_the_key_file(hiveloom: Hiveloom, home: Path) -> None:
    env = {"HIVELOOM_VAULT_PASSPHRASE": "correct horse"}
    done = hiveloom("credential", "set", "openai", input=FIRST, env=env)
    assert done.exit_code == 0
    assert not (home / "vault.key").exists()
    before = (home / "vault.json").read_bytes()
    for wrong in ({"HIVELOOM_VAULT_PASSPHRASE": "wrong"}, {}):
        done = hiveloom("credential", "rotate", "openai", input=SECOND, env=wrong)
        assert done.exit_code == 3
        assert "passphrase" in done.stderr.lower()
    assert (home / "vault.json").read_bytes() == before
    assert (home / "vault.json").stat().st_mode & 0o777 == 0o600


def test_a_byte_order_mark_is_no_part_of_a_key(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    done = hiveloom("credential", "set", "openai", input=f"\ufeff{FIRST}\r\n")
    assert done.exit_code == 0
    upstream.add(stream_reply(openai_stream("ok")))
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    hiveloom("chat", "--model", "m", "hi", env=env)
    assert upstream.requests[0].headers["authorization"] == f"Bearer {FIRST}"


def test_a_source_without_an_end_is_refused(hiveloom: Hiveloom) -> None:
    done = hiveloom("credential", "set", "openai", "--from-file", "/dev/zero")
    assert done.exit_code == 3
    assert "too long" in done.stderr
