"""The one way to read JSON that others wrote: whatever is wrong with it is a ValueError, and nothing of it is lost."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


def read_json(text: str | bytes) -> Any:
    """Read a JSON document.

    Raises:
        ValueError: it is none (also for NaN and Infinity, which JSON does not have), its brackets stand in each other
            deeper than can be read, a number has too many digits, or an object has a name twice: readers differ in
            which of the two they take.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("its brackets stand in each other too deep") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = Counter(name for name, _ in pairs)
        twice = names.most_common(1)[0][0]
        raise ValueError(f"{twice[:60]!r} stands in one object more than once")
    return found
