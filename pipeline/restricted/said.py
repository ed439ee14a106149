"""What messages say of their ingests, besides their lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pipeline.kafka.topics import RAW
from pipeline.labels import LIVE

_SECONDS: Final = re.compile(rb"[0-9]{1,12}")
_CONTROLS: Final = frozenset({b"begin", b"end"})


@dataclass(slots=True)
class Said:
    """``ended``: the ingests that end on this partition within the batch.

    ``begun`` says on which topics an ingest comes, ``watermarks`` how far at most time has come in
    it (seconds since 1970 UTC): the least where it is said more than once.
    """

    ended: list[str] = field(default_factory=list)
    begun: dict[str, tuple[str, ...]] = field(default_factory=dict)
    watermarks: dict[str, int] = field(default_factory=dict)

    def hear(self, ingest: str | None, headers: Mapping[str, bytes]) -> bool:
        """Take in a message's headers; return whether it is one without a line in it.

        ``ingest`` is None where its label is not known: what it says counts for nothing.
        """
        control = headers.get("control")
        if control in _CONTROLS:
            # Live traffic has no end: whoever may ship could close everybody's windows. Nor has it
            # a beginning, since split speaks for what is silent.
            if ingest not in {None, LIVE}:
                self._control(ingest or "", headers, end=control == b"end")
            return True
        watermark = headers.get("watermark")
        if watermark and ingest is not None and _SECONDS.fullmatch(watermark):
            said = int(watermark)
            self.watermarks[ingest] = min(said, self.watermarks.get(ingest, said))
        return False

    def _control(self, ingest: str, headers: Mapping[str, bytes], *, end: bool) -> None:
        if end:
            self.ended.append(ingest)
            return
        on = headers.get("topics", b"").split(b",")
        named = {*self.begun.get(ingest, ()), *(topic for topic in RAW if topic.encode() in on)}
        if named:
            self.begun[ingest] = tuple(sorted(named))
