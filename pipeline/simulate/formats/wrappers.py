"""What collectors put around a line: syslog, container runtimes, the journal, Kubernetes.

- RFC 3164 with its priority, local time without year (https://www.rfc-editor.org/rfc/rfc3164).
- RFC 5424, without structured data (https://www.rfc-editor.org/rfc/rfc5424).
- Docker's json-file, written by Go (https://docs.docker.com/engine/logging/drivers/json-file/).
- CRI: time, stream, ``F`` for a whole line (https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md).
- The journal as ``journalctl -o json`` gives it, a record a line; a message with control
  characters is a list of bytes (https://systemd.io/JOURNAL_EXPORT_FORMATS/).
- Kubernetes: in even hours as Fluent Bit's filter writes it (https://docs.fluentbit.io/manual/pipeline/filters/kubernetes),
  in odd ones as Vector's source does (https://vector.dev/docs/reference/configuration/sources/kubernetes_logs/).

A line that Docker or a runtime would part at 16 KiB stays whole here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson
import polars as pl

from pipeline.simulate.formats.objects import fixed, go_json, line, obj, text
from pipeline.simulate.formats.times import iso, stamps

Wrap = Callable[[pl.DataFrame, pl.Series], pl.Series]
"""Requests and their lines → the lines wrapped."""

_PRIORITY: Final = 190  # local7, informational
_TAG: Final = "access[1234]"
_POD: Final = "web-6d4cf56db6-x9k2m"
_HOUR: Final = 3_600_000_000


def _syslog3164(requests: pl.DataFrame, lines: pl.Series) -> pl.Series:
    stamp = stamps(requests, "%b %e %H:%M:%S", local=True, of="arrival")
    wrapped = pl.format("<{}>{} web1 {}: {}", pl.lit(_PRIORITY), stamp, pl.lit(_TAG), lines)
    return requests.select(wrapped).to_series()


def _syslog5424(requests: pl.DataFrame, lines: pl.Series) -> pl.Series:
    stamp = iso(requests, 6, of="arrival")
    wrapped = pl.format("<{}>1 {} {} access 1234 - - {}", pl.lit(_PRIORITY), stamp, "server", lines)
    return requests.select(wrapped).to_series()


def _docker(requests: pl.DataFrame, lines: pl.Series) -> pl.Series:
    members = {
        "log": text(pl.lit(line(lines, go_json) + "\\n")),
        "stream": fixed("stdout"),
        "time": text(pl.lit(iso(requests, 9, of="arrival"))),
    }
    return requests.select(obj(members)).to_series()


def _cri(requests: pl.DataFrame, lines: pl.Series) -> pl.Series:
    stamp = iso(requests, 9, of="arrival")
    return requests.select(pl.format("{} stdout F {}", stamp, lines)).to_series()


def _journal(requests: pl.DataFrame, lines: pl.Series) -> pl.Series:
    message = text(pl.lit(line(lines)))
    binary = lines.str.contains(r"[\x00-\x08\x0b-\x1f\x7f]").fill_null(value=False)
    if binary.any():
        listed = lines.filter(binary).unique()
        lists = [orjson.dumps(list(value.encode())).decode() for value in listed]
        codes = lines.replace_strict(listed, lists, default=None, return_dtype=pl.String)
        message = pl.coalesce(pl.lit(codes), message)
    micros = pl.col("arrival").cast(pl.String)
    members = {
        "__REALTIME_TIMESTAMP": text(micros),
        "_SOURCE_REALTIME_TIMESTAMP": text(micros),
        "_HOSTNAME": text("server"),
        "_TRANSPORT": fixed("stdout"),
        "PRIORITY": fixed("6"),
        "SYSLOG_IDENTIFIER": fixed("access"),
        "_PID": fixed("1234"),
        "_SYSTEMD_UNIT": fixed("web.service"),
        "MESSAGE": message,
    }
    return requests.select(obj(members)).to_series()


def _kubernetes(requests: pl.DataFrame, lines: pl.Series) -> pl.Series:
    message, time = text(pl.lit(line(lines))), text(pl.lit(iso(requests, 9, of="arrival")))
    about = {"container_name": "web", "namespace_name": "shop", "pod_name": _POD}
    fluent_bit = {
        "date": pl.col("arrival") / 1_000_000,
        "time": time,
        "stream": fixed("stdout"),
        "_p": fixed("F"),
        "log": message,
        "kubernetes": fixed({**about, "host": "node-1", "labels": {"app": "web"}}),
    }
    pod = {"container_name": "web", "pod_name": _POD, "pod_namespace": "shop",
           "pod_node_name": "node-1", "pod_labels": {"app": "web"}}  # fmt: skip
    vector = {
        "file": fixed(f"/var/log/pods/shop_{_POD}/web/0.log"),
        "kubernetes": fixed(pod),
        "message": message,
        "source_type": fixed("kubernetes_logs"),
        "stream": fixed("stdout"),
        "timestamp": time,
    }
    even = pl.col("arrival") // _HOUR % 2 == 0
    return requests.select(pl.when(even).then(obj(fluent_bit)).otherwise(obj(vector))).to_series()


WRAPPERS: Final[dict[str, Wrap]] = {
    "syslog3164": _syslog3164,
    "syslog5424": _syslog5424,
    "docker": _docker,
    "cri": _cri,
    "journal": _journal,
    "kubernetes": _kubernetes,
}
"""Prefix of a format's name → what it puts around each line."""
