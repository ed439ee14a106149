"""Permission: who the people are, and what they may do. No record comes near this room."""
