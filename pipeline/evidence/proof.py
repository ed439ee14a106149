"""``audit.json`` against the audit log's verifier key: was this export written down?

The file is what the exporting side gives it: an object with ``index``, ``leaf`` (hex), ``hashes``
(hex, from the leaf up) and ``checkpoint`` (a signed note) of ``audit.reading.InclusionProof``, and,
where the entry may be shown, ``entry``: its text, whose hash the leaf is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from pipeline.audit.reading import InclusionProof
from pipeline.audit.signing import Verifier
from pipeline.audit.tree import leaf_hash
from pipeline.errors import IntegrityError
from pipeline.evidence.bundle import Manifest

AuditCheck = Callable[[Mapping[str, object], Manifest], list[str]]
"""Looks at what ``audit.json`` holds and returns what is wrong with it, a sentence each."""


def checker(verifier: Verifier) -> AuditCheck:
    """Return the check that a proof leads to a checkpoint signed by the log's key."""

    def check(values: Mapping[str, object], manifest: Manifest) -> list[str]:
        proof = _proof(values)
        if proof is None:
            return ["is no proof of an entry in an audit log"]
        found = []
        try:
            proof.check(verifier)
        except IntegrityError as error:
            found.append(str(error))
        entry = values.get("entry")
        if entry is not None:
            found += _entry(entry, proof, manifest)
        return found

    return check


def _proof(values: Mapping[str, object]) -> InclusionProof | None:
    index, leaf, hashes, checkpoint = (
        values.get(name) for name in ("index", "leaf", "hashes", "checkpoint")
    )
    if (
        type(index) is int
        and index >= 0
        and isinstance(leaf, str)
        and isinstance(hashes, list)
        and all(isinstance(one, str) for one in hashes)
        and isinstance(checkpoint, str)
    ):
        return InclusionProof(index, leaf, tuple(hashes), checkpoint)
    return None


def _entry(entry: object, proof: InclusionProof, manifest: Manifest) -> list[str]:
    if not isinstance(entry, str) or leaf_hash(entry.encode()).hex() != proof.leaf:
        return ["its entry is not the one that the proof is of"]
    try:
        case = orjson.loads(entry)["case"]
    except (ValueError, TypeError, KeyError):
        case = None
    if case != manifest.case:
        return ["its entry is of another case than the bundle"]
    return []
