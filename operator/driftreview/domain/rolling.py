"""How many pods a Deployment's rollout adds and takes away at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_DEFAULT: Final = "25%"
"""Of both, where a Deployment does not say."""


@dataclass(frozen=True)
class Rolling:
    """The pace of a rollout, in pods."""

    surge: int
    """How many there may be beyond those that are wanted."""
    away: int
    """How many of those that are wanted may be missing."""

    @property
    def at_once(self) -> int:
        """How many are replaced at a time."""
        return max(1, self.surge + self.away)


def rolling(raw: Mapping[str, Any]) -> Rolling:
    """Read it from a Deployment."""
    wanted, strategy = raw["spec"].get("replicas", 1), raw["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Rolling(surge=0, away=wanted)
    declared = strategy.get("rollingUpdate") or {}
    surge = _pods(declared.get("maxSurge", _DEFAULT), wanted, up=True)
    away = _pods(declared.get("maxUnavailable", _DEFAULT), wanted, up=False)
    return Rolling(surge, away if surge + away else 1)


def _pods(count: int | str, of: int, *, up: bool) -> int:
    """A number of pods, or a percentage of them as Kubernetes rounds it."""
    if isinstance(count, int):
        return count
    hundredths = int(count.removesuffix("%")) * of
    return -(-hundredths // 100) if up else hundredths // 100
