"""What of a release can be seen: metrics that appeared or vanished, signals with data, rules that fail."""

from datetime import datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.observability import read_observability
from driftreview.adapters.prometheus import BusyError
from driftreview.api.facts import Facts
from driftreview.api.observability import MOST_FAILING, MOST_NAMES, ObservabilityFact
from driftreview.api.reasons import Reason
from driftreview.domain.alertrules import Rule
from driftreview.domain.observability import (
    Changes,
    changes,
    metric_names,
    pack,
    rules_fact,
    unpack,
)
from driftreview.domain.samples import Failed, NoData
from tests.builders import HOUR, T0

NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=40, unique=True).map(sorted)


def facts(*names: str) -> Facts:
    return Facts(taken_at=T0, observability=ObservabilityFact(metrics=metric_names(names)))


class TestNames:
    def test_of_each_name_only_what_is_new_is_kept(self) -> None:
        assert pack(["http_bytes", "http_requests", "up"]) == "0,http_bytes 5,requests 0,up"

    @given(NAMES)
    def test_what_was_packed_is_unpacked(self, names: list[str]) -> None:
        assert unpack(pack(names)) == names

    @given(NAMES)
    def test_frozen_names_are_ascii_and_hash_alike_in_any_order(self, names: list[str]) -> None:
        frozen = metric_names(reversed(names))
        assert frozen == metric_names([*names, *names])
        assert (frozen.names or "").isascii()
        assert frozen.count == len(names)
        ObservabilityFact.model_validate(ObservabilityFact(metrics=frozen).to_wire())

    @pytest.mark.parametrize(
        "many", [[f"m{number}" for number in range(MOST_NAMES + 1)], [f"{number}" + "x" * 300 for number in range(500)]]
    )
    def test_too_many_are_a_hash_and_a_number(self, many: list[str]) -> None:
        frozen = metric_names(many)
        assert (frozen.names, frozen.count) == (None, len(many))
        assert frozen.hash != metric_names(many[1:]).hash


class TestChanges:
    def test_what_appeared_and_vanished_is_listed(self) -> None:
        assert changes(facts("a", "b"), facts("b", "c d")) == Changes(("c d",), ("a",))
        assert changes(facts("a"), facts("a")) == Changes((), ())

    def test_of_too_many_it_is_only_told_that_they_changed(self) -> None:
        many = [f"m{number}" for number in range(MOST_NAMES + 1)]
        assert changes(facts(*many), facts(*many)) == Changes((), ())
        assert changes(facts(*many), facts("a")) == "they changed, from 2001 metrics to 1, too many to be listed"

    def test_what_is_not_known_is_said(self) -> None:
        unknown = Facts(taken_at=T0)
        assert changes(unknown, facts()) == "the metrics of the judged pods are not known at T0"
        assert changes(facts(), unknown) == "the metrics of the judged pods are not known now"


def rule(health: str, evaluated: datetime | None = T0, *, is_alert: bool = True) -> Rule:
    return Rule("Late", "shop", "up", is_alert, health, "why", evaluated)


def test_rules_are_counted_and_those_that_fail_are_listed() -> None:
    found = rules_fact([rule("ok", T0 - HOUR), rule("unknown", None, is_alert=False), rule("err")])
    assert (found.count, found.alerting, found.oldest) == (3, 2, T0 - HOUR)
    assert [(each.name, each.health, each.error) for each in found.failing] == [("Late", "err", "why")]
    assert len(rules_fact([rule("err")] * 99).failing) == MOST_FAILING
    assert rules_fact([]).oldest is None


class Source:
    """Stands for a Prometheus."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, list[str]()

    def instant(self, query: str, _: datetime) -> Any:
        self.asked.append(query)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(answer: Any) -> tuple[ObservabilityFact, FactReader, Source]:
    reader, source = FactReader(cast(Cluster, None), "shop"), Source(answer)
    variables = {"namespace": "shop", "pods": r"web\.x-[a-z0-9]{5}"}
    found = FoundSource(cast(Any, source), "prometheus")
    return read_observability(FactSource(reader, found, T0, variables), None), reader, source


def test_the_metrics_of_the_judged_pods_are_asked_for_by_their_label() -> None:
    found, reader, source = read(Rows(T0, tuple(Row({"__name__": name}, 1.0) for name in ("up", "beats"))))
    assert found == ObservabilityFact(metrics=metric_names(["beats", "up"]))
    assert source.asked == [r'group by (__name__) ({namespace=~"shop|",pod=~"web\\.x-[a-z0-9]{5}"})']
    assert reader.problems == []
    assert read(NoData(Reason.EMPTY, "none"))[0].metrics == metric_names([])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (BusyError("full"), Reason.TIMEOUT),
        (Failed(Reason.ANSWER_TOO_LARGE, "too large", retryable=False), Reason.ANSWER_TOO_LARGE),
    ],
)
def test_metrics_that_are_not_told_are_unknown_and_not_none(answer: Any, reason: Reason) -> None:
    found, reader, _ = read(answer)
    assert found.metrics is None
    assert [(each.about, each.reason) for each in reader.problems] == [("observability/metrics", reason)]
