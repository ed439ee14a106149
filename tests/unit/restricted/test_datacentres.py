"""Networks of data centres come from a list or an MMDB file, and are taken up when replaced."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.restricted.datacentres import Networks, read_datacentres
from pipeline.restricted.geo import Geo
from tests.unit.restricted.test_geo import Watch, write

LIST = """
# clouds
192.0.2.0/25     # the lower half
192.0.2.128/26
198.51.100.9
2001:db8:1::/48
203.0.113.77/24  # a host of it is as good
"""
INSIDE = ["192.0.2.0", "192.0.2.191", "198.51.100.9", "2001:db8:1::7", "203.0.113.1"]
OUTSIDE = ["192.0.1.255", "192.0.2.192", "198.51.100.10", "2001:db8:2::", "0.0.0.1", "::", "",
           "no address", "255.255.255.255"]  # fmt: skip


def test_a_list_of_networks(tmp_path: Path) -> None:
    path = tmp_path / "clouds.txt"
    path.write_text(LIST, encoding="utf-8")
    hosted = read_datacentres(path)
    assert [address for address in INSIDE + OUTSIDE if hosted(address)] == INSIDE
    path.write_text("# none\n", encoding="utf-8")
    assert not any(map(read_datacentres(path), INSIDE))


@pytest.mark.parametrize(
    ("record", "hosted"),
    [
        ({"autonomous_system_organization": "Example Cloud"}, True),
        ({"is_hosting_provider": True}, True),
        ({"is_hosting_provider": False, "is_anonymous": True}, False),
        ({"hosting": "true"}, True),
        ({"hosting": ""}, False),
    ],
)
def test_an_mmdb_file_says_it_by_a_flag_or_by_having_a_record(
    tmp_path: Path, record: dict[str, object], hosted: bool
) -> None:
    found = read_datacentres(write(tmp_path / "clouds.mmdb", {"192.0.2.0/24": record}))
    assert (found("192.0.2.7"), found("198.51.100.1"), found("")) == (hosted, False, False)


_networks = st.builds(
    lambda number, bits: ipaddress.ip_network((number, bits), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
) | st.builds(
    lambda number, bits: ipaddress.ip_network((2**100 + number, bits), strict=False),
    st.integers(0, 2**64),
    st.integers(20, 128),
)


@given(st.lists(_networks, max_size=8), st.lists(st.ip_addresses(), max_size=8))
def test_it_is_what_each_network_says(
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    found = Networks(networks)
    edges = [edge for net in networks for edge in (net.network_address, net.broadcast_address)]
    for address in addresses + edges:
        assert found(str(address)) == any(address in network for network in networks)


def test_a_replaced_list_is_taken_up_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    watch = Watch()
    path = tmp_path / "clouds.txt"
    path.write_text("192.0.2.0/24\n", encoding="utf-8")
    geo = Geo(datacentres=path, check_seconds=10, clock=watch)
    assert [place.hosted for place in geo.many(["192.0.2.7", "198.51.100.1"])] == [True, False]
    for watch.now, text, hosted in (
        (10, "192.0.2.0/33\n", [True, False]),
        (20, "198.51.100.0/24  # another\n", [False, True]),
    ):
        path.write_text(text, encoding="utf-8")
        assert [place.hosted for place in geo.many(["192.0.2.7", "198.51.100.1"])] == hosted


@pytest.mark.parametrize("content", [b"192.0.2.0/33", b"no network", b"\xff\xfe", None])
def test_a_bad_list_at_the_start_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "clouds.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="a text with one network a line"):
        Geo(datacentres=path)
