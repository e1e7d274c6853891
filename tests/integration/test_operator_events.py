"""What happened in a review, as Kubernetes Events on a real API server: on the review, on its target, with kubectl."""

import json
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from driftreview.runtime.metricsdoc import PREFIX, described
from driftreview.runtime.telemetry import Telemetry
from lab import Lab
from lab.install import OperatorProcess
from lab.web import Client, wait_until
from tests.integration.operators import Operators
from tests.support.faultproxy import Fault, FaultProxy, failure
from tests.support.stage import NAME, Stage, ago, condition, stepping, wire

pytestmark = pytest.mark.integration
NEW = "/apis/events.k8s.io/v1"


def told(stage: Stage, kind: str, name: str) -> list[dict[str, Any]]:
    """Our Events about one object, in the order of their names."""
    answer = stage.api.ask("GET", f"{NEW}/namespaces/{stage.namespace}/events").document
    ours = [each for each in answer["items"] if each.get("reportingController") == "driftreview.dev/operator"]
    found = [each for each in ours if (each["regarding"]["kind"], each["regarding"]["name"]) == (kind, name)]
    return sorted(found, key=lambda each: str(each["metadata"]["name"]))


def reasons(stage: Stage, kind: str, name: str) -> list[str]:
    """What happened, in a word each."""
    return [each["reason"] for each in told(stage, kind, name)]


def is_told(stage: Stage, *wanted: str, name: str = NAME) -> bool:
    """Whether this is all, in this order."""
    return reasons(stage, "DriftReview", name) == list(wanted)


LIFE = ("Accepted", "PreflightPassed", "BaselineCaptured", "CheckpointJudged", "Decided", "RollbackBegun", "RolledBack")


def test_kubectl_describe_tells_the_story_in_order_each_line_with_the_sentence_of_why(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)])
    status = stage.ended()
    wait_until(lambda: is_told(stage, *LIFE), "all of it is told")
    shown = lab_session.kubectl("describe", "driftreview", NAME, "-n", stage.namespace)
    lines = shown[shown.index("\nEvents:") :].splitlines()[4:]
    notes = {
        "Accepted": condition(status, "Accepted")["message"],
        "PreflightPassed": condition(status, "Preflight")["message"],
        "BaselineCaptured": condition(status, "BaselineCaptured")["message"],
        "CheckpointJudged": f"Drift at T0+6m: {status['checkpoints'][0]['message']}",
        "Decided": f"REJECT: {status['decision']['message']}",
        "RollbackBegun": f"REJECT: {status['decision']['message']}",
        "RolledBack": condition(status, "Ready")["message"],
    }
    assert [line.split()[1] for line in lines] == list(LIFE)
    for line in lines:
        kind, reason, age, by, note = re.split(r"\s{2,}", line.strip(), maxsplit=4)
        warns = reason in {"CheckpointJudged", "Decided", "RollbackBegun"}
        assert (kind, by) == ("Warning" if warns else "Normal", "driftreview.dev/operator"), age
        assert note == notes[reason]
    listed = lab_session.kubectl("events", "--for", f"driftreview/{NAME}", "-n", stage.namespace)
    assert all(each in listed for each in LIFE)
    on_target = lab_session.kubectl("describe", "deployment", "web", "-n", stage.namespace)
    assert notes["RolledBack"] in on_target
    assert reasons(stage, "Deployment", "web") == ["Decided", "RollbackBegun", "RolledBack"]
    assert operator.pid is not None


