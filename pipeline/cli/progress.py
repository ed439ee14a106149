"""Progress on standard error: a bar per file with rate and time left, on a terminal only."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as RichProgress,
)

from pipeline.shipping.ship import Progress


class Bars:
    """Shows nothing where standard error is no terminal."""

    def __init__(self) -> None:
        """Prepare; nothing is drawn before ``with``."""
        console = Console(stderr=True)
        self._bars = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[lines]:,} lines"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Stop drawing."""
        self._bars.stop()

    def end(self) -> None:
        """Stop drawing for good: what is printed now is not drawn over."""
        self._bars.stop()

    def say(self, what: str) -> None:
        """Show what is going on before and between files."""
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks = {what: self._bars.add_task(what, total=None, lines=0, rate="")}

    def tell(self, name: str, progress: Progress) -> None:
        """Move the bar of a file."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=progress.size, lines=0, rate="")
        task = self._tasks[name]
        elapsed = self._bars.tasks[self._bars.task_ids.index(task)].elapsed or 0.0
        rate = f"{progress.lines / elapsed:,.0f} lines/s" if elapsed > 1 else ""
        self._bars.update(task, completed=progress.position, lines=progress.lines, rate=rate)
