"""The contract of both protocols' readers, held against recorded streams.

Each `tests/fixtures/wire/NAME.txt` holds a reply's bytes, and `NAME.json` beside it the protocol,
the events that the bytes must give, and the parts of the message that they leave. Every provider's
plain answer is there under its name, its odder ones under names that begin with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.protocols.providers import PROVIDERS
from tests.support.replies import describe_part, join_text, read_reply, read_whole

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import Provider

_WIRE = Path(__file__).parents[1] / "fixtures" / "wire"
_NAMES = sorted(path.stem for path in _WIRE.glob("*.txt"))


def load(name: str) -> tuple[bytes, dict[str, Any]]:
    return (_WIRE / f"{name}.txt").read_bytes(), json.loads((_WIRE / f"{name}.json").read_text())


def test_every_recording_has_its_events() -> None:
    assert _NAMES
    assert {path.stem for path in _WIRE.glob("*.json")} == set(_NAMES)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_every_provider_has_a_recording_that_ends_well(provider: Provider) -> None:
    _, expected = load(provider.name)
    assert expected["protocol"] == provider.protocol
    assert expected["events"][-1]["ended"] == "stop"


@pytest.mark.parametrize("name", _NAMES)
def test_a_recorded_stream_gives_its_events_and_leaves_its_message(name: str) -> None:
    content, expected = load(name)
    seen, message = read_whole(expected["protocol"], [content])
    assert seen == expected["events"]
    assert list(map(describe_part, message.parts)) == expected["parts"]
    assert message.complete == ("ended" in seen[-1])


@pytest.mark.parametrize("name", _NAMES)
def test_it_gives_them_byte_by_byte_too(name: str) -> None:
    content, expected = load(name)
    pieces = [bytes([byte]) for byte in content]
    assert read_reply(expected["protocol"], pieces) == expected["events"]


@pytest.mark.parametrize("name", _NAMES)
def test_it_gives_them_cut_in_two_anywhere(name: str) -> None:
    content, expected = load(name)
    for cut in range(len(content)):
        events = read_reply(expected["protocol"], [content[:cut], content[cut:]])
        assert events == expected["events"], f"cut at {cut}"


@pytest.mark.parametrize("name", _NAMES)
def test_a_stream_that_ends_early_keeps_its_text_and_is_an_error(name: str) -> None:
    content, expected = load(name)
    whole = expected["events"]
    for end in range(len(content)):
        seen = read_reply(expected["protocol"], [content[:end]])
        assert join_text(whole).startswith(join_text(seen))
        last = seen[-1]
        # Short of its end a stream is an error; where only the farewell is missing, it is complete.
        assert "error" in last or last in whole, f"ended at {end}: {seen}"
        assert "error" in last or join_text(seen) == join_text(whole)
