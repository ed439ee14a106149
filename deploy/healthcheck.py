"""Ends with 0 where the stage in this container serves its metrics (on loopback), else with 1."""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

PORT = int(os.environ.get("PARTYWALL_METRICS_PORT", "9100"))

try:
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=4) as answer:
        sys.exit(0 if answer.status == 200 else 1)  # noqa: PLR2004 -- HTTP's number
except (URLError, OSError):
    sys.exit(1)
