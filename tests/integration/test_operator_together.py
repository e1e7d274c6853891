"""Services that ship together: one T0, one decision, and each of them promoted or taken back in the declared order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from lab import Lab
from lab.install import OperatorProcess
from tests.integration.killing import Killer, around_each_write
from tests.integration.operators import Operators
from tests.integration.test_operator_chain import proved
from tests.integration.test_operator_consent import person
from tests.integration.test_operator_promote_to import patched
from tests.support.faultproxy import FaultProxy, Lost
from tests.support.stage import Stage, ago, condition, deployment, stepping, wire
from tests.support.workloads import NODES, Kind, room

pytestmark = pytest.mark.integration
API, JOBS = "web-api", "web-jobs"
APPROVED: Final = "driftreview.dev/approved-revision"


def together(*names: str, **parts: Any) -> dict[str, Any]:
    """A review of the Deployment web and of others that ship with it."""
    return {"target": {"with": [{"name": each} for each in names]}, **parts}


def drifting() -> dict[str, Any]:
    """What makes a release look bad soon after its T0."""
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [stepping(t0 + timedelta(minutes=7))]}


def released(stage: Stage, *names: str) -> None:
    for name in ("web", *names):
        stage.release("1", "2", name=name)


def versions(stage: Stage, *names: str) -> list[str]:
    return [stage.version(each) for each in ("web", *names)]


def test_all_are_approved_once_all_are_rolled_out_and_judged(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    since = lab_session.audit_log.stat().st_size
    cache = Kind(stage, "StatefulSet", "cache")
    cache.release("1", "2")
    released(stage, API)
    others = [{"name": API}, {"kind": "StatefulSet", "name": "cache"}]
    stage.review(target={"with": others})
    status = stage.ended(60)
    assert status["phase"] == "Promoted", status["summary"]
    assert f"is approved; also approved: Deployment {API}, StatefulSet cache: " in status["summary"]
    assert [each["name"] for each in status["members"]] == [API, "cache"]
    for found in (stage.deployment(), stage.deployment(API), cache.read()):
        assert APPROVED in found["metadata"]["annotations"]
    assert patched(lab_session, since, stage) == ["web", API]
    assert proved(stage) == []
    assert operator.pid is not None


def test_all_are_taken_back_in_the_declared_order(stage: Stage, operator: OperatorProcess, lab_session: Lab) -> None:
    since = lab_session.audit_log.stat().st_size
    released(stage, API, JOBS)
    stage.review(**together(API, JOBS, **drifting()))
    status = stage.ended(60)
    assert status["phase"] == "RolledBack", status["summary"]
    assert versions(stage, API, JOBS) == ["1", "1", "1"]
    assert patched(lab_session, since, stage) == ["web", API, JOBS]
    moments = [each[name] for each in status["act"]["steps"] for name in ("appliedAt", "completedAt")]
    assert moments == sorted(moments)
    assert status["act"]["appliedAt"] <= moments[0]
    names = [each["previous"]["name"] for each in (status, *status["members"])]
    assert status["summary"].startswith(f"rolled back to {', '.join(names)}: ")
    assert [each["judged"]["images"] for each in status["members"]] == [status["judged"]["images"]] * 2, "as at T0"
    assert proved(stage) == []
    assert operator.pid is not None


def released_without_way_back(stage: Stage, name: str, deadline: int) -> None:
    """A release whose previous pods find no node any more."""
    old, new = deployment("1", name=name), deployment("2", name=name)
    old["spec"]["template"]["spec"]["nodeSelector"] = NODES
    old["spec"]["progressDeadlineSeconds"] = new["spec"]["progressDeadlineSeconds"] = deadline
    new["spec"]["template"]["spec"]["nodeSelector"] = None
    with room(stage.api):
        stage.roll_out(old)
    stage.roll_out(new)


def test_when_the_third_of_five_does_not_come_back_the_rest_is_left_and_that_is_said(
    stage: Stage, operator: OperatorProcess
) -> None:
    names = (API, JOBS, "web-mail", "web-shop")
    released_without_way_back(stage, JOBS, 2)
    released(stage, *(each for each in names if each != JOBS))
    stage.review(**together(*names, **drifting()))
    status = stage.ended(90)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Failed", "RollbackIncomplete")
    assert versions(stage, *names) == ["1", "1", "1", "2", "2"]
    where = f"Deployment {stage.namespace}"
    assert f"Z: {where}/{JOBS}: its pods were not all there after" in status["summary"]
    so_far = (
        f"; back: the target, Deployment {API}, changed, but not all of its pods run: Deployment {JOBS}, not back: "
        "Deployment web-mail, Deployment web-shop; "
    )
    assert so_far in status["summary"]
    status = stage.until(lambda found: condition(found, "StaysBack"), "what is back is looked after")
    told = condition(status, "StaysBack")
    assert (told["status"], told["reason"]) == ("Unknown", "RollbackIncomplete")
    assert f", and Deployment {JOBS} asks for {status['members'][1]['previous']['name']} again, but " in told["message"]
    assert status["notBack"] == ["Deployment web-mail", "Deployment web-shop"]
    stage.release("1", name="web-mail")
    stage.touch()
    status = stage.until(lambda found: found["notBack"] == ["Deployment web-shop"], "one is taken back by hand", 60)
    judged = status["members"][3]["judged"]["name"]
    assert f", and Deployment web-shop still runs {judged}" in condition(status, "StaysBack")["message"]
    assert proved(stage) == []
    assert operator.pid is not None


def test_one_that_others_change_in_the_middle_of_the_rollback_ends_it_with_a_command_for_each_that_is_not_back(
    stage: Stage, operator: OperatorProcess
) -> None:
    released_without_way_back(stage, API, 600)
    released(stage, JOBS)
    stage.review(**together(API, JOBS, **drifting()))
    stage.until(lambda found: "appliedAt" in found.get("act", {}).get("steps", [{}])[0], "it is half way", 60)
    stage.apply(deployment("3", name=JOBS))
    stage.touch()
    status = stage.ended(30)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Superseded", "NewRevision")
    so_far = (
        f"; back: the target, changed, but not all of its pods run: Deployment {API}, not back: Deployment {JOBS}; "
        "take back by hand what"
    )
    assert so_far in status["summary"]
    stage.until(lambda found: condition(found, "ReportWritten")["message"].startswith("Superseded: "), "it is reported")
    lines = operator.log.read_text("utf-8").splitlines()
    ended = [each for each in lines if "Superseded: " in each and f"{stage.namespace}/" in each]
    assert len(ended) == 1
    assert "WARNING" in ended[0]
    report = stage.api.get("ConfigMap", "web-2-report", stage.namespace)["data"]["review.md"]
    before = [each["previous"]["name"] for each in status["members"]]
    assert f"Deployment {API} was given {before[0]} again: mend what keeps its pods from running: `kubectl" in report
    assert f"meant to stay, take Deployment {JOBS} back to {before[1]}: `kubectl get driftsnapshot" in report


def test_what_cannot_be_taken_back_of_one_holds_all_until_it_is_mended(stage: Stage, operator: OperatorProcess) -> None:
    released(stage, API)
    mark = {"metadata": {"annotations": {"driftreview.dev/irreversible": "migrates the orders"}}}
    stage.api.merge("Deployment", API, stage.namespace, mark)
    stage.review(**together(API, **drifting()))

    def held(status: dict[str, Any]) -> bool:
        return "decision" in status and condition(status, "RollbackPossible")["status"] == "False"

    status = stage.until(held, "it is decided and held", 40)
    assert condition(status, "RollbackPossible")["message"].startswith(f"Deployment {API}: ")
    assert "migrates the orders" in condition(status, "RollbackPossible")["message"]
    assert versions(stage, API) == ["2", "2"]
    stage.api.merge(
        "Deployment",
        API,
        stage.namespace,
        {"metadata": {"annotations": dict.fromkeys(mark["metadata"]["annotations"])}},
    )
    assert stage.ended(60)["phase"] == "RolledBack"
    assert versions(stage, API) == ["1", "1"]
    assert operator.pid is not None


def delete(stage: Stage) -> None:
    stage.api.delete("Deployment", API, stage.namespace)


def change(stage: Stage) -> None:
    stage.apply(deployment("3", name=API))


def revert(stage: Stage) -> None:
    stage.apply(deployment("1", name=API))


@pytest.mark.parametrize(
    ("do", "reason", "words"),
    [
        (delete, "TargetReplaced", f"Deployment {API} was deleted during the review"),
        (change, "NewRevision", f"Deployment {API} was changed to"),
        (revert, "RevertedByHand", f"Deployment {API} was taken back by hand"),
    ],
)
def test_what_others_do_to_one_ends_the_review_and_is_named(
    stage: Stage, operator: OperatorProcess, do: Callable[[Stage], None], reason: str, words: str
) -> None:
    released(stage, API)
    stage.review(**together(API, window={"checkpoints": ["6m", "12m", "12h"]}))
    stage.until(lambda status: status.get("progress") == "2/3", "it watches", 30)
    do(stage)
    stage.touch()
    status = stage.ended(30)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Superseded", reason)
    assert words in status["summary"]
    assert status["notBack"] == (["Deployment web"] if do is revert else [])
    assert stage.version() == "2", "nothing is done to the others"
    assert operator.pid is not None


def test_one_that_is_missing_is_named_and_waited_for(stage: Stage, operator: OperatorProcess) -> None:
    released(stage)
    stage.review(**together(API))
    assert stage.refused("TargetNotFound").startswith(f"spec.target.with[0].name: there is no Deployment '{API}'")
    released_late = stage.release("1", "2", name=API)
    assert stage.ended(60)["phase"] == "Promoted"
    assert released_late["metadata"]["name"] == API
    assert operator.pid is not None


def test_a_review_of_one_of_them_waits(stage: Stage, operator: OperatorProcess) -> None:
    released(stage, API)
    stage.review(**together(API, window={"checkpoints": ["6m", "12m", "12h"]}))
    stage.until(lambda status: status.get("progress") == "2/3", "it watches", 30)
    stage.review("alone", source=False, target={"name": API})
    status = stage.until(lambda found: "waits for review web-2" in found.get("summary", ""), "it waits", 20, "alone")
    assert (status["phase"], status.get("t0")) == ("Pending", None)
    stage.api.merge("DriftReview", "web-2", stage.namespace, {"spec": {"suspend": True}})
    stage.api.delete("DriftReview", "web-2", stage.namespace)
    assert stage.ended(30, "alone")["phase"] == "Promoted"
    assert operator.pid is not None


def test_one_that_returns_after_the_rollback_is_told(stage: Stage, operator: OperatorProcess) -> None:
    released(stage, API)
    stage.review(**together(API, **drifting()))
    assert stage.ended(60)["phase"] == "RolledBack"
    assert condition(stage.status(), "StaysBack")["status"] == "True"
    stage.apply(deployment("2", name=API))
    stage.touch()
    status = stage.until(lambda found: condition(found, "StaysBack")["status"] == "False", "it is told", 50)
    assert condition(status, "StaysBack")["message"].startswith(f"Deployment {API}: ")
    assert stage.version(API) == "2", "and not fought"
    assert operator.pid is not None


def test_a_cluster_that_keeps_no_history_takes_none_of_them_the_way_back(
    stage: Stage, operator: OperatorProcess
) -> None:
    names = ("web", API)
    documents = {name: [deployment(version, name=name) for version in ("1", "2")] for name in names}
    for each in (one for both in documents.values() for one in both):
        each["spec"]["revisionHistoryLimit"] = 0
    for first, _ in documents.values():
        stage.roll_out(first)
    stage.source(resolution="10s")
    window = {"t0": None, "backdated": None, "warmup": "20s", "checkpoints": ["1m"], "rollback": "1h"}
    stage.review(source=False, window=window, **together(API))
    stage.until(lambda status: status.get("members", [{}])[0].get("kept"), "what runs is kept", 40)
    for _, second in documents.values():
        stage.roll_out(second)
    status = stage.until(lambda found: found.get("baseline"), "T0 is frozen", 90)
    assert len({each["previous"]["templateHash"] for each in (status, *status["members"])}) == 2
    person(stage, "jane").does("Reject")
    assert stage.ended(60)["phase"] == "RolledBack"
    assert versions(stage, API) == ["1", "1"]
    assert operator.pid is not None


@pytest.mark.parametrize("lost", [Lost.BEFORE, Lost.AFTER])
def test_killed_around_each_write_of_a_rollback_each_is_taken_back_once(
    stage: Stage, operators: Operators, api_proxy: FaultProxy, lab_session: Lab, lost: Lost
) -> None:
    since = lab_session.audit_log.stat().st_size
    released(stage, API, JOBS)
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
        killer = Killer(operators, operator)
        api_proxy.add(around_each_write(stage, killer, lost))
        stage.review(**together(API, JOBS, **drifting()))
        killer.see_it_through(stage, 240)
    status = stage.status()
    assert len(killer.deaths) >= 8, killer.deaths
    assert (status["phase"], versions(stage, API, JOBS)) == ("RolledBack", ["1", "1", "1"])
    assert patched(lab_session, since, stage) == ["web", API, JOBS]
    assert [stage.deployment(each)["metadata"]["generation"] for each in ("web", API, JOBS)] == [3, 3, 3]
