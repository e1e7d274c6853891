"""Values the decision core works on, with everything a test does not speak of filled in."""

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from driftreview.api.act import Act, ActType, Do
from driftreview.api.approval import DriftApproval
from driftreview.api.base import Metadata
from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.driftsnapshot import (
    DriftSnapshotSpec,
    EvidenceWindow,
    Problem,
    ReviewRef,
    RevisionEvidence,
    SeriesEvidence,
    SignalEvidence,
)
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Limits, Margin, Signal
from driftreview.api.status import ContainerImage, DriftReviewStatus, Revision
from driftreview.api.verdicts import Verdict
from driftreview.domain.blocks import encode
from driftreview.domain.evidence import content_hash, seal
from driftreview.domain.finding import Finding, Side
from driftreview.domain.history import EPOCH, MILLISECOND, Recorded
from driftreview.domain.measured import Case, Grid
from driftreview.domain.samples import Samples, Series, Window
from driftreview.domain.together import judge_together
from driftreview.domain.workload import Held, Rollout, TargetView

T0 = datetime(2026, 7, 31, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BLOCK = timedelta(minutes=10)


def signal(name: str = "latency", **fields: Any) -> Signal:
    """A Level signal with a margin of 5%, unless the fields make it another."""
    given: dict[str, Any] = {"name": name, "query": "up", "unit": "s"} | fields
    if not {"kind", "margin", "limits"} & given.keys():
        given["margin"] = Margin(relative="5%")
    return Signal.model_validate(given)


def growth(limit: str = "20", **fields: Any) -> Signal:
    """A Growth signal."""
    return signal(**{"name": "memory", "unit": "MB", "kind": Kind.GROWTH, "limits": Limits(per_hour=limit)} | fields)


def events(margin: Mapping[str, str] | None = None, **fields: Any) -> Signal:
    """An Events signal that counts in five minutes, with a margin of 50% unless the fields make it another."""
    given: dict[str, Any] = {"name": "reconnects", "unit": "", "kind": Kind.EVENTS, "for": "5m"} | fields
    if margin is not None or "limits" not in fields:
        given["margin"] = margin or {"relative": "50%"}
    return signal(**given)


def limit(alert: str = "60", **fields: Any) -> Signal:
    """A Limit signal."""
    return signal(**{"name": "age", "kind": Kind.LIMIT, "limits": Limits(alert=alert)} | fields)


def presence(allowed: str = "5m", **fields: Any) -> Signal:
    """A Presence signal."""
    return signal(**{"name": "heartbeat", "unit": "", "kind": Kind.PRESENCE, "for": allowed} | fields)


def noise(count: int, seed: int, phi: float = 0.0) -> list[float]:
    """A stationary AR(1) series with standard deviation 1."""
    rng = random.Random(seed)  # noqa: S311 - noise for a test
    values, value = [], rng.gauss(0, 1)
    for _ in range(count):
        values.append(value)
        value = phi * value + math.sqrt(1 - phi * phi) * rng.gauss(0, 1)
    return values


def around(level: float, count: int, seed: int = 1, share: float = 0.02) -> list[float | None]:
    """Noisy values of some level; the noise is a share of the level's size, and so small that nothing touches 5%."""
    return [level + share * abs(level) * value for value in noise(count, seed)]


def series(values: Sequence[float | None], per_block: int = 10, **fields: Any) -> SeriesEvidence:
    """Evidence of one series with all its samples there, but for those of empty blocks."""
    present = [value for value in values if value is not None]
    given = {
        "values": encode(values),
        "samples": per_block * len(present),
        "expected": per_block * len(values),
        "worst": f"{max(present):.9g}" if present else None,
    }
    return SeriesEvidence(**given | fields)


def evidence(name: str, *all_series: SeriesEvidence, problem: Reason | None = None) -> SignalEvidence:
    """Evidence of one signal."""
    said = None if problem is None else Problem(reason=problem, message=f"because of {problem}")
    return SignalEvidence(name=name, query="up", unit="s", series=list(all_series), problem=said)


def snapshot(*signals: SignalEvidence, checkpoint: str = "T0", hours: float = 24, **fields: Any) -> DriftSnapshotSpec:
    """A sealed snapshot."""
    window = EvidenceWindow(start=T0, end=T0 + hours * HOUR, step="60s", block="600s")
    given = {
        "review_ref": ReviewRef(name="release", uid="review-uid"),
        "checkpoint": checkpoint,
        "source": "ClusterMetricSource/prometheus",
        "window": window,
        "judged": RevisionEvidence(**revision("new").model_dump()),
        "signals": list(signals),
        "hash": "",
    }
    return seal(DriftSnapshotSpec.model_validate(given | fields))


def template(version: str) -> dict[str, Any]:
    """The pod template of a version, as a Deployment holds it."""
    container = {"name": "web", "image": f"registry/web:{version}", "ports": [{"containerPort": 8080}]}
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}


