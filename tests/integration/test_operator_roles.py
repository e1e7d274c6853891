"""A judge that changes no workload, and an actor that only acts: two processes, two accounts, two Leases."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.install import SYSTEM, OperatorProcess, operator_kubeconfig
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.integration.test_operator_events import reasons, told
from tests.integration.test_operator_gitops import TRACKING_ID
from tests.support.cluster import Api
from tests.support.faultproxy import Fault, FaultProxy, Lost, Seen
from tests.support.rights import granted
from tests.support.stage import NAME, Stage, ago, condition, stepping, wire
from tests.support.workloads import KINDS, Kind

pytestmark = pytest.mark.integration

JUDGE, ACTOR = "only-judge", "only-actor"
RULES = {JUDGE: ("judge", "report"), ACTOR: ("actor",)}
OWN = {JUDGE: "own-namespace", ACTOR: "own-namespace-actor"}


@pytest.fixture(scope="module")
def accounts(
    operator_session: Operators, api: Api, lab_session: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Path]]:
    """A kubeconfig for each of the two."""
    operator_session.stop_shared()
    directory = tmp_path_factory.mktemp("accounts")
    with ExitStack() as rights:
        for name, rules in RULES.items():
            api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}, SYSTEM)
            for each in rules:
                rights.enter_context(granted(api, each, account=name))
            rights.enter_context(granted(api, OWN[name], SYSTEM, name))
        yield {name: operator_kubeconfig(lab_session.kubectl, directory / name, name) for name in RULES}
    for name in RULES:
        api.delete("ServiceAccount", name, SYSTEM)


@contextmanager
def running(operators: Operators, accounts: dict[str, Path], role: str) -> Iterator[OperatorProcess]:
    """One process of one role, with no more rights than that needs."""
    name = JUDGE if role == "judge" else ACTOR
    process = operators.new("--role", role, kubeconfig=accounts[name])
    try:
        process.start()
        yield process
    finally:
        process.close()
        operators.api.delete("Lease", "driftreview" if role == "judge" else "driftreview-actor", SYSTEM)


def drifting(stage: Stage, **parts: Any) -> None:
    """A release that is worse, with a review."""
    t0 = ago(minutes=30)
    stage.release("1", "2")
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)], **parts)


def users_that(lab: Lab, offset: int, verb: str, resource: str, namespace: str) -> set[str]:
    """Who did something, with or without success."""
    events = [each for each in lab.audited(offset) if each.get("objectRef", {}).get("namespace") == namespace]
    return {
        each["user"]["username"].removeprefix(f"system:serviceaccount:{SYSTEM}:")
        for each in events
        if (each["verb"], each["objectRef"].get("resource")) == (verb, resource)
        and each["user"]["username"].startswith(f"system:serviceaccount:{SYSTEM}:")
    }


def test_a_judge_does_not_claim_to_know_whether_another_revision_is_refused(
    stage: Stage, operators: Operators, accounts: dict[str, Path], lab_session: Lab
) -> None:
    stage.release("1", "2")
    offset = lab_session.audit_log.stat().st_size
    with running(operators, accounts, "judge"):
        stage.review(window={"t0": wire(ago(minutes=5)), "checkpoints": ["6h"]}, policy={"onNewRevision": "Block"})
        status = stage.until(lambda found: condition(found, "NewRevisionRefused"), "it is said")
    found = condition(status, "NewRevisionRefused")
    assert (found["status"], found["reason"]) == ("Unknown", "NotTried")
    assert "`kubectl set env deployment/web" in found["message"]
    assert users_that(lab_session, offset, "patch", "deployments", stage.namespace) == set()


def test_the_judge_decides_and_the_actor_acts(
    stage: Stage, operators: Operators, accounts: dict[str, Path], lab_session: Lab
) -> None:
    offset = lab_session.audit_log.stat().st_size
    with running(operators, accounts, "judge"), running(operators, accounts, "actor"):
        drifting(stage)
        assert stage.ended()["phase"] == "RolledBack"
        stage.until(lambda status: condition(status, "ReportWritten").get("status") == "True", "its report is there")
    assert stage.version() == "1"
    assert users_that(lab_session, offset, "patch", "deployments", stage.namespace) == {ACTOR}
    assert users_that(lab_session, offset, "create", "driftsnapshots", stage.namespace) == {JUDGE}
    refused = [each for each in lab_session.audited(offset) if each.get("responseStatus", {}).get("code") == 403]
    asked = {
        (each["user"]["username"].rpartition(":")[2], each["verb"], each["objectRef"]["resource"])
        for each in refused
        if each["user"]["username"].endswith((JUDGE, ACTOR))
        and each["objectRef"].get("namespace", stage.namespace) == stage.namespace  # others are being deleted
    }
    assert asked <= {(JUDGE, "get", "nodes")}, "neither asks for what it may not, but for what is optional"


def test_statefulsets_and_daemonsets_are_decided_by_the_judge_and_rolled_back_by_the_actor(
    stage: Stage, operators: Operators, accounts: dict[str, Path], lab_session: Lab
) -> None:
    offset, t0 = lab_session.audit_log.stat().st_size, ago(minutes=30)
    targets = {kind.lower(): Kind(stage, kind, kind.lower()) for kind in KINDS}
    stage.source()
    for name, each in targets.items():
        each.release("1", "2")
        stage.review(name, source=False, target=each.target, window={"t0": wire(t0)}, signals=[stepping(t0)])
    with running(operators, accounts, "judge"), running(operators, accounts, "actor"):
        for name, each in targets.items():
            assert stage.ended(120, name)["phase"] == "RolledBack"
            each.runs("1")
            assert users_that(lab_session, offset, "patch", f"{name}s", stage.namespace) == {ACTOR}


def test_a_good_release_is_promoted_by_the_actor(stage: Stage, operators: Operators, accounts: dict[str, Path]) -> None:
    with running(operators, accounts, "judge") as judge, running(operators, accounts, "actor") as actor:
        stage.release("1", "2")
        stage.review()
        assert stage.ended()["phase"] == "Promoted"
        wait_until(lambda: "Promoted" in reasons(stage, "DriftReview", NAME), "its end is told")
        by = {each["reason"]: each["reportingInstance"].rpartition("-")[2] for each in told(stage, "DriftReview", NAME)}
        assert by["PromotionBegun"] == by["Accepted"] == str(judge.pid)
        assert by["Promoted"] == str(actor.pid), "each tells what it stored"


def test_an_actor_that_dies_between_two_steps_of_a_promotion_is_missed_and_the_next_one_goes_on(
    stage: Stage, operators: Operators, accounts: dict[str, Path], api_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    stage.release("1", name="web-eu")
    mortal = accounts | {ACTOR: operators.kubeconfig_by(api_proxy.url, accounts[ACTOR])}
    with running(operators, accounts, "judge"):
        with running(operators, mortal, "actor") as actor:

            def strike(_: Seen) -> bool:
                actor.kill()
                return True

            api_proxy.add(Fault("PATCH", r"/deployments/web-eu\?(?!.*dryRun)", lost=Lost.BEFORE, call=strike))
            stage.review(rollout={"promoteTo": [{"name": "web-eu"}]})
            status = stage.until(
                lambda found: condition(found, "Stalled").get("reason") == "NoActor", "it is said", 150
            )
        said = condition(status, "Stalled")["message"]
        assert f"step 1 of 1, Deployment {stage.namespace}/web-eu, is next since {status['act']['appliedAt']}" in said
        assert "does the operator of role actor run" in said
        assert stage.version("web-eu") == "1"
        with running(operators, accounts, "actor"):
            assert stage.ended(60)["phase"] == "Promoted"
    containers = stage.deployment("web-eu")["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == ["example.org/web:2"]


def test_a_promotion_that_a_freeze_keeps_back_after_it_was_decided_needs_people(
    stage: Stage, operators: Operators, accounts: dict[str, Path]
) -> None:
    stage.release("1", "2")
    window = {"t0": wire(ago(minutes=30)), "rollback": "18m", "grace": "44m"}
    freeze = {"name": "fair", "start": wire(ago(hours=1)).rstrip("Z"), "duration": "3h"}
    with running(operators, accounts, "judge"):
        stage.review(window=window)
        stage.until(lambda found: found.get("act"), "it is decided")
        stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"policy": {"freezes": [freeze]}}})
        status = stage.until(lambda found: condition(found, "DecisionDue"), "a warning")
        assert (status["phase"], condition(status, "DecisionDue")["reason"]) == ("Promoting", "FifteenMinutesLeft")
        said = condition(status, "DecisionDue")["message"]
        assert said.startswith("promotions are frozen until ")
        assert f"what is decided and not done by {status['rollback']['closesAt']} is left to people" in said
        with running(operators, accounts, "actor"):
            stage.until(lambda found: condition(found, "Reconciling")["reason"] == "Frozen", "the actor waits", 60)
            stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"policy": {"freezes": []}}})
            assert stage.ended(60)["phase"] == "Promoted"
    assert condition(stage.status(), "DecisionDue") == {}


def test_the_api_server_refuses_the_judge_a_workload_and_the_actor_evidence(
    stage: Stage, accounts: dict[str, Path]
) -> None:
    stage.release("1")
    judge, actor = (stage.api.impersonating(f"system:serviceaccount:{SYSTEM}:{each}") for each in accounts)
    patch = [{"op": "add", "path": "/metadata/annotations/a", "value": "b"}]
    where = f"/apis/apps/v1/namespaces/{stage.namespace}/deployments/web"
    assert judge.ask("PATCH", where, patch, "application/json-patch+json").status == 403
    assert actor.ask("PATCH", where, patch, "application/json-patch+json").status == 200
    snapshots = f"/apis/driftreview.dev/v1alpha1/namespaces/{stage.namespace}/driftsnapshots"
    assert actor.ask("POST", snapshots, {}).status == 403
    judge.close()
    actor.close()


def test_what_was_decided_while_no_actor_ran_is_done_when_one_does(
    stage: Stage, operators: Operators, accounts: dict[str, Path]
) -> None:
    with running(operators, accounts, "judge"):
        drifting(stage)
        status = stage.in_phase("RollingBack")
        assert "appliedAt" not in status["act"]
        assert stage.version() == "2"
        with running(operators, accounts, "actor"):
            assert stage.ended()["phase"] == "RolledBack"
    assert stage.version() == "1"


def test_the_actor_finds_out_before_it_acts_that_it_may_not_pause_what_owns_the_target(
    stage: Stage, operators: Operators, accounts: dict[str, Path]
) -> None:
    stage.release("1")
    tracking = {TRACKING_ID: f"{stage.namespace}_web:apps/Deployment:{stage.namespace}/web"}
    stage.api.merge("Deployment", "web", stage.namespace, {"metadata": {"annotations": tracking}})
    with running(operators, accounts, "judge"):
        drifting(stage, rollout={"gitOps": "Pause"})
        risks = stage.in_phase("RollingBack")["rollback"]["check"]["risks"]
        unsaid = "whether what owns the target can be told to leave it alone"
        assert f"not known (the operator of role actor tries it before it acts): {unsaid}" in risks
        with running(operators, accounts, "actor"):
            status = stage.until(lambda found: condition(found, "Stalled").get("reason") == "NotPaused", "it waits", 40)
            assert ("pause" in status["act"], status["rollback"]["possible"]) == (False, False)
            assert 'only-actor" cannot get resource "applications"' in condition(status, "RollbackPossible")["message"]
            stage.api.merge("Deployment", "web", stage.namespace, {"metadata": {"annotations": {TRACKING_ID: None}}})
            assert stage.ended(40)["phase"] == "RolledBack"


def test_the_actor_does_nothing_on_evidence_that_is_not_what_was_judged(
    stage: Stage, operators: Operators, accounts: dict[str, Path]
) -> None:
    with running(operators, accounts, "judge"):
        drifting(stage)
        look = stage.in_phase("RollingBack")["checkpoints"][0]["snapshot"]["name"]
    stored = stage.api.get("DriftSnapshot", look, stage.namespace)
    stage.api.delete("DriftSnapshot", look, stage.namespace)
    stored["metadata"] = {"name": look, "ownerReferences": stored["metadata"]["ownerReferences"]}
    stored["spec"]["source"] = "another"
    stage.api.create(stored, stage.namespace)
    with running(operators, accounts, "actor"):
        status = stage.ended()
    assert (status["phase"], condition(status, "Stalled")["reason"]) == ("Failed", "EvidenceAltered")
    assert look in status["summary"]
    assert stage.version() == "2"


def test_the_actor_takes_several_that_ship_together_back_on_its_own(
    stage: Stage, operators: Operators, accounts: dict[str, Path], lab_session: Lab
) -> None:
    t0, offset = ago(minutes=30), lab_session.audit_log.stat().st_size
    for name in ("web", "web-api"):
        stage.release("1", "2", name=name)
    with running(operators, accounts, "judge"), running(operators, accounts, "actor"):
        stage.review(target={"with": [{"name": "web-api"}]}, window={"t0": wire(t0)}, signals=[stepping(t0)])
        assert stage.ended(40)["phase"] == "RolledBack"
    assert [stage.version(name) for name in ("web", "web-api")] == ["1", "1"]
    assert users_that(lab_session, offset, "patch", "deployments", stage.namespace) == {ACTOR}
