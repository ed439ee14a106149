"""A browser, a broker, a collector, and pages on another origin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from pipeline.settings import Kafka
from tests.support import chromium
from tests.support.collector_process import Collecting, broker
from tests.support.shop import Shop


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    chromium.need()
    with chromium.browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with broker(tmp_path_factory.mktemp("broker")) as found:
        yield found


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the origin it is served under, which is not the collector's."""
    folder = tmp_path / "pages"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield folder, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def open_shop(
    kafka: Kafka, pages: tuple[Path, str], tmp_path: Path
) -> Iterator[Callable[..., Shop]]:
    """Start a collector for a shop's pages, with settings of the site."""
    made: list[Collecting] = []

    def start(origins: list[str] | None = None, **site: object) -> Shop:
        folder, origin = pages
        sites = {"shop": {"origins": origins or [origin], **site}}
        collecting = Collecting(tmp_path, kafka, sites=sites, demo=True)
        collecting.start()
        made.append(collecting)
        return Shop(folder, origin, collecting)

    try:
        yield start
    finally:
        for collecting in made:
            collecting.kill()
