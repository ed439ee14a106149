"""The demo: simulated traffic with planted personal values, and the search that looks for them."""
