"""What the whole process knows of the reviews it watches."""

from datetime import datetime
from typing import Any

import pytest

from driftreview.runtime.seen import Seen

KEY = ("driftreviews", "shop", "release")
SAFE = "2026-08-02T12:15:00Z"
ROLLBACK = {"lastSafeMoment": SAFE}
WHEN = datetime.fromisoformat(SAFE).timestamp()


def seen(status: dict[str, Any]) -> Seen:
    found = Seen()
    found.see(KEY, status)
    return found


def test_reviews_are_counted_by_phase_and_one_that_is_gone_is_not() -> None:
    found = seen({"phase": "Watching"})
    found.see(("driftreviews", "shop", "other"), {})
    assert found.phases() == {"Watching": 1, "Pending": 1}
    found.forget(KEY)
    found.forget(KEY)
    assert found.phases() == {"Pending": 1}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Watching", "rollback": ROLLBACK}, {("shop", "release"): WHEN}),
        ({"phase": "Holding", "rollback": ROLLBACK, "decision": {}}, {("shop", "release"): WHEN}),
        ({"phase": "RollingBack", "rollback": ROLLBACK, "act": {}}, {}),
        ({"phase": "RolledBack", "rollback": ROLLBACK}, {}),
        ({"phase": "Pending"}, {}),
    ],
)
def test_until_when_is_known_of_those_in_which_something_is_to_be_decided(
    status: dict[str, Any], expected: dict[tuple[str, str], float]
) -> None:
    assert seen(status).last_safe_moments() == expected


@pytest.mark.parametrize(("phase", "acts"), [("RollingBack", True), ("Promoting", True), ("Watching", False)])
def test_who_acts_waits_for_nobody(phase: str, acts: bool) -> None:  # noqa: FBT001 - a case
    assert seen({"phase": phase}).is_acting(KEY) is acts
    assert not Seen().is_acting(KEY)


def test_it_knows_which_source_a_review_asks_until_the_review_is_gone() -> None:
    found = seen({})
    assert found.source(KEY) == ""
    found.see_source(KEY, {"metrics": {"sourceRef": {"kind": "ClusterMetricSource", "name": "mimir"}}})
    assert found.source(KEY) == "ClusterMetricSource/mimir"
    found.forget(KEY)
    assert found.source(KEY) == ""
