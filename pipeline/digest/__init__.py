"""What goes out by itself: the digest of a week and alerts, of released numbers alone.

``weeks`` names weeks, ``series`` reads a site's days, ``contents`` makes a digest of them, ``rule``
and ``alerts`` say what is unusual; ``text``, ``as_json`` and ``page`` write it down, ``email`` and
``webhook`` send it, ``sent`` remembers what was sent, ``rounds`` sends what is due.

A number that is not shown (withheld, expired, its day not closed) is missing here and never 0.
"""
