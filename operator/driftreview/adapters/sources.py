"""Keeps one PrometheusSource for each metric source while nothing about it changes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from driftreview.adapters.credentials import Credentials
from driftreview.adapters.once import Once
from driftreview.adapters.prometheus import OnQuery, PrometheusSource
from driftreview.api.metricsource import MetricSourceSpec


class Sources:
    """A small cache of connections; threads may share it.

    The caller reads spec and Secrets each time and gets the same object, with its open connections, while both are
    equal to last time's; a changed token is thus used from the next query on. Of more than `size` sources, the one
    longest unused is closed and made anew when asked for; queries that run in a closed one are not disturbed.
    """

    def __init__(self, *, size: int = 64, on_query: OnQuery | None = None) -> None:
        self._size, self._on_query = size, on_query
        self._once = Once()
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, PrometheusSource] = OrderedDict()

    def get(self, key: str, spec: MetricSourceSpec, credentials: Credentials) -> PrometheusSource:
        """The source for this spec and these credentials.

        Args:
            key: what names the source among all others, such as kind, namespace and name; labels own metrics.
            spec: where it is.
            credentials: what its Secrets hold now.
        """
        with self._lock:
            kept = self._kept.pop(key, None)
            stale = kept if kept and (kept.spec != spec or kept.credentials != credentials) else None
            if kept is None or stale:
                kept = PrometheusSource(key, spec, credentials, on_query=self._on_query, once=self._once)
            self._kept[key] = kept
            surplus = [self._kept.popitem(last=False)[1]] if len(self._kept) > self._size else []
        for old in (*surplus, *([stale] if stale else [])):
            old.close()
        return kept

    def forget(self, key: str) -> None:
        """Close a source that no longer exists; nothing happens if it was never asked for."""
        with self._lock:
            gone = self._kept.pop(key, None)
        if gone:
            gone.close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            kept, self._kept = list(self._kept.values()), OrderedDict()
        for source in kept:
            source.close()
