"""The operator's own metrics stay as many as there are things to count."""

import math
from typing import Any

import pytest
from prometheus_client import generate_latest

from driftreview.api.signal import Worse
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.domain.finding import Estimate, Finding, Measure
from driftreview.domain.result import CheckpointResult, SignalResult
from driftreview.runtime.seen import Seen
from driftreview.runtime.signalseries import SignalSeries
from driftreview.runtime.telemetry import Telemetry
from tests.builders import review, signal


def test_a_metric_source_that_is_gone_leaves_no_series() -> None:
    telemetry = Telemetry()
    telemetry.query("MetricSource/a/prometheus", "Success", 0.1)
    telemetry.query("MetricSource/a/prometheus", "Timeout", 9.0)
    telemetry.query("MetricSource/b/prometheus", "Success", 0.1)
    telemetry.forget("MetricSource/a/prometheus")
    text = generate_latest(telemetry.registry).decode()
    assert "MetricSource/a" not in text
    assert "MetricSource/b" in text


def test_a_way_back_that_turned_is_counted_by_its_reason() -> None:
    telemetry = Telemetry()
    telemetry.way_back.labels("DependencyMissing").inc()
    assert (
        'driftreview_way_back_turns_total{reason="DependencyMissing"} 1.0'
        in generate_latest(telemetry.registry).decode()
    )


def test_what_is_counted_by_a_few_words_begins_at_zero_so_that_the_first_one_is_an_increase() -> None:
    text = generate_latest(Telemetry().registry).decode()
    for line in (
        'driftreview_acts_total{act="RollBack",outcome="refused"} 0.0',
        'driftreview_way_back_turns_total{reason="TargetPaused"} 0.0',
        'driftreview_recoveries_total{verdict="NotRecovered"} 0.0',
        'driftreview_checkpoint_verdicts_total{verdict="Drift"} 0.0',
        'driftreview_events_total{outcome="dropped"} 0.0',
    ):
        assert line in text


def test_reviews_are_counted_by_phase_and_every_phase_is_named() -> None:
    telemetry = Telemetry()
    telemetry.phases = lambda: {"Watching": 2, "Failed": 1}
    text = generate_latest(telemetry.registry).decode()
    assert 'driftreview_reviews{phase="Watching"} 2.0' in text
    assert 'driftreview_reviews{phase="Failed"} 1.0' in text
    assert 'driftreview_reviews{phase="Promoted"} 0.0' in text


def test_of_each_open_review_there_is_the_last_safe_moment() -> None:
    telemetry = Telemetry()
    telemetry.last_safe_moments = lambda: {("shop", "release"): 1_785_700_800.0}
    text = generate_latest(telemetry.registry).decode()
    sample = 'driftreview_last_safe_moment_timestamp_seconds{namespace="shop",review="release"} 1.7857008e+09'
    assert sample in text


def estimate(measure: Measure = Measure.SHARE, **fields: Any) -> Estimate:
    given = {"estimate": 0.02, "lower": 0.01, "upper": 0.25, "margin": 0.5, "current": 102.0, "baseline": 100.0}
    return Estimate(measure=measure, **given | fields)


def judged(*estimates: Estimate | None) -> CheckpointResult:
    findings = [Finding(SignalVerdict.STABLE, None, "why", estimate=each) for each in estimates]
    results = tuple(SignalResult(signal(f"s{index}"), each) for index, each in enumerate(findings))
    return CheckpointResult(Verdict.PASS, results, "why")


def status(*looks: dict[str, str], phase: str = "Watching") -> dict[str, Any]:
    """A status whose looks have these verdicts, by signal; one without any is still to come."""
    rows = []
    for hour, verdicts in enumerate(looks, 1):
        signals = [{"name": name, "verdict": verdict} for name, verdict in verdicts.items()]
        rows.append({"name": f"{hour}h"} | ({"verdict": "Pass", "signals": signals} if verdicts else {}))
    return {"phase": phase, "checkpoints": rows}


