"""policy.onNewRevision: Chain: one review of several releases, with the real controllers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.cli.app import app
from driftreview.domain.evidence import content_hash
from driftreview.domain.recheck import differences, earlier, looked, looked_after
from lab import Lab
from lab.install import OperatorProcess
from lab.web import wait_until
from tests.integration.test_operator_approvals import Person
from tests.integration.test_operator_others import reason
from tests.integration.test_operator_paused import AT_ONCE, PAUSED, WEB, half_way, images
from tests.support.canary import CANARY, STABLE, TARGET, rollout, tracked
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
    stage.touch()

    def so(status: Raw) -> Any:
        return len(status.get("chain", {}).get("revisions", [])) == revisions and status.get("baseline")

    return stage.until(so, f"it goes on with {version}", 90)


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
    chained.touch()
    second = chained.until(
        lambda found: len(found["chain"]["revisions"]) == 2 and found.get("baseline"), "one more of the chain", 60
    )
    assert second["chain"]["revisions"][0] == first["chain"]["revisions"][0]
    chained.apply(deployment("1"))
    chained.rolled_out()
    chained.touch()
    status = chained.ended()
    assert (status["phase"], reason(status)) == ("Superseded", "RevertedByHand")
    assert status["decision"]["recommendation"] == "REJECT"
    assert proved(chained) == []


def test_it_goes_on_four_times_and_then_ends(chained: Stage) -> None:
    for times in range(1, 5):
        status = goes_on(chained, str(times + 2), times)
    assert status["retaken"] == 4
    chained.release("7")
    chained.touch()
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
    stage.touch()
    status = stage.until(lambda found: found.get("chain"), "it waits for its next T0", 60)
    assert "t0" not in status
    assert "T0 is taken anew" in status["summary"] or "waits for T0 of web-" in status["summary"]
    assert "in place of web-" in condition(status, "BaselineCaptured")["message"]
    stage.api.delete("Deployment", "web", stage.namespace)
    stage.touch()
    status = stage.ended(60)
    assert (status["phase"], reason(status)) == ("Superseded", "TargetReplaced")


def test_the_looks_at_earlier_revisions_are_exported_and_one_that_was_altered_is_found(
    stage: Stage, lab_session: Lab, tmp_path: Path
) -> None:
    stage.release("1", "2")
    window = {"t0": wire(ago(minutes=15)), "warmup": "1s", "checkpoints": ["6m", "12m", "6h"]}
    stage.review(window=window, policy={"onNewRevision": "Chain"})
    stage.until(lambda found: found.get("progress") == "2/3", "two looks are judged", 40)
    goes_on(stage, "3", 1)
    path, where = tmp_path / "review.tar.gz", ("-n", stage.namespace, "--kubeconfig", str(lab_session.kubeconfig))
    done = CliRunner().invoke(app, ["export", NAME, *where, "-o", str(path)])
    assert "4 snapshots" in done.output, done.output
    proof = CliRunner().invoke(app, ["verify", str(path)])
    assert proof.exit_code == 0, proof.output
    assert "a chain of 2 snapshots unaltered" in proof.stdout
    assert "2 looks from before T0 was last taken: unaltered, each linked to its T0" in proof.stdout

    first = next(
        each for each in stage.api.list("DriftSnapshot", stage.namespace) if each["spec"]["checkpoint"] == "6m"
    )
    stage.api.delete("DriftSnapshot", first["metadata"]["name"], stage.namespace)
    metadata = {
        key: first["metadata"][key] for key in ("name", "labels", "ownerReferences") if key in first["metadata"]
    }
    stage.api.create(first | {"metadata": metadata, "spec": first["spec"] | {"source": "another"}}, stage.namespace)
    assert CliRunner().invoke(app, ["export", NAME, *where, "-o", str(path)]).exit_code == 0
    altered = CliRunner().invoke(app, ["verify", str(path)])
    assert altered.exit_code == 1
    assert "snapshots/01-6m.json: spec.hash: stored is sha256:" in altered.stderr


def rejected(stage: Stage) -> Raw:
    """A person takes the release back; returns how it ended."""
    Person("admin", stage.api, stage).does("Reject")
    status = stage.ended(60)
    assert (status["phase"], proved(stage)) == ("RolledBack", [])
    return status


class TestOfACanary:
    @pytest.fixture
    def canary(self, stage: Stage) -> Stage:
        """A canary beside the workload that serves, judged once, and in place of that the next one."""
        stage.roll_out(tracked("1", STABLE), tracked("1", CANARY), tracked("2", CANARY))
        stage.source(resolution="10s")
        window = {"t0": None, "backdated": None, "warmup": "0s", "checkpoints": ["1m"]}
        policy = {"onNewRevision": "Chain", "approval": {"type": "Manual", "approvals": 1}}
        stage.review(source=False, target=TARGET, rollout=rollout(), window=window, policy=policy)
        stage.until(lambda found: found.get("baseline"), "the baseline is frozen")
        stage.roll_out(tracked("3", CANARY))
        stage.touch()
        stage.until(lambda found: found.get("chain") and found.get("baseline"), "it goes on", 60)
        return stage

    def test_each_is_a_canary_and_a_reject_leaves_no_pods_of_it(self, canary: Stage) -> None:
        before = canary.deployment(STABLE)["metadata"]["generation"]
        status = rejected(canary)
        assert (status["act"]["do"], canary.deployment(CANARY)["spec"]["replicas"]) == ("Scale", 0)
        assert (canary.deployment(STABLE)["metadata"]["generation"], canary.version(CANARY)) == (before, "3")

    def test_what_is_promoted_is_what_was_judged_last(self, canary: Stage) -> None:
        canary.in_phase("Holding", seconds=120)
        Person("admin", canary.api, canary).does("Approve")
        status = canary.ended(60)
        assert (status["phase"], proved(canary)) == ("Promoted", [])
        assert [each["do"] for each in status["act"]["steps"]] == ["GiveTemplate", "Scale"]
        assert (canary.version(STABLE), canary.deployment(CANARY)["spec"]["replicas"]) == ("3", 0)


def test_of_paused_rollouts_each_is_judged_half_way_and_all_go_back_to_what_ran_before_the_first(
    stage: Stage, kubectl: Callable[..., str], lab_session: Lab
) -> None:
    half_way(stage, lab_session)
    stage.review(rollout=PAUSED, window=AT_ONCE, policy={"onNewRevision": "Chain"})
    first = stage.until(lambda found: found.get("baseline"), "the baseline is frozen", 60)
    kubectl("set", "image", WEB, "app=example.org/web:3")
    stage.touch()
    status = stage.until(lambda found: found.get("chain"), "it waits for its next T0", 60)
    assert "t0" not in status
    kubectl("rollout", "resume", WEB)
    wait_until(lambda: "3" in images(stage), "the first pod of the next one is there")
    kubectl("rollout", "pause", WEB)
    stage.touch()
    status = stage.until(lambda found: found.get("baseline"), "T0 was taken anew", 90)
    assert (status["retaken"], status["previous"]) == (1, first["previous"])
    assert status["judged"]["images"] == [{"container": "app", "image": "example.org/web:3"}]
    status = rejected(stage)
    assert (status["act"]["do"], images(stage)) == ("PutBack", ["1"] * 3)
    assert stage.deployment()["spec"].get("paused", False) is False


def test_of_first_releases_none_has_anything_to_go_back_to_but_no_pods(stage: Stage) -> None:
    stage.release("1")
    stage.review(rollout={"firstRelease": "ScaleToZero"}, window=AT_ONCE, policy={"onNewRevision": "Chain"})
    first = stage.until(lambda found: found.get("baseline"), "the baseline is frozen")
    assert (first["target"]["firstRelease"], "previous" in first) == (True, False)
    status = goes_on(stage, "2", 1)
    assert (status["target"]["firstRelease"], "previous" in status) == (True, False)
    assert (condition(status, "RollbackPossible")["status"], status["rollback"]["possible"]) == ("True", True)
    assert status["rollback"]["message"].startswith("to no pods until ")
    status = rejected(stage)
    assert (status["act"]["do"], stage.deployment()["spec"]["replicas"], stage.version()) == ("Scale", 0, "2")
