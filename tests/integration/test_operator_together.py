"""Services that ship together: one T0, one decision, and each of them promoted or taken back in the declared order."""

from datetime import timedelta
from typing import Any, Final

import pytest

from lab import Lab
from lab.install import OperatorProcess
from tests.integration.test_operator_promote_to import patched
from tests.support.stage import Stage, ago, stepping, wire
from tests.support.workloads import Kind

pytestmark = pytest.mark.integration
API, JOBS = "web-api", "web-jobs"
APPROVED: Final = "driftreview.dev/approved-revision"


def together(*names: str, **parts: Any) -> dict[str, Any]:
    """A review of the Deployment web and of others that ship with it."""
    return {"target": {"with": [{"name": each} for each in names]}, **parts}


def drifting() -> dict[str, Any]:
    """What makes a release look bad soon after its T0."""
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [stepping(t0 + timedelta(minutes=7))]}


def released(stage: Stage, *names: str) -> None:
    for name in ("web", *names):
        stage.release("1", "2", name=name)


def versions(stage: Stage, *names: str) -> list[str]:
    return [stage.version(each) for each in ("web", *names)]


def test_all_are_approved_once_all_are_rolled_out_and_judged(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    since = lab_session.audit_log.stat().st_size
    cache = Kind(stage, "StatefulSet", "cache")
    cache.release("1", "2")
    released(stage, API)
    others = [{"name": API}, {"kind": "StatefulSet", "name": "cache"}]
    stage.review(target={"with": others})
    status = stage.ended(60)
    assert status["phase"] == "Promoted", status["summary"]
    assert (
        f"also approved: Deployment {stage.namespace}/{API}, StatefulSet {stage.namespace}/cache" in status["summary"]
    )
    assert [each["name"] for each in status["members"]] == [API, "cache"]
    for found in (stage.deployment(), stage.deployment(API), cache.read()):
        assert APPROVED in found["metadata"]["annotations"]
    assert patched(lab_session, since, stage) == ["web", API]
    assert operator.pid is not None


def test_all_are_taken_back_in_the_declared_order(stage: Stage, operator: OperatorProcess, lab_session: Lab) -> None:
    since = lab_session.audit_log.stat().st_size
    released(stage, API, JOBS)
    stage.review(**together(API, JOBS, **drifting()))
    status = stage.ended(60)
    assert status["phase"] == "RolledBack", status["summary"]
    assert versions(stage, API, JOBS) == ["1", "1", "1"]
    assert patched(lab_session, since, stage) == ["web", API, JOBS]
    moments = [each[name] for each in status["act"]["steps"] for name in ("appliedAt", "completedAt")]
    assert moments == sorted(moments)
    assert status["act"]["appliedAt"] <= moments[0]
    names = [each["previous"]["name"] for each in (status, *status["members"])]
    assert status["summary"].startswith(f"rolled back to {', '.join(names)}: ")
    assert operator.pid is not None
