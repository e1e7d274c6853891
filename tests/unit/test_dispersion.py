"""How many events are worth one: what bursts and wandering rates tell, and what few events cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from driftreview.domain.counts import Counts
from driftreview.domain.dispersion import ONE_BY_ONE, Dispersions, mean_of, seen_of

TEN_MINUTES = 1 / 6
DAY, WEEK, LOOK = 144, 1008, 288
NO_WAVES = np.zeros(0)


def weights(before: int, now: int = LOOK) -> NDArray[np.float64]:
    return np.concatenate([np.full(before, -1 / before), np.full(now, 1 / now)])


def found(before: NDArray[np.float64], floor: float = 1.0) -> Dispersions:
    return seen_of(before, NO_WAVES, TEN_MINUTES).dispersions(weights(len(before)), floor)


def wandering(seed: int, rate: float, cv: float, blocks: int = WEEK, memory: float = 36.0) -> NDArray[np.float64]:
    """Counts whose rate is lognormal with a memory of so many blocks."""
    rng, keep, z = np.random.default_rng(seed), float(np.exp(-1 / memory)), np.zeros(blocks)
    z[0] = rng.standard_normal()
    for at, step in enumerate(rng.standard_normal(blocks - 1)):
        z[at + 1] = keep * z[at] + np.sqrt(1 - keep * keep) * step
    spread = np.sqrt(np.log1p(cv * cv))
    return rng.poisson(rate * np.exp(spread * z - spread**2 / 2)).astype(float)


@pytest.mark.parametrize("blocks", [DAY, WEEK])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_few_events_are_worth_nearly_one_each(blocks: int, number: int) -> None:
    before = np.zeros(blocks)
    before[np.linspace(10, blocks - 10, number).astype(int)] = 1.0
    assert 1.0 <= mean_of(found(before)) < 1.15  # 1.84 of a single one without knowing how rare they are


def test_without_any_there_is_nothing_to_tell() -> None:
    assert found(np.zeros(DAY)) == ONE_BY_ONE
    assert found(np.zeros(DAY), 3.0) == ((1.0, 3.0),)


def test_a_rate_that_wanders_adds_in_proportion_to_itself() -> None:
    rare, often = (np.mean([mean_of(found(wandering(seed, rate, 0.5))) for seed in range(12)]) for rate in (0.1, 10))
    assert rare < 3
    assert often > 20


def test_what_a_week_of_waves_tells_is_believed_whatever_was_likely_before() -> None:
    # By 200%: such a rate was unlikely before it was seen.
    assert np.mean([mean_of(found(wandering(seed, 2.0, 2.0))) for seed in range(12)]) > 30


def test_a_day_leaves_open_what_a_week_tells() -> None:
    rng = np.random.default_rng(4)
    day, week = (found(rng.poisson(1.7, blocks).astype(float)) for blocks in (DAY, WEEK))
    assert len(day) > len(week)
    assert mean_of(week) < 1.2


@given(
    seed=st.integers(0, 1000),
    rate=st.sampled_from([0.01, 0.1, 1.0, 10.0]),
    blocks=st.sampled_from([6, 36, DAY]),
    floor=st.sampled_from([1.0, 1.7, 20.0]),
)
def test_they_are_probabilities_of_no_less_than_the_floor(seed: int, rate: float, blocks: int, floor: float) -> None:
    before = np.random.default_rng(seed).poisson(rate, blocks).astype(float)
    dispersions = found(before, floor)
    assert sum(share for share, _ in dispersions) == pytest.approx(1)
    assert all(share > 0 and worth >= floor * (1 - 1e-9) for share, worth in dispersions)
    assert dispersions == found(before, floor)


@given(
    now=st.floats(0, 200),
    before=st.floats(0, 200),
    factor=st.sampled_from([0.5, 1.0, 1.5]),
    extra=st.sampled_from([0.0, 3.0]),
    shares=st.floats(0.05, 0.95),
    worths=st.tuples(st.floats(1, 50), st.floats(1, 50)),
)
def test_a_tail_is_the_mean_of_those_that_are_likely(
    now: float, before: float, factor: float, extra: float, shares: float, worths: tuple[float, float]
) -> None:
    both = ((shares, worths[0]), (1 - shares, worths[1]))
    mixed, first, second = (
        Counts(now, now, before, 0.5, dispersions) for dispersions in (both, *(((1.0, worth),) for worth in worths))
    )
    for of in (Counts.more_than, Counts.fewer_than):
        expected = shares * of(first, factor, extra) + (1 - shares) * of(second, factor, extra)
        assert of(mixed, factor, extra) == pytest.approx(expected, abs=1e-9)
