"""The files a simulation leaves, and what is known of each."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO, Final

import polars as pl

from pipeline.simulate import faults
from pipeline.simulate.formats import WRAPPERS, Format
from pipeline.simulate.formats.spec import NO_BROKEN

_DAY: Final = 86_400_000_000
DIRECTIVE: Final = "directive"
EMPTY: Final = "empty"


def private(path: Path) -> BinaryIO:
    """Open a new file that only its owner may read: it holds addresses, made up as they are."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


class LogFile:
    """One format's log of one site, and its accounts."""

    def __init__(self, folder: Path, form: Format, wrapper: str | None) -> None:
        self.form, self._wrapper = form, wrapper
        self.name = f"{wrapper}.{form.name}" if wrapper else form.name
        self.path = folder / f"{self.name}.log"
        self._file = private(self.path)
        self._lines = 0
        self._day: int | None = None
        self._rejected, self._ignored = Counter[str](), Counter[str]()

    def write(self, requests: pl.DataFrame, named: pl.DataFrame) -> None:
        """Write requests with their faults; ``named`` has host names where the fault is that."""
        frame = named if self.form.clf else requests
        if NO_BROKEN in self.form.lacks:
            frame = frame.filter(pl.col("method").is_not_null())
        if frame.is_empty():
            return
        self._directives(frame)
        fault = frame["fault"]
        lines = faults.after_writing(self.form.write(frame), fault, clf=self.form.clf)
        if self._wrapper is not None:
            # What wraps a line writes text only, and writes nothing for a line that is not there.
            whole = lines.str.replace_all("\ufffe", "\ufffd", literal=True)
            wrapped = WRAPPERS[self._wrapper](frame, whole)
            lines = wrapped.set(fault == faults.EMPTY, "")
        self._file.write(faults.encoded(lines.str.join(self.form.end).item()))
        self._file.write(self.form.end.encode())
        self._lines += len(lines)
        self._account(fault)

    def _directives(self, frame: pl.DataFrame) -> None:
        """Write the directives again where another day has begun, wrapped as the lines are."""
        day = int(frame["arrival"][0]) // _DAY
        if self.form.header is None or day == self._day:
            return
        self._day = day
        lines = pl.Series(self.form.header(day))
        if self._wrapper is not None:
            lines = WRAPPERS[self._wrapper](pl.concat([frame.head(1)] * len(lines)), lines)
        self._file.write("".join(f"{line}{self.form.end}" for line in lines).encode())
        self._lines += len(lines)
        self._ignored[DIRECTIVE] += len(lines)

    def _account(self, fault: pl.Series) -> None:
        bad = fault.filter(fault != faults.GOOD)
        kinds, counts = bad.value_counts().get_columns()
        for kind, count in zip(kinds, counts, strict=True):
            if kind == faults.EMPTY:
                self._ignored[EMPTY] += count
            else:
                cut = not self.form.clf and kind in {faults.HOST, faults.CLOCK}
                self._rejected[faults.REASONS[faults.CUT if cut else kind]] += count

    def close(self) -> dict[str, Any]:
        """Close the file; return its entry of truth.json but for the counts of its events."""
        size = self._file.tell()
        self._file.close()
        return {
            "format": self.name,
            "lines": self._lines,
            "rejected": dict(sorted(self._rejected.items())),
            "ignored": dict(sorted(self._ignored.items())),
            "lacks": sorted(self.form.lacks - {NO_BROKEN}),
            "size": size,
        }
