"""The collector: HTTP in, lines of ``logs.widget`` and ``logs.web`` out, acknowledged.

Whatever it is sent is raw, so it holds a request no longer than until the broker has answered,
writes nothing down of it, and knows neither parsers nor keys: what an event may say is decided
behind the wall, by split.
"""
