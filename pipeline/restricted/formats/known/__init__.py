"""One folder a format: its grammar, its page, its golden lines and its quirks."""
