"""The tree is RFC 6962's: known hashes, and a naive tree beside it for everything else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audit import tree

# Leaves, roots and consistency proofs of the test suite of
# github.com/google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
INCLUSION_0_8 = [  # AVB's test of the same leaves
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]


def naive(leaves: list[bytes]) -> bytes:
    """MTH, word for word as section 2.1 has it."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0] if leaves else b"").digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def source(leaves: list[bytes]) -> tree.Subtree:
    return lambda height, index: naive(leaves[index << height : (index + 1) << height])


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size: int) -> None:
    """The roots of Certificate Transparency's own tests."""
    assert tree.root(source(LEAVES), size).hex() == ROOTS[size]


def test_known_proofs() -> None:
    """Its consistency proofs, and an inclusion proof."""
    for (old, size), proof in CONSISTENCY.items():
        assert [h.hex() for h in tree.consistency(source(LEAVES), old, size)] == proof
        roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[size])
        assert tree.extends(old, size, [bytes.fromhex(h) for h in proof], *roots)
    assert [h.hex() for h in tree.inclusion(source(LEAVES), 0, 8)] == INCLUSION_0_8


SOME = st.lists(st.binary(max_size=3), min_size=1, max_size=70)


@given(SOME, st.data())
def test_inclusion_holds_and_for_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    """A path leads from its leaf to the root, and from no other leaf, index, size or root."""
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(source(leaves), index, size)
    root, leaf = naive(leaves), tree.leaf_hash(leaves[index])
    assert tree.includes(leaf, index, size, path, root)
    assert not tree.includes(tree.leaf_hash(leaves[index] + b"x"), index, size, path, root)
    assert not tree.includes(leaf, index, size, path, bytes(32))
    assert not tree.includes(leaf, index, size, [*path, root], root)
    assert not tree.includes(leaf, size, size, path, root)
    if path:
        assert not tree.includes(leaf, index, size, path[:-1], root)
        assert not tree.includes(leaf, index, size, path[1:], root)
        broken = data.draw(st.integers(0, len(path) - 1))
        changed = [bytes(32) if i == broken else h for i, h in enumerate(path)]
        assert not tree.includes(leaf, index, size, changed, root)


@given(SOME, st.data())
def test_consistency_holds_for_what_grew_and_for_nothing_else(
    leaves: list[bytes], data: st.DataObject
) -> None:
    """A tree proves any of its beginnings, and none that differs."""
    size = len(leaves)
    old = data.draw(st.integers(0, size))
    proof = tree.consistency(source(leaves), old, size)
    before, after = naive(leaves[:old]), naive(leaves)
    assert tree.extends(old, size, proof, before, after)
    assert not tree.extends(old, size, proof, bytes(32), after)
    assert not tree.extends(old, size, [*proof, after], before, after)
    if old not in {0, size}:
        assert not tree.extends(old, size, proof, before, bytes(32))
        assert not tree.extends(old, size, proof[:-1], before, after)
        changed = data.draw(st.integers(0, old - 1))
        other = [b"other" if i == changed else leaf for i, leaf in enumerate(leaves)]
        assert not tree.extends(old, size, proof, naive(other[:old]), after)


def test_what_cannot_be_proved_is_refused() -> None:
    """Beyond the tree there is nothing to prove."""
    with pytest.raises(ValueError, match="no entry 8 among 8"):
        tree.inclusion(source(LEAVES), 8, 8)
    with pytest.raises(ValueError, match="does not hold one of 9"):
        tree.consistency(source(LEAVES), 9, 8)
    assert not tree.extends(9, 8, [], bytes(32), bytes(32))
