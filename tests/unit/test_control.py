"""A signal beside its control: what both do is no drift, what one does is; and a count per what it is counted of."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from driftreview.api.driftsnapshot import SeriesEvidence, SignalEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import OnMissing, Signal
from driftreview.api.verdicts import SignalVerdict as V
from driftreview.api.verdicts import Verdict
from driftreview.domain.blocks import encode
from driftreview.domain.finding import Finding, Measure
from driftreview.domain.foresight import foresight
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import CheckpointResult
from tests.builders import around, evidence, noise, series, signal, snapshot, spec

Values = Sequence[float | None]


def paired(own: Values, control: Values, **fields: Any) -> SeriesEvidence:
    present = 10 * sum(value is not None for value in control)
    return series(own, **{"control": encode(control), "control_samples": present} | fields)


def with_control(**fields: Any) -> Signal:
    return signal(**{"control": "up", "unit": "ms", "margin": {"relative": "5%"}} | fields)


def checkpoint(declared: Signal, before: SignalEvidence, after: SignalEvidence) -> CheckpointResult:
    return judge_checkpoint(spec([declared]), snapshot(before), snapshot(after, checkpoint="6h", hours=6))


def found(declared: Signal, before: SeriesEvidence, after: SeriesEvidence) -> Finding:
    return checkpoint(declared, evidence("latency", before), evidence("latency", after)).results[0].finding


def both(level: float, count: int, seed: int, times: float = 1.0, share: float = 0.3) -> tuple[Values, Values]:
    """A control that jumps about, and a series that follows it closely."""
    control = [abs(value or 0.0) + level / 10 for value in around(level, count, seed, share)]
    wiggle = around(1.0, count, seed + 100, 0.005)
    return [times * value * (by or 0.0) for value, by in zip(control, wiggle, strict=True)], control


BEFORE = paired(*both(100, 144, 1))


class TestAgainstTheControl:
    def test_what_both_do_is_no_drift(self) -> None:
        now = paired(*both(300, 36, 2))
        assert found(signal(unit="ms"), series(both(100, 144, 1)[0]), series(both(300, 36, 2)[0])).verdict is V.DEGRADED
        assert found(with_control(), BEFORE, now).verdict is V.STABLE

    def test_what_the_signal_alone_does_is_a_drift_and_said_in_its_own_unit(self) -> None:
        said = found(with_control(), BEFORE, paired(*both(300, 36, 2, times=1.1)))
        assert said.verdict is V.DEGRADED
        assert said.message == (
            "306 ms is 1.1 times the control's 278 ms, where the baseline's quotient is 1: "
            "+9.9% (between +9.6% and +10.2%), margin 5%; good up to +4.7%, Degraded from +5.3%; "
            "by chance less than 0.01%, allowed 5.00%; 36 blocks worth 15"
        )
        assert (said.baseline[:8], said.current[:8], said.delta) == ("278 ms (", "306 ms (", "+9.9%")
        assert said.estimate is not None
        assert said.estimate.measure is Measure.SHARE
        assert said.estimate.estimate == pytest.approx(0.1, abs=0.01)

    def test_of_a_signal_with_zeros_the_difference_is_judged(self) -> None:
        errors: Values = [float(i % 2) for i in range(144)]
        before = paired([(value or 0.0) + 1 for value in errors], errors)
        declared = with_control(unit="", margin={"absolute": "1"})
        calm = found(
            declared, before, paired([value + 21 for value in range(36)], [value + 20.0 for value in range(36)])
        )
        worse = found(
            declared, before, paired([value + 24 for value in range(36)], [value + 20.0 for value in range(36)])
        )
        assert calm.verdict is V.STABLE
        assert worse.verdict is V.DEGRADED
        assert worse.message.startswith(
            "41.5 against the control's 37.5, +4, where the baseline's difference is +1: +3 "
        )

    @pytest.mark.parametrize("left", [0.01, 0.0, -1.0])
    def test_what_falls_to_zero_after_t0_is_still_judged_by_its_quotient(self, left: float) -> None:
        own, control = both(100, 288, 2)
        own[180:198] = [left] * 18
        said = found(
            with_control(margin={"relative": "30%"}, worse="Lower"), paired(*both(100, 1008, 1)), paired(own, control)
        )
        assert said.verdict is V.INCONCLUSIVE
        assert "times the control's" in said.message

    def test_an_absolute_margin_is_in_the_signal_s_unit(self) -> None:
        now = paired(*both(300, 36, 2, times=1.1))  # about 26 ms more than expected
        assert found(with_control(margin={"absolute": "40"}), BEFORE, now).verdict is V.ACCEPTABLE
        assert found(with_control(margin={"absolute": "10"}), BEFORE, now).verdict is V.DEGRADED

    def test_an_alert_limit_is_about_the_signal_itself(self) -> None:
        declared = with_control(limits={"alert": "150"})
        said = found(declared, BEFORE, paired(*both(300, 36, 2)))
        assert said.verdict is V.DEGRADED
        assert said.message.startswith("301 ms is beyond the alert limit 150 ms; ")
        assert found(declared, BEFORE, paired(*both(100, 36, 2))).verdict is V.STABLE

    def test_a_baseline_over_its_limit_is_about_the_signal_itself(self) -> None:
        said = found(with_control(limits={"baseline": "50"}), BEFORE, paired(*both(100, 36, 2)))
        assert said.reason is Reason.BASELINE_OVER_LIMIT

    def test_lower_is_worse_as_carefully(self) -> None:
        declared = with_control(worse="Lower")
        assert found(declared, BEFORE, paired(*both(300, 36, 2, times=0.9))).verdict is V.DEGRADED
        assert found(declared, BEFORE, paired(*both(30, 36, 2))).verdict is V.STABLE

    def test_a_fixed_quotient_other_than_one_is_the_baseline_s_matter(self) -> None:
        before = paired(*both(100, 144, 1, times=7))
        assert found(with_control(), before, paired(*both(300, 36, 2, times=7))).verdict is V.STABLE

    @pytest.mark.parametrize("huge", [1e300, 1e-300])
    def test_values_without_a_quotient_are_judged_without_an_error(self, huge: float) -> None:
        now = paired([huge] * 36, [1 / huge] * 36)
        assert found(with_control(), BEFORE, now).verdict in {V.DEGRADED, V.INCONCLUSIVE}  # so low, it stands still
        assert math.isfinite(float(found(with_control(), now, now).current.split()[0]))

    def test_at_t0_it_is_said_of_the_quotient_what_cannot_be_told(self) -> None:
        alone, beside = signal(unit="ms"), with_control()
        assert foresight(spec([alone]), snapshot(evidence("latency", BEFORE))).vague
        assert not foresight(spec([beside]), snapshot(evidence("latency", BEFORE))).vague


class TestNoControl:
    def test_a_control_with_gaps_is_missing_and_named(self) -> None:
        own, control = both(100, 36, 2)
        said = found(with_control(), BEFORE, paired(own, [None] * 10 + list(control[10:])))
        assert (said.verdict, said.reason) == (V.MISSING, Reason.LOW_COVERAGE)
        assert (
            said.message
            == "260 of 360 samples of the control (72%) are there, 90% are needed, none in the first 10 of 36 blocks"
        )

    def test_a_baseline_whose_control_is_missing_is_none(self) -> None:
        own, control = both(100, 144, 1)
        said = found(with_control(), paired(own, [None] * 144), paired(*both(100, 36, 2)))
        assert (said.verdict, said.reason) == (V.INCONCLUSIVE, Reason.BASELINE_MISSING)
        assert said.message.startswith("at T0: 0 of 1440 samples of the control")
        assert control

    def test_blocks_without_a_control_do_not_count(self) -> None:
        own, control = both(100, 36, 2)
        now = paired(own, [*[None] * 31, *control[31:]], control_samples=360, ending=60)
        assert found(with_control(), BEFORE, now).reason is Reason.TOO_FEW_BLOCKS


def per(values: Values, traffic: Values) -> SeriesEvidence:
    return series(values, per=encode(traffic), samples=10 * len(values))


class TestPer:
    declared = signal("latency", unit="", per="up", min_traffic="0.5", margin={"absolute": "10m"})
    before = per(around(0.02, 144, 1, 0.05), [5.0] * 144)

    def test_blocks_without_traffic_are_no_gaps(self) -> None:
        quotients, traffic = around(0.02, 36, 2, 0.05), [5.0] * 36
        quiet = per([*quotients[:2], *[None] * 16, *quotients[18:]], [*traffic[:2], *[0.1] * 16, *traffic[18:]])
        assert found(self.declared, self.before, quiet).verdict in {V.STABLE, V.ACCEPTABLE}

    def test_what_has_lost_its_traffic_by_the_end_is_missing(self) -> None:
        quotients = around(0.02, 36, 2, 0.05)
        said = found(self.declared, self.before, per([*quotients[:30], *[None] * 6], [*[5.0] * 30, *[0.0] * 6]))
        assert (said.verdict, said.reason) == (V.MISSING, Reason.NO_TRAFFIC)
        assert said.message == (
            "6 of the last 6 blocks had no traffic of 0.5 or more, in the baseline 0 of as many at most"
        )

    @pytest.mark.parametrize("end", [[None], [5.0], [0.0, 0.0, 0.0, None] * 5, [0.0, 5.0] * 3])
    def test_neither_a_gap_nor_a_single_busy_block_excuses_that(self, end: Values) -> None:
        quotients, traffic = around(0.02, 288, 2, 0.05), [*[5.0] * (158 - len(end)), *[0.0] * 130, *end]
        row = [each if there else None for each, there in zip(quotients, traffic, strict=True)]
        samples = 10 * (288 - traffic.count(None))
        said = found(self.declared, self.before, per(row, traffic).model_copy(update={"samples": samples}))
        assert said.verdict is V.MISSING

    def test_what_is_quiet_every_night_may_be_so_at_the_end(self) -> None:
        busy = [at % 144 < 96 for at in range(7 * 144)]
        traffic: Values = [5.0 if each else 0.0 for each in busy]
        row = [each if there else None for each, there in zip(around(0.02, len(busy), 1, 0.05), busy, strict=True)]
        before, now = per(row, traffic), per(row[:288], traffic[:288])
        assert found(self.declared, before, now).verdict in {V.STABLE, V.ACCEPTABLE}
        longer = per([*row[:240], *[None] * 49], [*traffic[:240], *[0.0] * 49])
        assert found(self.declared, before, longer).reason is Reason.NO_TRAFFIC

    def test_a_baseline_that_ends_in_the_night_is_one(self) -> None:
        quotients, traffic = [*around(0.02, 100, 1, 0.05), *[None] * 44], [*[5.0] * 100, *[0.0] * 44]
        now = per(around(0.02, 36, 2, 0.05), [5.0] * 36)
        assert found(self.declared, per(quotients, traffic), now).verdict in {V.STABLE, V.ACCEPTABLE}

    def test_one_block_without_traffic_excuses_no_silence_at_the_end(self) -> None:
        quotients, idle = around(0.02, 288, 2, 0.05), 10
        row: Values = [*quotients[:260], *[None] * 28]
        traffic: Values = [*[5.0] * 260, *[None] * 28]
        row[idle], traffic[idle] = None, 0.0
        said = found(self.declared, self.before, per(row, traffic).model_copy(update={"samples": 2600}))
        assert said.verdict is V.MISSING
        assert said.message == "the last 28 of 288 blocks have no samples, 90% of the end are needed"

    @pytest.mark.parametrize(("busy", "needed"), [(5, 18), (17, 18)])
    def test_what_has_lost_its_traffic_is_missing(self, busy: int, needed: int) -> None:
        quotients = around(0.02, 36, 2, 0.05)
        said = found(
            self.declared,
            self.before,
            per([*quotients[:busy], *[None] * (36 - busy)], [*[5.0] * busy, *[0.0] * (36 - busy)]),
        )
        assert (said.verdict, said.reason) == (V.MISSING, Reason.NO_TRAFFIC)
        assert said.message == f"{busy} of 36 blocks had traffic of 0.5 or more, {needed} are needed"

    def test_a_service_that_is_quiet_by_night_is_judged_by_its_days(self) -> None:
        night: Values = [None if i % 144 < 72 else 0.02 for i in range(288)]
        traffic: Values = [0.0 if i % 144 < 72 else 5.0 for i in range(288)]
        now: Values = [None if i < 24 else 0.02 for i in range(36)]
        busy: Values = [0.0 if i < 24 else 5.0 for i in range(36)]
        assert found(self.declared, per(night, traffic), per(now, busy)).verdict is V.STABLE

    def test_gaps_of_scraping_count_against_coverage(self) -> None:
        quotients = around(0.02, 36, 2, 0.05)
        gaps = per([*quotients[:20], *[None] * 16], [*[5.0] * 20, *[None] * 16])
        gaps = gaps.model_copy(update={"samples": 200})
        assert found(self.declared, self.before, gaps).reason is Reason.LOW_COVERAGE

    def test_no_traffic_passes_nowhere_but_with_ignore(self) -> None:
        silent = evidence("latency", per([None] * 36, [0.0] * 36))
        for policy, verdict in ((OnMissing.HOLD, Verdict.INCONCLUSIVE), (OnMissing.FAIL, Verdict.DRIFT)):
            declared = self.declared.model_copy(update={"on_missing": policy})
            assert checkpoint(declared, evidence("latency", self.before), silent).verdict is verdict


def following(load: Values, seed: int) -> list[float]:
    wiggle = noise(len(load), seed, 0.5)
    return [100 * math.exp((level or 0.0) + 0.03 * by) for level, by in zip(load, wiggle, strict=True)]


class TestAgainstTraffic:
    """A signal that follows a load which wanders for hours: what a day of baseline alone cannot tell from a drift."""

    def count(self, *, times: float = 1.0, control: bool = True) -> Counter[V]:
        """Verdicts on 40 releases after a day."""
        said = Counter[V]()
        for seed in range(40):
            load = [0.25 * slow + 0.3 * math.sin(i * math.tau / 144) for i, slow in enumerate(noise(288, seed, 0.98))]
            own, other = following(load, seed + 1000), following(load, seed + 2000)
            now = paired([times * value for value in own[144:]], other[144:])
            declared = with_control() if control else signal(unit="ms")
            said[found(declared, paired(own[:144], other[:144]), now).verdict] += 1
        return said

    def test_beside_a_control_healthy_releases_pass_and_those_a_tenth_slower_are_found(self) -> None:
        assert set(self.count()) <= {V.STABLE, V.ACCEPTABLE}
        slower = self.count(times=1.1)
        assert set(slower) <= {V.DEGRADED, V.SUSPECT}
        assert slower[V.DEGRADED] > 35

    def test_without_one_healthy_releases_can_hardly_be_told(self) -> None:
        alone = self.count(control=False)
        assert alone[V.STABLE] + alone[V.ACCEPTABLE] < 10
        assert alone[V.DEGRADED] > 5
