"""Incident Review: what happened meanwhile that no signal says; what else tells of it adds a function to BLOCKS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from driftreview.domain.report import people
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Block, Section

BLOCKS: Final[tuple[Callable[[Material], Block | None], ...]] = (people.notes,)
"""Who tells of incidents, people last."""


def section(material: Material) -> Section | None:
    """What is known of incidents; nothing where there is nothing."""
    found = [block for tell in BLOCKS if (block := tell(material)) is not None]
    return Section(id="incidents", title="Incident Review", blocks=found) if found else None
