"""Permission: who may look at what, with whose approval and until when. Never a record."""
