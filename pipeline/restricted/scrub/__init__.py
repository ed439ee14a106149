"""Scrubbing: what of a path, a query and a referrer may be said, by rules that can be read.

``rules`` and ``siterules`` are read from a file. ``scrubber`` takes the rules for all sites to one
target, ``site`` those of one site; ``pages`` does both for a column and lets ``frequency`` replace
what is rare. ``detectors`` find one kind of value, ``numbers``, ``grouped``, ``letters`` and
``randomness`` are what they look with, and ``spelling`` brings a text to one spelling first.
"""

from __future__ import annotations

from pipeline.restricted.scrub.scrubber import (
    NO_PAGE,
    Scrubber,
    load_scrubber,
    method_name,
)

__all__ = [
    "NO_PAGE",
    "Scrubber",
    "load_scrubber",
    "method_name",
]
