"""Two counts of events and how their rates compare: against oracles, and where no oracle goes."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from driftreview.domain.counts import Counts, events_in
from driftreview.domain.tails import beta_cdf, poisson_sf, scan_sf

TEN_MINUTES = 1 / 6


def counts(now: float, before: float, exposure: float = 3.5, dispersion: float = 1.0) -> Counts:
    return Counts(now, now, before, exposure, ((1.0, dispersion),))


def spread(total: float, blocks: int) -> NDArray[np.float64]:
    """That many events, one by one and evenly over so many blocks."""
    row = np.zeros(blocks)
    np.add.at(row, (np.arange(int(total)) * blocks / max(total, 1)).astype(int), 1.0)
    return row


def of(now: NDArray[np.float64], before: NDArray[np.float64]) -> Counts:
    return Counts.of(now, before, 6, TEN_MINUTES)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5, 4.0])
@pytest.mark.parametrize(("now", "before"), [(1, 0), (0, 5), (3, 7), (12, 20), (60, 90), (900, 2500)])
def test_a_ratio_is_tested_exactly(now: int, before: int, factor: float) -> None:
    share = factor / (factor + 3.5)
    both = {
        side: stats.binomtest(now, now + before, share, alternative=side).pvalue if now + before else 1.0
        for side in ("greater", "less")
    }
    found = counts(now, before)
    assert found.more_than(factor, 0.0) == pytest.approx(both["greater"], rel=1e-9)
    assert found.fewer_than(factor, 0.0) == pytest.approx(both["less"], rel=1e-3, abs=1e-12)


@pytest.mark.parametrize(("now", "before"), [(12, 20), (60, 90), (3, 7)])
def test_the_ends_of_a_ratio_are_those_of_clopper_and_pearson(now: int, before: int) -> None:
    interval = stats.binomtest(now, now + before).proportion_ci(0.9, "exact")
    found = counts(now, before)
    assert found.least_factor(0.05) == pytest.approx(3.5 * interval.low / (1 - interval.low), rel=1e-6)
    assert found.most_factor(0.05) == pytest.approx(3.5 * interval.high / (1 - interval.high), rel=1e-3)


@pytest.mark.parametrize("extra", [2.0, 10.0])
@pytest.mark.parametrize(("now", "before"), [(20, 30), (40, 20), (8, 3), (120, 300)])
def test_a_difference_is_as_probable_as_by_the_test_of_krishnamoorthy_and_thomson(
    now: int, before: int, extra: float
) -> None:
    # That test plugs in an estimate of the rate, ours averages over what the baseline leaves open: a little more.
    oracle = stats.poisson_means_test(now, 1.0, before, 3.5, diff=extra, alternative="greater").pvalue
    found = counts(now, before).more_than(1.0, extra)
    assert 0.85 * oracle - 1e-9 <= found <= 2.2 * oracle + 1e-6


def test_against_no_event_at_all_a_difference_is_a_poisson_probability() -> None:
    assert counts(0, 0).fewer_than(1.0, 3.0) == pytest.approx(stats.poisson.cdf(0, 3.0), rel=1e-3)
    assert counts(4, 0).fewer_than(1.0, 9.0) == pytest.approx(stats.poisson.cdf(4, 9.0), rel=1e-3)


@pytest.mark.parametrize("extra", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("rate", [0.2, 2.0, 20.0])
@pytest.mark.parametrize("exposure", [1.0, 3.5, 168.0])
def test_a_difference_is_found_where_there_is_none_no_more_often_than_stated(
    rate: float, exposure: float, extra: float
) -> None:
    # No simulation: every pair of counts, with its probability. Measured at most: 1.0%.
    nows, befores = (np.arange(stats.poisson.ppf(1 - 1e-7, mean) + 1) for mean in (rate + extra, rate * exposure))
    befores = befores[befores >= stats.poisson.ppf(1e-7, rate * exposure)]
    wrong = 0.0
    for before in befores:
        least = next((now for now in nows if counts(now, before, exposure).more_than(1.0, extra) <= 0.0125), None)
        if least is not None:
            wrong += stats.poisson.pmf(before, rate * exposure) * stats.poisson.sf(least - 1, rate + extra)
    assert wrong <= 0.0126


@pytest.mark.parametrize("now", [0.0, 0.4, 1.0, 7.3])
@pytest.mark.parametrize("before", [0.0, 0.6, 12.5])
def test_counts_that_are_no_integers_lie_in_between(now: float, before: float) -> None:
    for factor, extra in ((1.0, 0.0), (1.5, 0.0), (1.0, 2.0)):
        low, middle, high = (counts(each, before).more_than(factor, extra) for each in (now, now + 0.5, now + 1))
        assert high <= middle <= low
        less, between, more = (counts(each, before).fewer_than(factor, extra) for each in (now, now + 0.5, now + 1))
        assert less <= between <= more


def test_a_million_events_are_no_trouble() -> None:
    many = of(np.full(288, 7000.0), np.full(1008, 6900.0))
    assert many.more_than(1.0, 0.0) < 0.02
    assert 1.0 < many.least_factor(0.05) < 7000 / 6900 < many.most_factor(0.05) < 1.03


class TestBursts:
    def test_what_comes_evenly_or_alone_counts_as_it_is(self) -> None:
        for before in (spread(0, 1008), spread(3, 1008), spread(100, 1008)):
            assert of(spread(2, 288), before).dispersion == pytest.approx(1.0, abs=0.1)

    def test_what_comes_by_the_dozen_is_worth_a_twelfth(self) -> None:
        dispersion = of(spread(2, 288), 12 * spread(40, 1008)).dispersion
        assert 10 < dispersion < 16

    def test_hours_with_more_count_only_where_the_window_is_as_long(self) -> None:
        slow = np.random.default_rng(1).poisson(np.where(np.arange(1008) // 50 % 2, 9.0, 1.0)).astype(float)
        assert of(spread(10, 144), slow).dispersion > 1.5 * of(spread(10, 6), slow).dispersion

    def test_one_burst_counts_no_more_than_the_fullest_block_of_the_baseline(self) -> None:
        burst = np.zeros(36)
        burst[7] = 50.0
        assert of(burst, spread(0, 144)).capped == 1
        assert of(burst, 3 * spread(10, 144)).capped == 3
        assert of(burst, spread(0, 144)).now == 50

    def test_a_burst_in_the_window_makes_the_baseline_worth_no_less(self) -> None:
        before, burst = spread(100, 1008), np.zeros(36)
        burst[7] = 50.0
        assert of(burst, before).dispersion == of(spread(2, 36), before).dispersion

    def test_what_fills_every_block_is_a_new_rate(self) -> None:
        before, now = (np.random.default_rng(2).poisson(rate, 144).astype(float) for rate in (100, 300))
        assert before.max() < 150
        assert of(now, before).capped == of(now, before).now
        assert of(np.full(36, 7.0), spread(0, 144)).capped == 36 * 7


class TestGaps:
    def test_only_what_was_measured_is_exposure(self) -> None:
        before, now = spread(100, 1000), spread(10, 100)
        before[::2], now[50:] = np.nan, np.nan
        found = of(now, before)
        assert found.exposure == 10
        assert found.expected == np.nansum(before) / 10

    def test_events_in_a_block_are_none_the_number_or_unknown(self) -> None:
        blocks = [None, 0.5, -1.0, 1e-300, 1e300]
        assert events_in(blocks, 2.0).tolist() == pytest.approx([math.nan, 1.0, 0.0, 0.0, 2e12], nan_ok=True)


class TestTails:
    @pytest.mark.parametrize(("count", "mean"), [(5, 1.0), (0, 0.3), (10, 9.9), (100, 60.0), (3, 0.0)])
    def test_more_events_than_a_number(self, count: int, mean: float) -> None:
        assert poisson_sf(count, mean) == pytest.approx(stats.poisson.sf(count, mean), rel=1e-9, abs=1e-300)

    @pytest.mark.parametrize("a", [0.3, 1.0, 40.0, 1e5])
    @pytest.mark.parametrize("b", [1.0, 7.5, 1e5])
    @pytest.mark.parametrize("probability", [1e-9, 0.0125, 0.5, 0.95])
    def test_a_beta_variable(self, a: float, b: float, probability: float) -> None:
        x = float(stats.beta.ppf(probability, a, b))
        assert beta_cdf(x, 1 - x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-6)

    def test_a_beta_variable_at_its_mean(self) -> None:
        # Where both forms of the fraction would hand over to each other.
        for a, b in ((2.0, 5.0), (1.0, 1.0), (3.0, 3.0), (11.5, 80.25)):
            x = (a + 1) / (a + b + 2)
            for rest in (1 - x, np.nextafter(1 - x, 1)):
                assert beta_cdf(x, float(rest), a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-9)

    @pytest.mark.parametrize(("count", "mean", "windows"), [(5, 1.0, 576), (3, 0.2, 72), (8, 1.0, 576)])
    def test_a_sliding_window_that_ever_holds_more(self, count: int, mean: float, windows: int) -> None:
        rng = np.random.default_rng(7)
        hits = 0
        for _ in range(400):
            times = np.sort(rng.uniform(0, windows, rng.poisson(mean * windows)))
            held = np.searchsorted(times, times + 1) - np.arange(len(times))
            hits += held.max(initial=0) > count
        assert scan_sf(count, mean, windows) == pytest.approx(hits / 400, abs=0.07)

    def test_what_holds_as_many_on_average_surely_does(self) -> None:
        assert scan_sf(3, 4.0, 10) == 1
        assert scan_sf(3, 0.0, 10) == 0


def test_what_is_beyond_the_cap_makes_no_event_worth_less() -> None:
    before, now = np.full(1008, 5.0), np.full(288, 5.0)
    before[::2] += 4
    found = []
    for much in (1e3, 1e6, 1e9):
        now[::3] = much
        found.append(of(now, before))
    assert len({each.dispersion for each in found}) == 1
    assert len({each.more_than(1.5, 0.0) for each in found}) == 1
    assert all(each.fewer_than(1.5, 0.0) > 0.999 for each in found)
