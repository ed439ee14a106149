"""The broker of docker-compose.yml without its container: the same start script and settings."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.settings import Kafka
from tests.support.kafka_server import JAVA, KAFKA, free_ports

_SCRIPTS: Final = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
}


@contextmanager
def secured_kafka(folder: Path, users: Iterable[str]) -> Iterator[dict[str, Kafka]]:
    """Start it under ``folder`` and yield each user's settings, ``admin`` among them.

    It is on its way up when this returns: the first client has to be patient.
    """
    vault, scripts, run = folder / "secrets", folder / "bin", folder / "run"
    for path in (vault, scripts, run):
        path.mkdir(parents=True)
    for user in {"admin", "broker", *users}:
        (vault / f"kafka_{user}").write_text(secrets.token_urlsafe(18), encoding="ascii")
    for name, main in _SCRIPTS.items():
        script = scripts / name
        java = " ".join(f"'{word}'" for word in JAVA)
        script.write_text(f'#!/bin/sh\nexec {java} {main} "$@"\n', encoding="ascii")
        script.chmod(0o755)
    port, controller = free_ports(2)
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "KAFKA_BIN": str(scripts),
        "SECRETS": str(vault),
        "DATA": str(folder / "data"),
        "RUN": str(run),
        "BIND": "127.0.0.1",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "CONTROLLER_PORT": str(controller),
    }
    with (
        (folder / "broker.log").open("wb") as log,
        subprocess.Popen(
            [str(KAFKA / "start")], env=environment, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            yield {
                user: Kafka(
                    bootstrap=f"127.0.0.1:{port}",
                    security="SASL_PLAINTEXT",
                    username=user,
                    password_file=vault / f"kafka_{user}",
                )
                for user in {"admin", *users}
            }
        finally:
            process.kill()
