"""What a promotion goes on to: further workloads take the images in turn, and whatever is in the way is said."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.install import SYSTEM, OperatorProcess, operator_kubeconfig
from lab.web import wait_until
from tests.integration.killing import Killer, around_each_write
from tests.integration.operators import Operators
from tests.integration.test_operator_consent import STOP
from tests.integration.test_operator_rights import USER
from tests.support.cluster import MERGE_PATCH, Api, Raw
from tests.support.faultproxy import FaultProxy, Lost
from tests.support.rights import granted
from tests.support.stage import Stage, condition, deployment, review_spec, wire
from tests.support.workloads import NODES, PODS, Kind, room

pytestmark = pytest.mark.integration
EU, US = "web-eu", "web-us"
NEW = "example.org/web:2"


@pytest.fixture
def production(stage: Stage) -> Iterator[Stage]:
    """Another namespace."""
    with stage.another("production") as production:
        yield production


def promoted_to(*names: str, **rollout: Any) -> Raw:
    """A good release that Deployments beside it take."""
    return {"rollout": {"promoteTo": [{"name": each} for each in names], **rollout}}


def slow(name: str, version: str = "1") -> Raw:
    """A Deployment whose rollouts take a while."""
    document = deployment(version, name=name)
    document["spec"]["minReadySeconds"] = 5
    return document


def images(stage: Stage, name: str, kind: str = "Deployment") -> dict[str, str]:
    containers = stage.api.get(kind, name, stage.namespace)["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["image"] for each in containers}


def generation(stage: Stage, name: str) -> int:
    found: int = stage.deployment(name)["metadata"]["generation"]
    return found


def steps(status: Raw) -> list[Raw]:
    found: list[Raw] = status.get("act", {}).get("steps", [])
    return found


def given(stage: Stage) -> Raw:
    """Wait until the first workload is given the release."""
    return stage.until(lambda found: "appliedAt" in [*steps(found), {}][0], "it is given", 40)


def waiting(stage: Stage, words: str, reason: str = "StepWaits", seconds: float = 30) -> Raw:
    """Wait until a step is said to wait."""

    def so(status: Raw) -> bool:
        stalled = condition(status, "Stalled")
        return stalled.get("reason") == reason and words in stalled["message"]

    return stage.until(so, f"a step waits: {words}", seconds)


def patched(lab: Lab, since: int, stage: Stage, user: str = USER) -> list[str]:
    """Deployments of a namespace that the operator patched, in order."""
    events = sorted(lab.audited(since), key=lambda each: str(each["requestReceivedTimestamp"]))
    return [
        each["objectRef"]["name"]
        for each in events
        if (each["verb"], each["user"]["username"]) == ("patch", user)
        and (each["objectRef"].get("namespace"), each["objectRef"]["resource"]) == (stage.namespace, "deployments")
        and each["responseStatus"]["code"] == 200
        and "dryRun" not in each["requestURI"]
    ]


def test_the_images_go_on_to_a_deployment_and_then_to_a_statefulset_elsewhere(
    stage: Stage, production: Stage, operator: OperatorProcess
) -> None:
    other = deployment("1", name=EU)
    other["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "example.org/proxy:1"})
    stage.roll_out(other)
    far = Kind(production, "StatefulSet")
    far.release("1")
    stage.release("1", "2")
    elsewhere = {"kind": "StatefulSet", "namespace": production.namespace, "name": "web"}
    stage.review(rollout={"promoteTo": [{"name": EU}, elsewhere]})
    status = stage.ended(120)
    assert status["phase"] == "Promoted"
    near, later = f"Deployment {stage.namespace}/{EU}", f"StatefulSet {production.namespace}/web"
    assert f"is approved; given to {near}, {later}: " in status["summary"]
    assert images(stage, EU) == {"app": NEW, "proxy": "example.org/proxy:1"}
    assert images(production, "web", "StatefulSet") == {"app": NEW}
    running = production.api.list("Pod", production.namespace)
    assert [each["spec"]["containers"][0]["image"] for each in running] == [NEW] * PODS["StatefulSet"]
    moments = [each[name] for each in steps(status) for name in ("appliedAt", "completedAt")]
    assert moments == sorted(moments)
    assert [each["uid"] for each in steps(status)] == [
        stage.deployment(EU)["metadata"]["uid"],
        far.read()["metadata"]["uid"],
    ]
    assert operator.pid is not None


def test_what_is_not_there_and_what_has_no_such_container_is_waited_for_and_holds_the_rest(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.roll_out(deployment("1", name=US))
    stage.release("1", "2")
    stage.review(**promoted_to(EU, US))
    status = waiting(stage, f"there is no Deployment {stage.namespace}/{EU}: create it")
    assert (status["phase"], steps(status)[1].get("appliedAt")) == ("Promoting", None)
    assert status["summary"].startswith("promoting, step 1 of 2: ")
    stranger = deployment("1", name=EU)
    stranger["spec"]["template"]["spec"]["containers"][0]["name"] = "web"
    stage.roll_out(stranger)
    waiting(stage, f"no container of Deployment {stage.namespace}/{EU} (web) has the name of one of the release (app)")
    assert (images(stage, EU), generation(stage, US)) == ({"web": "example.org/web:1"}, 1)
    stage.roll_out(deployment("1", name=EU))
    status = stage.ended(60)
    assert (status["phase"], images(stage, EU), images(stage, US)) == ("Promoted", {"app": NEW}, {"app": NEW})
    assert condition(status, "Stalled").get("status", "False") == "False"
    assert operator.pid is not None


def owned(stage: Stage, name: str) -> None:
    """Argo CD owns a Deployment."""
    tracking = f"shop:apps/Deployment:{stage.namespace}/{name}"
    notes = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": tracking}}}
    stage.api.merge("Deployment", name, stage.namespace, notes)


class TestOwnedByGit:
    def test_it_is_not_fought_and_found_done_once_git_did_it(
        self, stage: Stage, operator: OperatorProcess, lab_session: Lab
    ) -> None:
        since = lab_session.audit_log.stat().st_size
        stage.roll_out(deployment("1", name=EU), deployment("1", name=US))
        owned(stage, EU)
        stage.release("1", "2")
        stage.review(**promoted_to(EU, US))
        waiting(stage, f"Argo CD Application shop owns Deployment {stage.namespace}/{EU}: change it there, in Git")
        assert (images(stage, EU), images(stage, US)) == ({"app": "example.org/web:1"},) * 2
        document = deployment("1", name=EU)
        document["spec"]["template"]["spec"]["containers"][0]["image"] = NEW
        stage.apply(document)
        assert stage.ended(60)["phase"] == "Promoted"
        assert patched(lab_session, since, stage) == ["web", US]
        assert operator.pid is not None

    def test_where_the_review_overrides_it_is_done_all_the_same(self, stage: Stage, operator: OperatorProcess) -> None:
        stage.roll_out(deployment("1", name=EU))
        owned(stage, EU)
        stage.release("1", "2")
        stage.review(**promoted_to(EU, gitOps="Override"))
        assert (stage.ended(60)["phase"], images(stage, EU)) == ("Promoted", {"app": NEW})
        assert operator.pid is not None


def test_one_whose_rollout_fails_ends_it_and_what_is_done_and_what_not_is_named(
    stage: Stage, operator: OperatorProcess
) -> None:
    last = "web-asia"
    broken = deployment("1", name=US)
    broken["spec"] |= {"progressDeadlineSeconds": 5, "strategy": {"rollingUpdate": {"maxUnavailable": 0}}}
    broken["spec"]["template"]["spec"]["nodeSelector"] = NODES
    with room(stage.api):
        stage.roll_out(deployment("1", name=EU), broken, deployment("1", name=last))
    stage.release("1", "2")
    stage.review(**promoted_to(EU, US, last))
    status = stage.ended(60)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Failed", "PromotionIncomplete")
    assert "the promotion came only so far until 20" in status["summary"]
    assert f"Z: Deployment {stage.namespace}/{US}: its pods were not all there" in status["summary"]
    eu, us, asia = (f"Deployment {stage.namespace}/{each}" for each in (EU, US, last))
    told = (
        f"; given to {eu}, changed, but not all of its pods run: {us}, not given to {asia}; finish it or take it back"
    )
    assert status["summary"].endswith(f"{told} by hand")
    assert ["completedAt" in each for each in steps(status)] == [True, False, False]
    assert (images(stage, EU), generation(stage, last)) == ({"app": NEW}, 1)
    assert operator.pid is not None


def test_one_that_somebody_takes_back_meanwhile_ends_it(stage: Stage, operator: OperatorProcess) -> None:
    stage.roll_out(slow(EU), deployment("1", name=US))
    stage.release("1", "2")
    stage.review(**promoted_to(EU, US))
    given(stage)
    stage.apply(slow(EU))
    status = stage.ended(40)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Failed", "PromotionIncomplete")
    assert f"Deployment {stage.namespace}/{EU}: somebody changed it again" in status["summary"]
    assert (generation(stage, US), images(stage, EU)) == (1, {"app": "example.org/web:1"})
    assert operator.pid is not None


class TestBetweenTwoSteps:
    def test_the_emergency_stop_holds_the_next_one(self, stage: Stage, operator: OperatorProcess) -> None:
        stage.roll_out(slow(EU), deployment("1", name=US))
        stage.release("1", "2")
        stage.review(**promoted_to(EU, US))
        given(stage)
        stop = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": STOP}, "data": {"reason": "fire"}}
        stage.api.create(stop, SYSTEM)
        try:
            status = waiting(stage, "all acts were stopped at", "ActsStopped")
            assert "completedAt" in steps(status)[0], "what was begun is followed"
            assert generation(stage, US) == 1
        finally:
            stage.api.delete("ConfigMap", STOP, SYSTEM)
        assert stage.ended(60)["phase"] == "Promoted"
        assert images(stage, US) == {"app": NEW}
        assert operator.pid is not None

    def test_a_freeze_holds_the_next_one(self, stage: Stage, operator: OperatorProcess) -> None:
        stage.roll_out(slow(EU), deployment("1", name=US))
        stage.release("1", "2")
        stage.review(**promoted_to(EU, US))
        given(stage)
        now = datetime.now(UTC)
        freeze = {"name": "fair", "start": wire(now)[:-1], "end": wire(now + timedelta(hours=2))[:-1]}
        self.frozen(stage, [freeze])
        status = waiting(stage, "promotions are frozen by fair", "Frozen")
        assert "completedAt" in steps(status)[0]
        assert generation(stage, US) == 1
        self.frozen(stage, [])
        assert stage.ended(60)["phase"] == "Promoted"
        assert images(stage, US) == {"app": NEW}
        assert operator.pid is not None

    def frozen(self, stage: Stage, freezes: list[Raw]) -> None:
        stage.api.merge("DriftReview", "web-2", stage.namespace, {"spec": {"policy": {"freezes": freezes}}})


@contextmanager
def narrow(operators: Operators, api: Api, lab: Lab, stage: Stage, directory: Path) -> Iterator[str]:
    """A judge that reads everything, and an actor that has rights in one namespace; its account."""
    account, where = f"actor-{stage.namespace[-6:]}", ("--watch", stage.namespace)
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}, SYSTEM)
    with ExitStack() as stack:
        stack.callback(api.delete, "ServiceAccount", account, SYSTEM)
        stack.enter_context(granted(api, "actor", stage.namespace, account))
        stack.enter_context(granted(api, "own-namespace-actor", SYSTEM, account))
        kubeconfig = operator_kubeconfig(lab.kubectl, directory / account, account)
        stack.enter_context(operators.own("--role", "judge", *where))
        actor = operators.new("--role", "actor", *where, kubeconfig=kubeconfig)
        stack.callback(api.delete, "Lease", "driftreview-actor", SYSTEM)
        stack.callback(actor.close)
        actor.start()
        yield account


def allowed(api: Api, namespace: str, name: str, rules: list[Raw]) -> None:
    """A user, or an account of the operator's namespace, has rights in another namespace."""
    rbac = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": name, "namespace": SYSTEM}
    user = {"kind": "User", "apiGroup": rbac, "name": name}
    documents: list[Raw] = [
        {"kind": "Role", "rules": rules},
        {
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [account, user],
        },
    ]
    for each in documents:
        api.create({"apiVersion": f"{rbac}/v1", "metadata": {"name": name}, **each}, namespace)


