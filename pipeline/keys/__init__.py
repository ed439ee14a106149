"""The key service: makes daily keys, lends them to the split, and destroys them on time."""
