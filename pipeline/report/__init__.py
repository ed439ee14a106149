"""The face of ``partywall report``: what was released, for a terminal, a program and a browser."""
