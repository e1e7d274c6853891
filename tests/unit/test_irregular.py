"""What is odd about a baseline is found and its cost stated, and nothing of it is taken out."""

import re

import numpy as np
import pytest

from driftreview.domain.foresight import foresight
from driftreview.domain.irregular import irregularities
from driftreview.domain.noise import Floats
from driftreview.domain.regression import Panel
from tests.builders import evidence, noise, review, series, signal, snapshot

DAY, LATER = 144, 288


def rows(*values: Floats) -> Panel:
    return Panel(np.stack(values), values[0].size, 0, 1 / 6)


def calm(days: int = 7, seed: int = 1, share: float = 0.02) -> Floats:
    return share * np.array(noise(days * DAY, seed, 0.5))


def told(values: Floats) -> list[str]:
    levels: list[float | None] = [None if np.isnan(each) else 100 * float(np.exp(each)) for each in values]
    return foresight(review(signals=[signal()]).spec, snapshot(evidence("latency", series(levels)))).odd


class TestWhatIsFound:
    def test_a_calm_baseline_has_nothing(self) -> None:
        for found in irregularities(rows(*(calm(seed=seed) for seed in range(20))), LATER):
            assert (found.shift, found.outliers, found.gap) == (None, 0, 0)
            assert found.wider == 1.0

    def test_outliers_are_counted_with_the_farthest(self) -> None:
        row = calm()
        row[[100, 101, 700]] += [0.5, 1.0, -0.7]
        (found,) = irregularities(rows(row), LATER)
        assert found.outliers == 3
        assert found.farthest == pytest.approx(1.0, abs=0.1)
        assert 1.05 < found.wider < 1.2  # their influence is bounded

    def test_what_is_often_far_off_is_how_the_series_is(self) -> None:
        row = calm()
        row[::10] += 1.0
        assert irregularities(rows(row), LATER)[0].outliers == 0

    def test_a_change_of_level_makes_the_interval_wider(self) -> None:
        row = calm()
        row[400:] += 0.3
        (found,) = irregularities(rows(row), LATER)
        assert found.shift is not None
        assert found.wider > 1.02

    def test_an_incident_is_no_time_of_the_day(self) -> None:
        row = calm(share=0.003)
        row[-288 - 30 : -288] += np.log(3)
        (found,) = irregularities(rows(row), LATER)
        assert found.outliers == 30
        assert found.farthest == pytest.approx(np.log(3), abs=0.1)
        assert any("30 blocks far off, by up to +20" in each for each in told(row))

    @pytest.mark.parametrize("days", [1, 14])
    @pytest.mark.parametrize("direction", [1, -1])
    def test_a_trend_is_called_one(self, days: int, direction: int) -> None:
        line = direction * 0.1 * np.arange(days * DAY) / DAY
        others = [calm(days, seed) for seed in range(3)]
        found = irregularities(rows(*others, calm(days, 4) + line), LATER)[-1]
        assert found.shift is not None
        assert found.trend / days == pytest.approx(direction * 0.1, rel=0.2)
        said = told(calm(days, 4) + line)[0]
        way = "rises" if direction > 0 else "falls"
        assert re.search(rf"\({way} steadily, by \d+% a day: it counts as drift, too", said)

    def test_a_change_of_level_is_no_trend(self) -> None:
        row = calm()
        row[400:] += 0.3
        row[50:60] = np.nan
        assert irregularities(rows(calm(seed=2), row), LATER)[1].trend == 0

    def test_the_longest_gap_is_told(self) -> None:
        row = calm()
        row[10:13] = row[200:230] = np.nan
        assert irregularities(rows(row), LATER)[0].gap == 30

    def test_neighbours_keep_their_own(self) -> None:
        odd = calm(seed=2)
        odd[50] += 2
        found = irregularities(rows(calm(), odd, np.zeros(7 * DAY)), LATER)
        assert [each.outliers for each in found] == [0, 1, 0]
        assert found[2].wider == 1.0


class TestInWords:
    def test_nothing_odd_is_nothing_said(self) -> None:
        assert told(calm(share=0.005)) == []

    def test_all_of_it_in_one_sentence(self) -> None:
        row = calm(share=0.005)
        row[144 * 3 :] += np.log(1.25)
        row[[30, 40]] += np.log(3)
        row[80:92] = np.nan
        (said,) = told(row)
        assert re.fullmatch(
            r"latency \(rose by 2[3-7]% (4d|9[56]h\w*) before its end; [2-6] blocks far off, by up to \+[12]\d\d%; "
            r"a gap of 2h; its interval is [\d.]+ times as wide for it\)",
            said,
        )

    def test_a_signal_that_is_only_limited_is_not_spoken_of(self) -> None:
        row = np.exp(calm())
        row[20] = 9
        declared = signal(margin=None, limits={"alert": "100"})
        frozen = snapshot(evidence("latency", series([float(each) for each in row])))
        assert foresight(review(signals=[declared]).spec, frozen).odd == []

    def test_around_zero_it_is_told_as_a_share_of_the_largest_value(self) -> None:
        row = np.array(noise(7 * DAY, 1)) * 0.01
        row[20] = 1.0
        frozen = snapshot(evidence("latency", series([float(each) for each in row])))
        (said,) = foresight(review(signals=[signal()]).spec, frozen).odd
        assert said.startswith(
            "latency (1 block far off, by up to +100% of its largest value, for 10m 6d20h before its end"
        )
