"""``partywall alerts``: what was unusual on the newest closed day."""

from __future__ import annotations

import sys

import orjson
import typer

from pipeline import settings as tree
from pipeline.analytics.sites import known_site
from pipeline.cli.asking import asked
from pipeline.cli.digest import Data, Sites, chosen
from pipeline.cli.options import Config, Json
from pipeline.digest import rounds
from pipeline.digest.alerts import alerts as unusual
from pipeline.digest.alerts import sentence
from pipeline.digest.as_json import alert_json


def alerts(
    data: Data = None, site: Sites = None, as_json: Json = False, config: Config = None
) -> None:
    """Say what is unusual on each site's newest closed day; exit 1 where something is."""
    whom = asked(chosen(tree.load(config), site), data)
    with whom.reading() as query:
        for name in site or []:
            known_site(query, name)
        names = rounds.chosen(query, whom.settings.digest)
        found = [alert for name in names for alert in unusual(query, name, whom.k)]
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([alert_json(alert) for alert in found]) + b"\n")
    else:
        print("\n".join(sentence(alert) for alert in found) or "nothing unusual")
    if found:
        raise typer.Exit(1)
