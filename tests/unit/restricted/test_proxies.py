"""The client is whoever connected, or whom trusted proxies say; nobody talks himself in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.restricted.client_ip import canonical
from pipeline.restricted.proxies import HEADER_COLUMNS, read_proxies

Entries = Sequence[str | Mapping[str, str]]
CHAIN, PLAIN = "x-forwarded-for", "x-real-ip"
CLIENT = "203.0.113.9"
LB = "10.0.0.1"


def client(entries: Entries, peer: str | None, **said: str | None) -> str | None:
    columns = [pl.Series(name, [value], dtype=pl.String) for name, value in said.items()]
    peers = pl.Series("address", [peer], dtype=pl.String)
    found: str | None = read_proxies(entries).clients(peers, pl.DataFrame(columns))[0]
    return found


@pytest.mark.parametrize(
    ("peer", "chain", "wanted"),
    [
        (CLIENT, "198.51.100.1", CLIENT),  # nobody trusted has said it
        (LB, None, LB),
        (LB, "", LB),
        (LB, "-", LB),
        (LB, CLIENT, CLIENT),
        (LB, f"198.51.100.1, {CLIENT}", CLIENT),  # what stands left of it came with the request
        (LB, f"198.51.100.1,{CLIENT} , 10.0.0.2", CLIENT),
        (LB, "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # a chain of nothing but proxies
        (LB, f"{CLIENT}:4711", CLIENT),
        (LB, "[2001:db8::9]:4711", "2001:db8::9"),
        (LB, "2001:DB8:0::9", "2001:db8::9"),
        (LB, '"[2001:db8::9]"', "2001:db8::9"),
        (LB, "::ffff:203.0.113.9", CLIENT),
        (LB, "64:ff9b::203.0.113.9", CLIENT),
        (LB, "2002:cb00:7109::1", CLIENT),
        (LB, "fe80::1%eth0", "fe80::1"),
        (LB, "unknown", LB),
        (LB, "203.0.113.9, unknown", LB),
        (LB, f"unknown, {CLIENT}", CLIENT),
        (LB, "256.1.2.3", LB),
        (LB, "http://203.0.113.9/", LB),
        (LB, f"{CLIENT}, ", CLIENT),
        (LB, "192.168.0.9", "192.168.0.9"),  # a client at home in a private network
        (LB, "192.0.2.7", "192.0.2.7"),  # documentation
        ("::ffff:10.0.0.1", CLIENT, CLIENT),  # the proxy itself in another spelling
        ("10.0.0.1%eth0", CLIENT, CLIENT),
        (LB, "9" * 5_000 + f", {CLIENT}", CLIENT),
        (None, f"198.51.100.1, {CLIENT}", CLIENT),  # no peer logged: the last hop wrote the rest
        (None, f"198.51.100.1, {CLIENT}, 10.0.0.2", CLIENT),
        (None, "junk", None),
        (None, None, None),
    ],
)
def test_a_chain(peer: str | None, chain: str | None, wanted: str | None) -> None:
    assert client(["10.0.0.0/8"], peer, forwarded_for=chain) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("for=203.0.113.9", CLIENT),
        ("For=203.0.113.9;proto=https;by=10.0.0.1", CLIENT),
        ("proto=http; for=203.0.113.9", CLIENT),
        ('for="203.0.113.9:4711"', CLIENT),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ('for="[2001:db8:cafe::17]"', "2001:db8:cafe::17"),
        ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17"),
        ("for=198.51.100.17, for=10.0.0.7", "198.51.100.17"),
        ("for=198.51.100.17;by=203.0.113.60,for=10.0.0.7", "198.51.100.17"),
        ('for="[2001:db8::1]";by="a,b", for=10.0.0.9', "2001:db8::1"),
        ('for=192.0.2.66, x=", for="[2001:db8::7]:4711"', "2001:db8::7"),  # a quote left open
        ('for=", for=203.0.113.9', CLIENT),
        ('host="x;for=192.0.2.66";for=203.0.113.9', CLIENT),
        (r'for=203.0.113.9;host="a, for=\"192.0.2.66\""', CLIENT),
        ("for=192.0.2.66, by=10.0.0.9", LB),  # a proxy that does not say ends the chain
        ("for=192.0.2.66;for=192.0.2.67", LB),
        ("for=192.0.2.66,,", "192.0.2.66"),
        ("for=_hidden", LB),
        ("for=_hidden, for=10.0.0.7", "10.0.0.7"),
        ('for="_SEVKISEK"', LB),
        ("for=unknown", LB),
        ("by=203.0.113.9", LB),
        ("for=", LB),
        ('for="[2001:db8::9"', LB),
        ("garbage", LB),
        ("", LB),
    ],
)
def test_forwarded_as_rfc_7239_writes_it(value: str, wanted: str) -> None:
    entries: Entries = [{"from": "10.0.0.0/8", "header": "forwarded"}]
    assert client(entries, LB, forwarded=value) == wanted
    assert client(entries, CLIENT, forwarded=value) == CLIENT


@pytest.mark.parametrize("header", [name for name in HEADER_COLUMNS if "forwarded" not in name])
@pytest.mark.parametrize(
    ("value", "wanted"),
    [(CLIENT, CLIENT), ("2001:db8::9", "2001:db8::9"), ("junk", LB), ("", LB), (None, LB)],
)
def test_a_header_of_one_address(header: str, value: str | None, wanted: str) -> None:
    entries: Entries = [{"from": LB, "header": header}]
    assert client(entries, LB, **{HEADER_COLUMNS[header]: value}) == wanted
    assert client(entries, "198.51.100.1", **{HEADER_COLUMNS[header]: value}) == "198.51.100.1"


def test_only_the_header_that_a_proxy_writes_is_believed() -> None:
    """Others come through it as the client wrote them."""
    entries: Entries = [{"from": LB, "header": PLAIN}]
    spoofed = "198.51.100.1"
    said: dict[str, str | None] = dict.fromkeys(HEADER_COLUMNS.values(), spoofed)
    assert client(entries, LB, **{**said, "real_ip": CLIENT}) == CLIENT
    assert client(entries, LB, **{**said, "real_ip": None}) == LB


def test_presets_name_their_networks_and_their_header() -> None:
    assert client(["cloudflare"], "104.16.1.1", cf_connecting_ip=CLIENT) == CLIENT
    assert client(["cloudflare"], "104.16.1.1", forwarded_for=CLIENT) == "104.16.1.1"
    assert client(["cloudflare"], "2606:4700::1", cf_connecting_ip=CLIENT) == CLIENT
    assert client(["private"], "192.168.1.1", forwarded_for=f"1.2.3.4, {CLIENT}, fd00::1") == CLIENT
    inner: Entries = [{"from": "private", "header": "x-real-ip"}]
    assert client(inner, "192.168.1.1", real_ip=CLIENT) == CLIENT


def test_of_networks_within_each_other_the_smaller_counts() -> None:
    entries: Entries = ["10.0.0.0/8", {"from": "10.0.0.1/32", "header": PLAIN}]
    assert client(entries, LB, real_ip=CLIENT, forwarded_for="198.51.100.1") == CLIENT
    assert client(entries, "10.0.0.2", real_ip="198.51.100.1", forwarded_for=CLIENT) == CLIENT


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.1/8",
        "cloudfare",
        "",
        {"from": LB, "header": "host"},
        {"form": LB},
        {"from": LB, "x": ""},
    ],
)
def test_an_entry_that_is_none_is_refused(entry: str | Mapping[str, str]) -> None:
    with pytest.raises(SettingsError, match="trusted_proxies"):
        read_proxies([entry])


ADDRESSES = st.ip_addresses().map(str)
HOPS = st.one_of(ADDRESSES, st.sampled_from(["unknown", "_x", "", "junk", LB, "10.9.9.9"]))


@given(st.lists(HOPS, max_size=5), ADDRESSES, st.sampled_from(["10.0.0.2", "10.0.0.3, 10.0.0.2"]))
def test_nothing_a_client_sends_changes_who_it_is(sent: list[str], who: str, added: str) -> None:
    """Proxies append; whatever stood in the header before, the client comes out the same."""
    if canonical(who) is None or str(canonical(who)).startswith("10."):
        return
    chain = ", ".join([*sent, who, added])
    assert client(["10.0.0.0/8"], LB, forwarded_for=chain) == canonical(who)


@given(st.text('for=,;"\\ 1.2x', max_size=30), ADDRESSES)
def test_nothing_in_front_of_what_a_proxy_adds_is_forwarded(sent: str, who: str) -> None:
    if canonical(who) is None or str(canonical(who)).startswith("10."):
        return
    entries: Entries = [{"from": "10.0.0.0/8", "header": "forwarded"}]
    quoted = f'"[{who}]:4711"' if ":" in who else who
    assert client(entries, LB, forwarded=f"{sent}, for={quoted}") == canonical(who)


@given(st.lists(st.tuples(st.one_of(st.none(), HOPS), st.one_of(st.none(), HOPS)), max_size=30))
def test_a_column_gives_what_its_rows_give(rows: list[tuple[str | None, str | None]]) -> None:
    proxies = read_proxies(["10.0.0.0/8"])
    peers = pl.Series([peer for peer, _ in rows], dtype=pl.String)
    chains = pl.Series("forwarded_for", [chain for _, chain in rows], dtype=pl.String)
    alone = [client(["10.0.0.0/8"], peer, forwarded_for=chain) for peer, chain in rows]
    assert proxies.clients(peers, chains.to_frame()).to_list() == alone
