"""A review, and the namespace it is in, can be deleted at every time: nothing of ours stands in the way."""

from collections.abc import Iterator

import pytest

from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.stage import NAME, Stage, ago, steady, stepping, wire

pytestmark = pytest.mark.integration
SECONDS = 10.0
COLLECTED = 45.0
"""The cluster's garbage collector takes notice of new kinds every 30 s."""
PHASES = {
    "Pending": {"window": {"t0": wire(ago(hours=-1))}},
    "Watching": {"window": {"t0": wire(ago(minutes=7)), "checkpoints": ["6m", "6h"]}, "policy": {"mode": "Observe"}},
    "Holding": {
        "window": {"t0": wire(ago(minutes=30)), "checkpoints": ["6m", "6h"]},
        "signals": [stepping(ago(minutes=30))],
        "policy": {"mode": "Advise"},
    },
    "Promoted": {},
    "RolledBack": {"window": {"t0": wire(ago(minutes=30))}, "signals": [stepping(ago(minutes=30))]},
    "Decided": {"signals": [steady()], "policy": {"mode": "Observe"}},
}


@pytest.fixture
def other(stage: Stage) -> Iterator[Stage]:
    """A namespace that the test deletes itself."""
    with stage.another("gone") as other:
        yield other


def gone(stage: Stage, kind: str, name: str, namespace: str = "") -> None:
    wait_until(lambda: stage.api.find(kind, name, namespace) is None, f"{kind} {name} is gone", SECONDS)


@pytest.mark.parametrize(
    ("phase", "running"), [*((phase, True) for phase in PHASES), ("Pending", False), ("Watching", False)]
)
def test_a_review_in_any_phase_is_deleted_at_once_and_its_snapshots_with_it(
    stage: Stage, operators: Operators, phase: str, *, running: bool
) -> None:
    operators.shared()
    stage.release("1", "2")
    stage.review(**PHASES[phase])
    status = stage.in_phase(phase)
    assert stage.read()["metadata"].get("finalizers", []) == []
    assert (len(stage.snapshots()) > 0) == (phase != "Pending"), status
    if not running:
        operators.stop_shared()
    stage.api.delete("DriftReview", NAME, stage.namespace)
    gone(stage, "DriftReview", NAME, stage.namespace)
    wait_until(lambda: not stage.snapshots(), "the snapshots are collected", COLLECTED)


@pytest.mark.parametrize("running", [True, False], ids=["operator running", "operator stopped"])
def test_a_namespace_full_of_reviews_is_deleted_in_seconds(
    other: Stage, operators: Operators, *, running: bool
) -> None:
    operators.shared()
    other.release("1", "2")
    other.source()
    names = [f"r-{number}" for number in range(len(PHASES) - 2)]
    for name, phase in zip(names, ("Pending", "Watching", "Promoted", "Holding"), strict=True):
        other.review(name, source=False, **PHASES[phase])
    for name, phase in zip(names, ("Pending", "Watching", "Promoted", "Holding"), strict=True):
        other.in_phase(phase, name=name)
    if not running:
        operators.stop_shared()
    other.api.delete("Namespace", other.namespace)
    gone(other, "Namespace", other.namespace)
    assert other.api.find("Namespace", other.namespace) is None
