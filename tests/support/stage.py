"""A namespace with a Deployment under review, on one history that every test shares."""

import json
import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.domain.evidence import hash_of
from lab.web import wait_until
from tests.support.cluster import Api, Raw

NAME: Final = "web-2"
SOURCE: Final = "prometheus"
TERMINAL: Final = ("Promoted", "RolledBack", "Decided", "Inconclusive", "Superseded", "Failed")
APPROVED: Final = "driftreview.dev/approved-revision"
THE_ACT: Final = r"/deployments/web\?(?!.*dryRun)"
"""The end of the address at which the target is changed, and not only rehearsed."""
PATIENCE: Final = 3
"""How many times as long a machine may take that does other things too."""
LONGEST: Final = 240
"""In seconds: what is awaited longer than that hardly comes, and a test has ten minutes for all of it."""
_STEP: Final = 15


def write_history(path: Path, start: datetime, end: datetime) -> Path:
    """Two series that stay where they are, from the past into the future: nothing is late for having been slow."""
    lines = ["# TYPE latency_ms gauge\n"]
    for number, replica in enumerate("ab"):
        for second in range(int(start.timestamp()), int(end.timestamp()), _STEP):
            value = 100 + 10 * number + math.sin(second * 0.7 + number)
            lines.append(f'latency_ms{{replica="{replica}"}} {value:.4f} {second}\n')
    path.write_text("".join([*lines, "# EOF\n"]), encoding="utf-8")
    return path


def whole(moment: datetime) -> datetime:
    """Cut to the second, as stored times are."""
    return moment.replace(microsecond=0)


