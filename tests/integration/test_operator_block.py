"""policy.onNewRevision: Block, as the API server itself enforces it, with the real controllers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
import yaml

from lab import Lab
from lab.errors import CommandFailed
from lab.install import ROOT, OperatorProcess
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.integration.test_operator_others import reason, told
from tests.support.cluster import MERGE_PATCH, Answer, Api, Raw, path
from tests.support.stage import NAME, Stage, ago, condition, deployment, stepping, wire
from tests.support.workloads import KINDS, Kind, workload

pytestmark = pytest.mark.integration
BLOCK: Final = "driftreview-block"
BREAK_GLASS: Final = "driftreview.dev/break-glass"
_DOCUMENTS: Final = list(yaml.safe_load_all((ROOT / "charts" / "driftreview" / "block.yaml").read_text("utf-8")))


@pytest.fixture
def installed(api: Api) -> Iterator[None]:
    """The policy, as long as a test runs."""
    for each in _DOCUMENTS:
        api.create(each)
    yield
    for each in _DOCUMENTS:
        api.delete(each["kind"], BLOCK)


@pytest.fixture
def kubectl(lab_session: Lab, stage: Stage) -> Callable[..., str]:
    return lambda *arguments: lab_session.kubectl("-n", stage.namespace, *arguments)


def blocking(**parts: Any) -> Raw:
    """A review that blocks, whose looks are all to come."""
    window = {"t0": wire(ago(minutes=5)), "checkpoints": ["6h"]}
    return {"window": window, "policy": {"onNewRevision": "Block"}} | parts


def template(version: str, name: str = "web") -> Raw:
    """A change to another version."""
    return {"spec": {"template": deployment(version, name=name)["spec"]["template"]}}


def tried(stage: Stage, change: Mapping[str, Any], kind: str = "Deployment", name: str = "web") -> Answer:
    """What the API server answers to a change of a target, which is not made."""
    where = path(kind, stage.namespace, name) + "?dryRun=All"
    return stage.api.ask("PATCH", where, change, MERGE_PATCH)


def is_refused(stage: Stage, change: Mapping[str, Any], kind: str = "Deployment", name: str = "web") -> bool:
    """Whether a change is refused by the policy; nothing else may refuse it."""
    answer = tried(stage, change, kind, name)
    assert answer.status in (200, 403), answer
    return answer.status == 403


def blocks(stage: Stage, kind: str = "Deployment") -> None:
    """Wait until the API server knows that the review blocks: it sees policies and reviews a moment later."""
    wait_until(lambda: is_refused(stage, template("3"), kind), "another revision is refused", 60)


def lets_pass(stage: Stage, kind: str = "Deployment") -> None:
    """Wait until the API server knows that nothing blocks any more."""
    wait_until(lambda: not is_refused(stage, template("3"), kind), "another revision is not refused", 90)


@pytest.fixture
def blocked(stage: Stage, operator: OperatorProcess) -> Stage:
    """A release whose review has its T0 and blocks."""
    assert operator.pid is not None
    stage.release("1", "2")
    stage.review(**blocking())
    stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    blocks(stage)
    return stage


@pytest.mark.usefixtures("installed")
class TestRefused:
    def test_another_pod_template_is_refused_with_what_runs_until_when_and_the_ways_out(
        self, blocked: Stage, kubectl: Callable[..., str]
    ) -> None:
        before, status = blocked.deployment(), blocked.status()
        answer = tried(blocked, template("3"))
        assert answer.document["message"].endswith(
            f": review {NAME} (policy.onNewRevision: Block) judges {status['judged']['name']} until "
            f"{status['rollback']['closesAt']} at the latest, and no other pod template until then. To release all the "
            f"same: let `driftreview reject {NAME}` take back what runs, or go back by hand; or set spec.suspend of "
            "the review or delete it; or, in the same update, give the reason in the annotation "
            "driftreview.dev/break-glass"
        )
        for command in (
            ("set", "image", "deployment/web", "app=example.org/web:3"),
            ("rollout", "restart", "deployment/web"),
        ):
            with pytest.raises(CommandFailed, match=f"review {NAME} .policy[.]onNewRevision: Block. judges"):
                kubectl(*command)
        assert blocked.deployment()["metadata"]["generation"] == before["metadata"]["generation"]
        assert blocked.status()["phase"] == "Watching"

    @pytest.mark.parametrize("kind", KINDS)
    def test_also_of_a(self, stage: Stage, operator: OperatorProcess, kind: str) -> None:
        target = Kind(stage, kind)
        target.release("1", "2")
        stage.review(**blocking(target=target.target))
        stage.until(lambda status: status.get("baseline"), "the baseline is frozen", 40)
        blocks(stage, kind)
        assert "judges web-" in tried(stage, template("3"), kind).document["message"]
        assert not is_refused(stage, {"spec": {"template": workload(kind, "1")["spec"]["template"]}}, kind)
        assert operator.pid is not None

    def test_nothing_but_another_pod_template_of_the_target_is(
        self, blocked: Stage, kubectl: Callable[..., str]
    ) -> None:
        blocked.apply(deployment("2", name="other"))
        assert not is_refused(blocked, template("3", "other"), name="other")
        kubectl("annotate", "deployment/web", "example.org/who=jane")
        kubectl("scale", "deployment/web", "--replicas=2")
        kubectl("patch", "deployment/web", "-p", '{"spec":{"replicas":1,"minReadySeconds":1}}')
        namespace = f"{blocked.namespace}-2"
        kubectl("create", "namespace", namespace)
        elsewhere = Stage(blocked.api, namespace, blocked.prometheus)
        elsewhere.apply(deployment("2"))
        assert not is_refused(elsewhere, template("3"))
        assert is_refused(blocked, template("3"))
        kubectl("delete", "namespace", namespace, "--wait=false")

    def test_not_while_the_review_waits_for_its_t0_nor_if_it_supersedes(
        self, blocked: Stage, operator: OperatorProcess
    ) -> None:
        blocked.apply(deployment("1", name="early"))
        blocked.rolled_out("early")
        early = blocking(target={"name": "early"}, window={"t0": None, "warmup": "1h"})
        blocked.review("early", source=False, **early)
        blocked.until(lambda found: found.get("phase") == "Pending", "it waits", name="early")
        meek = blocking(policy={"onNewRevision": "Supersede", "mode": "Observe"})
        blocked.review("meek", source=False, **meek)
        blocked.until(lambda found: found.get("baseline"), "it has begun", name="meek")
        assert not is_refused(blocked, template("3", "early"), name="early")
        blocked.api.delete("DriftReview", NAME, blocked.namespace)
        lets_pass(blocked)
        assert operator.pid is not None

    def test_the_policy_is_of_the_types_it_looks_at(self, api: Api) -> None:
        def checked() -> Raw | None:
            found: Raw = api.get("ValidatingAdmissionPolicy", BLOCK)
            return found if found.get("status", {}).get("observedGeneration") else None

        found = wait_until(checked, "the types are checked", 60)
        assert found["status"].get("typeChecking", {}).get("expressionWarnings", []) == []


@pytest.mark.usefixtures("installed")
class TestWaysOut:
    def test_going_back_by_hand_is_never_refused(self, blocked: Stage, kubectl: Callable[..., str]) -> None:
        kubectl("rollout", "undo", "deployment/web")
        blocked.touch()
        status = blocked.ended()
        assert (status["phase"], reason(status)) == ("Superseded", "RevertedByHand")
        assert "Block" not in status["summary"]
        lets_pass(blocked)

    def test_a_reject_takes_back_what_runs_and_then_the_next_one_passes(self, blocked: Stage) -> None:
        uid = blocked.read()["metadata"]["uid"]
        about = {"reviewRef": {"name": NAME, "uid": uid}, "by": "admin", "type": "Reject", "message": "it is bad"}
        document = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "DriftApproval", "metadata": {"name": "reject"}}
        blocked.api.create(document | {"spec": about}, blocked.namespace)
        assert blocked.ended(40)["phase"] == "RolledBack"
        assert blocked.version() == "1"
        lets_pass(blocked)

    def test_a_drift_is_rolled_back_as_ever(self, stage: Stage, operator: OperatorProcess) -> None:
        stage.release("1", "2")
        t0 = ago(minutes=30)
        policy = {"onNewRevision": "Block"}
        stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)], policy=policy)
        assert (stage.ended(40)["phase"], stage.version()) == ("RolledBack", "1")
        assert operator.pid is not None

    def test_suspending_lets_pass_and_taking_that_back_refuses_again(self, blocked: Stage) -> None:
        blocked.api.merge("DriftReview", NAME, blocked.namespace, {"spec": {"suspend": True}})
        lets_pass(blocked)
        blocked.api.merge("DriftReview", NAME, blocked.namespace, {"spec": {"suspend": False}})
        blocks(blocked)
        assert blocked.status()["phase"] == "Watching"

    def test_breaking_the_glass_takes_a_new_reason_in_the_very_update_and_is_quoted(self, blocked: Stage) -> None:
        def why(text: str) -> Raw:
            return {"metadata": {"annotations": {BREAK_GLASS: text}}}

        blocked.api.merge("Deployment", "web", blocked.namespace, why("of last year"))
        assert is_refused(blocked, template("3"))
        assert is_refused(blocked, template("3") | why("of last year"))
        assert is_refused(blocked, template("3") | why("  "))
        blocked.api.merge("Deployment", "web", blocked.namespace, template("3") | why("CVE-2026-1\x1b[31m now"))
        blocked.touch()
        status = blocked.ended()
        assert (status["phase"], reason(status)) == ("Superseded", "NewRevision")
        assert status["summary"].endswith(
            "; policy.onNewRevision Block was overruled by the target's annotation driftreview.dev/break-glass "
            "(CVE-2026-1\\x1b[31m now)"
        )


@pytest.mark.usefixtures("installed")
class TestWithoutAnOperator:
    def test_it_blocks_no_longer_than_the_window_and_no_other_object(self, stage: Stage, operators: Operators) -> None:
        stage.release("1", "2")
        with operators.own() as operator:
            t0 = ago(minutes=5, seconds=20)
            stage.review(**blocking(window={"t0": wire(t0), "checkpoints": ["6m"], "rollback": "6m", "grace": "10s"}))
            status = stage.until(lambda found: found.get("baseline"), "the baseline is frozen")
            operator.kill()
        closes = status["rollback"]["closesAt"]
        blocks(stage)
        lets_pass(stage)
        assert wire(ago()) >= closes
        assert stage.status()["phase"] == "Watching"

    def test_one_made_anew_is_another_object(self, stage: Stage, operators: Operators) -> None:
        stage.release("1", "2")
        with operators.own() as operator:
            stage.review(**blocking())
            stage.until(lambda found: found.get("baseline"), "the baseline is frozen")
            operator.kill()
        blocks(stage)
        stage.api.delete("Deployment", "web", stage.namespace)
        wait_until(lambda: stage.api.find("Deployment", "web", stage.namespace) is None, "the target is gone")
        stage.apply(deployment("2"))
        assert not is_refused(stage, template("3"))


def holds(stage: Stage, status: str, reason: str) -> str:
    """Wait until the review says so of whether it blocks: it tries that once a minute; returns the message."""

    def so(found: Raw) -> bool:
        told = condition(found, "NewRevisionRefused")
        return (told.get("status"), told.get("reason")) == (status, reason)

    message: str = condition(stage.until(so, f"it is {reason}", 150), "NewRevisionRefused")["message"]
    return message


def tried_anew(stage: Stage) -> None:
    """Have it tried again, once the API server has heard that nothing is refused: that takes as long as it takes."""
    stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    lets_pass(stage)
    stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"suspend": True}})
    holds(stage, "False", "Suspended")
    stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"suspend": False}})


@pytest.mark.usefixtures("installed")
class TestWhetherItHolds:
    def test_a_binding_that_only_warns_is_found_out_and_so_is_its_mending(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        actions = {"spec": {"validationActions": ["Warn"]}}
        stage.api.merge("ValidatingAdmissionPolicyBinding", BLOCK, "", actions)
        stage.release("1", "2")
        before = stage.deployment()
        stage.review(**blocking())
        tried_anew(stage)
        assert "may not have heard of T0 yet" in holds(stage, "Unknown", "NotTried")
        assert "have charts/driftreview/block.yaml applied, with the validationActions [Deny] in its binding" in holds(
            stage, "False", "NotBlocked"
        )

        def warned() -> int:
            return len([each for each in told(operator) if "another pod template would pass" in each["message"]])

        wait_until(warned, "it is logged, right after it was written", 10)
        assert warned() == 1
        stage.api.merge("ValidatingAdmissionPolicyBinding", BLOCK, "", {"spec": {"validationActions": ["Deny"]}})
        assert "was refused when it was last tried" in holds(stage, "True", "Blocked")
        assert stage.deployment()["metadata"]["generation"] == before["metadata"]["generation"]
        stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"suspend": True}})
        assert "spec.suspend is true" in holds(stage, "False", "Suspended")

    def test_no_more_is_said_of_it_once_the_review_has_ended(self, blocked: Stage, kubectl: Callable[..., str]) -> None:
        holds(blocked, "True", "Blocked")
        kubectl("rollout", "undo", "deployment/web")
        blocked.touch()
        assert condition(blocked.ended(), "NewRevisionRefused") == {}


def test_where_the_policy_is_not_installed_the_review_says_so_and_ends(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    stage.review(**blocking())
    tried_anew(stage)
    holds(stage, "False", "NotBlocked")
    stage.release("3")
    stage.touch()
    status = stage.ended()
    assert (status["phase"], reason(status)) == ("Superseded", "NewRevision")
    assert (
        "; policy.onNewRevision Block was not enforced: see that charts/driftreview/block.yaml is applied"
        in condition(status, "Ready")["message"]
    )
    assert operator.pid is not None
