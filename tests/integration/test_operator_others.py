"""Others change things too: another review of the same target, people who take a release back, scale it or edit it."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from lab import Lab
from lab.install import SYSTEM, OperatorProcess
from lab.web import wait_until
from tests.integration.operators import LEASE, Operators
from tests.support.cluster import Raw
from tests.support.faultproxy import Fault, FaultProxy
from tests.support.stage import APPROVED, THE_ACT, Stage, ago, condition, stepping, wire

pytestmark = pytest.mark.integration
CALM = {"DEBUG", "INFO"}
REJECTED = "driftreview.dev/rejected-revision"


def waiting(**spec: Any) -> Raw:
    """A review whose looks are all to come."""
    return {"window": {"t0": wire(ago(minutes=5)), "checkpoints": ["6h"]}, **spec}


def reason(status: Raw) -> str:
    found: str = condition(status, "Reconciling").get("reason", "")
    return found


def told(operator: OperatorProcess) -> list[Raw]:
    """What an operator has logged."""
    return [json.loads(line) for line in operator.log.read_text("utf-8").splitlines() if line.startswith("{")]


@pytest.fixture
def kubectl(lab_session: Lab, stage: Stage) -> Callable[..., str]:
    return lambda *arguments: lab_session.kubectl("-n", stage.namespace, *arguments)


@pytest.fixture
def watched(stage: Stage, operator: OperatorProcess) -> Stage:
    """A release whose review has its baseline and waits for the first look."""
    stage.release("1", "2")
    stage.review(**waiting())
    stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    assert operator.pid is not None
    return stage


class TestTwoReviewsOfOneTarget:
    def test_the_other_one_waits_also_after_a_restart_and_goes_on_when_the_first_is_deleted(
        self, stage: Stage, operators: Operators
    ) -> None:
        with operators.own() as operator:
            stage.release("1", "2")
            stage.review("first", **waiting())
            first = stage.until(lambda status: status.get("baseline"), "it has begun", name="first")
            stage.review("second", source=False, **waiting())
            status = stage.until(lambda found: reason(found) == "AnotherReview", "it waits", name="second")
            assert (status["phase"], condition(status, "Stalled")["status"]) == ("Pending", "False")
            assert status["summary"] == (
                f"waits for review first of Deployment web, which has its T0 since {first['t0']}: it goes on when that "
                f"one has ended or is deleted, at {first['rollback']['closesAt']} at the latest"
            )
            operator.kill()
            stage.review("third", source=False, **waiting())
            operators.restart(operator)
            stage.until(lambda found: reason(found) == "AnotherReview", "it waits", name="third")
            stage.touch("second")
            assert stage.status("second").get("t0") is None
            stage.api.delete("DriftReview", "first", stage.namespace)
            stage.until(lambda found: found.get("baseline"), "the next one has begun", 70, name="second")
            stage.until(lambda found: "review second" in found["summary"], "the last one waits", 70, name="third")
            assert stage.status("third").get("t0") is None

    def test_of_two_that_are_applied_in_the_same_second_one_begins(self, stage: Stage, operators: Operators) -> None:
        stage.release("1", "2")
        stage.source()
        made = [stage.review(name, source=False, **waiting()) for name in ("b", "a")]
        older, other = sorted(made, key=lambda each: (each["spec"]["window"]["t0"], each["metadata"]["name"]))
        with operators.own():
            stage.until(lambda found: found.get("baseline"), "it has begun", name=older["metadata"]["name"])
            stage.until(lambda found: reason(found) == "AnotherReview", "it waits", name=other["metadata"]["name"])
            assert stage.status(other["metadata"]["name"]).get("t0") is None

    def test_one_that_is_never_accepted_or_suspended_holds_up_nobody(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.release("1", "2")
        nowhere = {"sourceRef": {"kind": "MetricSource", "name": "nowhere"}}
        stage.review("unaccepted", metrics=nowhere, **waiting())
        stage.refused("SourceNotFound", name="unaccepted")
        stage.review("suspended", source=False, suspend=True, **waiting())
        stage.until(lambda found: reason(found) == "Suspended", "it is suspended", name="suspended")
        stage.review("other", source=False, **waiting())
        stage.until(lambda found: found.get("baseline"), "it has begun", name="other")
        stage.api.merge("DriftReview", "suspended", stage.namespace, {"spec": {"suspend": False}})
        stage.until(lambda found: reason(found) == "AnotherReview", "now that one waits", name="suspended")
        assert operator.pid is not None

    def test_those_that_only_observe_wait_for_nobody(self, watched: Stage) -> None:
        watched.review("beside", source=False, **waiting(policy={"mode": "Observe"}))
        begun = watched.until(lambda found: found.get("baseline"), "it has begun", name="beside")
        assert reason(begun) != "AnotherReview"
        assert begun["target"]["uid"] == watched.status()["target"]["uid"]

    def test_when_the_first_has_rolled_back_the_other_waits_for_a_release(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.release("1", "2")
        stage.source(resolution="10s")
        t0 = ago(seconds=45)
        bad = {"window": {"t0": wire(t0), "checkpoints": ["1m"]}, "signals": [stepping(t0)]}
        stage.review("first", source=False, **bad)
        stage.until(lambda found: found.get("t0"), "it has begun", name="first")
        stage.review("second", source=False, window={"t0": None, "warmup": "0s"})
        stage.until(lambda found: reason(found) == "AnotherReview", "it waits", name="second")
        assert stage.ended(60, name="first")["phase"] == "RolledBack"
        status = stage.until(lambda found: "waits for a new rollout" in found["summary"], "it goes on", 70, "second")
        assert "was put back by a rollback" in status["summary"]
        assert operator.pid is not None


class TestTakenBackByHand:
    def test_it_is_a_verdict_of_people_that_later_reviews_know(
        self, watched: Stage, kubectl: Callable[..., str]
    ) -> None:
        kubectl("rollout", "undo", "deployment/web")
        watched.rolled_out()
        before = watched.deployment()
        watched.touch()
        status = watched.ended()
        assert (status["phase"], reason(status)) == ("Superseded", "RevertedByHand")
        decision = status["decision"]
        assert (decision["recommendation"], decision["reason"]) == ("REJECT", "RevertedByHand")
        assert decision["by"] == "kubectl"
        assert " by kubectl at 20" in status["summary"]
        assert status["summary"].startswith("Deployment web was taken back by hand from web-")
        assert watched.deployment()["metadata"]["generation"] == before["metadata"]["generation"]
        watched.release("3")
        watched.review("next", source=False, window={"t0": None, "warmup": "0s"})
        following = watched.until(lambda found: found.get("baseline"), "the next one has begun", name="next")
        assert following["target"]["historyEndsAt"] == status["target"]["historyEndsAt"]
        assert following["previous"]["templateHash"] == status["previous"]["templateHash"]
        assert "rejected release ran" in condition(following, "BaselineCaptured")["message"]

    def test_a_rollback_on_its_way_that_somebody_was_quicker_with_is_found_done(
        self, stage: Stage, operators: Operators, api_proxy: FaultProxy, kubectl: Callable[..., str]
    ) -> None:
        stage.release("1", "2")
        hold = threading.Event()
        held = api_proxy.add(Fault("PATCH", stage.namespace + THE_ACT, times=1, hold=hold))
        t0 = ago(minutes=30)
        with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)):
            stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)])
            wait_until(lambda: held.hits, "the rollback is on its way")
            kubectl("rollout", "undo", "deployment/web")
            stage.rolled_out()
            before = stage.deployment()
            hold.set()
            status = stage.ended()
        assert (status["phase"], reason(status)) == ("RolledBack", "SignalDegraded")
        assert status["act"]["by"].startswith("by field manager kubectl (Update) at 20")
        assert (
            f"rolled back to {status['previous']['name']} by field manager kubectl (Update) at 20" in status["summary"]
        )
        after = stage.deployment()
        assert after["metadata"]["generation"] == before["metadata"]["generation"]
        assert REJECTED not in after["metadata"]["annotations"]


class TestEdited:
    def test_another_template_ends_the_review_and_says_whose_it_is(
        self, watched: Stage, kubectl: Callable[..., str]
    ) -> None:
        kubectl("set", "image", "deployment/web", "app=example.org/web:hotfix")
        watched.touch()
        status = watched.ended()
        assert (status["phase"], reason(status)) == ("Superseded", "NewRevision")
        assert " by kubectl-set at 20" in status["summary"]
        assert "decision" not in status

    def test_annotations_labels_and_replicas_are_no_new_revision(
        self, watched: Stage, kubectl: Callable[..., str]
    ) -> None:
        kubectl("annotate", "deployment/web", "example.org/who=jane")
        kubectl("label", "deployment/web", "team=shop")
        kubectl("scale", "deployment/web", "--replicas=2")
        watched.rolled_out()
        watched.touch()
        edited = watched.read()["metadata"]["generation"]
        watched.until(lambda found: found["observedGeneration"] == edited, "it was looked at")
        assert watched.status()["phase"] == "Watching"

    def test_one_made_anew_with_the_very_same_template_is_told_as_such(
        self, watched: Stage, operator: OperatorProcess
    ) -> None:
        operator.stop()  # or it may look between the two, and end the review with what it sees: deleted
        watched.api.delete("Deployment", "web", watched.namespace)
        wait_until(lambda: watched.api.find("Deployment", "web", watched.namespace) is None, "the target is gone")
        watched.release("2")
        operator.start()
        status = watched.ended()
        assert (status["phase"], reason(status)) == ("Superseded", "TargetReplaced")
        assert ", with the very same pod template, during the review" in status["summary"]
        assert status["summary"].endswith("to have it judged, apply a new review")


class TestScaledToZero:
    def test_looks_meanwhile_are_inconclusive_and_it_goes_on_when_scaled_up(
        self, stage: Stage, operator: OperatorProcess, kubectl: Callable[..., str]
    ) -> None:
        stage.release("1", "2")
        stage.source(resolution="10s")
        t0 = ago(seconds=20)
        window = {"t0": wire(t0), "checkpoints": ["1m", "2h"]}
        stage.review(source=False, window=window, signals=[stepping(t0)])
        stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
        kubectl("scale", "deployment/web", "--replicas=0")
        stage.touch()
        status = stage.until(lambda found: condition(found, "Stalled")["status"] == "True", "it is told")
        assert condition(status, "Stalled")["reason"] == reason(status) == "ScaledToZero"
        assert status["summary"].startswith("Deployment web is scaled to zero, first seen so at 20")
        status = stage.until(lambda found: found.get("verdict"), "the look is judged", 90)
        row = status["checkpoints"][0]
        assert (row["verdict"], row["signals"][0]["verdict"]) == ("Inconclusive", "Inconclusive")
        assert "the target is scaled to zero: there is nothing to measure" in row["message"]
        assert "(Degraded: " in row["message"]
        stage.until(lambda found: reason(found) == "ScaledToZero", "it is still told")
        assert "decision" not in stage.status()
        kubectl("scale", "deployment/web", "--replicas=1")
        stage.rolled_out()
        stage.touch()
        status = stage.until(lambda found: reason(found) != "ScaledToZero", "it goes on")
        assert (status["phase"], condition(status, "Stalled")["status"]) == ("Watching", "False")
        assert operator.pid is not None

    def test_a_decided_rollback_is_done_all_the_same(self, watched: Stage, kubectl: Callable[..., str]) -> None:
        kubectl("scale", "deployment/web", "--replicas=0")
        uid = watched.read()["metadata"]["uid"]
        about = {"reviewRef": {"name": "web-2", "uid": uid}, "by": "admin", "type": "Reject", "message": "it is bad"}
        watched.api.create(
            {
                "apiVersion": "driftreview.dev/v1alpha1",
                "kind": "DriftApproval",
                "metadata": {"name": "reject"},
                "spec": about,
            },
            watched.namespace,
        )
        assert watched.ended(40)["phase"] == "RolledBack"
        after = watched.deployment()
        assert (watched.version(), after["spec"]["replicas"]) == ("1", 0)


class TestTwoOperators:
    """By mistake, each with a Lease of its own."""

    @pytest.fixture
    def elsewhere(self, stage: Stage, operators: Operators, lab_session: Lab) -> str:
        """A second namespace whose Lease the operator may take."""
        name = f"{stage.namespace}-2"[-63:].strip("-")
        lab_session.kubectl("create", "namespace", name)
        for kind in ("role", "rolebinding"):
            found = stage.api.get(
                {"role": "Role", "rolebinding": "RoleBinding"}[kind], "driftreview-own-namespace", "driftreview-system"
            )
            found["metadata"] = {"name": "driftreview-own-namespace", "namespace": name}
            stage.api.create(found, name)
        assert operators.kubeconfig.exists()
        return name

    @pytest.mark.parametrize("drifts", [True, False])
    @pytest.mark.parametrize("how", ["a Lease each", "the Lease deleted"])
    def test_a_review_is_judged_and_acted_on_once(
        self, stage: Stage, operators: Operators, elsewhere: str, how: str, *, drifts: bool
    ) -> None:
        stage.release("1", "2")
        stage.source()
        before = stage.deployment()["metadata"]["generation"]
        with operators.own() as one:
            two = operators.new(*(["--namespace", elsewhere] if how == "a Lease each" else []))
            try:
                if how == "a Lease each":
                    two.start()
                else:
                    stage.api.delete("Lease", LEASE, SYSTEM)
                    two.start(wait=False)
                    wait_until(lambda: "the lease" in two.log.read_text("utf-8"), "it holds it, or waits for it", 60)
                t0 = ago(minutes=30)
                stage.review(source=False, window={"t0": wire(t0)}, **({"signals": [stepping(t0)]} if drifts else {}))
                assert stage.ended(60)["phase"] == ("RolledBack" if drifts else "Promoted")
                status = stage.until(lambda found: condition(found, "ReportWritten")["status"] == "True", "it is told")
            finally:
                two.close()
            noise = [each["message"] for process in (one, two) for each in told(process) if each["level"] not in CALM]
            assert not [
                each for each in noise if not each.startswith(("the lease was taken by ", "stops while steps wait"))
            ]
        after = stage.deployment()
        assert after["metadata"]["generation"] - before == 1, "one patch: of the template, or of the annotation"
        assert (APPROVED in after["metadata"]["annotations"]) is not drifts
        done = {name: part for name, part in stage.status().items() if name != "conditions"}
        assert done.items() <= status.items()
        looks = [each.spec.checkpoint for each in stage.snapshots()]
        assert len(looks) == len(set(looks))