def wire(moment: datetime) -> str:
    """A moment as resources write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def on_grid(moment: datetime, step: int) -> datetime:
    """Where a window that begins or ends at this moment is cut: at a whole number of steps (seconds) since 1970."""
    return moment - timedelta(seconds=moment.timestamp() % step)


def ago(**length: float) -> datetime:
    """A moment before now."""
    return whole(datetime.now(UTC) - timedelta(**length))


def steady(name: str = "latency") -> Raw:
    """A signal that stays as it was."""
    return {
        "name": name,
        "query": 'latency_ms{replica="a"}',
        "unit": "ms",
        "margin": {"relative": "10%"},
        "minCoverage": "50%",
    }


def stepping(since: datetime, by: int = 100, name: str = "latency") -> Raw:
    """A signal that is worse from a moment on."""
    query = f'latency_ms{{replica="a"}} + {by} * (time() > bool {since.timestamp():.0f})'
    return steady(name) | {"query": query}


def ending(at: datetime, name: str = "latency") -> Raw:
    """A signal without data after a moment."""
    query = f'latency_ms{{replica="a"}} and on () (vector(time()) < {at.timestamp():.0f})'
    return steady(name) | {"query": query}


def until(end: datetime, by: int = 100, name: str = "latency") -> Raw:
    """A signal that is worse until a moment, and as it was from then on; without an end: see `stepping`."""
    query = f'latency_ms{{replica="a"}} + {by} * (time() < bool {end.timestamp():.0f})'
    return steady(name) | {"query": query}


def deployment(version: str, replicas: int = 1, name: str = "web") -> Raw:
    """A Deployment of one version."""
    container = {"name": "app", "image": f"example.org/web:{version}", "env": [{"name": "VERSION", "value": version}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "annotations": {"example.org/note": "kept"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name, "version": version}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
            },
        },
    }


def review_spec(**parts: Any) -> Raw:
    """A review of three looks that are all due; mappings are merged one level deep, None leaves a part out."""
    spec: Raw = {
        "target": {"kind": "Deployment", "name": "web"},
        "metrics": {"sourceRef": {"kind": "MetricSource", "name": SOURCE}},
        "window": {
            "t0": wire(ago(minutes=30)),
            "backdated": True,
            "warmup": "1m",
            "settle": "2s",
            "checkpoints": ["6m", "12m", "18m"],
            "rollback": "24h",
            "recovery": "0s",
        },
        "baseline": {"from": "History", "length": "1h"},
        "signals": [steady()],
        "policy": {"mode": "Enforce"},
    }
    for name, part in parts.items():
        old = spec.get(name)
        spec[name] = old | part if isinstance(old, dict) and isinstance(part, dict) else part
        if isinstance(spec[name], dict):
            spec[name] = {key: value for key, value in spec[name].items() if value is not None}
    return spec


@dataclass(frozen=True)
class Stage:
    """One namespace, its Deployment, its reviews."""

    api: Api
    namespace: str
    prometheus: str
    """URL of the metrics."""

    @contextmanager
    def another(self, name: str) -> Iterator[Self]:
        """A second namespace beside it, as long as it is needed."""
        other = replace(self, namespace=f"{name}-{uuid.uuid4().hex[:6]}")
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other.namespace}})
        try:
            yield other
        finally:
            self.api.delete("Namespace", other.namespace)

    def release(self, *versions: str, replicas: int = 1, name: str = "web") -> Raw:
        """Roll out one version after the other; returns the Deployment."""
        return self.roll_out(*(deployment(version, replicas, name) for version in versions))

    def roll_out(self, *documents: Raw) -> Raw:
        """Apply one Deployment after the other, each when the one before it is rolled out; returns the last one."""
        for each in documents:
            self.apply(each)
            self.rolled_out(each["metadata"]["name"])
        return self.deployment(documents[-1]["metadata"]["name"])

    def apply(self, document: Raw) -> Raw:
        """Create the Deployment, or give it the other template."""
        name = document["metadata"]["name"]
        if self.api.find("Deployment", name, self.namespace) is None:
            return self.api.create(document, self.namespace)
        return self.api.merge("Deployment", name, self.namespace, {"spec": document["spec"]})

    def rolled_out(self, name: str = "web") -> None:
        """Wait until a Deployment's rollout is over."""

        def over() -> bool:
            found = self.api.get("Deployment", name, self.namespace)
            status, wanted = found.get("status", {}), found["spec"]["replicas"]
            seen = status.get("observedGeneration") == found["metadata"]["generation"]
            counts = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
            ended = any(each.get("reason") == "NewReplicaSetAvailable" for each in status.get("conditions", []))
            return seen and ended and all(count == wanted for count in counts)

        wait_until(over, f"{name} is rolled out", 30 * PATIENCE)

    def deployment(self, name: str = "web") -> Raw:
        """The Deployment as it is."""
        return self.api.get("Deployment", name, self.namespace)

    def version(self, name: str = "web") -> str:
        """Which version the Deployment's template is of."""
        version: str = self.deployment(name)["spec"]["template"]["metadata"]["labels"]["version"]
        return version

    def replica_sets(self) -> Mapping[str, Raw]:
        """ReplicaSets by version."""
        found = self.api.list("ReplicaSet", self.namespace)
        return {each["spec"]["template"]["metadata"]["labels"]["version"]: each for each in found}

    def source(self, name: str = SOURCE, **spec: Any) -> Raw:
        """Create a MetricSource."""
        document = {
            "apiVersion": "driftreview.dev/v1alpha1",
            "kind": "MetricSource",
            "metadata": {"name": name},
            "spec": {"url": self.prometheus, "resolution": "30s", "timeout": "5s"} | spec,
        }
        return self.api.create(document, self.namespace)

    def review(self, name: str = NAME, *, source: bool = True, **spec: Any) -> Raw:
        """Create a review, and its source."""
        if source:
            self.source()
        document = {
            "apiVersion": "driftreview.dev/v1alpha1",
            "kind": "DriftReview",
            "metadata": {"name": name},
            "spec": review_spec(**spec),
        }
        return self.api.create(document, self.namespace)

    def read(self, name: str = NAME) -> Raw:
        """A review as it is."""
        return self.api.get("DriftReview", name, self.namespace)

    def status(self, name: str = NAME) -> Raw:
        """How a review stands."""
        status: Raw = self.read(name).get("status", {})
        return status

    def until(self, holds: Callable[[Raw], Any], what: str, seconds: float = 20, name: str = NAME) -> Raw:
        """Wait until a review's status is as wanted; returns it. `seconds` is what an idle machine takes at most."""

        def look() -> Raw | None:
            status = self.status(name)
            return status if holds(status) else None

        try:
            return wait_until(look, what, max(seconds, min(seconds * PATIENCE, LONGEST)))
        except Exception as error:
            raise AssertionError(f"{error}; it is {json.dumps(self.status(name), indent=1)}") from error

    def in_phase(self, *phases: str, seconds: float = 20, name: str = NAME) -> Raw:
        """Wait for one of these phases."""
        return self.until(lambda status: status.get("phase") in phases, f"it is {' or '.join(phases)}", seconds, name)

    def ended(self, seconds: float = 20, name: str = NAME) -> Raw:
        """Wait until a review is over."""
        return self.in_phase(*TERMINAL, seconds=seconds, name=name)

    def refused(self, reason: str, seconds: float = 20, name: str = NAME) -> str:
        """Wait until a review is not accepted for this reason; returns the message."""

        def so(status: Raw) -> bool:
            accepted = condition(status, "Accepted")
            return bool(accepted and accepted["status"] == "False" and accepted["reason"] == reason)

        message: str = condition(self.until(so, f"it is not accepted, {reason}", seconds, name), "Accepted")["message"]
        return message

    def touch(self, name: str = NAME) -> None:
        """Have the operator look at a review now instead of within a minute."""
        self.api.merge("DriftReview", name, self.namespace, {"metadata": {"labels": {"look": uuid.uuid4().hex[:8]}}})

    def snapshots(self) -> list[DriftSnapshot]:
        """All stored evidence, T0 first."""
        found = [DriftSnapshot.model_validate(each) for each in self.api.list("DriftSnapshot", self.namespace)]
        return sorted(
            found, key=lambda each: (each.spec.previous_hash != "", each.spec.window and each.spec.window.end)
        )


def condition(status: Raw, kind: str) -> Raw:
    """One condition of a status, empty if it is not there."""
    return next((each for each in status.get("conditions", []) if each["type"] == kind), {})


def verdicts(status: Raw) -> list[str | None]:
    """The verdicts of all checkpoints."""
    return [each.get("verdict") for each in status["checkpoints"]]


def assert_chained(snapshots: Sequence[DriftSnapshot]) -> None:
    """Every snapshot has its own hash and names that of the one before."""
    before = ""
    for each in snapshots:
        assert each.spec.hash == hash_of(each.spec)
        assert each.spec.previous_hash == before
        before = each.spec.hash