def revision(version: str) -> Revision:
    """The revision of a version."""
    return Revision(
        name=f"web-{version}",
        uid=f"rs-{version}",
        template_hash=content_hash(template(version)),
        images=[ContainerImage(container="web", image=f"registry/web:{version}")],
    )


PAUSED = Held(Reason.TARGET_PAUSED, "rollout is paused", "kubectl rollout resume deployment/web -n shop")


def target(version: str = "new", **fields: Any) -> TargetView:
    """A Deployment that finished rolling out a version ten minutes before T0."""
    given: dict[str, Any] = {
        "uid": "target-uid",
        "generation": 7,
        "template_hash": content_hash(template(version)),
        "rollout": Rollout.COMPLETE,
        "rollout_message": "3 pods are updated and available",
        "rolled_out_at": T0 - 10 * MINUTE,
        "rollout_started_at": T0 - 12 * MINUTE,
        "current": revision(version),
        "previous": revision("old"),
        "approved": "",
        "held": PAUSED if fields.get("rollout") is Rollout.PAUSED else None,
    }
    return TargetView(**given | fields)


def review(status: DriftReviewStatus | None = None, **spec: Any) -> DriftReview:
    """A review of `web` with short windows."""
    given: dict[str, Any] = {
        "target": {"name": "web"},
        "metrics": {"sourceRef": {"kind": "ClusterMetricSource", "name": "prometheus"}},
        "window": {"checkpoints": ["1h", "2h", "4h"], "rollback": "4h"},
        "baseline": {"length": "1d"},
        "signals": [signal()],
    }
    metadata = Metadata(name="release", namespace="shop", uid="review-uid", generation=1, resource_version="1")
    return DriftReview.model_validate(
        {"metadata": metadata, "spec": given | spec, "status": status or DriftReviewStatus()}
    )


def spec(signals: Sequence[Signal], checkpoints: Sequence[str] = ("6h",), budget: str = "5%") -> DriftReviewSpec:
    """The spec of a review of these signals."""
    window = {"checkpoints": list(checkpoints), "rollback": checkpoints[-1]}
    return review(signals=list(signals), window=window, policy={"falseAlarmBudget": budget}).spec


def judge_series(declared: Signal, baseline: Side | str, now: Side, budget: float = 0.05) -> Finding:
    """Judge one Level, Growth or Events series by itself, in blocks of ten minutes; `baseline` is a text if missing."""
    return judge_together([Case.of(declared, baseline, now)], Grid(BLOCK / HOUR), budget)[0]


def side(values: Sequence[float | None]) -> Side:
    """One side of a comparison."""
    return Side(tuple(values))


def answer(window: Window, *values: Sequence[float | None], labels: Sequence[Mapping[str, str]] = ()) -> Samples:
    """What a query answered: one series for each list of values."""
    named = labels or [{} for _ in values]
    return Samples(window, tuple(Series(dict(each), tuple(row)) for each, row in zip(named, values, strict=True)))


def recorded(samples: Sequence[tuple[datetime, float]], **labels: str) -> Recorded:
    """One series as it was recorded."""
    times = [(moment - EPOCH) // MILLISECOND for moment, _ in samples]
    return Recorded(labels, np.array(times, dtype=np.int64), np.array([value for _, value in samples], dtype=float))


def approval(kind: str, by: str = "jane", at: datetime = T0, uid: str = "", **fields: Any) -> DriftApproval:
    """What a person did about `review`; `review_uid` names another one."""
    spec = {"reviewRef": {"name": "release", "uid": fields.pop("review_uid", "review-uid")}, "by": by, "type": kind}
    if kind in {"Reject", "Note", "Rebaseline", "Override"}:
        spec["message"] = f"{by} says so"
    uid = uid or f"{kind}-{by}-{at.timestamp():.0f}-{fields.get('item', '')}"
    metadata = Metadata(name=uid.lower(), namespace="shop", uid=uid, creation_timestamp=at)
    return DriftApproval.model_validate({"metadata": metadata, "spec": spec | fields})


def drifted(status: DriftReviewStatus) -> DriftReviewStatus:
    """The status once its first look was judged to be Drift: what a decision to reject follows from."""
    first, *others = status.checkpoints
    judged = {"verdict": Verdict.DRIFT, "judged_at": first.due, "message": "why"}
    return status.model_copy(update={"checkpoints": [first.model_copy(update=judged), *others]})


def intent(act: ActType = ActType.ROLL_BACK, at: datetime = T0, **fields: Any) -> Act:
    """What a review that decided writes down before it acts on the target as it is built here."""
    do = Do.APPROVE if act is ActType.PROMOTE else Do.PUT_BACK
    return Act(**{"type": act, "do": do, "target_uid": "target-uid", "generation": 7, "intent_at": at} | fields)
