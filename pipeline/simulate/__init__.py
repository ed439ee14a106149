"""Simulated sites and their chat widgets: logs in any format, and the truth about them."""
