"""Confounders: what else changed since T0, and when."""

from datetime import datetime
from typing import Any

import pytest

from driftreview.api.checkpoint import Checkpoint
from driftreview.api.configuration import (
    AutoscalerFact,
    ConfigurationFact,
    DeploymentFact,
    NodeFact,
    ReferenceFact,
    RunningImage,
)
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Verdict
from driftreview.domain.confounders import ABSENT, Confounder, confounders
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import confounder_rows
from driftreview.domain.status import MOST_BYTES, bounded
from tests import builders
from tests.builders import HOUR, T0

LATER = T0 + 2 * HOUR


def facts(at: datetime = T0, *problems: str, reason: Reason = Reason.FORBIDDEN, **parts: Any) -> Facts:
    deployment = {name: value for name, value in parts.items() if name in DeploymentFact.model_fields}
    configuration = {name: value for name, value in parts.items() if name in ConfigurationFact.model_fields}
    return Facts(
        taken_at=at,
        deployment=DeploymentFact.model_validate({"generation": 1, "desired": 3} | deployment),
        configuration=ConfigurationFact.model_validate(configuration),
        problems=[FactProblem(about=each, reason=reason, message="because") for each in problems],
    )


def config_map(digit: str | None, changed_at: datetime | None = None) -> list[ReferenceFact]:
    found = None if digit is None else f"sha256:{digit * 64}"
    return [ReferenceFact(name="settings", hash=found, changed_at=changed_at)]


OLD, NEW = "a" * 12, "b" * 12


def image(*digests: str) -> list[RunningImage]:
    return [RunningImage(container="web", image="web:1", digests=list(digests))]


def scaler(most: int) -> list[AutoscalerFact]:
    return [AutoscalerFact(name="web", least=1, most=most, metrics=["cpu"])]


@pytest.mark.parametrize(
    ("before", "after", "what", "values"),
    [
        ({"config_maps": config_map("a")}, {"config_maps": config_map("b")}, "configmaps/settings", (OLD, NEW)),
        ({"config_maps": config_map("a")}, {"config_maps": config_map(None)}, "configmaps/settings", (OLD, ABSENT)),
        ({"secrets": config_map("a")}, {"secrets": config_map("b")}, "secrets/settings", (OLD, NEW)),
        ({"desired": 3}, {"desired": 5}, "deployment/replicas", ("3", "5")),
        ({"version": "1"}, {"version": ""}, "deployment/version", ("1", ABSENT)),
        ({"images": image("x")}, {"images": image("x", "y")}, "deployment/image of web", ("x", "x, y")),
        ({"autoscalers": scaler(5)}, {"autoscalers": scaler(9)}, "horizontalpodautoscalers/web",
         ("1 to 5 replicas by cpu", "1 to 9 replicas by cpu")),
        ({"autoscalers": []}, {"autoscalers": scaler(9)}, "horizontalpodautoscalers/web",
         (ABSENT, "1 to 9 replicas by cpu")),
        ({"kubernetes": "v1.34.4"}, {"kubernetes": "v1.35.0"}, "kubernetes", ("v1.34.4", "v1.35.0")),
        ({"nodes": [NodeFact(name="a")]}, {"nodes": [NodeFact(name="b")]}, "nodes", ("a", "b")),
        ({"nodes": [NodeFact(name="a", kubelet="1")]}, {"nodes": [NodeFact(name="a", kubelet="2")]}, "kubelets/a",
         ("1", "2")),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_both_values(
    before: dict[str, Any], after: dict[str, Any], what: str, values: tuple[str, str]
) -> None:
    assert confounders(facts(**before), facts(LATER, **after)) == (Confounder(what, *values, LATER, is_dated=False),)
    assert confounders(facts(**before), facts(LATER, **before)) == ()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ({"config_maps": config_map("a")}, {"config_maps": config_map(None)}, "configuration/configmaps/settings"),
        ({"secrets": config_map("a")}, {"secrets": config_map(None)}, "configuration/secrets/settings"),
        ({"autoscalers": scaler(5)}, {}, "configuration/horizontalpodautoscalers"),
        ({"images": image("x")}, {"images": image()}, "deployment/images"),
        ({"kubernetes": "v1"}, {}, "configuration/kubernetes"),
        ({"nodes": [NodeFact(name="a", kubelet="1")]}, {"nodes": [NodeFact(name="a")]}, "configuration/kubelets"),
    ],
)
def test_what_could_not_be_read_at_either_look_is_no_difference(
    before: dict[str, Any], after: dict[str, Any], problem: str
) -> None:
    assert confounders(facts(**before), facts(LATER, problem, **after)) == ()
    assert confounders(facts(T0, problem, **after), facts(LATER, **before)) == ()


