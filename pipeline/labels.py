"""Labels that an operator gives: sites, sources, ingests.

They cross the wall, so their shape is closed, and the same wherever one is set, typed or read.
"""

from __future__ import annotations

from typing import Final

LONGEST: Final = 64
"""Characters of the longest label."""
PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""A regular expression for the whole of a label, which is plain ASCII."""

LIVE: Final = "live"
"""The ingest of what is shipped as it happens; every other name is a backfill, and ends."""

WIDGET_SUFFIX: Final = ".widget"
"""Ends the name under which a site's widget is counted, beside the site itself.

Split puts it there, so that page views and widget events are never added up; nobody may give a
site a name that ends so.
"""
