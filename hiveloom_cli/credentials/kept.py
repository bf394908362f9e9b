"""Keys that were fetched, kept in memory for a while by what uses them again and again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError, KeyringUnavailable
from hiveloom_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hiveloom_cli.clock import Clock

_KEPT_S = 60.0
_PAUSE_S = 10.0  # before a place that gave no key is asked again

_Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A key, or why there is none; it counts for the index of that stamp, and until then."""

    outcome: Secret | HiveloomError
    stamp: _Stamp
    until_s: float


@dataclass(slots=True)
class _Place:
    """What was fetched last of one name, and who may fetch it now."""

    fetched: _Fetched | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeptSecrets:
    """The keys that `load` fetches by name; any thread may ask, and all that wait share an answer.

    A key is fetched anew after a minute, when it was dropped, and when `index` was written, as it
    is whenever a key is set, rotated or removed. While its place cannot be asked, the former one
    stays in force. What kept a key from being had is told for some seconds without asking again.
    """

    def __init__(self, load: Callable[[str], Secret], index: Path, clock: Clock) -> None:
        self._load = load
        self._index = index
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def load(self, name: str) -> Secret:
        """Return a key; raises whatever fetching it does."""
        with self._lock:
            place = self._places.setdefault(name, _Place())
        found = self._find(place)
        if found is None or found.until_s <= self._clock.elapsed_s():
            found = self._refresh(name, place, found)
        if isinstance(found.outcome, Secret):
            return found.outcome
        raise found.outcome.with_traceback(None)  # which would grow with each raise

    def drop(self, refused: Secret) -> None:
        """Fetch that key anew when it is asked for again: it was refused."""
        with self._lock:
            places = [*self._places.values()]
        for place in places:
            if place.fetched is not None and place.fetched.outcome is refused:
                place.fetched = None

    def _find(self, place: _Place) -> _Fetched | None:
        """Return what was fetched if the index is still the same, however long ago it was."""
        found = place.fetched
        return found if found is not None and found.stamp == self._load_stamp() else None

    def _refresh(self, name: str, place: _Place, former: _Fetched | None) -> _Fetched:
        is_ours = place.lock.acquire(blocking=former is None)
        if former is not None and not is_ours:
            return former  # somebody else is asking, which may take long
        try:
            return self._fetch(name, place)
        finally:
            place.lock.release()

    def _fetch(self, name: str, place: _Place) -> _Fetched:
        former, now_s = self._find(place), self._clock.elapsed_s()
        if former is not None and former.until_s > now_s:
            return former  # somebody else has fetched it meanwhile
        stamp = self._load_stamp()  # before the key, which may change right after it
        try:
            fetched = _Fetched(self._load(name), stamp, self._clock.elapsed_s() + _KEPT_S)
        except HiveloomError as error:
            is_stuck = isinstance(error, KeyringUnavailable) and former is not None
            outcome = former.outcome if is_stuck and former is not None else error
            fetched = _Fetched(outcome, stamp, self._clock.elapsed_s() + _PAUSE_S)
        place.fetched = fetched
        return fetched

    def _load_stamp(self) -> _Stamp:
        try:
            status = self._index.stat()
        except OSError:
            return ()
        return (status.st_ino, status.st_mtime_ns, status.st_size)
