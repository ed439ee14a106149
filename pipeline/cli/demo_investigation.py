"""``partywall demo-investigation``: abuse, a case, two people, evidence, and the end of the keys.

Every step is a command as a person would type it, run as such; what it prints is what they see.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from pipeline.cli.private import private_folder
from pipeline.clock import system_clock
from pipeline.errors import PartywallError, UsageError

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

_SHOWN: Final = 12
"""Lines of a command's output that are repeated here."""


class DemonstrationError(PartywallError):
    """A step did not end as it must."""


def demo_investigation(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="keep everything in this folder, a new one"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="other traffic, another address")] = 7,
) -> None:
    """Simulate abuse and investigate it: a case, a second person, a search, evidence, the end."""
    from pipeline.demo.abuse import SITE, simulated  # noqa: PLC0415 -- only here

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    with _folder(data) as folder:
        abuse = simulated(system_clock(), seed=seed)
        log = folder / "shop.log"
        log.write_bytes(b"\n".join(abuse.lines) + b"\n")
        log.chmod(0o600)
        story = _Story(console, folder / "data" if data is None else folder)
        story.say("A shop's log: ordinary visitors, and somebody who tries passwords.")
        story.run("report", str(log), "--site", SITE, "--data", quiet=True)
        log.unlink()  # the raw lines are sealed now, and nowhere else
        _investigate(story, abuse.address, abuse.first, abuse.last, abuse.tries)
        _end(story)
        console.print("\nEvery step ended as it must.")
        if data is not None:
            console.print(f"All of it is in {data}: try `partywall audit show --data {data}`")


def _investigate(
    story: _Story, address: str, first: dt.datetime, last: dt.datetime, tries: int
) -> None:
    who = ("--as", "investigator")
    span = ("--from", first.strftime(_TIME), "--to", last.strftime(_TIME))
    story.say("Somebody reported an address. An investigator drafts a case: why, and how far.")
    story.run("case", "open", "--category", "abuse", "--reason", "password guessing was reported",
              "--reference", "ticket 4711", "--site", "shop", *span, "--network",
              f"{address.rpartition('.')[0]}.0/24", "--most", "1000", *who)  # fmt: skip
    case = story.found(r"\bC-[0-9]+\b")
    story.say("Nobody may look yet, and nobody approves for oneself.")
    story.run("case", "search", case, *who, ends=3)
    story.run("case", "request", case, *who)
    story.run("case", "approve", case, *who, ends=3)
    story.say("A second person looks at scope and reason, and agrees.")
    story.run("case", "show", case, "--as", "approver")
    story.run("case", "approve", case, "--reason", "proportionate", "--as", "approver")
    story.say("Four looks: a search, a timeline, what is related, and an export. Each is counted.")
    story.run("case", "search", case, "--path", "/login", "--page-size", "5", *who)
    story.run("case", "timeline", case, address, "--page-size", "5", *who)
    story.run("case", "related", case, address, "--by", "network", "--page-size", "5", *who)
    story.run("case", "export", case, *who)
    bundle = story.found(r"\S+\.zip")
    story.expect(f"{tries:,} records")
    story.run("case", "note", case, "all tries failed; the address is blocked", "--finding", *who)
    story.run("case", "disclose", case, "--to", "the provider's abuse desk", "--basis",
              "enforcement of the terms of service", "--what", Path(bundle).name, *who)  # fmt: skip
    story.say("The case is closed. A fifth look is refused: the keys were taken back.")
    story.run("case", "close", case, "--reason", "done", *who)
    story.run("case", "search", case, *who, ends=3)
    story.bundle = bundle


def _end(story: _Story) -> None:
    today = system_clock().date().isoformat()
    story.say("Keys die on schedule. Two people may have a day destroyed before its time.")
    story.run("keys", "status")
    story.run("keys", "destroy", today, "--reason", "the demonstration is over", "--as",
              "privacy-officer")  # fmt: skip
    story.run("keys", "destroy", today, "--as", "approver")
    story.run("keys", "receipts")
    story.say("What was sealed that day is unreadable now, for an approved case too.")
    story.run("case", "open", "--category", "abuse", "--reason", "to see what is left", "--site",
              "shop", "--from", "2020-01-01", "--to", today, "--path", "/*", "--request", "--as",
              "investigator")  # fmt: skip
    case = story.found(r"\bC-[0-9]+\b")
    story.run("case", "approve", case, "--as", "approver")
    story.run("case", "search", case, "--as", "investigator")
    story.expect("can no longer be opened")
    story.say("The log of who did what verifies, byte by byte; so does the evidence, offline.")
    story.run("audit", "verify")
    story.run("evidence", "verify", story.bundle)


@dataclass(slots=True)
class _Story:
    """Runs commands on a data folder and shows them as they are typed."""

    console: Console
    data: Path
    bundle: str = ""
    _last: str = ""

    def say(self, text: str) -> None:
        """Say what comes."""
        self.console.print(f"\n{text}", style="bold")

    def run(self, *words: str, ends: int = 0, quiet: bool = False) -> None:
        """Run a command; raises DemonstrationError where it ends with another code than that."""
        told = [word for word in words if word != "--data"]
        self.console.print(f"$ partywall {' '.join(map(_quoted, told))}", style="cyan")
        command = [sys.executable, "-m", "pipeline", *told, "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own
        self._last = done.stdout + done.stderr
        lines = self._last.rstrip().splitlines()
        shown = lines[-1:] if quiet else lines[:_SHOWN]
        for line in shown:
            self.console.print(f"  {line}")
        if not quiet and len(lines) > _SHOWN:
            self.console.print(f"  … {len(lines) - _SHOWN} lines more")
            for line in lines[-1:]:
                self.console.print(f"  {line}")
        if done.returncode != ends:
            raise DemonstrationError(
                f"partywall {told[0]} ended with exit code {done.returncode} and not with {ends}"
            )

    def found(self, pattern: str) -> str:
        """Return what the last command printed that fits; raises DemonstrationError."""
        match = re.search(pattern, self._last)
        if match is None:
            raise DemonstrationError("a command did not print what the next one needs")
        return match.group()

    def expect(self, text: str) -> None:
        """Raise DemonstrationError unless the last command printed a text."""
        if text not in self._last:
            raise DemonstrationError("a command did not print what it must")


def _quoted(word: str) -> str:
    return f'"{word}"' if re.search(r"[^\w./:=@+-]", word) else word


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """Yield the folder to keep everything in; without one, a private one that is removed."""
    if data is None:
        with private_folder() as made:
            yield made
        return
    if data.exists() and any(data.iterdir()):
        raise UsageError(f"--data {data}: holds something already; name a new folder")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield data
