"""What a bucket's client raises beside OSError, where the extra ``s3`` is installed."""

from __future__ import annotations

try:  # what s3fs lets through untranslated
    from botocore.exceptions import BotoCoreError, HTTPClientError
except ImportError:
    FAILURES: tuple[type[Exception], ...] = (OSError,)
else:
    FAILURES = (OSError, BotoCoreError, HTTPClientError)
