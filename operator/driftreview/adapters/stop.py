"""The emergency stop: one ConfigMap in the operator's own namespace. While it is there, no act begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from driftreview.adapters.errors import NotFoundError, RefusedError
from driftreview.adapters.kubernetes import CONFIG_MAPS, Cluster
from driftreview.domain.stop import NAME, Stop, switch


class StopSwitch:
    """Reads the switch, as the operator; and turns it, as whoever may."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        """Look in the operator's own namespace."""
        self._cluster, self._namespace = cluster, namespace
        self.where: Final = switch(namespace)

    def read(self) -> Stop | None:
        """Whether acts are stopped; they are as well where the API server refuses to say it.

        Raises:
            UnavailableError: the API server did not answer.
        """
        try:
            return self._cluster.keep(CONFIG_MAPS, NAME, self._namespace, self._of)
        except NotFoundError:
            return None
        except RefusedError as error:
            return Stop.unreadable(self._namespace, str(error))

    def _of(self, found: Mapping[str, Any]) -> Stop:
        data = found.get("data") or {}
        since = str(found["metadata"]["creationTimestamp"])
        return Stop.of(self._namespace, since, str(data.get("by", "")), str(data.get("reason", "")))

    def stop(self, by: str, reason: str) -> None:
        """Stop all acts.

        Raises:
            ExistsError: they are stopped already.
        """
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME},
            "data": {"by": by, "reason": reason},
        }
        self._cluster.create(CONFIG_MAPS, body, self._namespace)

    def go(self) -> None:
        """Let acts go on.

        Raises:
            NotFoundError: they are not stopped.
        """
        self._cluster.delete(CONFIG_MAPS, NAME, self._namespace)
