"""One operator at a time: a coordination.k8s.io Lease.

A guard against doing things twice, not the safety itself: every write is preconditioned, so that two operators by
mistake only get in each other's way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from driftreview.adapters.errors import ChangedError, ClusterError, ExistsError, NotFoundError
from driftreview.adapters.kubernetes import LEASES, Cluster
from driftreview.runtime.logs import LOGGER

_JOIN_SECONDS: Final = 5.0


@dataclass
class Lease:
    """A Lease that is waited for, held, and given back."""

    cluster: Cluster
    name: str
    namespace: str
    identity: str
    seconds: int
    clock: Callable[[], datetime]
    held: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _seen: tuple[str, str] = ("", "")
    _seen_at: float = 0.0
    _keeper: threading.Thread | None = None

    def wait(self) -> bool:
        """Wait until it is ours; False if stopped before."""
        told = False
        while not self._stop.is_set():
            try:
                if self._try():
                    self.held.set()
                    LOGGER.info("holds the lease %s/%s as %s", self.namespace, self.name, self.identity)
                    return True
                if not told:
                    LOGGER.info("waits for the lease %s/%s, held by %s", self.namespace, self.name, self._seen[0])
                    told = True
            except ClusterError as error:
                LOGGER.warning("cannot get the lease yet: %s", error)
            self._stop.wait(self.seconds / 5)
        return False

    def keep(self, lost: Callable[[], None]) -> threading.Thread:
        """Renew it from a thread; call `lost` once when it could not be renewed in time."""
        self._keeper = threading.Thread(target=self._keep, args=(lost,), name="lease", daemon=True)
        self._keeper.start()
        return self._keeper

    def stop(self) -> None:
        """Stop waiting or renewing."""
        self._stop.set()

    def give_back(self) -> None:
        """Let the next one in at once. Not needed for correctness: it runs out by itself."""
        self.stop()
        if self._keeper is not None:
            self._keeper.join(_JOIN_SECONDS)  # a renewal that is on its way would take it again
        try:
            lease = self.cluster.get(LEASES, self.name, self.namespace)
            if lease["spec"].get("holderIdentity") == self.identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                self.cluster.replace(LEASES, self.name, lease, self.namespace)
        except ClusterError as error:
            LOGGER.warning("could not give the lease back, it runs out in %s s: %s", self.seconds, error)
        self.held.clear()

    def _keep(self, lost: Callable[[], None]) -> None:
        renewed = monotonic()
        while not self._stop.wait(self.seconds / 3):
            try:
                if self._try():
                    renewed = monotonic()
                    continue
                LOGGER.error("the lease was taken by %s", self._seen[0])
                break
            except ClusterError as error:
                LOGGER.warning("could not renew the lease: %s", error)
            if monotonic() - renewed > self.seconds:
                LOGGER.error("the lease ran out before it could be renewed")
                break
        else:
            return
        self.held.clear()
        lost()

    def _try(self) -> bool:
        """Take or renew it; False if somebody else holds it."""
        try:
            lease = self.cluster.get(LEASES, self.name, self.namespace)
        except NotFoundError:
            body = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self.name, "namespace": self.namespace},
                "spec": self._spec({}),
            }
            try:
                self.cluster.create(LEASES, body, self.namespace)
            except ExistsError:
                return False
            return True
        spec = lease.get("spec") or {}
        if not self._is_free(spec):
            return False
        try:
            self.cluster.replace(LEASES, self.name, lease | {"spec": self._spec(spec)}, self.namespace)
        except ChangedError:
            return False
        return True

    def _is_free(self, spec: Mapping[str, Any]) -> bool:
        """Ours, given back, or not renewed for its whole length by our own clock: another's clock may be wrong."""
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self.identity):
            return True
        seen = (holder, spec.get("renewTime") or "")
        if seen != self._seen:
            self._seen, self._seen_at = seen, monotonic()
            return False
        return monotonic() - self._seen_at > float(spec.get("leaseDurationSeconds") or self.seconds)

    def _spec(self, old: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = old.get("holderIdentity") == self.identity
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.seconds,
            "acquireTime": old.get("acquireTime") if mine else now,
            "renewTime": now,
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + (0 if mine else 1),
        }
