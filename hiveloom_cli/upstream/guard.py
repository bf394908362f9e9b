"""Holds requests to public addresses, unless others were allowed.

It is decided where a connection is opened: a name is resolved once, all that it leads to is
checked, and exactly that is connected to. So a name server with a second answer (DNS rebinding)
changes nothing, and no way of writing an address matters. TLS verifies the name all the same.

Through a proxy of the environment, what a name leads to here has to be public as well, but the
proxy asks again, and connects to what it is told then. A machine that is this one is asked
directly, whatever its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from hiveloom_cli.upstream.addresses import is_loopback_address
from hiveloom_cli.upstream.dialing import check_public, load_addresses, open_socket
from hiveloom_cli.upstream.session import TrustAdapter, find_proxy

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from urllib3.poolmanager import PoolManager

    from hiveloom_cli.upstream.dialing import Address, Line

_PORTS = {"http": 80, "https": 443}
_CONNECT_S = 30.0


class GuardedAdapter(TrustAdapter):
    """Opens the connections of one exchange, which `line` can cut."""

    def __init__(
        self, load_context: Callable[[], ssl.SSLContext], line: Line, *, allows_private: bool
    ) -> None:
        self._line = line
        self._allows_private = allows_private
        self._pools = _build_pools(self._connect)
        super().__init__(load_context)
        line.on_close(self.close)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """See `HTTPAdapter`."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools
        _close_in_time(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """See `HTTPAdapter`."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # which has connections of its own
            manager.pool_classes_by_scheme = self._pools
        _close_in_time(manager)
        return manager

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        """Send a request. Raises `AddressRefused` beside what requests does."""
        if find_proxy(request.url, options.get("proxies") or {}):
            parts = urlsplit(request.url)
            port = parts.port or _PORTS[parts.scheme]
            addresses = self._load_addresses(parts.hostname or "", port)
            if all(is_loopback_address(address[0]) for _, address in addresses):
                options["proxies"] = {}
        return super().send(request, *args, **options)

    def _connect(self, connection: HTTPConnection) -> socket.socket:
        host, port = connection._dns_host, connection.port  # noqa: SLF001 -- `host` has lost its dot
        if connection.proxy is None:
            addresses = self._load_addresses(host, port)
        else:
            addresses = load_addresses(host, port)  # the proxy's, which the person chose
        return open_socket(addresses, connection.timeout or _CONNECT_S, self._line)

    def _load_addresses(self, host: str, port: int) -> list[Address]:
        addresses = load_addresses(host, port)
        if not self._allows_private:
            check_public(host, addresses)
        return addresses


def _close_in_time(manager: PoolManager) -> None:
    """Have connections closed with their manager, and not when their memory is collected."""
    manager.pools.dispose_func = HTTPConnectionPool.close


def _build_pools(
    connect: Callable[[HTTPConnection], socket.socket],
) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