def test_without_a_right_elsewhere_it_waits_and_with_get_and_patch_on_that_one_workload_it_goes_on(
    stage: Stage, production: Stage, operators: Operators, api: Api, lab_session: Lab, tmp_path: Path
) -> None:
    production.roll_out(deployment("1"))
    stage.release("1", "2")
    with narrow(operators, api, lab_session, stage, tmp_path) as account:
        stage.review(rollout={"promoteTo": [{"namespace": production.namespace, "name": "web"}]})
        it = f"Deployment {production.namespace}/web"
        status = waiting(stage, f"may not read {it}: it needs get and patch on it by a Role there", seconds=60)
        assert status["phase"] == "Promoting"
        rule = {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "resourceNames": ["web"],
            "verbs": ["get", "patch"],
        }
        allowed(api, production.namespace, account, [rule])
        assert stage.ended(60)["phase"] == "Promoted"
    assert images(production, "web") == {"app": NEW}


def test_nobody_has_a_release_given_to_a_workload_elsewhere_that_he_may_not_patch_himself(
    stage: Stage, production: Stage
) -> None:
    reviews = {"apiGroups": ["driftreview.dev"], "resources": ["driftreviews"], "verbs": ["create", "patch"]}
    allowed(stage.api, stage.namespace, "dev", [reviews])
    names = [f"web-{number}" for number in range(10)]
    most = [{"namespace": production.namespace, "name": each} for each in names]
    dev = stage.api.impersonating("dev")
    where = f"/apis/driftreview.dev/v1alpha1/namespaces/{stage.namespace}/driftreviews"

    def tries(*to: Raw, name: str = "probe", options: str = "?dryRun=All") -> tuple[int, str]:
        spec = review_spec(rollout={"promoteTo": list(to)})
        kind = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "DriftReview"}
        answer = dev.ask("POST", where + options, kind | {"metadata": {"name": name}, "spec": spec})
        return answer.status, answer.document.get("message", "")

    refusal = f"dev may not patch all of Deployment {production.namespace}/web-0, "
    wait_until(lambda: refusal in tries(*most)[1], "the policies are at work")
    assert tries({"name": EU}, {"namespace": stage.namespace, "name": US}, name="near", options="")[0] == 201
    later = {"spec": {"rollout": {"promoteTo": most[:1]}}}
    assert dev.ask("PATCH", f"{where}/near", later, MERGE_PATCH).status == 403
    some = {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": names[:-1], "verbs": ["patch"]}
    allowed(stage.api, production.namespace, "dev", [some])
    wait_until(lambda: tries(*most[:-1])[0] == 201, "the right is heeded")
    assert tries(*most[:-1], name="far", options="")[0] == 201
    assert [tries(*most)[0], tries(most[0] | {"kind": "StatefulSet"})[0]] == [403, 403]
    stage.api.delete("RoleBinding", "dev", production.namespace)
    wait_until(lambda: tries(*most[:-1])[0] == 403, "the right is gone")
    for changed in ({"target": {"name": "other"}}, {"suspend": True}, {"policy": {"onInconclusive": "Promote"}}):
        assert dev.ask("PATCH", f"{where}/far", {"spec": changed}, MERGE_PATCH).status == 403, changed
    labelled = {"metadata": {"labels": {"a": "b"}}}
    assert dev.ask("PATCH", f"{where}/far", labelled, MERGE_PATCH).status == 200, "what was allowed stays"
    dev.close()


@pytest.mark.parametrize("lost", [Lost.BEFORE, Lost.AFTER])
def test_killed_around_each_write_of_a_promotion_each_workload_is_given_it_once(
    stage: Stage, operators: Operators, api_proxy: FaultProxy, lab_session: Lab, lost: Lost
) -> None:
    since = lab_session.audit_log.stat().st_size
    stage.roll_out(deployment("1", name=EU), deployment("1", name=US))
    stage.release("1", "2")
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
        killer = Killer(operators, operator)
        api_proxy.add(around_each_write(stage, killer, lost))
        stage.review(**promoted_to(EU, US))
        killer.see_it_through(stage, 240)
    status = stage.status()
    assert len(killer.deaths) >= 8, killer.deaths
    assert (status["phase"], images(stage, EU), images(stage, US)) == ("Promoted", {"app": NEW}, {"app": NEW})
    assert [generation(stage, each) for each in (EU, US)] == [2, 2], "each was changed once"
    assert patched(lab_session, since, stage) == ["web", EU, US]
    moments = [each[name] for each in steps(status) for name in ("appliedAt", "completedAt")]
    assert moments == sorted(moments)