KEY = ("driftreviews", "shop", "release")


def exposed(telemetry: Telemetry) -> list[str]:
    text = generate_latest(telemetry.registry).decode()
    return [line for line in text.splitlines() if line.startswith("driftreview_signal")]


class TestSignals:
    def test_of_each_signal_of_an_open_review_there_is_the_latest_look(self) -> None:
        telemetry = Telemetry()
        seen = Seen(telemetry.signals)
        seen.see(KEY, status({"s0": "Suspect"}, {"s0": "Stable", "s1": "Missing"}, {}))
        telemetry.signals.judged(review(), "2h", judged(estimate(), None))
        where = 'namespace="shop",review="release",signal='
        assert exposed(telemetry) == [
            f'driftreview_signal_delta_ratio{{{where}"s0"}} 0.02',
            f'driftreview_signal_margin_ratio{{{where}"s0"}} 0.5',
            f'driftreview_signal_verdict{{{where}"s0",verdict="Stable"}} 1.0',
            f'driftreview_signal_verdict{{{where}"s1",verdict="Missing"}} 1.0',
            "driftreview_signal_reviews_dropped 0.0",
        ]

    def test_numbers_of_an_earlier_look_are_not_told_beside_verdicts_of_a_later_one(self) -> None:
        telemetry = Telemetry()
        telemetry.signals.see("shop", "release", status({"s0": "Stable"}))
        telemetry.signals.judged(review(), "1h", judged(estimate()))
        telemetry.signals.see("shop", "release", status({"s0": "Stable"}, {"s0": "Suspect"}))
        assert not [line for line in exposed(telemetry) if "_ratio" in line]

    @pytest.mark.parametrize("ends", ["deleted", "Promoted"])
    def test_a_review_that_has_ended_or_is_gone_leaves_no_series(self, ends: str) -> None:
        telemetry = Telemetry()
        seen = Seen(telemetry.signals)
        seen.see(KEY, status({"s0": "Stable"}))
        if ends == "deleted":
            seen.forget(KEY)
        else:
            seen.see(KEY, status({"s0": "Stable"}, phase=ends))
        telemetry.signals.judged(review(), "1h", judged(estimate()))
        assert exposed(telemetry) == ["driftreview_signal_reviews_dropped 0.0"]

    def test_a_metric_source_of_its_name_that_is_deleted_takes_no_series_from_it(self) -> None:
        telemetry = Telemetry()
        seen = Seen(telemetry.signals)
        seen.see(KEY, status({"s0": "Stable"}))
        seen.forget(("metricsources", "shop", "release"))
        assert len(exposed(telemetry)) == 2

    def test_too_many_reviews_are_counted_and_not_told(self) -> None:
        series = SignalSeries(most=2)
        for name in ("a", "b", "c", "waits"):
            series.see("shop", name, status({"s0": "Stable"}) if name != "waits" else status({}))
        found = {family.name: family.samples for family in series.collect()}
        assert [each.labels["review"] for each in found["driftreview_signal_verdict"]] == ["a", "b"]
        assert found["driftreview_signal_reviews_dropped"][0].value == 1

    @pytest.mark.parametrize(
        ("measured", "share"),
        [
            (estimate(), 0.02),
            (estimate(Measure.DIFFERENCE, estimate=-3.0), -0.03),
            (estimate(Measure.VALUE, baseline=-50.0, current=-25.0), 0.5),
            (estimate(Measure.VALUE, baseline=0.0), None),
            (estimate(Measure.PER_HOUR, baseline=None), None),
        ],
    )
    def test_a_change_is_a_share_of_the_baseline_where_there_is_one(
        self, measured: Estimate, share: float | None
    ) -> None:
        assert measured.share == share

    def test_where_nothing_is_tolerated_any_change_uses_more_than_all(self) -> None:
        assert estimate(margin=0.0).used(Worse.HIGHER) == math.inf
