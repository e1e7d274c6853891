"""Where two accounts of a review differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NONE: Final = "nothing"
"""What is said where one of the two says nothing."""


@dataclass(frozen=True)
class Difference:
    """One place where two accounts of a review differ."""

    path: str
    """Such as status.checkpoints[2].verdict, or snapshots/web-1a2b3c4d-t0."""
    stored: str
    """What stands there."""
    found: str
    """What the evidence says."""

    def __str__(self) -> str:
        """In a sentence."""
        return f"{self.path}: stored is {self.stored}, the evidence says {self.found}"
