"""Every error of ours, and the one place that says which exit code it gets.

::

    PartywallError
    ├── UsageError            a person can mend it: one line, exit code 2
    │   ├── SettingsError     a settings file, variable or flag
    │   └── InputError        a file or stream that cannot be read
    ├── RefusedError          not allowed: says what is missing and how to ask; exit code 3
    ├── UnavailableError      broker, engine, disk or key service: waited out with backoff
    ├── IntegrityError        bytes that do not verify: never guessed around
    └── RejectLimitError      too large a share of the lines is being rejected

A message of ours names files, settings, offsets and reasons. It never quotes log content.
"""

from __future__ import annotations

from typing import Final

CRASH_EXIT: Final = 70
"""What a worker ends with that met what nobody foresaw (sysexits.h: internal software error)."""


class PartywallError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 1


class UsageError(PartywallError):
    """A person's mistake; the message is one line that says what to do."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is missing, misspelt or contradicts another."""


class InputError(UsageError):
    """An input file or stream cannot be read as logs."""


class RefusedError(PartywallError):
    """An act that nobody has allowed; the message says what is missing and how to ask for it."""

    exit_code = 3


class UnavailableError(PartywallError):
    """Something around us does not answer; the caller waits and tries again."""


class IntegrityError(PartywallError):
    """Bytes are damaged, cut, reordered or signed by nobody we know."""


class RejectLimitError(PartywallError):
    """More lines are rejected than the settings allow; the worker stops."""
