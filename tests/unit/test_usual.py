"""How many events a window is used to have: by the whole baseline, or by the same hours of the days before."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from driftreview.domain.usual import _hourly, _is_rhythm, usual_of

DAY = 144
TEN_MINUTES = 1 / 6
JOB = 6
"""Blocks of a nightly job."""


def nightly(days: int, gap: int = 0, rate: float = 1.0, job: float = 10.0) -> NDArray[np.float64]:
    """Blocks of whole days up to a gap before T0, at which a job begins that lasts an hour."""
    of_day = np.arange(-gap - days * DAY, -gap) % DAY
    return np.where(of_day < JOB, job, rate)


class TestARhythm:
    def test_a_window_is_held_against_the_same_hours(self) -> None:
        found = usual_of(np.full(JOB, 10.0), nightly(7, gap=6), 6, TEN_MINUTES)
        assert found.is_daily
        assert found.expected == pytest.approx(60)
        assert found.exposure == pytest.approx(7)
        later = usual_of(np.full(3 * JOB, 10.0), nightly(7, gap=6), 6, TEN_MINUTES)
        assert later.expected == pytest.approx(60 + 12)

    def test_the_day_and_what_is_left_of_it_keep_the_mean(self) -> None:
        rng = np.random.default_rng(1)
        before = rng.poisson(nightly(7)).astype(float)
        found = usual_of(np.zeros(DAY), before, 0, TEN_MINUTES)
        assert found.expected == pytest.approx(before.sum() / 7)
        assert np.mean(found.calm) == pytest.approx(before.mean())
        assert np.var(found.calm) == pytest.approx(before.mean(), rel=0.15)
        assert np.var(before) > 2 * before.mean()

    def test_the_weights_are_the_difference_of_the_rates(self) -> None:
        rng = np.random.default_rng(2)
        before, now = rng.poisson(nightly(3, gap=4)).astype(float), rng.poisson(np.full(30, 2.0)).astype(float)
        before[40], now[3] = np.nan, np.nan
        found = usual_of(now, before, 4, TEN_MINUTES)
        assert found.is_daily
        rates = np.nansum(now) / 29 - found.expected / 29
        assert np.nan_to_num(np.concatenate([before, np.zeros(4), now])) @ found.weights == pytest.approx(rates)

    def test_an_hour_twice_in_the_window_is_known_no_better(self) -> None:
        before = nightly(4, rate=2.0, job=10.0)
        twice = usual_of(np.ones(2 * DAY), before, 0, TEN_MINUTES)
        assert twice.exposure == pytest.approx(2)
        mixed = usual_of(np.ones(DAY + JOB), before, 0, TEN_MINUTES)
        assert 2 < mixed.exposure < 4


def weekly(weeks: int, weekend: float, seed: int = 1) -> NDArray[np.float64]:
    """Orders, fewer at the weekends, which are the last two days."""
    of_week = np.arange(weeks * 7 * DAY) % (7 * DAY)
    return np.random.default_rng(seed).poisson(6 * np.where(of_week >= 5 * DAY, weekend, 1.0)).astype(float)


class TestAWeek:
    def test_two_weeks_know_a_weekend(self) -> None:
        before = weekly(2, 0.5)
        found = usual_of(np.ones(2 * DAY), before, 0, TEN_MINUTES)
        assert found.is_weekly
        assert found.expected == pytest.approx(6 * 2 * DAY, rel=0.05)
        assert found.exposure == pytest.approx(2, rel=0.02)
        weekend = usual_of(np.ones(DAY), before, 5 * DAY, TEN_MINUTES)
        assert weekend.expected == pytest.approx(3 * DAY, rel=0.1)
        rates = 1 - weekend.expected / DAY
        assert np.concatenate([before, np.zeros(5 * DAY), np.ones(DAY)]) @ weekend.weights == pytest.approx(rates)

    @pytest.mark.parametrize(("weeks", "weekend"), [(1, 0.5), (2, 1.0), (3, 1.0)])
    def test_neither_one_week_nor_even_days_are_one(self, weeks: int, weekend: float) -> None:
        assert not usual_of(np.ones(DAY), weekly(weeks, weekend), 0, TEN_MINUTES).is_weekly

    def test_where_the_weeks_before_lack_the_hours_the_days_are_asked(self) -> None:
        before = weekly(2, 0.5) + nightly(14, rate=0.0, job=60.0)
        before[3 * DAY : 3 * DAY + 3] = np.nan
        assert usual_of(np.ones(DAY), before, 0, TEN_MINUTES).is_weekly
        other = usual_of(np.ones(DAY), before, 3 * DAY, TEN_MINUTES)
        assert (other.is_weekly, other.is_daily) == (False, True)


class TestAWaveOfOneDay:
    @staticmethod
    def day(gap: int = 0, rate: float = 20.0) -> NDArray[np.float64]:
        at = np.arange(-gap - DAY, -gap)
        return np.random.default_rng(8).poisson(rate * (1 + 0.8 * np.sin(2 * np.pi * at / DAY))).astype(float)

    def test_goes_on(self) -> None:
        found = usual_of(np.ones(DAY // 2), self.day(), 0, TEN_MINUTES)
        truth = 20 * (DAY / 2 + 0.8 * DAY / np.pi)
        assert found.expected == pytest.approx(truth, rel=0.05)
        assert found.waves == pytest.approx([1 / DAY])
        assert not found.is_told
        assert np.var(found.calm) == pytest.approx(20, rel=0.3)

    def test_over_whole_days_it_is_the_rate(self) -> None:
        before = self.day()
        found = usual_of(np.ones(2 * DAY), before, 0, TEN_MINUTES)
        assert found.expected == pytest.approx(2 * before.sum())
        assert found.exposure == pytest.approx(0.5)

    def test_the_weights_are_the_difference_of_the_rates(self) -> None:
        before, now = self.day(gap=6), np.random.default_rng(9).poisson(20.0, 30).astype(float)
        before[20:25], now[2] = np.nan, np.nan
        found = usual_of(now, before, 6, TEN_MINUTES)
        row = np.nan_to_num(np.concatenate([before, np.zeros(6), now]))
        assert row @ found.weights == pytest.approx((np.nansum(now) - found.expected) / 29)

    def test_its_error_is_that_of_the_regression(self) -> None:
        # Of independent events: simulated.
        found = [
            usual_of(
                np.ones(JOB),
                np.random.default_rng([10, seed])
                .poisson(20 * (1 + 0.8 * np.sin(2 * np.pi * np.arange(-DAY, 0) / DAY)))
                .astype(float),
                0,
                TEN_MINUTES,
            )
            for seed in range(300)
        ]
        expected = np.array([each.expected for each in found])
        assert np.var(expected) == pytest.approx(np.mean([each.expected / each.exposure for each in found]), rel=0.2)

    def test_it_never_goes_below_nothing(self) -> None:
        before = np.where(np.arange(DAY) < 20, 50.0, 0.0)
        assert usual_of(np.ones(JOB), before, 0, TEN_MINUTES).expected >= 0
        assert usual_of(np.ones(10 * JOB), before[::-1].copy(), 0, TEN_MINUTES).expected >= 0

    def test_noise_seldom_looks_like_one(self) -> None:
        rows = np.random.default_rng(11).poisson(1.0, (200, DAY)).astype(float)
        assert sum(usual_of(np.ones(JOB), row, 0, TEN_MINUTES).waves.size for row in rows) <= 6


class TestNone:
    def test_a_day_alone_tells_of_no_rhythm(self) -> None:
        before = np.random.default_rng(7).poisson(1.0, DAY).astype(float)
        found = usual_of(np.ones(JOB), before, 0, TEN_MINUTES)
        assert not found.is_told
        assert not found.is_daily
        assert found.expected == pytest.approx(JOB * before.mean())

    def test_the_same_rate_all_day_is_held_against_all_of_it(self) -> None:
        before = np.random.default_rng(3).poisson(1.0, 7 * DAY).astype(float)
        found = usual_of(np.ones(JOB), before, 0, TEN_MINUTES)
        assert found.is_told
        assert not found.is_daily
        assert found.exposure == pytest.approx(7 * DAY / JOB)
        assert found.calm is before

    def test_one_burst_makes_no_rhythm(self) -> None:
        before = np.random.default_rng(4).poisson(1.0, 7 * DAY).astype(float)
        before[500:506] += 1000
        assert not usual_of(np.ones(JOB), before, 0, TEN_MINUTES).is_daily

    def test_an_hour_that_was_never_seen_leaves_it_untold(self) -> None:
        before = nightly(7)
        before[np.arange(len(before)) % DAY < JOB] = np.nan
        assert not usual_of(np.ones(DAY), before, 0, TEN_MINUTES).is_told

    @pytest.mark.parametrize("rate", [0.05, 1.0, 20.0])
    def test_independent_events_seldom_look_like_one(self, rate: float) -> None:
        rng = np.random.default_rng(5)
        rows = rng.poisson(rate, (200, 3 * DAY)).astype(float)
        assert sum(usual_of(np.ones(JOB), row, 0, TEN_MINUTES).is_daily for row in rows) <= 2


@pytest.mark.parametrize("days", [2, 5])
@pytest.mark.parametrize("swing", [0.0, 0.25, 0.3, 0.5])
def test_hours_differ_if_a_regression_on_them_leaves_surely_less(days: int, swing: float) -> None:
    at = np.arange(days * DAY)
    row = np.random.default_rng([6, days]).poisson(3 * (1 + swing * np.sin(2 * np.pi * at / DAY))).astype(float)
    hourly = _hourly(row, DAY)
    assert hourly is not None
    of_day, of_hour = np.kron(np.eye(days), np.ones((24, 1))), np.tile(np.eye(24), (days, 1))
    less, more = (_left(each, hourly.ravel()) for each in (of_day, np.hstack([of_day, of_hour[:, 1:]])))
    freedom = 23 * (days - 1)
    noise = max(more / freedom, hourly.mean() / 6)
    assert _is_rhythm(hourly, 6) == (stats.f.sf((less - more) / 23 / noise, 23, freedom) < 0.001)


def _left(regressors: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    found = values - regressors @ np.linalg.pinv(regressors) @ values
    return float(found @ found)
