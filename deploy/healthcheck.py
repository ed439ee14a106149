"""Ends with 0 where the stage in this container is well, else with 1, as its metrics say.

Well is an event loop that turns; with the word ``ready``, also a stage that has joined its group or
listens. That the process lives is not enough: its metrics have a thread of their own.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

PORT = int(os.environ.get("PARTYWALL_METRICS_PORT", "9100"))
LONGEST = 60.0  # seconds between two turns of the loop; work that takes long has threads

try:
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=4) as answer:
        lines = answer.read().decode("utf-8").splitlines()
except (URLError, OSError):
    sys.exit(1)
values = dict(line.split(" ", 1) for line in lines if not line.startswith("#"))
turns = float(values.get("partywall_loop_seconds", "inf")) < LONGEST
ready = float(values.get("partywall_ready", "0")) == 1
sys.exit(0 if turns and (ready or "ready" not in sys.argv[1:]) else 1)
