"""Of a clock no more is said than was found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.apps.embedded import Group
from pipeline.cli import clocks
from pipeline.clock import system_clock
from pipeline.kafka import client


@pytest.mark.parametrize(
    ("theirs", "state"),
    [(1000, "ok"), (1060, "ok"), (940, "ok"), (1061, "problem"), (1, "problem")],
)
def test_another_clock_may_be_a_minute_off(theirs: int, state: str) -> None:
    found = clocks.compared("the key service", theirs, 1000)
    assert found.state == state
    assert f"{abs(theirs - 1000)} s apart from the key service" in found.say


async def test_a_broker_that_cannot_look_records_up_by_time_vouches_for_no_clock(
    tmp_path: Path,
) -> None:
    """As the embedded one: it answers with an offset whatever time it is asked for."""
    async with Group(tmp_path / "data", processes=()) as group:
        admin = client.admin(group.kafka())
        await admin.start()
        try:
            now = int(system_clock().timestamp())
            found = await clocks.of_records(group.kafka(), admin, ["events"], now)
        finally:
            await admin.close()
    assert found.state == "warning"
