"""Targets that Argo CD, Flux or Helm own: handed over, overridden, paused first; and claims that nobody confirms."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from lab import Lab
from lab.install import OperatorProcess
from lab.web import wait_until
from tests.integration.killing import ACT, Killer, essence, footprint
from tests.integration.operators import Operators
from tests.integration.test_operator_rights import USER, every_right, used
from tests.support.cluster import JSON_PATCH, Api, Raw, path
from tests.support.faultproxy import Fault, FaultProxy, Lost, Seen
from tests.support.rights import granted
from tests.support.stage import NAME, Stage, ago, condition, stepping, wire

pytestmark = pytest.mark.integration
TRACKING_ID = "argocd.argoproj.io/tracking-id"
SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
HELM_TOOLKIT = "helm.toolkit.fluxcd.io"
PAUSE = r"/applications/web\?(?!.*dryRun)"
TOOLS = [("Application", "argoproj.io", "v1alpha1"), ("HelmRelease", HELM_TOOLKIT, "v2")]


@pytest.fixture(scope="module", autouse=True)
def kinds(api: Api) -> Iterator[None]:
    """The kinds of Argo CD and Flux, which take whatever they are given."""
    names = []
    for kind, group, version in TOOLS:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        one = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        plural = f"{kind.lower()}s"
        named = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
        names.append(f"{plural}.{group}")
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": names[-1]},
            "spec": {"group": group, "scope": "Namespaced", "names": named, "versions": [one]},
        }
        api.create(definition)
    wait_until(lambda: all(api.ask("GET", path(kind)).status == 200 for kind, *_ in TOOLS), "they are served")
    yield
    for name in names:
        api.delete("CustomResourceDefinition", name)


def bad(git_ops: str) -> Raw:
    """A review that finds its release worse at its first look."""
    since = ago(minutes=30)
    return {"window": {"t0": wire(since)}, "signals": [stepping(since)], "rollout": {"gitOps": git_ops}}


def note(stage: Stage, **metadata: Any) -> None:
    """Labels and annotations for the target."""
    stage.api.merge("Deployment", "web", stage.namespace, {"metadata": metadata})


def by_argo_cd(stage: Stage) -> None:
    """The target is one of an Application in its own namespace."""
    note(stage, annotations={TRACKING_ID: f"{stage.namespace}_web:apps/Deployment:{stage.namespace}/web"})


def by_kustomize(stage: Stage) -> None:
    note(stage, labels={f"{KUSTOMIZE}/name": "apps", f"{KUSTOMIZE}/namespace": "flux-system"})


def by_helm_toolkit(stage: Stage) -> None:
    note(stage, labels={f"{HELM_TOOLKIT}/name": "web", f"{HELM_TOOLKIT}/namespace": stage.namespace})


def application(stage: Stage, of: str = "web") -> None:
    """An Application that says it applies a Deployment of this name."""
    own = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": stage.namespace, "name": of}
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web"},
        "spec": {"destination": {"server": "https://kubernetes.default.svc", "namespace": stage.namespace}},
        "status": {"resources": [own]},
    }
    stage.api.create(document, stage.namespace)


def helm_release(stage: Stage) -> None:
    document = {"apiVersion": f"{HELM_TOOLKIT}/v2", "kind": "HelmRelease", "metadata": {"name": "web"}, "spec": {}}
    stage.api.create(document, stage.namespace)


def stuck(stage: Stage, reason: str) -> Raw:
    """Wait until the review says that it cannot go on for this reason."""
    return stage.until(lambda status: condition(status, "Stalled").get("reason") == reason, f"it is {reason}", 40)


def patched(lab: Lab, since: int, stage: Stage) -> list[str]:
    """What of this namespace the operator patched, in order, but for its own resources."""
    events = sorted(lab.audited(since), key=lambda each: str(each["requestReceivedTimestamp"]))
    return [
        each["objectRef"]["resource"]
        for each in events
        if (each["verb"], each["user"]["username"]) == ("patch", USER)
        and each["objectRef"].get("namespace") == stage.namespace
        and each["objectRef"]["resource"] in ("applications", "helmreleases", "deployments")
        and each["responseStatus"]["code"] == 200
        and "dryRun" not in each["requestURI"]
    ]


@pytest.mark.parametrize("owned", [by_argo_cd, by_kustomize])
def test_a_rollback_is_handed_over_and_whoever_applies_the_way_back_is_followed_and_named(
    stage: Stage, operator: OperatorProcess, owned: Any
) -> None:
    stage.release("1", "2")
    owned(stage)
    before = stage.deployment()["metadata"]["generation"]
    stage.review(**bad("Report"), context={"revision": "084055d"})
    status = stuck(stage, "OwnedByGit")
    assert (status["phase"], "act" in status, status["rollback"]["possible"]) == ("Holding", False, False)
    assert condition(status, "OwnedByGit")["status"] == "True"
    assert "revert in Git what it applied before" in status["summary"]

    def written() -> Raw | None:
        found = stage.api.find("ConfigMap", f"{NAME}-report", stage.namespace)
        return found["data"] if found and "way-back.json" in found["data"] else None

    files = wait_until(written, "the way back stands beside the report")
    assert (
        "git revert 084055d, so that the images go back: app: example.org/web:2 -> example.org/web:1"
        in (files["review.json"])
    )
    assert (stage.version(), stage.deployment()["metadata"]["generation"]) == ("2", before)
    where = path("Deployment", stage.namespace, "web") + "?fieldManager=argocd-controller"
    answer = stage.api.ask("PATCH", where, json.loads(files["way-back.json"]), JSON_PATCH)
    assert answer.status == 200, answer
    status = stage.ended(60)
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    assert status["act"]["by"].startswith("by field manager argocd-controller (Update) at ")
    assert status["act"]["by"] in status["summary"]
    stage.release("2")
    stage.review("again", source=False, **bad("Report"))
    stage.until(lambda found: "to have it reviewed all the same" in str(found.get("summary")), "it waits", name="again")
    status = stage.status("again")
    assert "t0" not in status
    assert f"was taken back by people, as review {NAME} had decided" in condition(status, "Stalled")["message"]
    stage.api.delete("DriftReview", NAME, stage.namespace)
    stage.until(lambda found: "t0" in found, "it begins", name="again")
    assert operator.pid is not None


def test_an_override_rolls_back_all_the_same(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    by_argo_cd(stage)
    stage.review(**bad("Override"))
    status = stage.ended(40)
    assert (status["phase"], stage.version(), "by" in status["act"]) == ("RolledBack", "1", False)
    assert "may be undone by it (spec.rollout.gitOps is Override)" in condition(status, "OwnedByGit")["message"]
    assert operator.pid is not None


def test_what_helm_owns_is_rolled_back_and_said(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    release = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": stage.namespace}
    note(stage, labels={"app.kubernetes.io/managed-by": "Helm"}, annotations=release)
    stage.review(**bad("Report"))
    status = stage.ended(40)
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    said = condition(status, "OwnedByGit")
    assert (said["status"], said["reason"]) == ("False", "Helm")
    assert said["message"].startswith(f"Helm release {stage.namespace}/web owns the target")
    assert operator.pid is not None


def test_what_is_planted_on_a_target_is_seen_and_once_it_is_taken_off_the_rollback_is_done(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    by_argo_cd(stage)
    stage.review(**bad("Report"))
    stalled = condition(stuck(stage, "OwnedByGit"), "Stalled")
    assert stalled["message"].endswith(
        "no field manager of Argo CD wrote the pod template: if that was copied or planted, take it off the target"
    )
    note(stage, annotations={TRACKING_ID: None})
    status = stage.ended(60)
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    assert condition(status, "OwnedByGit")["reason"] == "NotOwned"
    assert operator.pid is not None


def test_a_tracking_id_that_was_copied_from_another_object_keeps_nothing_back(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    note(stage, annotations={TRACKING_ID: f"web:apps/Deployment:{stage.namespace}/original"})
    stage.review(**bad("Report"))
    status = stage.ended(40)
    assert (status["phase"], condition(status, "OwnedByGit")) == ("RolledBack", {})
    assert operator.pid is not None


@pytest.mark.parametrize(
    ("owned", "made", "resource"),
    [(by_argo_cd, application, "applications"), (by_helm_toolkit, helm_release, "helmreleases")],
)
def test_the_tool_is_paused_once_and_before_the_rollback(
    stage: Stage, operator: OperatorProcess, lab_session: Lab, owned: Any, made: Any, resource: str
) -> None:
    since = lab_session.audit_log.stat().st_size
    stage.release("1", "2")
    owned(stage)
    made(stage)
    with granted(stage.api, "gitops", stage.namespace):
        stage.review(**bad("Pause"))
        status = stage.ended(60)
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    assert patched(lab_session, since, stage) == [resource, "deployments"]
    pause = status["act"]["pause"]
    assert f"; what owns it was paused at {pause['doneAt']}: to take that back, run: " in status["summary"]
    assert status["act"]["intentAt"] <= pause["intentAt"] <= pause["doneAt"] < status["act"]["appliedAt"]
    found = stage.api.get(pause["kind"], "web", stage.namespace)
    told = found["metadata"].get("annotations", {}).get(SKIP_RECONCILE) or found["spec"].get("suspend")
    assert told in ("true", True)
    events = [each for each in lab_session.audited(since) if each["user"]["username"] == USER and "objectRef" in each]
    assert {each for each in every_right("gitops") if each[1] == resource} <= {used(each) for each in events}
    assert operator.pid is not None


def test_no_answer_to_a_pause_that_was_done_is_seen_as_done(
    stage: Stage, operators: Operators, api_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    by_argo_cd(stage)
    application(stage)
    where = stage.namespace + PAUSE
    with (
        granted(stage.api, "gitops", stage.namespace),
        operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)),
    ):
        lost = api_proxy.add(Fault("PATCH", where, times=1, lost=Lost.AFTER))
        stage.review(**bad("Pause"))
        assert "no answer from the API server" in condition(stuck(stage, "NotPaused"), "Stalled")["message"]
        assert stage.version() == "2"
        assert stage.ended(60)["phase"] == "RolledBack"
    assert (lost.hits, api_proxy.count("PATCH", where)) == (1, 1)


def test_killed_at_each_write_of_a_pause_it_comes_to_the_same_end(
    stage: Stage, operators: Operators, api_proxy: FaultProxy, lab_session: Lab
) -> None:
    spec = bad("Pause")
    with stage.another("calm") as calm, ExitStack() as rights:
        for each in (calm, stage):
            rights.enter_context(granted(each.api, "gitops", each.namespace))
            each.release("1", "2")
            by_argo_cd(each)
            application(each)
        operators.shared()
        calm.review(**spec)
        undisturbed = calm.ended(60)["phase"], essence(calm), footprint(calm)
        since = lab_session.audit_log.stat().st_size
        with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
            killer = Killer(operators, operator)

            def strike(seen: Seen) -> bool:
                """From the intent on, until the target is patched; what is stored is not written again."""
                begun = b'"intentAt"' in seen.body or re.search(PAUSE, seen.path)
                if not begun or api_proxy.count("PATCH", stage.namespace + ACT):
                    return False
                killer.kill(seen)
                return True

            here = f"/namespaces/{stage.namespace}"
            api_proxy.add(Fault("PATCH", here + PAUSE, times=1, lost=Lost.BEFORE, call=killer.kill))
            writes = f"{here}({PAUSE}|/driftreviews/[^/]+/status)"
            api_proxy.add(Fault("PATCH", writes, lost=Lost.AFTER, call=strike))
            stage.review(**spec)
            killer.see_it_through(stage)
        assert len(killer.deaths) >= 5, killer.deaths
        assert (stage.status()["phase"], essence(stage), footprint(stage)) == undisturbed
        assert patched(lab_session, since, stage) == ["applications", "deployments"]
        assert stage.status()["act"]["pause"].keys() == calm.status()["act"]["pause"].keys()


def test_a_kustomization_is_told_on_the_target_itself_and_needs_no_right(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    since = lab_session.audit_log.stat().st_size
    stage.release("1", "2")
    by_kustomize(stage)
    stage.review(**bad("Pause"))
    assert stage.ended(60)["phase"] == "RolledBack"
    assert patched(lab_session, since, stage) == ["deployments", "deployments"]
    notes = stage.deployment()["metadata"]["annotations"]
    assert (notes[f"{KUSTOMIZE}/reconcile"], stage.version()) == ("disabled", "1")
    assert operator.pid is not None


def test_without_the_right_to_pause_that_is_known_before_and_nothing_is_patched_until_it_is_granted(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    by_argo_cd(stage)
    application(stage)
    before = stage.deployment()["metadata"]["generation"]
    stage.review(**bad("Pause"))
    status = stuck(stage, "NotPaused")
    assert (status["phase"], "act" in status) == ("Holding", False)
    told = condition(status, "RollbackPossible")
    assert (told["status"], told["reason"]) == ("False", "NotPaused")
    assert 'cannot get resource "applications"' in told["message"]
    assert f"in namespace {stage.namespace} binds charts/driftreview/rules/gitops.yaml there" in told["message"]
    assert stage.deployment()["metadata"]["generation"] == before
    with granted(stage.api, "gitops", stage.namespace):
        assert stage.ended(60)["phase"] == "RolledBack"
    assert operator.pid is not None


def test_an_application_that_does_not_name_the_target_is_not_touched(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    by_argo_cd(stage)
    application(stage, of="other")
    with granted(stage.api, "gitops", stage.namespace):
        stage.review(**bad("Pause"))
        status = stuck(stage, "NotPaused")
    stalled = condition(status, "Stalled")
    assert condition(status, "RollbackPossible")["reason"] == "NotPaused"
    assert "does not name Deployment web among its status.resources: who labelled the target?" in stalled["message"]
    found = stage.api.get("Application", "web", stage.namespace)
    assert SKIP_RECONCILE not in found["metadata"].get("annotations", {})
    assert stage.version() == "2"
    assert operator.pid is not None
