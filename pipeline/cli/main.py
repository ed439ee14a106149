"""``partywall``: the command, and how errors reach a person; its verbs are in ``verbs``."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from pipeline.cli.verbs import OWN_PROCESS, Verbs
from pipeline.errors import PartywallError

app = typer.Typer(
    name="partywall",
    cls=Verbs,
    help="Logs in; anonymous statistics on one side of the wall, a sealed vault on the other.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:  # noqa: FBT001 -- Typer calls it with the option's value
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415, TID251 -- reads one, imports nothing

        sys.stdout.write(f"partywall {version('partywall')}\n")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")
    ] = False,
) -> None:
    """Logs in; anonymous statistics on one side of the wall, a sealed vault on the other."""


def main() -> None:
    """Run the command line; our errors are one line on standard error and an exit code."""
    try:
        # Without its own mode Typer returns the code of a `typer.Exit`, and None from a verb.
        code = app(standalone_mode=False, obj=OWN_PROCESS)
    except typer.Abort:
        sys.exit(130)
    except typer.BadParameter as error:
        _fail(_usage(error.format_message(), error), 2)
    except PartywallError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 -- a click usage error, or a fault of ours
        show = getattr(error, "format_message", None)
        if show is not None:
            _fail(_usage(show(), error), 2)
        from pipeline import logs  # noqa: PLC0415 -- what logs is loaded with a verb

        _fail(
            f"a fault of ours: {logs.describe(error)}; nothing of your logs is in this message", 70
        )
    except _interrupts():
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupts() -> tuple[type[BaseException], ...]:
    """Return what ends a command from outside; asked for only where something else has ended it."""
    from asyncio import CancelledError  # noqa: PLC0415 -- most verbs run no loop

    return KeyboardInterrupt, CancelledError


def _usage(said: str, error: Exception) -> str:
    """Return a mistake in what was typed, and where its verb's options stand."""
    path = getattr(getattr(error, "ctx", None), "command_path", "partywall")
    return f"{said.removesuffix('.')}. See `{path} --help`." if said else ""


def _fail(message: str, code: int) -> NoReturn:
    if message:  # a verb without its subcommand has shown its help instead
        sys.stderr.write(f"partywall: {' '.join(message.split())}\n")
    sys.exit(code)
