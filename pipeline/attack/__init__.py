"""The attacker: reads what an analyst can read, and works out what was not meant to be told.

It knows the tables, how they nest, and the rules of docs/release.md as anybody may read them; of
the release's code and marks it knows nothing. What it finds without the truth is a proof: each
visitor has at least one hit, so a remainder of fewer than k hits stands for fewer than k visitors.
"""
