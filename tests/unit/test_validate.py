"""Contradictions in a spec that neither the schema nor CEL can see are refused before the review starts."""

from typing import Any

import pytest

from driftreview.domain.validate import contradictions
from tests.builders import growth, limit, review, signal


def said(*signals: Any, **spec: Any) -> list[str]:
    return [each.message for each in contradictions(review(signals=list(signals), **spec).spec)]


@pytest.mark.parametrize(
    "declared",
    [
        signal(),
        signal(limits={"alert": "150m"}),
        signal(margin={"relative": "5%"}, limits={"baseline": "100m", "alert": "150m"}),
        signal(margin={"relative": "5%"}, limits={"baseline": "0.999", "alert": "0.99"}, worse="Lower"),
        signal(margin={"relative": "5%"}, limits={"baseline": "1500m", "alert": "1.5"}),  # the same, spelled otherwise
        growth(),
        limit(),
        signal(kind="Info"),
    ],
)
def test_a_sensible_signal_is_accepted(declared: Any) -> None:
    assert said(declared) == []


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (signal(kind="Info", limits={"alert": "1"}), "kind Info knows no limits.alert"),
        (growth(limits={"perHour": "1", "alert": "1"}), "kind Growth knows no limits.alert"),
        (limit(limits={"alert": "60", "baseline": "1"}), "kind Limit has no baseline"),
        (
            signal(margin={"relative": "5%"}, limits={"baseline": "200m", "alert": "150m"}),
            "a baseline may reach 200m but beyond 150m is Degraded",
        ),
        (
            signal(margin={"relative": "5%"}, limits={"baseline": "0.98", "alert": "0.99"}, worse="Lower"),
            "a baseline may reach 0.98 but beyond 0.99 is Degraded",
        ),
    ],
)
def test_what_could_never_work_or_would_be_ignored_is_named_with_its_field(declared: Any, says: str) -> None:
    found = said(signal("first"), declared)
    assert len(found) == 1
    assert found[0].startswith("spec.signals[1].limits")
    assert f"(signal {declared.name}): " in found[0]
    assert says in found[0]


@pytest.mark.parametrize(
    ("declared", "fits"),
    [
        (signal(limits={"alert": "1"}), True),
        (limit(), True),
        (signal(margin={"relative": "5%"}, limits={"alert": "1"}), False),
        (signal(limits={"alert": "1", "baseline": "1"}), False),
    ],
)
def test_where_nothing_is_measured_at_t0_nothing_can_be_held_against_it(declared: Any, *, fits: bool) -> None:
    assert (said(declared, baseline={"from": "Declared"}) == []) is fits
