"""The chat widget's log: what its schemas let cross door 1, and how coarse it becomes.

``schemas/widget`` says of each property of each event whether it crosses, into which field of an
outgoing event, and by which coarsening. ``schema`` takes that at its word or refuses to start,
``coarsen`` is the closed table of coarsenings. ``read`` turns lines into columns: ``pick`` takes
them out of JSON, ``fit`` holds them against their shapes, ``allowlist`` hands on what may cross.
"""
