"""The act itself: only on the review as it was read, and only back to what was pinned."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from driftreview.adapters.errors import ChangedError, ClusterError, ForbiddenError, UnavailableError
from driftreview.adapters.workloads import Workload
from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.domain.action import Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.stop import Stop
from driftreview.runtime.carryout import CarryOut
from driftreview.runtime.keeper import Keeper
from driftreview.runtime.stop import StopWatch
from driftreview.runtime.telemetry import Telemetry
from tests.builders import T0, review, revision, target, template
from tests.unit.test_pausing import pause


class Done:
    """Stands for the cluster: keeps a note of what was put back."""

    def __init__(self, kept: dict[str, Any], version: str = "1") -> None:
        self.kept, self.version = kept, version
        self.put_back: list[Any] = []
        self.fails: ClusterError | None = None

    def read(self, *_: str) -> dict[str, Any]:
        return {"metadata": {"resourceVersion": self.version}}

    def pin(self, *_: Any) -> RevisionEvidence:
        return RevisionEvidence(**revision("old").model_dump(), template=self.kept)

    def pause(self, *_: Any) -> None:
        assert self.fails is not None
        raise self.fails

    def roll_back(self, _workload: Workload, template: Any, ran: tuple[datetime, datetime], *, resumes: bool) -> None:
        assert ran[0] <= ran[1]
        assert not resumes
        self.put_back.append(template)


def before_evidence() -> DriftReview:
    """A review at T0 whose evidence is not frozen yet."""
    begun = plan(review(), Observed(target()), T0)
    assert isinstance(begun, Settle)
    assert begun.status.baseline is None
    return review(begun.status)


def carrying_out(done: Done, stop: Stop | None = None) -> CarryOut:
    switch = SimpleNamespace(read=lambda: stop)
    watch = StopWatch(cast(Any, switch), Telemetry())
    keeper = Keeper(cast(Any, done), cast(Any, done))
    return CarryOut(cast(Any, done), cast(Any, done), cast(Any, done), keeper, Telemetry(), watch)


def rolled_back(done: Done, stop: Stop | None = None) -> tuple[Any, list[Any]]:
    workload = cast(Workload, SimpleNamespace(view=target(), deployment={}))
    return carrying_out(done, stop).act(before_evidence(), workload, ActType.ROLL_BACK, T0)[0], done.put_back


def test_before_there_is_evidence_the_pinned_template_is_put_back() -> None:
    status, put_back = rolled_back(Done(template("old")))
    assert put_back == [template("old")]
    assert status == before_evidence().status


def test_if_that_is_gone_too_it_is_said() -> None:
    status, put_back = rolled_back(Done({}))
    assert (status.phase, put_back) == (Phase.FAILED, [])
    assert "ReplicaSet web-old is gone, or not what was pinned at T0" in status.summary
    assert status.conditions[-1].reason == Reason.NO_PREVIOUS_REVISION


def test_nothing_is_done_for_a_review_that_changed() -> None:
    with pytest.raises(ChangedError):
        rolled_back(Done(template("old"), version="2"))


@pytest.mark.parametrize("stop", [Stop("all acts were stopped"), Stop.unreadable("ConfigMap a/b", "403")])
def test_nothing_is_done_while_acts_are_stopped_or_nobody_can_tell(stop: Stop) -> None:
    done = Done(template("old"))
    with pytest.raises(ChangedError, match="the act of shop/release is not done"):
        rolled_back(done, stop)
    assert done.put_back == []


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (
            ForbiddenError("PATCH: 403 no", 403),
            "binds charts/driftreview/rules/gitops.yaml there to the operator's account",
        ),
        (UnavailableError("PATCH: no answer"), "PATCH: no answer"),
    ],
)
def test_a_pause_that_is_forbidden_says_what_is_to_be_granted(error: ClusterError, end: str) -> None:
    done = Done(template("old"))
    done.fails = error
    status, _ = carrying_out(done).pause(before_evidence(), cast(Workload, None), pause(), T0)
    stalled = next(each for each in status.conditions if each.type == "Stalled")
    assert stalled.reason == Reason.NOT_PAUSED
    assert stalled.message.endswith(end)
