"""Whose requests are counted together."""

from __future__ import annotations

import pytest

from pipeline.clients import client, networks
from pipeline.errors import SettingsError

OURS = networks(["10.0.0.0/8", "fd00::/8"], "collect.trusted_proxies")


@pytest.mark.parametrize(
    ("peer", "header", "counted"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # who says so is no proxy of ours
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),  # the rest he wrote himself
        ("10.0.0.1", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", None, "192.0.2.7"),
        ("2001:db8:1:2::9", None, "2001:db8:1:2::/64"),
        ("", None, ""),
    ],
)
def test_the_nearest_address_that_is_no_proxy_of_ours(
    peer: str, header: str | None, counted: str
) -> None:
    assert client(peer, header, OURS) == counted


def test_a_network_that_is_none_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"collect\.trusted_proxies"):
        networks(["10.0.0.0/8", "everybody"], "collect.trusted_proxies")
