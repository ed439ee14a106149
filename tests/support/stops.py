"""A child that is killed at its n-th call to the system that lasts, whoever makes the call.

What lasts is what others find afterwards: a file of a folder made, written, renamed, linked or
removed, and a message sent to PostgreSQL. The kernel stops the child before each such call
(seccomp's RET_TRACE, told to us by ptrace), so that SQLite's own writes count like ours, and no
code under test knows of it. Between two such calls nothing changes that a kill would leave behind:
to be killed before each of them, and once behind the last, is to be killed everywhere. Calls that
sync are no such place: a kill, unlike a loss of power, leaves the page cache.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

MARK: Final = signal.SIGUSR2
"""A child raises it before what is to be tried, and behind it; it never arrives."""

_CALLS: Final = {
    # name: (x86_64, aarch64, place of the path's argument, None for a descriptor in the first)
    "open": (2, None, 0), "creat": (85, None, 0), "openat": (257, 56, 1),
    "write": (1, 64, None), "pwrite": (18, 68, None),
    "writev": (20, 66, None), "pwritev": (296, 70, None),
    "ftruncate": (77, 46, None), "truncate": (76, 45, 0), "fallocate": (285, 47, None),
    "rename": (82, None, 1), "renameat": (264, 38, 3), "renameat2": (316, 276, 3),
    "link": (86, None, 1), "linkat": (265, 37, 3),
    "symlink": (88, None, 1), "symlinkat": (266, 36, 2),
    "unlink": (87, None, 0), "unlinkat": (263, 35, 1), "rmdir": (84, None, 0),
    "mkdir": (83, None, 0), "mkdirat": (258, 34, 1),
    "sendto": (44, 206, None), "sendmsg": (46, 211, None),
}  # fmt: skip
_COLUMN: Final = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
_NAMES: Final[dict[int, tuple[str, int | None]]] = {
    number: (name, row[2])
    for name, row in _CALLS.items()
    if _COLUMN is not None and (number := row[_COLUMN]) is not None
}
_FLAGS: Final = {"open": 1, "openat": 2}
"""Where the flags of a call stand that may make a file."""
_SENDING: Final = ("write", "sendto")

_AT_FDCWD: Final = 0xFFFFFF9C
_TRACEME, _CONT, _SETOPTIONS, _CALL_INFO = 0, 7, 0x4200, 0x420E
_CLONED, _SECCOMP = 3, 7  # events
_OPTIONS: Final = 1 << _CLONED | 1 << _SECCOMP | 1 << 20  # and: killed when we end
_WAIT_ALL: Final = 0x40000000  # __WALL: threads too
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long


@dataclass
class Seen:
    """What a child did between its two marks: its lasting calls, and how it ended.

    ``killed`` tells whether we did it; ``code`` is its exit code, negative for a signal.
    """

    calls: list[str] = field(default_factory=list)
    killed: bool = False
    code: int = 0


def missing() -> str | None:
    """Say why no child can be stopped here, or None."""
    if platform.system() != "Linux" or _COLUMN is None:
        return "children are stopped at calls to the system on Linux alone, x86-64 or ARM64"
    return None


def run(child: Callable[[], int], nth: int | None, root: Path, *, sends: bool) -> Seen:
    """Fork ``child`` and kill it before its ``nth`` lasting call; None lets it live.

    The first call is 1; the one behind the last is the second mark. ``root`` shortens the paths in
    ``calls``. ``sends``: messages to PostgreSQL count. The child's exit code is what it returns.
    """
    pid = os.fork()
    if pid == 0:
        _be(child)
    return _Watch(pid, nth, root, sends=sends).follow()


def mark() -> None:
    """Tell whoever watches: what is to be tried begins, or has ended."""
    signal.raise_signal(MARK)


def _be(child: Callable[[], int]) -> NoReturn:
    code = 1
    try:
        _ptrace(_TRACEME, 0)
        signal.raise_signal(signal.SIGSTOP)
        _report_calls()
        code = child()
    finally:
        os._exit(code)


def _report_calls() -> None:
    """Have the kernel stop this process, and each thread that it starts, before these calls."""
    load, jump_if, give = 0x20, 0x15, 0x06
    count = len(_NAMES)
    program = [(load, 0, 0, 0)]
    program += [(jump_if, count - at, 0, number) for at, number in enumerate(_NAMES)]
    program += [(give, 0, 0, 0x7FFF0000), (give, 0, 0, 0x7FF00000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
    told = ctypes.create_string_buffer(
        struct.pack("@HxxxxxxQ", len(program), ctypes.addressof(code))
    )
    no_new_privileges, set_seccomp, by_filter = 38, 22, 2
    if _LIBC.prctl(no_new_privileges, 1, 0, 0, 0) or _LIBC.prctl(
        set_seccomp, by_filter, ctypes.byref(told), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "seccomp is not allowed here")


class _Watch:
    """Follows one child and its threads until it has ended."""

    def __init__(self, pid: int, nth: int | None, root: Path, *, sends: bool) -> None:
        self._pid = pid
        self._nth = nth
        self._root = f"{root}/"
        self._sends = sends
        self._marks = 0
        self._seen = Seen()

    def follow(self) -> Seen:
        """Return what the child did."""
        os.waitpid(self._pid, _WAIT_ALL)
        _ptrace(_SETOPTIONS, self._pid, 0, _OPTIONS)
        _ptrace(_CONT, self._pid)
        while True:
            thread, status = os.waitpid(-1, _WAIT_ALL)
            if os.WIFSTOPPED(status):
                if self._stopped(thread, status >> 16, os.WSTOPSIG(status)):
                    self._seen.killed = True
                    os.kill(self._pid, signal.SIGKILL)
            elif thread == self._pid:
                self._seen.code = os.waitstatus_to_exitcode(status)
                return self._seen

    def _stopped(self, thread: int, event: int, number: int) -> bool:
        """Let a thread go on, unless this is where the child is to die."""
        due = False
        if event == _SECCOMP and self._marks == 1 and (call := self._call(thread)) is not None:
            self._seen.calls.append(call)
            due = len(self._seen.calls) == self._nth
        elif event == 0 and number == MARK:
            self._marks += 1
            due = self._marks == 2 and self._nth is not None
        if not due:
            quiet = event or number in {MARK, signal.SIGSTOP, signal.SIGTRAP}
            with suppress(ProcessLookupError):  # it ended meanwhile, with its process
                _ptrace(_CONT, thread, 0, 0 if quiet else number)
        return due

    def _call(self, thread: int) -> str | None:
        """Name the call a thread stands before; None where nothing lasts of it."""
        answer = ctypes.create_string_buffer(96)
        _ptrace(_CALL_INFO, thread, len(answer), ctypes.addressof(answer))
        number, *words = struct.unpack_from("=Q6Q", answer.raw, 24)
        name, place = _NAMES[number]
        if place is None:
            path = _file_of(thread, words[0])
            if path.startswith("socket:"):
                mine = self._sends and name in _SENDING and _is_postgres(thread, words[1])
                return "send PostgreSQL" if mine else None
        else:
            at = place and name.endswith(("at", "at2"))
            folder = _file_of(thread, words[place - 1]) if at else "/"
            path = str(Path(folder, _text(thread, words[place])))
            if not _changes(name, words, Path(path)):
                return None
        if not path.startswith(self._root) or path.endswith(" (deleted)"):
            return None
        return f"{name} {path.removeprefix(self._root)}"


def _changes(name: str, words: list[int], path: Path) -> bool:
    """Tell whether a call on a path will change anything."""
    there = path.exists()
    if name in _FLAGS:
        flags = words[_FLAGS[name]]
        return bool(flags & os.O_CREAT and (not there or flags & os.O_TRUNC))
    if name.startswith("mkdir"):
        return not there
    if name.startswith("unlink"):
        return there
    return name != "rmdir" or (there and not any(path.iterdir()))


def _file_of(thread: int, descriptor: int) -> str:
    """Return what a descriptor is open for; the working folder for AT_FDCWD."""
    number = descriptor & 0xFFFFFFFF
    here = number == _AT_FDCWD
    return os.readlink(f"/proc/{thread}/cwd" if here else f"/proc/{thread}/fd/{number}")  # noqa: PTH115 -- no file


def _ptrace(request: int, thread: int, address: int = 0, data: int = 0) -> None:
    if _LIBC.ptrace(request, thread, address, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace {request}: {os.strerror(code)}")


def _text(thread: int, address: int) -> str:
    return _memory(thread, address, 512).split(b"\0", 1)[0].decode(errors="replace")


def _memory(thread: int, address: int, most: int) -> bytes:
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(most)


def _is_postgres(thread: int, address: int) -> bool:
    """Tell a message to PostgreSQL from HTTP: behind its first letter stands a length."""
    return _memory(thread, address, 2)[1:] == b"\0"
