"""Holds a column of values against the shape that a schema gives them.

Nearly always all values fit, and that is found out at the speed of C: one look at the set of their
types, one at the longest. Only where something is wrong each value is looked at alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from pipeline.restricted.widget.schema import Shape

_NULL: Final = type(None)
_TYPES: Final[dict[str, type]] = {"string": str, "integer": int}


def unfit(values: Sequence[object], shape: Shape) -> list[int]:
    """Return the places of the values that do not fit a shape of texts or integers.

    Null always does: whether a value may be missing is another question.
    """
    types = set(map(type, values)) - {_NULL}
    if not types or (types <= {_TYPES[n] for n in shape.types} and _within(values, types, shape)):
        return []
    fits = _fitting(shape)
    return [at for at, value in enumerate(values) if value is not None and not fits(value)]


def _within(values: Sequence[object], types: set[type], shape: Shape) -> bool:
    """Tell whether all values of these types are within the bounds of the shape."""
    if shape.enum is not None:
        return set(values) <= {*shape.enum, None}
    if str in types and shape.limit is not None:
        texts = values if types == {str} else [value for value in values if type(value) is str]
        if max(map(len, cast("filter[str]", filter(None, texts))), default=0) > shape.limit:
            return False
    if int in types and (shape.least is not None or shape.most is not None):
        numbers = {value for value in values if type(value) is int}
        low_enough = shape.most is None or max(numbers) <= shape.most
        return low_enough and (shape.least is None or min(numbers) >= shape.least)
    return True


def _fitting(shape: Shape) -> Callable[[object], bool]:
    least = float("-inf") if shape.least is None else shape.least
    most = float("inf") if shape.most is None else shape.most

    def fits(value: object) -> bool:
        if type(value) is str:
            within = shape.limit is None or len(value) <= shape.limit
            return "string" in shape.types and within and (not shape.enum or value in shape.enum)
        if type(value) is int or (type(value) is float and value.is_integer()):
            return "integer" in shape.types and least <= value <= most
        return False

    return fits
