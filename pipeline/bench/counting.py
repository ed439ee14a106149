"""A Faust agent that counts, one line an event: what the pipeline is compared with.

Runs in a process of its own: ``python -m pipeline.bench.counting BROKER TOPIC LINES``; writes the
seconds from the first event to the last to standard output.
"""

from __future__ import annotations

import os
import sys

import faust

from pipeline.clock import stopwatch


class _App(faust.App):
    """Leaves no folder behind: it has no tables."""

    def _create_directories(self) -> None:
        return


def make_app(broker: str, topic: str, lines: int) -> faust.App:
    """Return an app whose only agent counts ``lines`` events and ends the process."""
    app = _App(
        f"counting-{topic}",
        broker=f"kafka://{broker}",
        store="memory://",
        value_serializer="raw",
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        # Seconds; the embedded broker holds a new group back for half of the session's.
        broker_session_timeout=10.0,
        broker_heartbeat_interval=2.0,
    )

    @app.agent(app.topic(topic, value_serializer="raw", value_type=bytes))
    async def count(stream: faust.StreamT[bytes]) -> None:
        seen, began = 0, 0.0
        async for _ in stream:
            if not seen:
                began = stopwatch()
            seen += 1
            if seen == lines:
                sys.stdout.write(f"{stopwatch() - began}\n")
                sys.stdout.flush()
                # The measurement is over; leaving the group in good order would only take time.
                os._exit(0)

    return app


if __name__ == "__main__":
    application = make_app(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    faust.Worker(application, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()
