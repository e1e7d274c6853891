"""What neither the schema nor CEL can see (contradictions, sizes) is refused before the review starts."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from driftreview.domain.validate import contradictions, too_fine, too_large
from tests.builders import events, growth, limit, presence, review, signal


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
        growth(limits={"perHour": "1", "alert": "1"}),
        events(),
        events(limits={"alert": "5"}),
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
        (growth(limits={"perHour": "1", "baseline": "1"}), "kind Growth has no limit for its baseline"),
        (events(limits={"alert": "5", "baseline": "1"}), "kind Events has no limit for its baseline"),
        (limit(limits={"alert": "60", "baseline": "1"}), "kind Limit has no limit for its baseline"),
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
    ("other", "each", "says"),
    [
        (signal("load", kind="Info"), None, None),
        (signal("load", kind="Info"), "symbol", None),
        (signal("load", kind="Info", each="symbol"), "symbol", None),
        (
            signal("load", kind="Info", each="symbol"),
            None,
            "load has a series for each symbol, here there is no `each`",
        ),
        (signal("load", kind="Info", each="pod"), "symbol", "load has a series for each pod, here `each` is symbol"),
        (limit(name="load"), None, "load is of kind Limit; a covariate must be of kind Level or Info"),
        (signal("lode"), None, "load must be the name of another signal of the review; did you mean lode?"),
    ],
)
def test_a_covariate_is_another_level_with_series_that_go_together(
    other: Any, each: str | None, says: str | None
) -> None:
    found = said(other, signal("latency", covariate="load", each=each))
    assert [each.split(": ", 1)[0] for each in found] == (
        ["spec.signals[1].covariate (signal latency)"] if says else []
    )
    assert says is None or says in found[0]


@pytest.mark.parametrize("field", ["control", "per"])
def test_a_query_beside_itself_says_nothing(field: str) -> None:
    (found,) = said(signal("latency", query="sum(up)", **{field: "sum(up) "}))
    assert found.startswith(f"spec.signals[0].{field} (signal latency): is the signal's own query")


@pytest.mark.parametrize("other", [limit(name="lode"), signal("orders")])
def test_what_cannot_be_a_covariate_is_not_taken_for_the_one_that_was_meant(other: Any) -> None:
    (found,) = said(other, signal("latency", covariate="load"))
    assert found.endswith("load must be the name of another signal of the review")


def test_no_signal_is_its_own_covariate() -> None:
    (found,) = said(signal("latency", covariate="latency"), signal("latency-p99"))
    assert found.endswith("latency must be the name of another signal of the review")


@pytest.mark.parametrize(
    ("declared", "fits"),
    [
        (signal(limits={"alert": "1"}), True),
        (limit(), True),
        (signal(margin={"relative": "5%"}, limits={"alert": "1"}), False),
        (signal(limits={"alert": "1", "baseline": "1"}), False),
        (events(limits={"alert": "5"}), True),
        (events({"relative": "50%"}, limits={"alert": "5"}), False),
    ],
)
def test_where_nothing_is_measured_at_t0_nothing_can_be_held_against_it(declared: Any, *, fits: bool) -> None:
    assert (said(declared, baseline={"from": "Declared"}) == []) is fits


STEP = timedelta(seconds=30)


@pytest.mark.parametrize(("allowed", "fits"), [("59s", False), ("1m", True)])
def test_a_late_scrape_is_no_silence(allowed: str, *, fits: bool) -> None:
    found = [each.message for each in too_fine(review(signals=[presence(allowed)]).spec, STEP)]
    words = "spec.signals[0].for (signal heartbeat): 59s must be at least 1m, 2 times the source's resolution, 30s"
    assert found == [] if fits else found[0].startswith(words)


def large(series: Mapping[str, int] | None = None, *, count: int = 1, step: timedelta = STEP, **spec: Any) -> list[str]:
    declared = [signal(f"s{number}") for number in range(count)]
    return [each.message for each in too_large(review(signals=declared, **spec).spec, step, series or {})]


# No longer block leaves six to the only look: 168 of an hour, 1008 of ten minutes, 10080 of one.
SIX_HOURS, ONE_HOUR, SIX_MINUTES = (
    {"baseline": {"length": "7d"}, "window": {"checkpoints": [first], "rollback": "48h"}}
    for first in ("6h", "1h", "6m")
)
WEEK = {"baseline": {"length": "7d"}, "window": {"checkpoints": ["1h", "48h"], "rollback": "48h"}}


@pytest.mark.parametrize(("second", "fits"), [({}, True), ({"control": "c"}, False), ({"per": "p"}, False)])
def test_a_second_query_takes_as_much_room_as_the_first(second: dict[str, str], *, fits: bool) -> None:
    declared = [signal(f"s{number}", **second) for number in range(50)]
    found = [each.message for each in too_large(review(signals=declared, **ONE_HOUR).spec, STEP, {})]
    assert found == [] if fits else "with 100 series, those of control and per included, over 7d" in found[0]


class TestSize:
    def test_what_fits_is_not_spoken_of(self) -> None:
        assert large(count=50, **ONE_HOUR) == []
        assert large({"s0": 20}, **ONE_HOUR) == []

    def test_every_series_counts_that_was_seen(self) -> None:
        assert large({f"s{number}": 20 for number in range(3)}, count=3, **ONE_HOUR) == []
        (said,) = large({f"s{number}": 20 for number in range(4)}, count=4, **ONE_HOUR)
        assert said == (
            "spec.signals: 4 signals with 80 series over 7d in blocks of 10m make about 1060 kB of evidence, 1000 kB "
            "can be stored: use fewer signals, fewer series (s0 has 20), or a shorter spec.baseline.length (such "
            "blocks are the longest of which six fit into the last checkpoint and into the baseline)"
        )

    def test_what_fits_in_longer_blocks_is_not_refused(self) -> None:
        thousand = {f"s{number}": 20 for number in range(50)}
        assert large(thousand, count=50, **WEEK) == []
        assert large(thousand, count=50, **SIX_HOURS) != []

    def test_a_signal_that_showed_nothing_counts_as_one_series(self) -> None:
        assert large({}, count=7, **SIX_MINUTES) == []
        (said,) = large({"s1": 0}, count=8, **SIX_MINUTES)
        assert said.startswith("spec.signals: 8 signals with 8 series over 7d in blocks of 1m make about 1049 kB")
        assert "fewer series" not in said

    def test_one_series_has_a_bound_of_its_own(self) -> None:
        (said,) = large(baseline={"length": "7d"}, window={"checkpoints": ["3m"], "rollback": "48h"})
        assert said == (
            "spec.baseline.length: 7d in blocks of 30s make about 262 kB for each series, 200 kB can be stored: make "
            "it shorter, or the last of spec.window.checkpoints later (such blocks are the longest of which six "
            "fit into the last checkpoint and into the baseline)"
        )

    @pytest.mark.parametrize(
        ("origin", "length", "checkpoints", "field"),
        [
            ("History", "28d", ["3m"], "spec.baseline.length: 28d"),
            ("History", "1h", ["1h", "300d"], "spec.window.checkpoints[1]: 300d"),
            ("Snapshot", "1m", ["3m", "28d"], "spec.window.checkpoints[1]: 27d23h"),
        ],
    )
    def test_the_field_that_makes_the_longest_window_is_named(
        self, origin: str, length: str, checkpoints: list[str], field: str
    ) -> None:
        window = {"checkpoints": checkpoints, "rollback": checkpoints[-1]}
        (said,) = large(baseline={"from": origin, "length": length}, window=window, step=timedelta(seconds=1))
        assert said.startswith(field)

    def test_where_nothing_is_measured_at_t0_its_length_does_not_count(self) -> None:
        declared = {"from": "Declared", "length": "28d"}
        assert large(baseline=declared, window={"checkpoints": ["1m"], "rollback": "1m"}) == []


class TestResolution:
    def fine(self, seconds: int, **spec: Any) -> list[str]:
        return [each.message for each in too_fine(review(**spec).spec, timedelta(seconds=seconds))]

    def test_a_first_look_before_the_first_sample_is_refused(self) -> None:
        window = {"checkpoints": ["1m", "1h"], "rollback": "1h"}
        assert self.fine(60, window=window, signals=[limit()]) == []
        (said,) = self.fine(61, window=window, signals=[limit()])
        assert said == "spec.window.checkpoints[0]: 1m is shorter than the source's resolution, 1m1s"

    def test_a_first_look_needs_six_samples_of_what_is_judged_by_blocks(self) -> None:
        window = {"checkpoints": ["1m", "1h"], "rollback": "1h"}
        assert self.fine(10, window=window) == []
        (said,) = self.fine(11, window=window)
        assert said == "spec.window.checkpoints[0]: 1m must be at least 1m6s, 6 times the source's resolution, 11s"

    def test_events_are_counted_over_a_step_or_more(self) -> None:
        first = signal("first")
        assert self.fine(60, signals=[first, events(**{"for": "1m"})]) == []
        (found,) = self.fine(60, signals=[first, events(**{"for": "30s"})])
        assert found.startswith(
            "spec.signals[1].for (signal reconnects): 30s is shorter than the source's resolution, 1m"
        )

    def test_events_with_a_margin_are_judged_by_blocks(self) -> None:
        window = {"checkpoints": ["5m"], "rollback": "5m"}
        for declared, fits in ((events(), False), (events(limits={"alert": "5"}), True)):
            assert (self.fine(60, signals=[declared], window=window) == []) is fits

    def test_a_history_needs_six_blocks_where_something_is_compared_with_it(self) -> None:
        spec: dict[str, Any] = {"baseline": {"length": "59m"}, "window": {"checkpoints": ["2h"]}}
        (said,) = self.fine(30, **spec)
        assert said.startswith(
            "spec.baseline.length: 59m must be at least 1h, 6 blocks (a block is a sixth of the first"
        )
        assert self.fine(30, **spec | {"baseline": {"length": "1h"}}) == []
        assert self.fine(30, **spec | {"signals": [limit()]}) == []
        assert self.fine(30, **spec | {"signals": [signal(limits={"alert": "1"})]}) == []

    @pytest.mark.parametrize(("length", "first"), [("2m", "2h"), ("10m", "12m")])
    def test_both_sides_of_a_snapshot_need_six_samples(self, length: str, first: str) -> None:
        spec: dict[str, Any] = {"baseline": {"from": "Snapshot", "length": length}, "window": {"checkpoints": [first]}}
        assert self.fine(20, **spec) == []
        (said,) = self.fine(21, **spec)
        assert said.startswith("spec.baseline.length: with from: Snapshot the baseline (")
        assert "must each be 2m6s, 6 times the source's resolution, 21s" in said

    def test_more_samples_than_can_be_asked_for_are_refused(self) -> None:
        spec: dict[str, Any] = {"baseline": {"length": "28d"}}
        assert self.fine(4, **spec) == []
        (said,) = self.fine(3, **spec)
        assert said.startswith(
            "spec.baseline.length: 28d are 806400 samples for each series at the source's resolution"
        )
