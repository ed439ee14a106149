"""Logs that cannot hold log content.

Our own events are constant phrases with named, typed values. What libraries say is another
matter: their messages may quote what they were given (Polars prints values, Kafka clients print
requests). So a foreign record is reduced to its logger, its level, its place in the code and the
type of its exception; its text and arguments are never formatted, whatever the level. The same goes
for warnings, and for errors that nobody caught: no traceback of Python's own is printed.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Final

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

_OURS: Final = str(Path(__file__).parent)
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def setup(level: str, *, json_lines: bool) -> None:
    """Send our logs and the reduced foreign ones to standard error."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _reduce_exceptions,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_ForeignHandler()]
    root.setLevel(logging.WARNING)
    for name in ("faust", "mode", "aiokafka", "asyncio", "aiohttp"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(logging.CRITICAL if name == "aiokafka" else logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda kind, error, _: _uncaught("process", kind, error)
    sys.unraisablehook = lambda args: _uncaught("destructor", args.exc_type, args.exc_value)
    threading.excepthook = lambda args: _uncaught("thread", args.exc_type, args.exc_value)


def own_stderr() -> None:
    """Keep standard error for our logs alone; what native code writes to it goes nowhere.

    A panic inside Polars and a stack trace of the engine quote what they were given, and pass no
    logger. Call it once, at the start of a process, before :func:`setup`.
    """
    ours = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = ours


def get(name: str) -> FilteringBoundLogger:
    """Return a logger that names its room."""
    logger: FilteringBoundLogger = structlog.get_logger(room=name)
    return logger


def describe(error: BaseException) -> str:
    """Return type and place of an error, without its message: the message may quote content."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    ours = [place for place, frame in zip(places, frames, strict=True) if _OURS in frame.filename]
    where = dict.fromkeys([*ours[-2:], *places[-1:]])
    return f"{type(error).__name__} at {' > '.join(where) or '?'}"


def _uncaught(where: str, kind: type[BaseException], error: BaseException | None) -> None:
    get("library").error("nobody caught an error", where=where, error=error or kind.__name__)


def _reduce_exceptions(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("exc_info", None)
    for name, value in event.items():
        if isinstance(value, BaseException):
            event[name] = describe(value)
    return event


class _ForeignHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        get("library").log(
            max(record.levelno, logging.WARNING),
            "a library reports",
            logger=record.name,
            place=f"{record.module}:{record.lineno}",
            **({"error": error} if error else {}),
        )
