"""Every query is asked once before a review starts, over as many turns as that takes."""

import re
from datetime import datetime
from typing import Any, cast

import pytest

from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.adapters.prometheus import InstantResult
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed, NoData
from driftreview.runtime.acceptance import Acceptance
from driftreview.runtime.gather import TurnOverError
from tests.builders import T0, review, signal, target

NEVER, AT_ONCE = float("inf"), 0.0
THREE = [signal(name, query=f"rate({name}[5m])") for name in ("a", "b", "c")]


class Source:
    """Stands for a Prometheus and for the way to it."""

    spec = MetricSourceSpec(url="http://prometheus:9090")

    def __init__(self, **answers: InstantResult) -> None:
        self.answers, self.asked = answers, list[str]()

    def find(self, _: DriftReview) -> FoundSource:
        return FoundSource(cast(Any, self), "MetricSource/prometheus")

    def instant(self, query: str, at: datetime) -> InstantResult:
        name = query.removeprefix("rate(")[0]
        self.asked.append(name)
        return self.answers.get(name) or Rows(at, (Row({}, 1.0),))


def problems(acceptance: Acceptance, until: float, **spec: Any) -> tuple[Problem, ...]:
    return acceptance.problems(review(signals=THREE, **spec), target(), T0, until)


def made(source: Source) -> Acceptance:
    return Acceptance(cast(MetricSources, source), lambda: T0)


def test_asked_in_turns_every_query_is_asked_once_and_everything_said() -> None:
    source = Source(
        a=Failed(Reason.QUERY_INVALID, "no such function", retryable=False), c=NoData(Reason.EMPTY, "nothing")
    )
    acceptance = made(source)
    for count in (1, 2):
        with pytest.raises(TurnOverError, match=f"^acceptance: {count} of 3 queries were asked so far$"):
            problems(acceptance, AT_ONCE)
    (said,) = problems(acceptance, AT_ONCE)
    assert said.message == "spec.signals[0].query (signal a): no such function"
    assert source.asked == ["a", "b", "c"]


def test_what_is_silent_is_said_only_where_nothing_is_wrong() -> None:
    (said,) = problems(made(Source(c=NoData(Reason.EMPTY, "nothing"))), NEVER)
    assert said.reason is Reason.EMPTY
    assert "no data yet for: c" in said.message


def test_a_source_that_does_not_answer_is_asked_on_where_it_stopped() -> None:
    source = Source(b=Failed(Reason.TIMEOUT, "too slow", retryable=True))
    acceptance = made(source)
    (said,) = problems(acceptance, NEVER)
    assert said.reason is Reason.SOURCE_UNAVAILABLE
    source.answers.clear()
    assert problems(acceptance, NEVER) == ()
    assert source.asked == ["a", "b", "b", "c"]


def test_what_facts_would_ask_is_checked_and_not_asked() -> None:
    source, good, bad = Source(), {"query": 'up{pod=~"${pods}"}'}, {"query": "up{${typo}}"}
    assert problems(made(source), NEVER, flags=[{"name": "a", "from": good}]) == ()
    (said,) = problems(made(Source()), NEVER, flags=[{"name": "a", "from": good}, {"name": "b", "from": bad}])
    assert said.reason is Reason.VARIABLE_UNKNOWN
    assert said.message.startswith("spec.flags[1].from.query: ${typo} is not defined")
    assert source.asked == ["a", "b", "c"]


def test_another_spec_is_asked_from_the_beginning() -> None:
    source = Source()
    acceptance = made(source)
    with pytest.raises(TurnOverError):
        problems(acceptance, AT_ONCE)
    changed = review(signals=THREE)
    changed = changed.model_copy(update={"metadata": changed.metadata.model_copy(update={"generation": 2})})
    assert acceptance.problems(changed, target(), T0, NEVER) == ()
    assert source.asked == ["a", "a", "b", "c"]


class Spelt(Source):
    """Knows the series `seen` and no other."""

    def instant(self, query: str, at: datetime) -> InstantResult:
        self.asked.append(query)
        known = "vector" in query or "seen" in query
        return Rows(at, (Row({}, 1.0),)) if known else NoData(Reason.EMPTY, "nothing")


def test_a_number_that_stands_in_for_nothing_is_named() -> None:
    source = Spelt()
    signals = [signal("a", query="sum(seen) or vector(0)"), signal("b", query="sum(sene) or vector(0)")]
    (said,) = made(source).problems(review(signals=signals), target(), T0, NEVER)
    assert said.reason is Reason.STAND_IN
    assert said.message == (
        "only the number behind `or vector` yet for: b "
        "(nothing happened yet, or a name or label is misspelt in spec.signals[1].query)"
    )
    assert source.asked == ["sum(seen) or vector(0)", "sum(seen{})", "sum(sene) or vector(0)", "sum(sene{})"]


def test_what_was_said_is_kept_until_it_is_stored_and_then_asked_anew() -> None:
    source = Source()
    acceptance = made(source)
    assert problems(acceptance, NEVER) == problems(acceptance, NEVER) == ()
    assert source.asked == ["a", "b", "c"]
    acceptance.forget(review().metadata.uid)
    assert problems(acceptance, NEVER) == ()
    assert source.asked == ["a", "b", "c"] * 2


def test_a_second_query_is_checked_and_asked_like_the_first() -> None:
    source = Spelt()
    signals = [
        signal("a", query="sum(seen)", control="sum(sene)"),
        signal("b", query="sum(seen)", per="sum(sene) or vector(0)"),
    ]
    said = made(source).problems(review(signals=signals), target(), T0, NEVER)
    empty, stand_in = (each.message for each in said)
    assert empty == "no data yet for: a control (check metric names and labels in spec.signals[0].control)"
    assert stand_in.startswith("only the number behind `or vector` yet for: b per (nothing happened yet,")
    assert stand_in.endswith("in spec.signals[1].per)")


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ("sum(", r"^spec\.signals\[0\]\.control \(signal a\): is not PromQL"),
        ("up{pod=~'${podz}'}", r"^spec\.signals\[0\]\.control \(signal a\): \$\{podz\} is not defined"),
    ],
)
def test_a_second_query_that_cannot_be_asked_refuses_the_review(control: str, words: str) -> None:
    signals = [signal("a", query="up", control=control)]
    (said,) = made(Source()).problems(review(signals=signals), target(), T0, NEVER)
    assert re.match(words, said.message)


def test_a_control_may_be_one_series_for_all_but_not_several_for_one() -> None:
    several = Rows(T0, (Row({"zone": "1"}, 1.0), Row({"zone": "2"}, 1.0)))
    pods = Rows(T0, (Row({"pod": "1"}, 1.0), Row({"pod": "2"}, 1.0)))
    source = Source(a=pods, b=Rows(T0, (Row({}, 1.0),)))
    each = [signal("a", query="a", control="b", each="pod")]
    assert made(source).problems(review(signals=each), target(), T0, NEVER) == ()
    source.answers["b"] = several
    (said,) = made(source).problems(review(signals=each), target(), T0, NEVER)
    assert said.message.startswith("spec.signals[0].control (signal a): the control: `each` is pod, but the 2 series")
