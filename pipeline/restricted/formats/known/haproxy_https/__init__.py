"""HAProxy's HTTPS log (``option httpslog``, from 2.4 on): the HTTP log, then what TLS said.

https://docs.haproxy.org/2.8/configuration.html#8.2.4: error codes, then
``server name/version/cipher``. The server name is the host where no ``Host`` was captured.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.known import haproxy

FORMAT: Final = Format(
    "haproxy_https",
    "HAProxy HTTPS log, also after haproxy[123]:",
    haproxy.reader(" [^ ]+ (?P<sni>[^ /]*)/[^ /]+/[^ /]+"),
)
