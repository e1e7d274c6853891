"""policy.onNewRevision: Chain: one review of several releases, with the real controllers."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.domain.evidence import content_hash
from driftreview.domain.recheck import differences, earlier, looked, looked_after
from lab import Lab
from lab.install import OperatorProcess
from tests.integration.test_operator_approvals import Person
from tests.integration.test_operator_others import reason, touch
from tests.support.cluster import Raw
from tests.support.stage import NAME, Stage, ago, condition, deployment, wire

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]
_WINDOW: Final = {"checkpoints": ["6h"], "warmup": "0s"}


@pytest.fixture
def kubectl(lab_session: Lab, stage: Stage) -> Callable[..., str]:
    return lambda *arguments: lab_session.kubectl("-n", stage.namespace, *arguments)


@pytest.fixture
def chained(stage: Stage, operator: OperatorProcess) -> Stage:
    """A release whose review goes on with the next one, and has its first T0."""
    assert operator.pid is not None
    stage.release("1", "2")
    policy = {"onNewRevision": "Chain", "approval": {"type": "Manual", "approvals": 1}}
    stage.review(window=_WINDOW | {"t0": wire(ago(minutes=5))}, policy=policy)
    stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    return stage


def goes_on(stage: Stage, version: str, revisions: int) -> Raw:
    """Release, and wait until T0 was taken anew for it."""
    stage.release(version)
    touch(stage)

    def so(status: Raw) -> Any:
        return len(status.get("chain", {}).get("revisions", [])) == revisions and status.get("baseline")

    return stage.until(so, f"it goes on with {version}", 60)


def proved(stage: Stage) -> list[str]:
    """What `verify` finds of the review and its evidence."""
    review = DriftReview.model_validate(stage.read())
    found = [DriftSnapshot.model_validate(each) for each in stage.api.list("DriftSnapshot", stage.namespace)]
    acts = [DriftApproval.model_validate(each) for each in stage.api.list("DriftApproval", stage.namespace)]
    looks = looked(review, found)
    after = looked_after(review, looks, found)
    return list(map(str, differences(review, looks, earlier(review, found), acts, after)))


def test_it_goes_on_with_the_next_release_and_goes_back_to_what_ran_before_the_first(chained: Stage) -> None:
    admin = Person("admin", chained.api, chained)
    admin.does("Approve")
    chained.until(lambda found: found.get("approvals") and found["approvals"][0]["counted"], "the approval counts")
    first = chained.status()
    template = chained.replica_sets()["1"]["spec"]["template"]
    chained.api.delete("ReplicaSet", chained.replica_sets()["1"]["metadata"]["name"], chained.namespace)
    status = goes_on(chained, "3", 1)

    assert (status["phase"], status["retaken"]) == ("Watching", 1)
    assert status["t0"] > first["t0"]
    assert status["judged"]["name"] == chained.replica_sets()["3"]["metadata"]["name"]
    assert status["previous"] == first["previous"]
    assert status["target"]["historyEndsAt"] == first["target"]["historyEndsAt"]
    assert status["earlier"] == first["baseline"]
    (link,) = status["chain"]["revisions"]
    assert (link["name"], link["t0"]) == (first["judged"]["name"], first["t0"])
    assert link["followedBy"].startswith("by field manager python-requests (Update) at 20")
    assert (
        f"{status['judged']['name']} was applied by field manager python-requests (Update) at 20"
        in (condition(status, "BaselineCaptured")["message"])
    )
    assert f"in place of {link['name']} (T0 {link['t0']})" in condition(status, "BaselineCaptured")["message"]
    (approval,) = status["approvals"]
    assert (approval["counted"], approval["why"]) == (
        False,
        f"it is about {first['judged']['name']}, which is not judged any more",
    )

    evidence = next(each for each in chained.snapshots() if each.metadata.name == status["baseline"]["name"])
    assert evidence.spec.previous_hash == first["baseline"]["hash"]
    assert evidence.spec.previous is not None
    del template["metadata"]["labels"]["pod-template-hash"]
    assert content_hash(evidence.spec.previous.template) == first["previous"]["templateHash"]
    assert proved(chained) == []

    admin.does("Reject")
    assert chained.ended(60)["phase"] == "RolledBack"
    assert chained.version() == "1"
    assert proved(chained) == []


def test_what_ran_before_the_first_is_taken_back_by_hand_and_any_other_is_one_more(
    chained: Stage, kubectl: Callable[..., str]
) -> None:
    first = goes_on(chained, "3", 1)
    kubectl("rollout", "undo", "deployment/web")
    chained.rolled_out()
    assert chained.version() == "2"
    touch(chained)
    second = chained.until(
        lambda found: len(found["chain"]["revisions"]) == 2 and found.get("baseline"), "one more of the chain", 60
    )
    assert second["chain"]["revisions"][0] == first["chain"]["revisions"][0]
    chained.apply(deployment("1"))
    chained.rolled_out()
    touch(chained)
    status = chained.ended()
    assert (status["phase"], reason(status)) == ("Superseded", "RevertedByHand")
    assert status["decision"]["recommendation"] == "REJECT"
    assert proved(chained) == []


def test_it_goes_on_four_times_and_then_ends(chained: Stage) -> None:
    for times in range(1, 5):
        status = goes_on(chained, str(times + 2), times)
    assert status["retaken"] == 4
    chained.release("7")
    touch(chained)
    status = chained.ended()
    assert (status["phase"], reason(status)) == ("Superseded", "NewRevision")
    assert status["summary"].endswith("; the chain ends here: T0 was taken anew 4 times, and is no more often")
    assert proved(chained) == []


def test_a_target_made_anew_ends_it_also_while_the_next_t0_is_awaited(stage: Stage) -> None:
    stage.release("1", "2")
    window = _WINDOW | {"t0": wire(ago(minutes=5)), "warmup": "1h"}
    stage.review(NAME, window=window, policy={"onNewRevision": "Chain"})
    stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    stage.release("3")
    touch(stage)
    status = stage.until(lambda found: found.get("chain"), "it waits for its next T0", 60)
    assert "t0" not in status
    assert "T0 is taken anew" in status["summary"] or "waits for T0 of web-" in status["summary"]
    assert "in place of web-" in condition(status, "BaselineCaptured")["message"]
    stage.api.delete("Deployment", "web", stage.namespace)
    touch(stage)
    status = stage.ended()
    assert (status["phase"], reason(status)) == ("Superseded", "TargetReplaced")
