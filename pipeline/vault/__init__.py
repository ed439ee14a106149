"""The sealed store: segments of ciphertext, and a manifest that says which of them count."""
