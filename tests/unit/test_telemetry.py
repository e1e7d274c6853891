"""The operator's own metrics stay as many as there are things to count."""

from prometheus_client import generate_latest

from driftreview.runtime.telemetry import Telemetry


def test_a_metric_source_that_is_gone_leaves_no_series() -> None:
    telemetry = Telemetry()
    telemetry.query("MetricSource/a/prometheus", "Success", 0.1)
    telemetry.query("MetricSource/a/prometheus", "Timeout", 9.0)
    telemetry.query("MetricSource/b/prometheus", "Success", 0.1)
    telemetry.forget("MetricSource/a/prometheus")
    text = generate_latest(telemetry.registry).decode()
    assert "MetricSource/a" not in text
    assert "MetricSource/b" in text


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
