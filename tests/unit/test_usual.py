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


class TestNone:
    def test_a_day_alone_tells_of_no_rhythm(self) -> None:
        found = usual_of(np.ones(JOB), nightly(1), 0, TEN_MINUTES)
        assert not found.is_told
        assert not found.is_daily
        assert found.expected == pytest.approx(JOB * nightly(1).mean())

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
