"""The folder of bundles: what no case lists is no evidence, and is removed.

A killed export leaves such a file, and so does every export of a case that is purged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from pipeline.cases.store import CaseStore
from pipeline.errors import UnavailableError
from pipeline.investigations.alone import alone

KIND: Final = "export"
"""What the case store calls an export."""


@contextmanager
def swept(folder: Path, store: CaseStore, *, wait: bool = True) -> Iterator[None]:
    """Hold the folder, with nothing in it but what a case lists; ``wait`` as in ``alone``.

    Raises UnavailableError where a file cannot be removed.
    """
    with alone(folder, wait=wait):
        _sweep(folder, store)
        yield


def _sweep(folder: Path, store: CaseStore) -> None:
    with store.reading() as asked:
        rows = [row for case_id in asked.holding(KIND) for row in asked.added(case_id, KIND)]
    listed = {str(orjson.loads(row.text)["bundle"]) for row in rows}
    try:
        for path in folder.iterdir():
            if path.suffix == ".tmp" or (path.suffix == ".zip" and path.name not in listed):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(f"bundles in {folder} cannot be removed: {error.strerror}") from None
