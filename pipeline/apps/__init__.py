"""The processes: a file a stage, which wires other rooms together, and what they are run with.

``stage`` runs stages in a process; ``embedded`` runs a group of ``processes`` and ``oneshot`` sends
files through it; ``tied`` and ``cores`` see to it that a process leaves nothing behind; ``rejects``
tells split when to stop.
"""

from typing import Final

STAGES: Final = (
    "keys", "collect", "split", "vault", "rollup", "release", "load", "console", "investigations",
)  # fmt: skip
"""Every stage there is, in the order of the data's way; the key service stands before it, and the
pages of analysts and investigators after it."""
