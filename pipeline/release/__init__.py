"""Door 2: what may be said of a window, and what is withheld.

Pure and deterministic: rows and watermarks in, released cells and accounts out. The method is
explained in ``docs/release.md``; the way in is ``ledger.Ledger``.
"""
