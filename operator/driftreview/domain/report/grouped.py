"""Signals by the section that they are to be shown in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from driftreview.api.signal import Signal

_REST: Final = "Metrics"


def by_section(signals: Iterable[Signal]) -> list[tuple[str, Sequence[Signal]]]:
    """Signals in the order of their declaration, grouped by their `section`, which come in the order of their first."""
    groups: dict[str, list[Signal]] = {}
    for each in signals:
        groups.setdefault(each.section, []).append(each)
    return list(groups.items())


def called(section: str) -> str:
    """The title of a group; of what names no section, a plain one."""
    return section or _REST
