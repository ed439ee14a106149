"""Amazon S3 server access logs: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html.

The bucket is the host. Who asked (requester), for what (key) and under which identifiers stays raw.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import REQUEST, patterned
from pipeline.restricted.formats.pieces import as_written

_HEAD: Final = r"^[^ ]+ (?P<host>[^ ]+) \[(?P<clf>[^\]]+)\] (?P<address>[^ ]+) "
_ANSWER: Final = (
    r" (?P<status>[0-9]{3}|-) [^ ]+ (?P<size>[0-9]+|-) [^ ]+ (?P<response_ms>[^ ]+) [^ ]+ "
)
_QUICK: Final = (
    rf'{_HEAD}[^ ]+ [^ ]+ [^ ]+ [^ ]+ "{REQUEST}"{_ANSWER}'
    r'"(?P<referrer>[^"]*)" "(?P<agent>[^"]*)" [^ "]+(?: |$)'
)
_TOLERANT: Final = (
    rf'{_HEAD}.*? (?:"(?P<request>.*?)"|-){_ANSWER}'
    r'(?:"(?P<referrer>.*?)"|-) (?:"(?P<agent>.*?)"|-) [^ "]+(?: [^"]*)?$'
)


FORMAT: Final = Format(
    "s3", "Amazon S3 server access log", patterned(_QUICK, _TOLERANT, plain=as_written)
)
