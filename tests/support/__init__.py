"""What several tests lean on: servers, clocks, generators."""