def test_what_was_deleted_is_one() -> None:
    gone = facts(LATER, "configuration/configmaps/settings", reason=Reason.NOT_FOUND, config_maps=config_map(None))
    assert [each.after for each in confounders(facts(config_maps=config_map("a")), gone)] == [ABSENT]


@pytest.mark.parametrize("missing", ["deployment", "configuration"])
def test_a_section_that_is_not_there_is_compared_with_nothing(missing: str) -> None:
    full = facts(images=image("x"), config_maps=config_map("a"))
    assert confounders(full, full.model_copy(update={missing: None})) == ()
    assert confounders(full.model_copy(update={missing: None}), full) == ()
    assert confounders(None, full) == confounders(full, None) == ()


@pytest.mark.parametrize(
    ("told", "at"),
    [(T0 + HOUR, T0 + HOUR), (None, LATER), (T0 - HOUR, LATER), (LATER + HOUR, LATER)],
)
def test_its_time_is_what_the_object_says_where_that_can_be(told: datetime | None, at: datetime) -> None:
    (found,) = confounders(facts(config_maps=config_map("a", T0)), facts(LATER, config_maps=config_map("b", told)))
    assert found.at == at


def result(count: int) -> CheckpointResult:
    found = [Confounder(f"configmaps/{n:03}", "a" * 80, "b", LATER) for n in range(count)]
    return CheckpointResult.of([], confounders=found)


def test_status_counts_them_and_tells_the_first() -> None:
    assert confounder_rows(result(0)) is None
    rows = confounder_rows(result(7))
    assert rows is not None
    assert (rows.count, [each.what for each in rows.first]) == (7, [f"configmaps/{n:03}" for n in range(5)])
    assert len(rows.first[0].before) == 64


def test_they_are_dropped_from_a_status_without_room_but_for_their_number() -> None:
    rows = confounder_rows(result(9))
    judged = Checkpoint(name="1h", due=LATER, verdict=Verdict.PASS, message="m" * 512, confounders=rows)
    many = [judged.model_copy(update={"name": f"{n}h"}) for n in range(60)]
    before = DriftReviewStatus.model_construct(
        **DriftReviewStatus(checkpoints=many[:16]).__dict__ | {"checkpoints": many}
    )
    assert len(before.model_dump_json()) > MOST_BYTES
    after = bounded(before)
    assert {each.confounders.count for each in after.checkpoints if each.confounders} == {9}
    assert after.checkpoints[0].confounders is not None
    assert after.checkpoints[0].confounders.first == []
    assert after.checkpoints[-1].confounders == rows


def test_they_change_no_verdict() -> None:
    evidence = builders.evidence("latency", builders.series(builders.around(0.1, 24)))
    baseline = builders.snapshot(evidence, facts=facts())
    same, other = (
        builders.snapshot(evidence, checkpoint="1h", facts=each) for each in (facts(LATER), facts(LATER, desired=9))
    )
    calm, moved = (judge_checkpoint(builders.review().spec, baseline, each) for each in (same, other))
    assert (calm.confounders, len(moved.confounders)) == ((), 1)
    assert (calm.verdict, calm.message) == (moved.verdict, moved.message)
