"""Which addresses are public: what a name may lead to where nothing else was allowed.

After the IANA registries of special-purpose addresses. What is neither known to be public nor a
public address in another form is not: the rest of IPv6 space, tunnels (Teredo, 6to4) and forms
that lead to IPv4 by a way of their own. The exception is NAT64 at its well-known prefix, on which
machines without IPv4 depend; a prefix of the network's own cannot be told from other addresses.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "127.0.0.0/8"),  # this machine
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # private
            "100.64.0.0/10",  # shared with a carrier; the metadata of one cloud
            "169.254.0.0/16",  # this link; the metadata of most clouds
            "168.63.129.16/32",  # what one cloud's machines are told by
            *("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"),  # protocols, relays, benchmarks
            *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),  # for documentation
            *("224.0.0.0/4", "240.0.0.0/4"),  # multicast; reserved, and broadcast
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")  # the rest is special, or given to nobody
_SPECIAL_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols, Teredo among them
            "2002::/16",  # 6to4
            *("2001:db8::/32", "3fff::/20"),  # for documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address, as a resolver gives it, is one that anybody can reach.

    Raises `ValueError` for what is no address.
    """
    number = ip_address(address)
    if isinstance(number, IPv6Address):
        inner = _find_inner(number)
        if inner is None:
            return number in _GLOBAL_6 and not any(number in network for network in _SPECIAL_6)
        number = inner
    return not any(number in network for network in _SPECIAL_4)


def is_loopback_address(address: str) -> bool:
    """Whether an address is this machine's own, in whatever form."""
    number = ip_address(address)
    if isinstance(number, IPv6Address):
        return (_find_inner(number) or number).is_loopback
    return number.is_loopback


def _find_inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets for this one go to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
