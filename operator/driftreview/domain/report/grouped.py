"""Signals and numbers from elsewhere by the section that they are to be shown in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from driftreview.api.elsewhere import Evidence
from driftreview.api.signal import Signal

_REST: Final = "Metrics"
Declared: TypeAlias = Signal | Evidence


def by_section(signals: Iterable[Signal], evidence: Iterable[Evidence]) -> list[tuple[str, Sequence[Declared]]]:
    """All in the order of their declaration, grouped by their `section`, which come in the order of their first."""
    groups: dict[str, list[Declared]] = {}
    declared: list[Declared] = [*signals, *evidence]
    for each in declared:
        groups.setdefault(each.section, []).append(each)
    return list(groups.items())


def called(section: str) -> str:
    """The title of a group; of what names no section, a plain one."""
    return section or _REST
