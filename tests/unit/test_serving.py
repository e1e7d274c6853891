"""Which pods serve after a rollback, and what keeps them from it: read off raw objects."""

from typing import Any

import pytest

from driftreview.adapters.errors import ForbiddenError, UnavailableError
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.serving import serving
from driftreview.api.act import ActType, Do
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.serving import UNSEEN, Serving, ServingPod, serving_pod
from driftreview.domain.workload import Rollout
from tests.builders import HOUR, MINUTE, T0, intent, review, revision, signal, target
from tests.simulator import Metrics, Simulator

READY = {"type": "Ready", "status": "True"}
GOOD, STARTING = ServingPod("web-a", ready=True), ServingPod("web-b", ready=False)
CRASHES = ServingPod("web-c", ready=False, trouble="pod web-c: container app keeps crashing")
ROLLING_BACK = DriftReviewStatus(judged=revision("new"), previous=revision("old"))
SLOW = target("old", replicas=3, rollout_message="1 old pods are still there")


def pod(name: str = "web-a", owner: str = "rs-old", **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "ownerReferences": [{"uid": owner}]}
    return {"metadata": metadata, "status": {"phase": "Running", "conditions": [READY]} | status}


def waiting(reason: str, **fields: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": fields.pop("message", "")}}
    return {"name": "app", "state": state} | fields


def trouble(*containers: dict[str, Any], kind: str = "containerStatuses", **status: Any) -> str:
    found = serving_pod(pod(**{"conditions": [], kind: list(containers)}, **status), "rs-old")
    assert found is not None
    assert not found.ready
    return found.trouble


class TestAPod:
    def test_it_is_ready_when_it_says_so(self) -> None:
        assert serving_pod(pod(), "rs-old") == GOOD

    @pytest.mark.parametrize(
        "raw",
        [
            pod(owner="rs-new"),
            pod() | {"metadata": pod()["metadata"] | {"deletionTimestamp": "2026-07-31T12:00:00Z"}},
            pod(phase="Failed"),
            pod(phase="Succeeded"),
            {"metadata": {"name": "alone"}},
        ],
    )
    def test_one_of_another_owner_or_on_its_way_out_is_none(self, raw: dict[str, Any]) -> None:
        assert serving_pod(raw, "rs-old") is None

    def test_one_without_a_status_is_only_starting(self) -> None:
        raw = {"metadata": pod("web-b")["metadata"]}
        assert serving_pod(raw, "rs-old") == STARTING

    def test_a_crash_loop_is_told_with_how_it_ended(self) -> None:
        ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
        looping = waiting("CrashLoopBackOff", restartCount=4, lastState=ended)
        said = "pod web-a: container app keeps crashing (CrashLoopBackOff, OOMKilled 137, 4 restarts)"
        assert trouble(looping) == said

    def test_of_a_crash_that_left_no_trace_too(self) -> None:
        said = "pod web-a: container app keeps crashing (CrashLoopBackOff, 0 restarts)"
        assert trouble(waiting("CrashLoopBackOff")) == said

    @pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
    def test_an_image_that_cannot_be_had_is_named(self, reason: str) -> None:
        said = f"pod web-a: container app has no image: {reason} registry/web:1"
        assert trouble(waiting(reason, image="registry/web:1")) == said

    def test_any_other_reason_is_told_and_bounded(self) -> None:
        found = trouble(waiting("CreateContainerConfigError", message='secret "x" not found\n' + "y" * 9000))
        assert found.startswith('pod web-a: container app waits: CreateContainerConfigError (secret "x" not found\\n')
        assert len(found) < 250

    @pytest.mark.parametrize("reason", ["", "ContainerCreating", "PodInitializing"])
    def test_one_that_only_starts_has_no_trouble(self, reason: str) -> None:
        assert trouble(waiting(reason)) == ""

    def test_init_containers_come_first(self) -> None:
        first = waiting("ImagePullBackOff", image="registry/init:1") | {"name": "init"}
        found = trouble(first, kind="initContainerStatuses", containerStatuses=[waiting("PodInitializing")])
        assert found == "pod web-a: container init has no image: ImagePullBackOff registry/init:1"

    def test_a_pod_without_a_node_says_why(self) -> None:
        unscheduled = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
        found = serving_pod(pod(conditions=[unscheduled]), "rs-old")
        assert found is not None
        assert found.trouble == "pod web-a: has no node: 0/3 nodes are available"


class TestWhoServes:
    @pytest.mark.parametrize(
        ("found", "right"),
        [
            (Serving((GOOD,)), True),
            (Serving(), True),
            (Serving((GOOD, STARTING)), False),
            (Serving((GOOD, CRASHES)), False),
            (Serving((GOOD,), (STARTING,)), False),
            (UNSEEN, True),
        ],
    )
    def test_it_is_right_when_only_what_was_put_back_serves(self, found: Serving, *, right: bool) -> None:
        assert found.is_right is right

    def test_how_far_it_is(self) -> None:
        found = Serving((GOOD, STARTING, CRASHES), (ServingPod("web-z", ready=True),))
        assert found.said(ROLLING_BACK, SLOW) == (
            "1 of 3 pods of web-old (restored) are ready; 1 of web-new (rejected) are still there: web-z; "
            "pod web-c: container app keeps crashing; 1 old pods are still there"
        )

    def test_what_is_scaled_to_zero_restores_no_pod(self) -> None:
        emptied = ROLLING_BACK.model_copy(update={"act": intent(ActType.ROLL_BACK, T0, do=Do.SCALE)})
        found = Serving((), (GOOD,))
        told = "1 of web-new (rejected) are still there: web-a; 1 old pods are still there"
        assert found.said(emptied, SLOW) == told

    def test_what_could_not_be_read_is_said(self) -> None:
        told = "1 old pods are still there; its pods could not be read: forbidden"
        assert Serving(unread="forbidden").said(ROLLING_BACK, SLOW) == told

    def test_only_the_first_troubles_are_told(self) -> None:
        many = tuple(ServingPod(f"web-{n}", ready=False, trouble=f"t{n}") for n in range(200))
        told = "0 of 200 pods of web-old (restored) are ready; t0, t1, t2 and 197 more; 1 old pods are still there"
        assert Serving(many).said(ROLLING_BACK, SLOW) == told


class Server(Cluster):
    """Lists pods by their label, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked: list[str] = []

    def objects(self, kind: Any, namespace: str, selectors: Any, reduce: Any) -> Any:  # noqa: ARG002
        if self.failure:
            raise self.failure
        self.asked.append(selectors["labelSelector"])
        owner = "rs-old" if selectors["labelSelector"].endswith("=old") else "rs-new"
        for page in range(5):
            yield [reduce(pod(f"web-{page}-{n}", owner)) for n in range(100)] + [reduce(pod("foreign", "other"))]


class TestReading:
    def subject(self) -> Any:
        status = review().status.model_copy(update={"judged": revision("new")})
        return review(status)

    def test_pods_of_both_revisions_are_read_and_not_more_than_tell(self) -> None:
        server = Server()
        found = serving(server, self.subject(), target("old"))
        assert server.asked == ["pod-template-hash=old", "pod-template-hash=new"]
        assert (len(found.restored), len(found.rejected)) == (200, 200)

    def test_without_the_right_to_it_that_is_said(self) -> None:
        found = serving(Server(ForbiddenError("pods is forbidden")), self.subject(), target("old"))
        assert found == Serving(unread="pods is forbidden")

    def test_no_answer_is_no_pod(self) -> None:
        with pytest.raises(UnavailableError):
            serving(Server(UnavailableError("timeout")), self.subject(), target("old"))

    def test_of_a_revision_that_is_not_known_there_are_none(self) -> None:
        assert serving(Server(), self.subject(), target("old", current=None)).restored == ()


class TestFollowing:
    """A rollout that is complete is a rollback only when the right pods serve."""

    def following(self, found: Serving, rollout: Rollout = Rollout.COMPLETE, later: Any = MINUTE) -> Settle:
        simulator = Simulator(review(signals=[signal()]), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
        simulator.pass_time(HOUR)
        while not simulator.status.get("act", {}).get("appliedAt"):
            simulator.pass_time(MINUTE / 6)
        view = target("old", rollout=rollout, rollout_message="1 pods are updated and available")
        action = plan(simulator.stored(), Observed(view, serving=found), simulator.now + later)
        assert isinstance(action, Settle)
        return action

    def test_it_is_rolled_back_when_they_do(self) -> None:
        assert self.following(Serving((GOOD,))).status.phase == "RolledBack"

    @pytest.mark.parametrize("found", [Serving((CRASHES,)), Serving((GOOD,), (GOOD,))])
    def test_until_then_it_is_under_way_and_says_why(self, found: Serving) -> None:
        action = self.following(found)
        assert action.status.phase == "RollingBack"
        assert action.again is not None
        assert action.status.summary is not None
        view = target("old", rollout_message="1 pods are updated and available")
        assert found.said(ROLLING_BACK, view) in action.status.summary

    def test_pods_that_never_come_are_a_failure_that_says_what_to_do(self) -> None:
        trouble = "pod web-c: container app keeps crashing" + ", and again" * 40
        found = Serving((ServingPod("web-c", ready=False, trouble=trouble),), (GOOD, GOOD))
        status = self.following(found, Rollout.PROGRESSING, later=12 * MINUTE).status
        assert status.phase == "Failed"
        assert status.summary is not None
        assert (
            "after 12m; seen then: 0 of 1 pods of web-old (restored) are ready; 2 of web-new (rejected) are still "
            "there: web-a, web-a; pod web-c: container app keeps crashing"
        ) in status.summary, "however long the rest is"
        assert "it is not tried again" in status.summary
        stays = next(each for each in status.conditions if each.type == "StaysBack")
        assert (stays.status, stays.reason) == ("Unknown", "RollbackIncomplete")

    def test_what_cannot_be_read_holds_nothing_up(self) -> None:
        assert self.following(Serving(unread="forbidden")).status.phase == "RolledBack"
