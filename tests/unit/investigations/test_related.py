"""What is related to an address by its provider: within the scope, counted, and told of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from pipeline.errors import RefusedError, UsageError
from pipeline.investigations.related import related
from pipeline.scope import Selectors
from tests.unit.cases.making import HOUR, INVESTIGATOR
from tests.unit.investigations.making import ABUSER, NOW, Bureau, about, bureau, line

NETWORKS = {
    "203.0.113.0/24": "One Telecom",
    "192.0.2.0/24": "One Telecom",
    "198.51.100.0/24": "Another",
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    folder = tmp_path_factory.mktemp("related")
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    for network, name in NETWORKS.items():
        writer.insert_network(IPSet([network]), {"autonomous_system_organization": name})
    writer.to_db_file(str(folder / "asn.mmdb"))
    addresses = (ABUSER, "203.0.113.9", "192.0.2.1", "198.51.100.1", "100.64.0.1")
    with bureau(folder / "data", asn=folder / "asn.mmdb") as made:
        made.write([line(one, NOW - HOUR + n) for n, one in enumerate(addresses)])
        yield made


def found(bureau: Bureau, case: str, address: str = ABUSER) -> list[str]:
    page = related(bureau.desk, INVESTIGATOR, case, address, "provider")
    return [raw.split()[0] for raw in page.records["raw"].to_list()]


def test_all_addresses_of_a_provider_are_found_and_no_other(shared: Bureau) -> None:
    case = shared.opened(about(selectors=Selectors(networks=("0.0.0.0/0",))))
    assert found(shared, case.id) == [ABUSER, "203.0.113.9", "192.0.2.1"]
    assert any(one.facts.get("by") == "provider" for one in shared.entries())


def test_a_provider_s_other_addresses_stay_outside_the_scope(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, "198.51.100.1"))
    assert found(shared, case.id) == [ABUSER]


def test_an_address_of_no_known_provider_says_what_to_set(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, "100.64.0.1"))
    with pytest.raises(UsageError, match="mmdb_asn"):
        found(shared, case.id, "100.64.0.1")
    assert shared.entries()[-1].outcome == "refused"


def test_whoever_may_not_see_addresses_learns_nothing_by_a_provider(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, fields=("status",)))
    with pytest.raises(RefusedError, match="outside"):
        found(shared, case.id)
    assert shared.entries()[-1].outcome == "refused"


def test_whoever_may_not_see_agents_has_none_read_for_it(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, fields=("status",)))
    reads = len(shared.entries("case.read"))
    with pytest.raises(RefusedError, match="fields: agent"):
        related(shared.desk, INVESTIGATOR, case.id, ABUSER, "agent")
    assert shared.entries()[-1].outcome == "refused"
    assert len(shared.entries("case.read")) == reads
