"""Makes docs/vectors: published messages, tokens and keys that a reader opens, or must refuse.

``python -m tests.support.vectors.write docs/vectors`` makes the files anew. All is drawn from a
seed, the encapsulation too, for which ``hpke`` takes the sender's key as an argument; the bytes of
an index or a zstd frame may still change with the versions of the libraries, which a file names.
"""
