"""Questions in a closed vocabulary, answered from the released tables.

``read`` makes a ``Query`` of JSON, ``ask`` gives its ``Answer``. What a caller wrote comes into SQL
as an escaped value alone.
"""

from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.analytics.goals import ask
from pipeline.analytics.parameters import from_params
from pipeline.analytics.query import Filter, Query, read

__all__ = ["Answer", "Cell", "Filter", "Line", "Query", "ask", "from_params", "read"]
