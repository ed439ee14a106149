"""A real Chromium for tests, without a window, with a profile of its own that is thrown away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing() -> str | None:
    """Return why no browser can be started here, or None where one can."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"{program} is not installed (deploy/browser/fetch installs it)"
    return None


def need() -> None:
    """Skip the test where there is no browser, unless NEED_BROWSER_TESTS says that it must run."""
    if reason := missing():
        if os.environ.get("NEED_BROWSER_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def browser(profile: Path, *, do_not_track: bool = False) -> Iterator[Chrome]:
    """Start one, ask it not to be tracked or not, and end it."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    wishes = {"enable_do_not_track": do_not_track, "intl.accept_languages": "de-AT"}
    options.add_experimental_option("prefs", wishes)
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()
