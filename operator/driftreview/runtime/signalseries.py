"""What the latest look said of each signal, as gauges for dashboards: of open reviews, and not of too many."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL
from driftreview.domain.result import CheckpointResult

MOST_REVIEWS: Final = 100
"""Of which there are series; each has 50 signals at most."""
_LABELS: Final = ("namespace", "review", "signal")
_Key = tuple[str, str]


@dataclass
class _Look:
    """The latest look of an open review."""

    name: str = ""
    """Its checkpoint; empty before the first one."""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """As the status has them, by signal."""
    of: str = ""
    """The checkpoint that the numbers are of."""
    numbers: Mapping[str, tuple[float | None, float]] = field(default_factory=dict)
    """By signal: the change as a share of the baseline, and how much of what is tolerated is used."""


class SignalSeries(Collector):
    """Threads may share it.

    Verdicts are those of the status. Numbers the status does not keep: they are those that this process judged.
    """

    def __init__(self, most: int = MOST_REVIEWS) -> None:
        """Nothing was seen yet."""
        self._most = most
        self._lock = threading.Lock()
        self._looks: dict[_Key, _Look] = {}

    def see(self, namespace: str, review: str, status: Mapping[str, Any]) -> None:
        """Take note of how a review stands now; one that has ended has no series."""
        if status.get("phase") in TERMINAL:
            self.forget(namespace, review)
            return
        judged = [each for each in status.get("checkpoints", ()) if "verdict" in each]
        with self._lock:
            look = self._looks.setdefault((namespace, review), _Look())
            look.name = judged[-1]["name"] if judged else ""
            rows = judged[-1].get("signals", ()) if judged else ()
            look.verdicts = {each["name"]: each["verdict"] for each in rows}

    def forget(self, namespace: str, review: str) -> None:
        """A review is gone, or over."""
        with self._lock:
            self._looks.pop((namespace, review), None)

    def judged(self, review: DriftReview, checkpoint: str, result: CheckpointResult) -> None:
        """A look was judged here; of each signal what is said of its worst series stands for it."""
        found = {each.signal.name: (each.finding.estimate, each.worse) for each in result.results}
        numbers = {name: (one.share, one.used(worse)) for name, (one, worse) in found.items() if one is not None}
        with self._lock:
            look = self._looks.get((review.metadata.namespace, review.metadata.name))
            if look is not None:  # else it is gone or over
                look.of, look.numbers = checkpoint, numbers

    def collect(self) -> Iterator[Metric]:
        """The gauges as they are now."""
        delta = GaugeMetricFamily(
            "driftreview_signal_delta_ratio",
            "Change of a signal at the latest look, as a share of its baseline: 0.05 is 5% more.",
            labels=_LABELS,
        )
        margin = GaugeMetricFamily(
            "driftreview_signal_margin_ratio",
            "How much of its margin or limit the unfavourable end of the interval uses: 1 is all of it.",
            labels=_LABELS,
        )
        verdict = GaugeMetricFamily(
            "driftreview_signal_verdict", "1 for the verdict at the latest look.", labels=(*_LABELS, "verdict")
        )
        dropped = GaugeMetricFamily(
            "driftreview_signal_reviews_dropped", "Open reviews whose signals have no series, as there are too many."
        )
        with self._lock:
            told = {key: look for key, look in self._looks.items() if look.name}
            for key, look in islice(told.items(), self._most):
                for signal, said in look.verdicts.items():
                    verdict.add_metric((*key, signal, said), 1)
                for signal, (share, used) in look.numbers.items() if look.of == look.name else ():
                    margin.add_metric((*key, signal), used)
                    if share is not None:
                        delta.add_metric((*key, signal), share)
        dropped.add_metric((), max(len(told) - self._most, 0))
        yield from (delta, margin, verdict, dropped)
