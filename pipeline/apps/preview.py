"""A preview of scrubbing rules as a run: one file through its format and the rules, counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.clock import Clock
from pipeline.restricted import ScrubPreview, ScrubPreviewer, look
from pipeline.settings import OwnFormat
from pipeline.shipping import inputs
from pipeline.shipping.chunks import chunks

__all__ = ["ScrubPreview", "preview"]

_CHUNK_BYTES = 8 * 2**20


def preview(
    name: str,
    format_: str,
    site: str,
    rules: Path | None,
    own: Mapping[str, OwnFormat],
    clock: Clock,
) -> tuple[str, ScrubPreview]:
    """Return a file's format, and what the rules would do to its lines.

    ``own`` are the formats of ``split.formats``. Raises InputError and SettingsError.
    """
    now = int(clock().timestamp())
    shown = "standard input" if name == inputs.STDIN else name
    found = look(shown, inputs.head(name), format_, now, own).format
    previewer = ScrubPreviewer(rules, site, found, own)
    with inputs.opened(name) as file:
        read = chunks(
            lambda size: inputs.read(file, shown, size), offset=0, lines=0, size=_CHUNK_BYTES
        )
        for chunk in read:
            previewer.add(chunk.value, now)
    return found, previewer.found()
