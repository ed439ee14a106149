"""Names that stand twice in one place of a YAML document, of which the last would win unsaid."""

from __future__ import annotations

import yaml


def twice(text: str) -> str | None:
    """Return the first such name with those above it, as in ``kafka.bootstrap``; None for none.

    Raises yaml.YAMLError for what is no YAML.
    """
    open_ = [("", yaml.compose(text, Loader=yaml.SafeLoader))]
    met: set[int] = set()
    while open_:
        where, node = open_.pop()
        if id(node) in met:
            continue  # an alias, of itself perhaps
        met.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            open_ += [(where, entry) for entry in node.value]
        if not isinstance(node, yaml.MappingNode):
            continue
        seen: set[str] = set()
        for key, value in node.value:
            name = f"{where}{key.value}" if isinstance(key, yaml.ScalarNode) else where
            if name in seen:
                return name
            seen.add(name)
            open_.append((f"{name}.", value))
    return None
