"""The analysts' console: pages about what was released, which say nothing of any visitor."""
