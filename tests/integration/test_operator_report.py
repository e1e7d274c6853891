"""The report as the operator writes it: into the review's own ConfigMap, at T0 and at the end."""

import json

import pytest

from lab.install import OperatorProcess
from tests.support.stage import NAME, Stage, ago, condition, wire

pytestmark = pytest.mark.integration


def written(stage: Stage, about: str) -> dict[str, str]:
    """The data of the report once it is about this state."""
    prefix = f"{about}: "
    status = stage.until(
        lambda found: condition(found, "ReportWritten").get("message", "").startswith(prefix), f"report of {about}"
    )
    assert condition(status, "ReportWritten")["status"] == "True", status
    data: dict[str, str] = stage.api.get("ConfigMap", f"{NAME}-report", stage.namespace)["data"]
    return data


def test_it_is_written_at_t0_and_at_the_end_and_belongs_to_the_review(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    soon = {"t0": wire(ago(minutes=5, seconds=40)), "checkpoints": ["6m"]}
    review = stage.review(window=soon)
    at_t0 = written(stage, "T0")
    assert json.loads(at_t0["review.json"])["about"] == "T0"
    assert stage.ended(60)["phase"] == "Promoted"
    data = written(stage, "Promoted")
    assert set(data) == {"review.md", "review.html", "review.json"}
    found = json.loads(data["review.json"])
    assert (found["recommendation"], found["phase"]) == ("APPROVE", "Promoted")
    assert "## 1. Deployment Context" in data["review.md"]
    assert "Status and evidence agree: 1 looks" in data["review.md"]
    (owner,) = stage.api.get("ConfigMap", f"{NAME}-report", stage.namespace)["metadata"]["ownerReferences"]
    assert owner["uid"] == review["metadata"]["uid"]
    assert operator.pid is not None


def test_a_config_map_of_that_name_that_is_not_the_reviews_is_left_alone(
    stage: Stage, operator: OperatorProcess
) -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{NAME}-report"}, "data": {"mine": "yes"}}
    stage.api.create(theirs, stage.namespace)
    stage.release("1", "2")
    stage.review()
    assert stage.ended()["phase"] == "Promoted", "no decision and no act waits for a report"
    said = condition(
        stage.until(lambda found: condition(found, "ReportWritten")["reason"] != "ReportDue", "said"), "ReportWritten"
    )
    assert (said["status"], said["reason"]) == ("False", "NameTaken")
    assert stage.api.get("ConfigMap", f"{NAME}-report", stage.namespace)["data"] == {"mine": "yes"}
    assert operator.pid is not None
