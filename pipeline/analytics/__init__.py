"""Questions in a closed vocabulary, answered from the released tables.

``query.read`` makes a ``Query`` of JSON, ``ask`` gives its ``Answer``; a caller's text stands in SQL
as an escaped value alone.
"""

from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.analytics.asking import ask
from pipeline.analytics.query import Filter, Query, from_params, read

__all__ = ["Answer", "Cell", "Filter", "Line", "Query", "ask", "from_params", "read"]
