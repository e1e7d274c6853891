"""Whoever may create DriftApprovals may create thousands: the way back is as short as without them."""

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest

from lab import Lab
from lab.install import OperatorProcess
from lab.web import Client, wait_until
from tests.integration.operators import Operators
from tests.support.cluster import MERGE_PATCH, Api, Raw, path
from tests.support.stage import NAME, Stage, ago, stepping, wire

pytestmark = pytest.mark.integration
WRITERS = 3
STOCK = 600
THOUSANDS = 2_000
SETTLED = timedelta(seconds=3)
UNDECIDED = {"checkpoints": ["6m", "12m", "50m"]}
"""The last look is still to come."""


@pytest.fixture
def operator(operators: Operators) -> Iterator[OperatorProcess]:
    """One of its own: of a flood some memory stays."""
    with operators.own() as operator:
        yield operator


def act(kind: str, review: Raw, message: str) -> Raw:
    ref = {"name": review["metadata"]["name"], "uid": review["metadata"]["uid"]}
    return {
        "apiVersion": "driftreview.dev/v1alpha1",
        "kind": "DriftApproval",
        "metadata": {"name": f"{kind.lower()}-{uuid.uuid4().hex[:12]}"},
        "spec": {"reviewRef": ref, "by": "admin", "type": kind, "message": message},
    }


@contextmanager
def flood(lab: Lab, stage: Stage) -> Iterator[Sequence[int]]:
    """Create Notes about the review as fast as the API server takes them, from when there is a stock of them."""
    review, over, made = stage.read(), threading.Event(), list[int]()
    where = path("DriftApproval", stage.namespace)

    def write() -> None:
        api = Api.of(lab.kubeconfig)
        while not over.is_set():
            made.append(api.ask("POST", where, act("Note", review, "m" * 900)).status)
        api.close()

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for each in writers:
        each.start()
    try:
        wait_until(lambda: len(made) >= STOCK, f"{STOCK} Notes are there", 60)
        before = len(made)
        yield made
        assert len(made) > before, "it went on"
        assert set(made) == {201}
    finally:
        over.set()
        for each in writers:
            each.join()


def failures(operator: OperatorProcess) -> list[str]:
    """Steps that failed, by error."""
    lines = Client(operator.url).request("GET", "/metrics")[1].splitlines()
    return [line for line in lines if line.startswith("driftreview_step_errors_total")]


def test_a_drift_is_rolled_back_while_notes_are_poured_on_it(
    lab_session: Lab, stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    stage.review(signals=[stepping(ago(minutes=29))], suspend=True)
    with flood(lab_session, stage):
        began = time.monotonic()
        where = path("DriftReview", stage.namespace, NAME)
        assert stage.api.ask("PATCH", where, {"spec": {"suspend": False}}, MERGE_PATCH).status == 200
        status = stage.ended(seconds=30)
        assert time.monotonic() - began < 30
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    assert failures(operator) == []


def test_a_reject_is_heard_among_thousands_of_notes(lab_session: Lab, stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    stage.review(window=UNDECIDED)
    stage.until(lambda status: status.get("progress") == "2/3", "two looks", 60)
    with flood(lab_session, stage):
        stage.api.create(act("Reject", stage.read(), "customers cannot pay"), stage.namespace)
        status = stage.ended(seconds=30)
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    assert status["decision"]["by"] == "admin"
    assert failures(operator) == []


def test_an_operator_that_starts_among_thousands_of_notes_knows_the_reject_before_its_first_step(
    lab_session: Lab, stage: Stage, operators: Operators
) -> None:
    stage.release("1", "2")
    due = ago(seconds=-50)
    window = {"t0": wire(due - timedelta(minutes=31)), "checkpoints": ["6m", "12m", "31m"]}
    with operators.own() as operator:
        stage.review(window=window)
        stage.until(lambda status: status.get("progress") == "2/3", "two looks", 40)
        operator.stop()
        with flood(lab_session, stage) as made:
            wait_until(lambda: len(made) >= THOUSANDS, f"{THOUSANDS} Notes are there", 120)
        stage.api.create(act("Reject", stage.read(), "customers cannot pay"), stage.namespace)
        wait_until(lambda: ago() >= due + SETTLED, "the last look is due, and would promote", 60)
        operators.restart(operator)
        status = stage.ended(seconds=60)
        assert (status["phase"], stage.version()) == ("RolledBack", "1")
        assert status["decision"]["by"] == "admin"
        assert status["progress"] == "2/3"
        assert failures(operator) == []
