"""Country and provider come from files that may be missing, replaced or damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]
from prometheus_client import REGISTRY

from pipeline import policy
from pipeline.errors import SettingsError
from pipeline.restricted import open_splitter
from pipeline.restricted.geo import Geo
from pipeline.settings import Places, Split
from tests.support.heard import heard

UNKNOWN = "(unknown)"


def write(path: Path, records: dict[str, dict[str, object]], version: int = 6) -> Path:
    """Write an MMDB file under another name and put it in place, as updaters do."""
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    fresh = path.with_suffix(".new")
    writer.to_db_file(str(fresh))
    fresh.replace(path)
    return path


class Watch:
    """A stopwatch moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_files_nothing_is_known() -> None:
    geo = Geo()
    assert not geo.knows_something
    assert geo.many(["192.0.2.7", "2001:db8::1"]) == [(UNKNOWN, UNKNOWN, UNKNOWN, False)] * 2


@pytest.mark.parametrize(
    ("record", "country"),
    [
        ({"country_code": "DE"}, "DE"),
        ({"country": {"iso_code": "fr", "names": {"en": "France"}}}, "FR"),
        ({"country": "US"}, "US"),
        ({"registered_country": {"iso_code": "JP"}}, "JP"),
        ({"country": {"geoname_id": 1}}, UNKNOWN),
        ({"country_code": "somewhere"}, UNKNOWN),
        ({"country_code": "1?"}, UNKNOWN),
        ({"city": "Berlin"}, UNKNOWN),
    ],
)
def test_ways_of_naming_a_country(tmp_path: Path, record: dict[str, object], country: str) -> None:
    geo = Geo(write(tmp_path / "c.mmdb", {"192.0.2.0/24": record, "2001:db8::/32": record}))
    assert geo.many(["192.0.2.7", "2001:db8::1", "203.0.113.1"]) == [
        (country, UNKNOWN, UNKNOWN, False),
        (country, UNKNOWN, UNKNOWN, False),
        (UNKNOWN, UNKNOWN, UNKNOWN, False),
    ]


MAXMIND = {
    "city": {"geoname_id": 2950159, "names": {"de": "Berlin", "en": "Berlin"}},
    "country": {"iso_code": "DE"},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "State of Berlin"}}, {"iso_code": "X"}],
}
DB_IP = {
    "city": {"names": {"en": "Toronto (Old Toronto)"}},
    "country": {"iso_code": "CA"},
    "subdivisions": [{"names": {"en": "Ontario"}}],
}
IP_LOCATION_DB = {
    "city": "Springfield", "country_code": "US", "state1": "Illinois", "state2": "Sangamon",
}  # fmt: skip
IPINFO = {"city": "Lyon", "country": "FR", "region": "Auvergne-Rhône-Alpes"}
IPINFO_NEW = {**IPINFO, "country": "France", "country_code": "FR", "region_code": "ara"}


@pytest.mark.parametrize(
    ("record", "region", "city"),
    [
        (MAXMIND, "DE-BE", "Berlin, DE-BE"),
        (DB_IP, "Ontario, CA", "Toronto, Ontario, CA"),
        (IP_LOCATION_DB, "Illinois, US", "Springfield, Illinois, US"),
        (IPINFO, "Auvergne-Rhône-Alpes, FR", "Lyon, Auvergne-Rhône-Alpes, FR"),
        (IPINFO_NEW, "FR-ARA", "Lyon, FR-ARA"),
        ({"country_code": "VA", "city": "Vatican  \n City"}, UNKNOWN, "Vatican City, VA"),
        ({"country_code": "DE", "state1": "x" * 300, "city": "y" * 300},
         f"{'x' * 64}, DE", f"{'y' * 64}, {'x' * 64}, DE"),
        ({"country_code": "DE", "region_code": "one/two", "region": " "}, UNKNOWN, UNKNOWN),
        ({"country": {"iso_code": "DE"}, "subdivisions": [], "city": {}}, UNKNOWN, UNKNOWN),
        ({"country": {"iso_code": "DE"}, "subdivisions": [5], "city": 7}, UNKNOWN, UNKNOWN),
        ({"city": "Berlin", "state1": "Berlin"}, UNKNOWN, UNKNOWN),
    ],
)  # fmt: skip
def test_ways_of_naming_a_region_and_a_city(
    tmp_path: Path, record: dict[str, object], region: str, city: str
) -> None:
    """A place lies in one country, whatever its name: it says which."""
    path = write(tmp_path / "c.mmdb", {"192.0.2.0/24": record})
    asked: tuple[tuple[Places, str], ...] = (("region", region), ("city", city), ("none", UNKNOWN))
    for places, named in asked:
        [found, elsewhere] = Geo(path, places=places).many(["192.0.2.7", "203.0.113.1"])
        assert found.place == named
        assert elsewhere.place == UNKNOWN
        assert named == UNKNOWN or found.country in named.split(", ")[-1]


