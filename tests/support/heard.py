"""Everything a process would say on standard error, heard within a test."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
from collections.abc import Iterator

import structlog

from pipeline import logs


@contextlib.contextmanager
def heard(level: str = "debug", *, json_lines: bool = False) -> Iterator[io.StringIO]:
    """Set our logs up as a process does, and catch what they say; all is put back at the end.

    Loggers are not cached meanwhile, so that those of modules do not keep the caught stream.
    """
    root = logging.getLogger()
    handlers, threshold = root.handlers, root.level
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        logs.setup(level, json_lines=json_lines)
        structlog.configure(cache_logger_on_first_use=False)
        try:
            yield said
        finally:
            sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
            logging.captureWarnings(capture=False)
            root.handlers = handlers
            root.setLevel(threshold)
            structlog.reset_defaults()
