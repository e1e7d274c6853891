"""Evidence that is gone, forged or edited is never judged."""

import copy
from datetime import timedelta
from typing import Any

import pytest

from driftreview.domain.evidence import snapshot_name
from lab.install import OperatorProcess
from tests.support.cluster import MERGE_PATCH, Raw, path
from tests.support.stage import NAME, SOURCE, Stage, ago, condition, wire

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]
LATER = {"checkpoints": ["6m", "6h"]}


@pytest.fixture
def genuine(stage: Stage, operator: OperatorProcess) -> list[Raw]:
    """Snapshots of a review that was undisturbed."""
    stage.release("1", "2")
    stage.review("model", window={"t0": wire(ago(minutes=30)), "checkpoints": ["6m", "12m"]})
    stage.ended(name="model")
    assert operator.pid is not None
    return sorted(
        stage.api.list("DriftSnapshot", stage.namespace), key=lambda each: each["spec"].get("previousHash", "")
    )


def forged(genuine: Raw, name: str, **changes: Any) -> Raw:
    """A copy under another name."""
    document = {key: copy.deepcopy(genuine[key]) for key in ("apiVersion", "kind", "spec")}
    document["spec"] |= changes
    return document | {"metadata": {"name": name}}


def failed(stage: Stage) -> None:
    status = stage.ended()
    assert (status["phase"], condition(status, "Stalled")["reason"]) == ("Failed", "EvidenceAltered")
    assert "act" not in status
    assert stage.version() == "2"


def suspended(stage: Stage) -> Raw:
    """A review that waits, so that its uid is known before it starts."""
    return stage.review(source=False, suspend=True, window={"t0": wire(ago(minutes=30)), "checkpoints": ["6m"]})


def resume(stage: Stage) -> None:
    stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"suspend": False}})


@pytest.mark.parametrize("checkpoint", ["T0", "6m"])
@pytest.mark.parametrize("forgery", ["another's", "edited", "not even json"])
def test_a_snapshot_that_somebody_else_put_there_is_not_judged(
    stage: Stage, genuine: list[Raw], checkpoint: str, forgery: str
) -> None:
    review = suspended(stage)
    uid = review["metadata"]["uid"]
    changes: Raw = {}
    if forgery != "another's":
        changes = {"reviewRef": {"name": NAME, "uid": uid}}
    if forgery == "not even json":
        changes["previous"] = genuine[0]["spec"]["judged"] | {"template": "{not json"}
    original = next(each for each in genuine if each["spec"]["checkpoint"] == checkpoint)
    stage.api.create(forged(original, snapshot_name(NAME, uid, checkpoint), **changes), stage.namespace)
    resume(stage)
    failed(stage)


def look_soon(stage: Stage) -> str:
    """A review with a frozen baseline and a look that is due in some seconds; returns the snapshot's name."""
    stage.api.merge("MetricSource", SOURCE, stage.namespace, {"spec": {"resolution": "10s"}})
    stage.review(source=False, window={"t0": wire(ago(seconds=54)), "checkpoints": ["1m"]})
    name: str = stage.until(lambda found: found.get("baseline"), "the baseline is frozen")["baseline"]["name"]
    return name


def test_a_t0_snapshot_that_was_deleted_is_missed_at_the_next_look(stage: Stage, genuine: list[Raw]) -> None:
    assert genuine
    name = look_soon(stage)
    stage.api.delete("DriftSnapshot", name, stage.namespace)
    failed(stage)


def test_a_t0_snapshot_that_was_replaced_by_a_better_looking_one_is_not_judged(
    stage: Stage, genuine: list[Raw]
) -> None:
    name = look_soon(stage)
    stored = stage.api.get("DriftSnapshot", name, stage.namespace)
    stage.api.delete("DriftSnapshot", name, stage.namespace)
    stage.api.create(forged(stored, name, source="MetricSource/better http://127.0.0.1:1"), stage.namespace)
    assert genuine
    failed(stage)


def test_stored_evidence_cannot_be_edited(stage: Stage, genuine: list[Raw]) -> None:
    where = path("DriftSnapshot", stage.namespace, genuine[0]["metadata"]["name"])
    answer = stage.api.ask("PATCH", where, {"spec": {"source": "better"}}, MERGE_PATCH)
    assert answer.status == 422
    assert "evidence is never changed" in answer.document["message"]


def test_a_snapshot_left_by_a_deleted_review_of_the_same_name_does_not_disturb_the_next(
    stage: Stage, genuine: list[Raw]
) -> None:
    assert genuine
    window = {"t0": wire(ago(minutes=30) + timedelta(seconds=1)), "checkpoints": ["6m"]}
    stage.review(source=False, window=window)
    first = stage.ended()
    stage.api.delete("DriftReview", NAME, stage.namespace)
    stage.review(source=False, window=window)
    assert stage.ended()["phase"] == first["phase"] == "Promoted"
