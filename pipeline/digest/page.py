"""A digest as HTML for mail: one page that loads nothing, every value escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from pipeline.digest import wording
from pipeline.digest.alerts import sentence
from pipeline.digest.contents import Digest


@cache
def _template() -> Template:
    folder = Path(__file__).with_name("templates")
    made = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {"amount": wording.amount, "change": wording.change, "days": wording.days}
    made.filters |= {"clean": wording.clean, "sentence": sentence}
    return made.get_template("digest.html")


def as_page(digest: Digest) -> str:
    """Return a digest as an HTML document."""
    lists = (
        ("Pages", "page views", digest.pages),
        ("Sources", "visits", digest.sources),
        ("What failed", "requests", digest.failed),
    )
    return _template().render(digest=digest, lists=lists, notes=wording.footnotes(digest))
