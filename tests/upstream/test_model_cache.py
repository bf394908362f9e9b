from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.models import ModelInfo
from hiveloom_cli.upstream.model_cache import ModelCache, build_file_name
from hiveloom_cli.upstream.resolve import StoredKey, Upstream

if TYPE_CHECKING:
    from pathlib import Path

MODELS = (ModelInfo("b/ü:70b", 8192, takes_tools=True), ModelInfo("a"))


@dataclass
class ManualClock(SystemClock):
    at: datetime = field(default=datetime(2026, 1, 31, 9, tzinfo=UTC))

    def now(self) -> datetime:
        return self.at


def build_upstream(url: str = "https://api.groq.com/v1", credential: str = "groq") -> Upstream:
    base_url = parse_base_url(url, source="X")
    return Upstream("openai", base_url, StoredKey(credential), credential=credential)


def test_an_offer_is_kept_for_a_day_and_completes_for_ever(tmp_path: Path) -> None:
    clock = ManualClock()
    cache = ModelCache(tmp_path / "models", clock)
    upstream = build_upstream()
    assert cache.load(upstream) is None
    saved = cache.save(upstream, MODELS)
    clock.at += timedelta(hours=23)
    assert cache.load(upstream) == saved
    clock.at += timedelta(hours=2)
    assert cache.load(upstream) is None
    assert cache.load_ids(["groq"]) == ["a", "b/ü:70b"]
    assert cache.load_ids(["openai"]) == []
    clock.at -= timedelta(days=9)
    assert cache.load(upstream) is None, "an offer from the future is none"


def test_each_upstream_and_key_has_an_offer_of_its_own(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path, ManualClock())
    cache.save(build_upstream(), MODELS)
    for other in [
        build_upstream(credential="team"),
        build_upstream("https://api.groq.com/v2"),
        build_upstream("http://api.groq.com/v1"),
        build_upstream("https://api.groq.com:444/v1"),
        build_upstream("https://api.groq.com/v1?team=a"),
    ]:
        assert cache.load(other) is None


@pytest.mark.parametrize("host", ["h" * 250, "[::1]", "a_b.example"])
def test_a_file_has_a_name_that_any_system_takes(host: str) -> None:
    name = build_file_name(build_upstream(f"https://{host}/v1?key=a/b"))
    assert len(name) < 100
    assert not set(name) & set('/\\:?"<>|*')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"{",
        b'{"version": 2}',
        b'{"version": 1}',
        b'{"version": 1, "asked_at": 3, "models": 4}',
        b"[" * 100_000,
    ],
)
def test_a_broken_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    cache = ModelCache(tmp_path, ManualClock())
    upstream = build_upstream()
    path = tmp_path / build_file_name(upstream)
    path.write_bytes(content)
    assert cache.load(upstream) is None
    assert cache.load_ids(["groq", ""]) == []
    assert cache.save(upstream, MODELS).models == MODELS
    assert cache.load(upstream) is not None


def test_what_is_no_model_in_a_file_is_passed_over(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path, ManualClock())
    (tmp_path / "x.json").write_text(
        '{"version": 1, "credential": "groq", "asked_at": "2026-01-31T09:00:00Z",'
        ' "models": [3, null, {}, {"id": "a\\u001b"}, {"id": "b", "takes_tools": 3}]}'
    )
    assert cache.load_ids(["groq"]) == ["b"]


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_cache(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where a folder belongs")
    cache = ModelCache(tmp_path / "models", ManualClock())
    assert cache.save(build_upstream(), MODELS).models == MODELS
    assert cache.load(build_upstream()) is None
    assert cache.load_ids(["groq"]) == []
