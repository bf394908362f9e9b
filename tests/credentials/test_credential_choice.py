from __future__ import annotations

import pytest

from hiveloom_cli.credentials.choice import (
    decide_desktop,
    parse_forced_place,
    parse_passphrase,
    parse_timeout_s,
)
from hiveloom_cli.errors import UsageMistake


@pytest.mark.parametrize(
    ("value", "place"), [("os", "os"), ("vault", "vault"), (" vault ", "vault"), ("", None)]
)
def test_a_place_can_be_forced(value: str, place: str | None) -> None:
    assert parse_forced_place({"HIVELOOM_KEYRING": value}) == place


def test_nothing_is_forced_by_default() -> None:
    assert parse_forced_place({}) is None


@pytest.mark.parametrize("value", ["OS", "file", "none", "os vault"])
def test_any_other_place_is_refused_with_the_two_that_exist(value: str) -> None:
    with pytest.raises(UsageMistake, match="'os' nor 'vault'"):
        parse_forced_place({"HIVELOOM_KEYRING": value})


@pytest.mark.parametrize(("value", "seconds"), [("", 5), ("60", 60), (" 0.5 ", 0.5), ("1e2", 100)])
def test_the_deadline_is_five_seconds_or_what_is_said(value: str, seconds: float) -> None:
    assert parse_timeout_s({"HIVELOOM_KEYRING_TIMEOUT": value}) == seconds


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1h", "5s", "3601", "1e999"])
def test_a_deadline_that_is_no_number_of_seconds_is_refused(value: str) -> None:
    with pytest.raises(UsageMistake, match="HIVELOOM_KEYRING_TIMEOUT"):
        parse_timeout_s({"HIVELOOM_KEYRING_TIMEOUT": value})


def test_a_blank_passphrase_is_none_and_any_other_is_kept_to_the_letter() -> None:
    assert parse_passphrase({"HIVELOOM_VAULT_PASSPHRASE": "  "}) is None
    passphrase = parse_passphrase({"HIVELOOM_VAULT_PASSPHRASE": " a b "})
    assert passphrase is not None
    assert passphrase.reveal() == " a b "


@pytest.mark.parametrize(
    ("environ", "platform", "desktop"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": "localhost:10", "SSH_CONNECTION": "1 2 3 4"}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_TTY": "/dev/ttys001"}, "darwin", False),
        ({}, "win32", True),
    ],
)
def test_a_desktop_is_known_by_its_variables(
    environ: dict[str, str],
    platform: str,
    *,
    desktop: bool,
) -> None:
    assert decide_desktop(environ, platform) is desktop
