"""From `kubectl apply` to the decision and the act, by an operator process on real servers."""

from datetime import timedelta

import pytest

from driftreview.api.driftreview import DriftReview
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.revisions import template_hash
from lab.install import OperatorProcess
from tests.support.stage import APPROVED, Stage, ago, assert_chained, steady, stepping, verdicts, wire

pytestmark = pytest.mark.integration


def test_a_good_release_is_promoted_and_its_revision_marked_as_approved(
    stage: Stage, operator: OperatorProcess
) -> None:
    before = stage.release("1", "2")
    stage.review()
    status = stage.ended()
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"] * 3)
    after = stage.deployment()
    judged = template_hash(after["spec"]["template"])
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"] | {APPROVED: judged}
    assert status["judged"]["templateHash"] == judged
    assert after["spec"] == before["spec"]
    # An annotation counts as a change, but rolls out nothing.
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert stage.replica_sets()["2"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert operator.pid is not None


def test_a_degraded_release_is_rolled_back_to_the_old_template_and_its_pods(
    stage: Stage, operator: OperatorProcess
) -> None:
    old = stage.release("1", replicas=2)["spec"]["template"]
    bad = stage.release("2", replicas=2)
    old_set = stage.replica_sets()["1"]["metadata"]["uid"]
    t0 = ago(minutes=30)
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0 + timedelta(minutes=6)), steady("other")])
    status = stage.ended()
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Pass", "Drift", None]), status
    back = stage.deployment()
    assert back["spec"]["template"] == old
    assert back["metadata"]["generation"] == bad["metadata"]["generation"] + 1
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert back["spec"] | {"template": None} == bad["spec"] | {"template": None}
    assert APPROVED not in back["metadata"]["annotations"]
    sets = stage.replica_sets()
    assert sets["1"]["metadata"]["uid"] == old_set
    assert {version: each["spec"]["replicas"] for version, each in sets.items()} == {"1": 2, "2": 0}
    pods = [each for each in stage.api.list("Pod", stage.namespace) if "deletionTimestamp" not in each["metadata"]]
    assert {each["metadata"]["ownerReferences"][0]["uid"] for each in pods} == {old_set}
    assert operator.pid is not None


def test_a_release_that_was_rolled_back_is_not_promoted_by_being_deployed_again(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)])
    assert stage.ended()["phase"] == "RolledBack"
    during = stage.deployment()["metadata"]["annotations"]["driftreview.dev/rejected-during"]
    stage.release("2")
    stage.review("again", source=False, window={"t0": wire(ago(minutes=25))})
    waiting = stage.until(lambda found: found.get("summary"), "it says what it waits for", name="again")
    allow = f"kubectl annotate deployment/web driftreview.dev/rejected-revision- -n {stage.namespace}"
    assert waiting["summary"].endswith(f"was rolled back by a review; to have it reviewed all the same: {allow}")
    assert "t0" not in waiting
    annotations = {"driftreview.dev/rejected-revision": None}
    stage.api.merge("Deployment", "web", stage.namespace, {"metadata": {"annotations": annotations}})
    started = stage.until(lambda found: found.get("t0"), "it is reviewed now", 40, name="again")
    assert started["target"]["historyEndsAt"] <= during.partition("/")[0]
    assert operator.pid is not None


def test_what_was_rejected_and_left_to_a_person_is_neither_a_baseline_nor_gone_back_to(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    stage.review("held", window={"t0": wire(t0)}, signals=[stepping(t0)], policy={"onDrift": "Hold"})
    held = stage.until(lambda found: found.get("decision"), "it is decided", name="held")
    assert held["decision"]["recommendation"] == "REJECT"
    stage.release("3")
    worse = [stepping(t0 + timedelta(minutes=5))]
    stage.review("fix", source=False, window={"t0": wire(t0 + timedelta(minutes=5))}, signals=worse)
    ended = stage.ended(80, name="fix")  # it begins when the first one has seen that it is superseded
    assert ended["target"]["historyEndsAt"] == held["target"]["historyEndsAt"]
    assert ended["phase"] == "RolledBack"
    assert stage.deployment()["spec"]["template"]["metadata"]["labels"]["version"] == "1"
    assert operator.pid is not None


def test_the_evidence_is_a_chain_of_hashes_and_judged_again_offline_gives_the_same(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0 + timedelta(minutes=12), by=300), steady("other")])
    stage.ended()
    raw = stage.read()
    review, snapshots = DriftReview.model_validate(raw), stage.snapshots()
    assert [each.spec.checkpoint for each in snapshots] == ["T0", "6m", "12m", "18m"]
    assert_chained(snapshots)
    baseline, *looks = [each.spec for each in snapshots]
    again = [judge_checkpoint(review.spec, baseline, each) for each in looks]
    for row, result in zip(review.status.checkpoints, again, strict=True):
        assert row.verdict == result.verdict
        assert row.message == result.message[:512]
        assert [each.verdict for each in row.signals] == [each.finding.verdict for each in result.results]
    assert review.status.baseline is not None
    assert review.status.baseline.hash == baseline.hash
    assert [row.snapshot and row.snapshot.hash for row in review.status.checkpoints] == [each.hash for each in looks]
    assert operator.pid is not None
