"""When the way back is looked at, what is kept of that between two writes, and that nothing of it stops a step."""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import pytest

from driftreview.adapters.errors import UnavailableError
from driftreview.adapters.workloads import Workload
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.target import TargetKind
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.action import Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.wayback import PAUSE, Gathered, Need
from driftreview.runtime.wayback import WayBackReader
from tests.builders import MINUTE, T0, review, revision, target, template


class World:
    """Stands for the cluster."""

    def __init__(self) -> None:
        self.looked: list[Any] = []
        self.missing: tuple[Need, ...] = ()
        self.fails: Exception | None = None
        self.there, self.frozen, self.asked = True, template("old"), 0
        self.reader = WayBackReader(cast(Any, self), cast(Any, self), self.evidence)

    def gather(self, _: DriftReview, __: Workload, of: Any, ___: datetime) -> Gathered:
        self.looked.append(of)
        if isinstance(self.fails, ValueError):
            raise self.fails
        return Gathered(of, self.missing)

    def pin(self, *_: Any) -> RevisionEvidence:
        if isinstance(self.fails, UnavailableError):
            raise self.fails
        return RevisionEvidence(**revision("old").model_dump(), template=template("old") if self.there else {})

    def evidence(self, _: DriftReview) -> dict[str, Any]:
        self.asked += 1
        return self.frozen

    def see(self, subject: DriftReview, now: datetime = T0) -> WayBackCheck | None:
        return self.reader.seen(subject, Workload(TargetKind.DEPLOYMENT, {}, target()), now).view.check


def started(check: WayBackCheck | None = None) -> DriftReview:
    begun = plan(review(), Observed(replace(target(), check=check)), T0)
    assert isinstance(begun, Settle)
    return review(begun.status)


def test_it_looks_once_and_keeps_what_it_found_until_the_next_look_is_due() -> None:
    world = World()
    first = world.see(started())
    assert first is not None
    assert world.see(started(), T0 + MINUTE) is first
    assert world.see(started(), T0 + PAUSE) is not first
    assert len(world.looked) == 2


def test_what_stands_in_the_status_needs_no_look_after_a_restart() -> None:
    stored = WayBackCheck(at=T0, generation=7, risks=["as stored"])
    world = World()
    assert world.see(started(stored), T0 + MINUTE) == stored
    assert world.looked == []


def test_what_was_forgotten_is_looked_at_again() -> None:
    world = World()
    world.see(started())
    world.reader.forget(review().metadata.uid)
    world.see(started())
    assert len(world.looked) == 2


def test_the_template_is_the_clusters_and_else_that_of_the_evidence() -> None:
    world = World()
    world.see(started())
    world.there = False
    world.reader.forget(review().metadata.uid)
    world.see(started())
    assert world.looked == [template("old"), template("old")]
    assert world.asked == 1


def test_evidence_of_another_template_is_not_taken_for_it() -> None:
    world = World()
    world.there, world.frozen = False, template("new")
    world.see(started())
    assert world.looked == [{}]


def test_a_template_that_cannot_be_had_is_said_and_stops_nothing() -> None:
    world = World()
    world.fails = UnavailableError("timed out")
    found = world.see(started())
    assert found is not None
    assert world.looked == [{}]


@pytest.mark.parametrize("subject", [review(), started()])
def test_whatever_goes_wrong_is_a_risk_and_stops_nothing(subject: DriftReview) -> None:
    world = World()
    world.fails = ValueError("a fault of ours")
    found = world.see(subject)
    assert found is not None
    assert (found.hindrances, found.risks) == ([], ["the operator failed to look at the way back, see its log"])
    assert found.autoscaler_unknown == found.risks[0], "what was not looked at is not known"


def test_what_is_missing_is_in_the_status_with_the_next_step() -> None:
    world = World()
    world.missing = (Need("ConfigMap", "settings"),)
    subject = started()
    view = world.reader.seen(subject, Workload(TargetKind.DEPLOYMENT, {}, target()), T0).view
    step = plan(subject, Observed(view), T0 + MINUTE)
    assert not isinstance(step, Settle), "the baseline is not held up by it"
    assert view.check is not None
    assert view.check.hindrances[0].reason == "DependencyMissing"
