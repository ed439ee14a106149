"""The report as one page that stands alone: no script, no request, nothing from elsewhere.

It has the console's cards, drawn with their templates. The Content-Security-Policy allows exactly
the one style sheet that is in the page, by its hash; every value is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from markupsafe import Markup

from pipeline.report import words
from pipeline.report.asked import Section
from pipeline.report.model import Account, Report
from pipeline.report.summary import Day, sites
from pipeline.views import drawing

_HERE: Final = Path(__file__).parent
_WIDGET: Final = ".widget"


def as_html(report: Report, account: Account, sections: Sequence[Section]) -> str:
    """Return the page, a section a site, and the account of every line at its end."""
    style = "".join(
        path.read_text(encoding="utf-8") for path in (drawing.STYLE, _HERE / "style.css")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    mapped = any(filled.shades for one in sections for tabs in one.cards for filled in tabs)
    notes = (note for one in sections if one.glance for note in one.glance.notes)
    env = drawing.environment(_HERE / "templates", world=str, alone=True)
    env.filters |= {"bytes": words.size, "date": words.date}
    return env.get_template("page.html").render(
        # both are files of ours, and of nobody else's words
        style=Markup(style),  # noqa: S704
        land=Markup(_shapes()) if mapped else "",  # noqa: S704
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
        report=report,
        account=account,
        sections=sections,
        days={site.name: site.days for site in sites(report, top=0)},
        notes=tuple(dict.fromkeys(notes)),
        name=", ".join(dict.fromkeys(s.removesuffix(_WIDGET) for s in report.sites)) or "No site",
        span=words.span(*report.period, report.zone) if report.period else "",
        sums=_sums(report),
        total=_total,
        **_account(report, account),
    )


def _shapes() -> str:
    """Return the shapes of the countries, which each map of the page uses."""
    world = drawing.WORLD.read_text(encoding="utf-8")
    return world[world.index("<defs>") : world.index("</defs>") + len("</defs>")]


def _sums(report: Report) -> dict[str, object]:
    days = report.traffic_daily
    return {
        "visitors": sum(row.visitors for row in days if row.audience == "human"),
        "human": sum(row.hits for row in days if row.audience == "human"),
        "bot": sum(row.hits for row in days if row.audience == "bot"),
        "sent": report.released_bytes,
    }


def _total(days: Sequence[Day], what: str) -> int:
    return sum(getattr(day, what) for day in days)


def _account(report: Report, account: Account) -> dict[str, object]:
    released = report.released_hits
    return {
        "counted": released + account.withheld_hits,
        "released": released,
        "closes": account.lines == account.events + account.rejected + account.ignored,
        "kept": released + account.withheld_hits == account.events,
    }