def test_places_are_looked_up_in_a_file_that_there_is() -> None:
    with pytest.raises(SettingsError, match=r"split\.mmdb_country"):
        open_splitter(Split(places="city"), policy.load(), 1)


@pytest.mark.parametrize(
    ("record", "provider"),
    [
        ({"autonomous_system_organization": "Example Net", "autonomous_system_number": 64496},
         "Example Net"),
        ({"asn": "AS64496", "as_name": "Example  \n Net"}, "Example Net"),
        ({"name": "x" * 300}, "x" * 64),
        ({"autonomous_system_organization": " "}, UNKNOWN),
        ({"autonomous_system_number": 64496}, UNKNOWN),
    ],
)  # fmt: skip
def test_ways_of_naming_a_provider(
    tmp_path: Path, record: dict[str, object], provider: str
) -> None:
    geo = Geo(asn=write(tmp_path / "a.mmdb", {"192.0.2.0/24": record}))
    assert geo.many(["192.0.2.7"]) == [(UNKNOWN, UNKNOWN, provider, False)]


def test_ipv6_in_a_database_of_ipv4_is_unknown(tmp_path: Path) -> None:
    geo = Geo(write(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country_code": "DE"}}, version=4))
    assert geo.many(["2001:db8::1", "192.0.2.7"]) == [
        (UNKNOWN, UNKNOWN, UNKNOWN, False),
        ("DE", UNKNOWN, UNKNOWN, False),
    ]


def test_a_replaced_file_is_taken_up_when_the_time_to_look_has_come(tmp_path: Path) -> None:
    watch = Watch()
    path = write(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country_code": "DE"}})
    geo = Geo(path, check_seconds=10, clock=watch)
    assert geo.many(["192.0.2.7"]) == [("DE", UNKNOWN, UNKNOWN, False)]
    write(path, {"192.0.2.0/24": {"country_code": "FR"}})
    watch.now = 9.9
    assert geo.many(["192.0.2.7"]) == [("DE", UNKNOWN, UNKNOWN, False)]
    watch.now = 10.0
    assert geo.many(["192.0.2.7"]) == [("FR", UNKNOWN, UNKNOWN, False)]


def refused() -> float | None:
    """What the metric says."""
    return REGISTRY.get_sample_value("partywall_refused_databases")


def test_a_damaged_file_leaves_the_one_before_in_use_and_is_named(tmp_path: Path) -> None:
    """Once in the log, by its name alone, and in the metric as long as it lies there."""
    watch = Watch()
    path = write(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country_code": "DE"}})
    geo = Geo(path, check_seconds=10, clock=watch)
    path.write_bytes(b"half a download")
    with heard() as said:
        for watch.now in (10, 20):
            assert geo.many(["192.0.2.7"]) == [("DE", UNKNOWN, UNKNOWN, False)]
            assert refused() == 1
    assert said.getvalue().count("address database cannot be read") == 1
    assert "c.mmdb" in said.getvalue()
    assert str(tmp_path) not in said.getvalue()
    write(path, {"192.0.2.0/24": {"country_code": "FR"}})
    watch.now = 30
    assert geo.many(["192.0.2.7"]) == [("FR", UNKNOWN, UNKNOWN, False)]
    assert refused() == 0


def test_a_file_that_is_put_back_is_refused_no_longer(tmp_path: Path) -> None:
    watch = Watch()
    path = write(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country_code": "DE"}})
    geo = Geo(path, check_seconds=10, clock=watch)
    path.rename(tmp_path / "kept")
    path.write_bytes(b"half a download")
    watch.now = 10
    geo.refresh()
    assert refused() == 1
    (tmp_path / "kept").rename(path)
    watch.now = 20
    geo.refresh()
    assert refused() == 0


def test_a_file_cut_off_or_removed_under_the_reader_does_no_harm(tmp_path: Path) -> None:
    watch = Watch()
    path = write(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country_code": "DE"}})
    geo = Geo(path, check_seconds=10, clock=watch)
    with path.open("r+b") as file:
        file.truncate(10)
    assert geo.many(["192.0.2.7"]) == [("DE", UNKNOWN, UNKNOWN, False)]
    path.unlink()
    watch.now = 10
    assert geo.many(["192.0.2.8"]) == [("DE", UNKNOWN, UNKNOWN, False)]


def test_a_bad_file_at_the_start_is_refused(tmp_path: Path) -> None:
    good = write(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country_code": "DE"}})
    bad = tmp_path / "bad.mmdb"
    bad.write_bytes(b"not a database")
    cut = tmp_path / "cut.mmdb"
    shutil.copy(good, cut)
    with cut.open("r+b") as file:
        file.truncate(good.stat().st_size // 2)
    for path in (bad, cut, tmp_path / "none.mmdb", tmp_path):
        with pytest.raises(SettingsError, match="give an MMDB file"):
            Geo(good, path)
