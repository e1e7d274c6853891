"""How each watched review stands, as far as the whole process must know: in memory, for metrics and for turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from driftreview.api.phases import TERMINAL, Phase
from driftreview.runtime.loop import Key
from driftreview.runtime.signalseries import SignalSeries


@dataclass(frozen=True)
class _Stand:
    phase: str
    last_safe: float | None
    """Seconds since 1970; None where nothing is to be decided any more, or yet."""


class Seen:
    """Filled by the event loop; other threads may ask."""

    def __init__(self, signals: SignalSeries | None = None) -> None:
        """Nothing was seen yet; `signals` is told as well."""
        self._signals = signals or SignalSeries()
        self._by_key: dict[Key, _Stand] = {}
        self._sources: dict[Key, str] = {}

    def see(self, key: Key, status: Mapping[str, Any]) -> None:
        """Take note of how a review stands now."""
        self._signals.see(key[1], key[2], status)
        phase = status.get("phase", Phase.PENDING)
        safe = status.get("rollback", {}).get("lastSafeMoment")
        is_open = phase not in TERMINAL and "act" not in status
        self._by_key[key] = _Stand(phase, datetime.fromisoformat(safe).timestamp() if safe and is_open else None)

    def see_source(self, key: Key, spec: Mapping[str, Any]) -> None:
        """Take note of which metric source a review asks."""
        ref = spec.get("metrics", {}).get("sourceRef", {})
        self._sources[key] = f"{ref.get('kind', '')}/{ref.get('name', '')}"

    def forget(self, key: Key) -> None:
        """A review is gone."""
        if self._by_key.pop(key, None) is not None:  # else it was something else of that name
            self._signals.forget(key[1], key[2])
        self._sources.pop(key, None)

    def source(self, key: Key) -> str:
        """Which metric source a review asks."""
        return self._sources.get(key, "")

    def is_acting(self, key: Key) -> bool:
        """Whether it carries out its act: a rollback waits for no query of another review."""
        stand = self._by_key.get(key)
        return stand is not None and stand.phase in {Phase.PROMOTING, Phase.ROLLING_BACK}

    def phases(self) -> Mapping[str, int]:
        """How many reviews are in each phase."""
        return Counter(each.phase for each in self._by_key.copy().values())

    def last_safe_moments(self) -> Mapping[tuple[str, str], float]:
        """Of the reviews in which something is to be decided, by namespace and name, in seconds since 1970."""
        stands = self._by_key.copy().items()
        return {(key[1], key[2]): each.last_safe for key, each in stands if each.last_safe is not None}
