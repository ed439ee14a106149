"""Which engine the settings mean, and the password that it is asked with."""

from __future__ import annotations

from pipeline.clickhouse.client import Engine
from pipeline.errors import SettingsError
from pipeline.settings import ClickHouse


def engine(settings: ClickHouse) -> Engine:
    """Return which engine the settings mean; raises SettingsError."""
    if settings.url is None:
        return Engine(path=settings.embedded_path)
    secret = ""
    if settings.password_file is not None:
        try:
            secret = settings.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                f"setting clickhouse.password_file: cannot be read ({error.strerror})"
            ) from None
    return Engine(url=settings.url, user=settings.username, password=secret)
