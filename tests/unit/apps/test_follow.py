"""What a followed file is labelled with."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path

import pytest

from pipeline.apps.follow import _Looks
from pipeline.apps.ship import Tags, site_of
from pipeline.settings import Settings
from pipeline.shipping.inputs import entry_of

NOW = dt.datetime(2015, 5, 17, 10, 6, tzinfo=dt.UTC)
LINE = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "x"\n'


@pytest.mark.parametrize(
    ("part", "site"), [(None, "given"), ("folder", "shop"), ("file", "access")]
)
def test_a_followed_file_is_of_the_site_that_was_asked_for(
    tmp_path: Path, part: str | None, site: str
) -> None:
    (tmp_path / "shop").mkdir()
    log = tmp_path / "shop" / "access.log"
    log.write_text(LINE * 3)
    sites = None if part is None else partial(site_of, part=part)
    tags = Tags("given", "", "auto", "live")
    looks = _Looks(tags, None, Settings(), lambda: NOW, {}, lambda _: None, sites)
    assert looks.begin(entry_of(str(log))).tags == Tags(site, "access.log", "combined", "live")