def test_an_event_names_review_and_target_by_uid_and_who_wrote_it(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    stage.review()
    stage.ended()
    wait_until(lambda: "Promoted" in reasons(stage, "Deployment", "web"), "the target is told")
    review, target = stage.read(), stage.deployment()
    (on_review,) = [each for each in told(stage, "DriftReview", NAME) if each["reason"] == "Promoted"]
    (on_target,) = [each for each in told(stage, "Deployment", "web") if each["reason"] == "Promoted"]
    assert on_review["regarding"]["uid"] == on_target["related"]["uid"] == review["metadata"]["uid"]
    assert on_review["related"]["uid"] == on_target["regarding"]["uid"] == target["metadata"]["uid"]
    assert (on_review["type"], on_review["action"]) == ("Normal", "End")
    assert on_review["reportingInstance"].endswith(f"-{operator.pid}")
    ended = condition(review["status"], "Reconciling")["lastTransitionTime"]
    assert on_review["eventTime"].startswith(ended.removesuffix("Z"))


def test_the_metrics_of_a_real_operator_are_those_of_the_table(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    soon = {"t0": wire(t0), "checkpoints": ["6m", "2h"]}
    stage.review(window=soon, policy={"mode": "Observe"}, signals=[stepping(t0)])
    stage.until(lambda status: status.get("verdict") == "Drift", "the first look is judged")
    mine = {"namespace": stage.namespace, "review": NAME, "signal": "latency"}

    def scraped() -> dict[str, Any]:
        text = Client(operator.url).request("GET", "/metrics")[1]
        found = {each.name: each for each in text_string_to_metric_families(text)}
        return {n: each for n, each in found.items() if n.startswith(PREFIX) and not n.endswith("_created")}

    def value(name: str, **labels: str) -> float | None:
        samples = scraped()[PREFIX + name].samples
        return next((each.value for each in samples if each.labels == mine | labels), None)

    wait_until(lambda: value("signal_verdict", verdict="Degraded") == 1, "its signals are told")
    delta, margin = value("signal_delta_ratio"), value("signal_margin_ratio")
    assert delta is not None
    assert margin is not None
    assert 0.8 < delta < 1.2  # 100 more than 100
    assert margin > 8  # of a margin of 10%
    known = {family.name: (family.type, set(labels)) for family, labels in described(Telemetry())}
    families = scraped()
    assert set(families) == set(known)
    for name, family in families.items():
        kind, labels = known[name]
        used = {label for each in family.samples for label in each.labels} - {"le"}
        assert (family.type, used) == (kind, labels if family.samples else set()), name
    decided = [each.labels for each in families["driftreview_decisions"].samples if each.name.endswith("_total")]
    assert {"recommendation": "REJECT", "reason": "SignalDegraded"} in decided
    stored = {each.name: each.value for each in families["driftreview_evidence_bytes"].samples if not each.labels}
    assert stored["driftreview_evidence_bytes_sum"] > 1000 * stored["driftreview_evidence_bytes_count"] > 0
    stage.api.delete("DriftReview", NAME, stage.namespace)
    wait_until(lambda: value("signal_verdict", verdict="Degraded") is None, "they are gone with the review")


def test_events_that_are_forbidden_or_go_unanswered_stop_no_review_and_come_later(
    stage: Stage, operators: Operators, api_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    forbidden = api_proxy.add(Fault("POST", "/events.k8s.io/", answer=failure(403)))
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
        stage.review()
        assert stage.ended()["phase"] == "Promoted"
        wait_until(lambda: forbidden.hits > 1, "it was tried again")
        assert told(stage, "DriftReview", NAME) == []
        failing = api_proxy.add(Fault("POST", "/events.k8s.io/", answer=failure(503), times=1))
        api_proxy.remove(forbidden)
        wait_until(lambda: "Promoted" in reasons(stage, "DriftReview", NAME), "all of it is told in the end", 60)
        assert failing.hits == 1
        lines = [json.loads(line) for line in operator.log.read_text("utf-8").splitlines()]
        begins = f"Events in {stage.namespace} are not written: "
        said = [each["message"] for each in lines if each["message"].startswith(begins)]
        assert len([each for each in said if "403" in each]) == 1, said
        operator.kill()
        before = told(stage, "DriftReview", NAME)
        last = before[-1]["metadata"]["name"]
        stage.api.delete("Event", last, stage.namespace)  # as if it had been killed before it came to that
        operators.restart(operator)
        wait_until(lambda: len(told(stage, "DriftReview", NAME)) == len(before), "the next one comes to it")
    assert [each["metadata"]["name"] for each in told(stage, "DriftReview", NAME)] == [
        each["metadata"]["name"] for each in before
    ]
