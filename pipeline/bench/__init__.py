"""The benchmark: a seeded file, a slow reference to be equal to, and others to be faster than."""
