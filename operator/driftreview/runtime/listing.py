"""Everything that is there as the operator starts, read before the first step of any review.

kopf tells of objects one by one, in any order, and never that these were all: a step that knew only some DriftApprovals
could overlook a Reject. kopf's own indices know, but their start takes the square of the number of objects.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from driftreview.adapters.errors import ClusterError
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.runtime.logs import LOGGER

_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between attempts; the last one as often as it takes."""


@dataclass
class Listing:
    """Reads all objects of some kinds, for as long as it takes."""

    cluster: Cluster
    pauses: Sequence[float] = _PAUSES
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Give up once the answer that is waited for is there."""
        self._stopped.set()

    def read(
        self, kinds: Sequence[Kind], namespaces: Sequence[str], see: Callable[[Kind, Mapping[str, Any]], None]
    ) -> bool:
        """Show every object to `see`, kind after kind; some twice, where an attempt failed halfway.

        Args:
            kinds: which kinds, in this order.
            namespaces: where those with a namespace are read; everywhere, if empty.
            see: takes note of one object.

        Returns:
            False if it was told to stop before all had been seen.
        """
        places = [(kind, each) for kind in kinds for each in (namespaces if kind.namespaced else ()) or ("",)]
        return all(self._read(kind, namespace, see) for kind, namespace in places)

    def _read(self, kind: Kind, namespace: str, see: Callable[[Kind, Mapping[str, Any]], None]) -> bool:
        failed = 0
        while not self._stopped.is_set():
            try:
                for _ in self.cluster.objects(kind, namespace, {}, lambda body: see(kind, body)):
                    if self._stopped.is_set():
                        return False
            except ClusterError as error:
                pause = self.pauses[min(failed, len(self.pauses) - 1)]
                LOGGER.warning("cannot start yet, tried again in %g s: %s", pause, error)
                failed += 1
                self._stopped.wait(pause)
            else:
                return True
        return False
