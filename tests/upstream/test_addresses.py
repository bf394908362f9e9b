"""Which addresses are public."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.upstream.addresses import is_loopback_address, is_public

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

PUBLIC = ["8.8.8.8", "93.184.215.14", "172.15.255.255", "172.32.0.0", "100.63.255.255"]
SPECIAL = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3"),
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255"),
    *("192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
]


@pytest.mark.parametrize("address", [*PUBLIC, "2606:4700::1111", "2a00:1450:4001::200e"])
def test_what_anybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("::1", "::", "fe80::1", "fe80::1%lo", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1"),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1"),  # Teredo, benchmarks
        *("2002:7f00:1::", "2002:808:808::"),  # 6to4
        *("::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b:1::8.8.8.8"),
    ],
)
def test_what_is_special_in_ipv6_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::"])
@pytest.mark.parametrize("inner", [*PUBLIC, *SPECIAL])
def test_an_ipv4_address_is_the_same_in_ipv6(prefix: str, inner: str) -> None:
    assert is_public(f"{prefix}{inner}") == is_public(inner)


@given(st.ip_addresses(v=4))
def test_what_python_holds_for_private_is_never_public(address: IPv4Address) -> None:
    forms = (f"{address}", f"::ffff:{address}", f"64:ff9b::{address}")
    assert not (address.is_private and any(map(is_public, forms)))


@given(st.ip_addresses(v=6))
def test_nor_in_ipv6(address: IPv6Address) -> None:
    is_special = address.is_private or address.is_multicast or address.is_link_local
    assert not (is_special and address.ipv4_mapped is None and is_public(f"{address}"))


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(ValueError, match="localhost"):
        is_public("localhost")


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.8.8.8", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False)],
)
def test_this_machine_is_known_by_any_number(address: str, *, expected: bool) -> None:
    assert is_loopback_address(address) == expected
