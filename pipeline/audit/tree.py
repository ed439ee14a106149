"""Merkle tree hashing and proofs of RFC 6962, section 2.1, over any source of subtree hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()

Subtree = Callable[[int, int], bytes]
"""(height, index) → hash of the ``index``-th perfect subtree of ``2**height`` leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def fold(peaks: Sequence[bytes]) -> bytes:
    """Return the root over perfect subtrees, largest (leftmost) first; of none, the empty one."""
    if not peaks:
        return EMPTY_ROOT
    *rest, root = peaks
    for peak in reversed(rest):
        root = node_hash(peak, root)
    return root


def peaks(edges: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return the perfect subtrees at the end of each level, largest first.

    ``edges``: by level of tiles, lowest first, the hashes of its partial tile (none to 255).
    """
    found: list[bytes] = []
    for hashes in reversed(edges):
        start = 0
        for height in reversed(range(8)):
            if len(hashes) & 1 << height:
                found.append(perfect(hashes[start : start + (1 << height)]))
                start += 1 << height
    return found


def root(subtree: Subtree, size: int) -> bytes:
    """Return MTH(D[0:size])."""
    return EMPTY_ROOT if size == 0 else _range(subtree, 0, size)


def inclusion(subtree: Subtree, index: int, size: int) -> list[bytes]:
    """Return PATH(index, D[0:size]): the leaf's sibling first. Raises ValueError out of range."""
    if not 0 <= index < size:
        raise ValueError(f"there is no entry {index} among {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range(subtree, middle, stop))
            stop = middle
        else:
            path.append(_range(subtree, start, middle))
            start = middle
    return path[::-1]


def consistency(subtree: Subtree, old: int, size: int) -> list[bytes]:
    """Return PROOF(old, D[0:size]); empty for the empty and the same tree. Raises ValueError."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} does not hold one of {old}")
    if old in {0, size}:
        return []
    proof: list[bytes] = []
    start, stop, whole = 0, size, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            proof.append(_range(subtree, middle, stop))
            stop = middle
        else:
            proof.append(_range(subtree, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(_range(subtree, start, stop))
    return proof[::-1]


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof of inclusion holds (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(other, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, other)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def extends(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> bool:
    """Tell whether a proof of consistency holds (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, other)
        position, last = position >> 1, last >> 1
    return last == 0 and first == old_root and second == root


def _split(count: int) -> int:
    """Return the largest power of two below ``count``, which is 2 or more."""
    return 1 << (count - 1).bit_length() - 1


def _range(subtree: Subtree, start: int, stop: int) -> bytes:
    """Return MTH(D[start:stop]) of a range that RFC 6962's recursion comes to."""
    peaks: list[bytes] = []
    while start < stop:
        height = (stop - start).bit_length() - 1
        peaks.append(subtree(height, start >> height))
        start += 1 << height
    return fold(peaks)
