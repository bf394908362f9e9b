"""What names lead to, as a test has it, and where connections would go."""

from __future__ import annotations

import _socket
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


_NUMERIC = socket.AI_NUMERICHOST


class Names:
    """Stands in for the name server: each answer once, the last one from then on.

    Numbers in every spelling are read by the system itself. `asked` holds what it was asked for.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[list[str]]) -> None:
        self.asked: list[str] = []
        self._answers = {name.replace("_", "."): list(rows) for name, rows in answers.items()}
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        answers = self._answers.get(host)
        if answers is None:
            is_own = host.rstrip(".") == "localhost"
            return _look_up("localhost" if is_own else host, port, 0 if is_own else _NUMERIC)
        row = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in row for found in _look_up(address, port)]


class Connections:
    """Writes down where sockets would connect to, and has nobody listen there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.addresses: list[str] = []
        monkeypatch.setattr(socket.socket, "connect", self._refuse)

    def _refuse(self, address: Any) -> None:
        self.addresses.append(address[0])
        raise ConnectionRefusedError


def _look_up(host: str, port: int, flags: int = _NUMERIC) -> list[Any]:
    return _socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, flags)
