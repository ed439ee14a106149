"""One process that runs one stage, or several of the same tier, until it is told to stop.

When all have joined their groups, or listen, it prints one JSON line on standard output,
``{"ready": [stages]}``, with the address of the embedded engine, of the collector, of the console
or of the investigators' pages where it serves one. Whoever started it can wait for that.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import uvloop
from aiokafka.errors import KafkaConnectionError

from pipeline import logs, metrics
from pipeline import settings as tree
from pipeline.apps import cores
from pipeline.errors import CRASH_EXIT, PartywallError, SettingsError, UnavailableError
from pipeline.settings import Settings

if TYPE_CHECKING:
    import faust

_COLLECT_AFTER: Final = 100_000
"""Objects made, and not yet gone, before Python looks for cycles among them. A batch of messages
is tens of thousands of objects and no cycle: at the default of 700, split spent a fifth of its time
looking."""

_LATER: Final = 10
"""How much nicer split is than the rest of a group on one machine: with few cores, the stages
behind it finish what it sent before it takes more."""

_log = logs.get("stage")


def main(
    stages: list[str], settings: Settings, *, sealing: bool = True, embedded: bool = False
) -> int:
    """Run stages in this process; return its exit code.

    ``embedded``: a group on this machine starts it, and no setting can say so.
    """
    alone = {"investigations", "console"} & set(stages)
    if alone and len(stages) > 1:
        raise SettingsError(f"{min(alone)} is a process of its own: run it by itself")
    cores.forbid()
    if embedded and "split" in stages:
        os.nice(_LATER)
    logs.own_stderr()
    logs.setup(settings.log.level, json_lines=settings.log.json_lines)
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_host, settings.metrics_port)
    return uvloop.run(_main(stages, settings, sealing=sealing, embedded=embedded))


async def _main(
    stages: list[str], settings: Settings, *, sealing: bool, embedded: bool = False
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ready: dict[str, object] = {"ready": stages}
    closing: list[Callable[[], Awaitable[Any]]] = []
    tasks = [asyncio.create_task(metrics.beat())]
    stopping = asyncio.create_task(stop.wait())
    try:
        # Side by side: each waits seconds for its consumer group.
        starting = asyncio.gather(
            *(
                _start(stage, settings, tasks, closing, ready, sealing=sealing, embedded=embedded)
                for stage in stages
            )
        )
        first: list[asyncio.Future[Any]] = [starting, stopping]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            # Told to stop before it had begun: there is nothing to leave in order.
            os._exit(0)
        starting.result()
        # What the imports made stays for good: it need not be looked at again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, 20, 100)
        metrics.READY.set(1)
        sys.stdout.buffer.write(orjson.dumps(ready) + b"\n")
        sys.stdout.flush()
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is not None:
                task.result()
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 -- crash-only; a panic of Polars is no Exception
        return _say(error)
    finally:
        for task in tasks:
            task.cancel()
        if stop.is_set():
            await _close(closing)
    return 0


def _say(error: BaseException) -> int:
    """Say why the stages stop, in our own words or in none; return the exit code."""
    if isinstance(error, KafkaConnectionError):
        # Faust does not wait for a broker that is not there when it starts; a supervisor does.
        error = UnavailableError("no broker answers at kafka.bootstrap")
    if isinstance(error, UnavailableError):
        _log.error("the stage stops: start it again when this is mended", reason=str(error))
    elif isinstance(error, PartywallError):
        _log.error("the stage stops", reason=str(error))
    else:
        _log.error("the stage stops", error=error)
        return CRASH_EXIT
    return error.exit_code


async def _start(
    stage: str,
    settings: Settings,
    tasks: list[asyncio.Task[None]],
    closing: list[Callable[[], Awaitable[Any]]],
    ready: dict[str, object],
    *,
    sealing: bool,
    embedded: bool,
) -> None:
    # Each stage imports what it needs and no more: a vault writer never loads a parser, and a
    # splitter could not load the reading side if it wanted to.
    if stage == "keys":
        from pipeline.apps import keys  # noqa: PLC0415

        listening = asyncio.Event()
        tasks.append(asyncio.create_task(keys.run(settings, listening)))
        await _first(tasks[-1], listening)
    elif stage == "collect":
        from pipeline.apps import collect  # noqa: PLC0415

        collector = collect.Worker(settings)
        closing.append(collector.stop)
        ready["collector"] = await collector.start()
        tasks.append(asyncio.create_task(collector.run()))
    elif stage == "split":
        from pipeline.apps import split  # noqa: PLC0415

        worker_ = split.Worker(settings, sealing=sealing)
        tasks.append(asyncio.create_task(worker_.run()))
        await _first(tasks[-1], worker_.ready)
    elif stage == "console":
        from pipeline.apps import console  # noqa: PLC0415

        analysts = console.Worker(settings, embedded=embedded)
        ready["console"] = await analysts.start()
        closing.append(analysts.stop)
    elif stage == "investigations":
        from pipeline.apps import investigations  # noqa: PLC0415

        pages = investigations.Worker(settings, embedded=embedded)
        ready["pages"] = await pages.start()
        closing.append(pages.stop)
        tasks.append(asyncio.create_task(pages.run()))
    else:
        from pipeline.kafka import worker  # noqa: PLC0415

        app = await _faust(stage, settings, ready)
        closing.append(app.stop)
        await app.start()
        tasks.append(asyncio.create_task(worker.watch(app)))


async def _first(task: asyncio.Task[None], ready: asyncio.Event) -> None:
    """Wait until a stage says that it is ready; raises what ended it before."""
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not ready.is_set():
        waiting.cancel()
        await task


async def _faust(stage: str, settings: Settings, ready: dict[str, object]) -> faust.App:
    if stage == "vault":
        from pipeline.apps import vault  # noqa: PLC0415

        return vault.Worker(settings).app
    if stage == "rollup":
        from pipeline.apps import rollup  # noqa: PLC0415

        return rollup.Worker(settings).app
    if stage == "release":
        from pipeline.apps import release  # noqa: PLC0415

        return release.Worker(settings).app
    if stage != "load":
        raise SettingsError(f"no stage is called {stage}")
    from pipeline.apps import load  # noqa: PLC0415

    loader = load.Worker(settings)
    address = await loader.open()
    if address is not None:
        ready["engine"] = address
    return loader.app


def started(arguments: list[str]) -> int:
    """Be a stage of the embedded group: ``CONFIG STAGE… [--no-sealing]``; return the exit code.

    This is ``partywall run`` without the command line, whose imports cost half a second each time.
    """
    config, *stages = [word for word in arguments if not word.startswith("--")]
    try:
        settings = tree.load(Path(config))
    except PartywallError as error:
        sys.stderr.write(f"partywall: {error}\n")
        return error.exit_code
    return main(stages, settings, sealing="--no-sealing" not in arguments, embedded=True)


async def _close(closing: list[Callable[[], Awaitable[Any]]]) -> None:
    """Leave the groups in order, but not at any price: a second worker takes over anyway."""
    try:
        async with asyncio.timeout(5):
            for close in closing:
                await close()
    except TimeoutError:
        os._exit(0)


if __name__ == "__main__":
    sys.exit(started(sys.argv[1:]))
