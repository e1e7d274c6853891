"""The noise of block medians: what is learnt of it against simulations whose truth is known."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import toeplitz

from driftreview.domain.noise import _FAST, _SHAPES, Floats, Noise, Ordinates, _spectra, _variances, learn, overlaps_of
from tests.builders import noise

TEN_MINUTES = 1 / 6
SERIES, DAY = 40, 144


def ar1(phi: float, count: int = DAY, series: int = SERIES, seed: int = 0) -> Floats:
    return np.array([noise(count, seed + index, phi) for index in range(series)])


def with_slow(share: float, hours: float, phi: float, count: int, series: int = SERIES) -> Floats:
    """A fast AR(1) and a slow one, of variance one together."""
    slow = ar1(math.exp(-TEN_MINUTES / hours), count, series, seed=10_000)
    return math.sqrt(1 - share) * ar1(phi, count, series) + math.sqrt(share) * slow


def learnt(residuals: Floats) -> Noise:
    return learn([Ordinates.of(residuals)], TEN_MINUTES)


def overlaps(weights: Floats, series: int = SERIES) -> Floats:
    """Autocorrelation of weights, the lags above zero twice, by its definition."""
    count = len(weights)
    found = [sum(weights[i] * weights[i + lag] for i in range(count - lag)) for lag in range(count)]
    return np.tile([found[0], *(2 * each for each in found[1:])], (series, 1))


def true_variance(weights: Floats, correlation: Callable[[int], float]) -> float:
    covariance = toeplitz([correlation(lag) for lag in range(len(weights))])
    return float(weights @ covariance @ weights)


STEP = np.concatenate([np.full(DAY, -1 / DAY), np.full(36, 1 / 36)])
MEAN = np.full(36, 1 / 36)


class TestVarianceOfASum:
    @pytest.mark.parametrize("weights", [STEP, MEAN], ids=["step", "mean"])
    @pytest.mark.parametrize(("phi", "least", "most"), [(0.0, 1.0, 1.5), (0.5, 0.9, 1.5), (0.9, 0.8, 1.4)])
    def test_of_ar1_noise_it_is_the_truth(self, weights: Floats, phi: float, least: float, most: float) -> None:
        # Never much less. More, because noise that is slower than a day's baseline can show is not excluded.
        found = learnt(ar1(phi)).variance(overlaps(weights)).mean()
        assert least <= found / true_variance(weights, lambda lag: phi**lag) <= most

    @pytest.mark.parametrize("phi", [0.97, 0.98, 0.99])
    def test_noise_that_remembers_for_hours_is_found_in_a_week(self, phi: float) -> None:
        step = np.concatenate([np.full(7 * DAY, -1 / 7 / DAY), np.full(2 * DAY, 1 / 2 / DAY)])
        found = np.mean([learnt(ar1(phi, 7 * DAY, 1, seed)).variance(overlaps(step, 1))[0] for seed in range(20)])
        assert 0.6 <= found / true_variance(step, lambda lag: phi**lag) <= 1.6

    @pytest.mark.parametrize(("share", "hours"), [(0.2, 6.0), (0.4, 6.0), (0.4, 2.0)])
    def test_slow_noise_on_top_is_found_over_many_series(self, share: float, hours: float) -> None:
        found = learnt(with_slow(share, hours, 0.3, 7 * DAY)).variance(overlaps(STEP)).mean()

        def correlation(lag: int) -> float:
            return (1 - share) * 0.3**lag + share * math.exp(-TEN_MINUTES * lag / hours)

        assert 0.8 <= found / true_variance(STEP, correlation) <= 1.4

    def test_it_is_the_quadratic_form_of_every_shape(self) -> None:
        # One shape has all the weight: then the variance is a textbook formula.
        for shape, (share, memory) in enumerate(_SHAPES):
            for fast, phi in enumerate(_FAST):
                weights = np.zeros((1, len(_SHAPES), len(_FAST)))
                weights[0, shape, fast] = 1
                known = Noise(np.full_like(weights, 2.5), weights, np.array([9.0]), TEN_MINUTES, np.array([False]))
                slow = math.exp(-TEN_MINUTES / memory)
                truth = true_variance(MEAN, lambda lag: (1 - share) * phi**lag + share * slow**lag)  # noqa: B023
                assert known.variance(overlaps(MEAN, 1))[0] == pytest.approx(2.5 * truth)

    def test_the_variance_of_one_block_is_that_of_the_noise(self) -> None:
        found = learnt(3 * ar1(0.5, 7 * DAY)).variance(overlaps(np.array([1.0])))
        assert found.mean() == pytest.approx(9, rel=0.15)

    def test_a_factor_is_squared(self) -> None:
        residuals = ar1(0.5)
        assert learnt(1e-3 * residuals).variance(overlaps(MEAN)) == pytest.approx(
            1e-6 * learnt(residuals).variance(overlaps(MEAN))
        )

    def test_one_row_stands_for_the_weights_of_all_series(self) -> None:
        known = learnt(ar1(0.5))
        assert known.variance(overlaps(MEAN, 1)) == pytest.approx(known.variance(overlaps(MEAN)), rel=1e-12)

    def test_the_overlaps_of_weights_are_those_of_the_definition(self) -> None:
        found = overlaps_of(np.stack([STEP, STEP[::-1], np.cumsum(STEP)]))
        expected = np.concatenate([overlaps(STEP, 2), overlaps(np.cumsum(STEP), 1)])
        assert found == pytest.approx(expected, abs=1e-12)

    def test_what_was_learnt_of_other_windows_changes_nothing(self) -> None:
        noisy = ar1(0.5, DAY, 3)
        first = learnt(noisy).variance(overlaps(MEAN, 3))
        for count in range(20, 40):
            learnt(ar1(0.5, count, 2)).variance(overlaps(np.ones(count), 2))
        assert learnt(noisy).variance(overlaps(MEAN, 3)).tolist() == first.tolist()


class TestShapes:
    def test_the_spectrum_of_a_shape_belongs_to_its_correlation(self) -> None:
        frequencies = np.arange(1, 500) / 1000
        spectra = _spectra(frequencies, TEN_MINUTES)
        lags = np.arange(-4000, 4001)
        for shape, (share, memory) in enumerate(_SHAPES):
            slow = math.exp(-TEN_MINUTES / memory)
            correlation = (1 - share) * 0.5 ** np.abs(lags) + share * slow ** np.abs(lags)
            direct = [(correlation * np.cos(2 * np.pi * each * lags)).sum() for each in frequencies[::100]]
            assert spectra[shape, list(_FAST).index(0.5), ::100] == pytest.approx(direct, rel=1e-6)

    def test_the_weights_of_a_series_are_one_in_all(self) -> None:
        assert learnt(ar1(0.5)).weights.sum((-1, -2)) == pytest.approx(np.ones(SERIES))

    def test_the_slow_shape_is_shared_the_fast_one_is_each_ones_own(self) -> None:
        mixed = np.concatenate([ar1(0.0, 7 * DAY, 5), ar1(0.9, 7 * DAY, 5, seed=50)])
        found = learnt(mixed).weights
        assert found[:, 0].sum(-1).min() > 0.9
        by_fast = found.sum(1) @ _FAST
        assert by_fast[:5].max() < 0.15
        assert by_fast[5:].min() > 0.8

    @pytest.mark.parametrize("other", [0, 1])
    def test_one_that_is_surely_unlike_the_others_has_its_own(self, other: int) -> None:
        quiet, slow = ar1(0.3, 7 * DAY), with_slow(0.4, 6.0, 0.3, 7 * DAY)
        many, one = (slow, quiet) if other else (quiet, slow)
        for index in range(5):
            rows = np.concatenate([one[index : index + 1], many[10:19]])
            first, *others = learnt(rows).variance(overlaps(STEP, 10))
            alone = learnt(rows[:1]).variance(overlaps(STEP, 1))[0]
            assert first == pytest.approx(alone, rel=0.3)
            assert np.mean(others) == pytest.approx(learnt(rows[1:]).variance(overlaps(STEP, 9)).mean(), rel=0.1)

    def test_what_is_not_counted_tells_the_others_nothing(self) -> None:
        quiet, slow = ar1(0.3, DAY, 3), with_slow(0.7, 6.0, 0.3, DAY, 30)
        both = learn([Ordinates.of(np.concatenate([quiet, slow]))], TEN_MINUTES, np.arange(33) < 3)
        assert both.weights[:3] == pytest.approx(learnt(quiet).weights)
        assert learnt(np.concatenate([quiet, slow])).weights[:3] != pytest.approx(learnt(quiet).weights)

    def test_alone_or_with_those_alike_is_the_same_but_for_what_they_tell(self) -> None:
        row = with_slow(0.2, 6.0, 0.3, 7 * DAY, 1)
        alone, twice = learnt(row).weights.sum(-1)[0], learnt(np.concatenate([row, row])).weights.sum(-1)[0]
        assert np.argmax(alone) == np.argmax(twice)
        assert twice.max() > alone.max()

    def test_a_likelihood_that_leaves_no_doubt_is_no_underflow(self) -> None:
        alternating = np.tile([1.0, -1.0], 4000)[None, :] + 1e-3 * ar1(0.0, 8000, 1)
        assert np.isfinite(learnt(alternating).variance(overlaps(MEAN, 1))).all()


class TestConstant:
    def test_it_has_no_variance(self) -> None:
        assert learnt(np.zeros((3, DAY))).variance(overlaps(MEAN, 3)) == pytest.approx(np.zeros(3), abs=0)

    def test_it_says_nothing_about_the_others(self) -> None:
        noisy = ar1(0.5)
        among = learnt(np.concatenate([noisy, np.zeros((20, DAY))]))
        assert among.variance(overlaps(MEAN, SERIES + 20))[:SERIES] == pytest.approx(
            learnt(noisy).variance(overlaps(MEAN))
        )


class TestGaps:
    def test_a_tenth_missing_at_random_changes_little(self) -> None:
        residuals = ar1(0.5, 7 * DAY)
        holes = np.where(np.random.default_rng(1).random(residuals.shape) < 0.1, np.nan, residuals)
        whole, found = (learnt(each).variance(overlaps(MEAN)).mean() for each in (residuals, holes))
        assert found == pytest.approx(whole, rel=0.15)

    def test_a_gap_in_one_piece_changes_little(self) -> None:
        residuals = ar1(0.5, 7 * DAY)
        holes = residuals.copy()
        holes[:, 200:400] = np.nan
        whole, found = (learnt(each).variance(overlaps(MEAN)).mean() for each in (residuals, holes))
        assert found == pytest.approx(whole, rel=0.15)

    def test_blocks_that_are_not_there_give_no_degrees_of_freedom(self) -> None:
        residuals = ar1(0.5, DAY, 2)
        residuals[1, 6:] = np.nan
        assert learnt(residuals).freedom == pytest.approx([143, 5])

    def test_a_series_with_few_blocks_does_not_outweigh_the_others(self) -> None:
        many = with_slow(0.4, 6, 0.3, 7 * DAY, 5)
        few = np.full((1, 7 * DAY), np.nan)
        few[0, 500:506] = [1, -1, 1, -1, 1, -1]
        weights = learnt(np.concatenate([many, few])).weights.sum(-1)[0]
        assert weights == pytest.approx(learnt(many).weights.sum(-1)[0], abs=0.1)


class TestOrdinates:
    def test_their_mean_is_the_variance(self) -> None:
        residuals = ar1(0.0, 145)
        found = Ordinates.of(residuals)
        assert found.power.mean(-1) == pytest.approx(residuals.var(-1) * 145 / 144)

    def test_a_mean_is_no_noise(self) -> None:
        residuals = ar1(0.5)
        assert Ordinates.of(residuals + 7).power == pytest.approx(Ordinates.of(residuals).power)

    def test_an_alternating_series_is_noisy_too(self) -> None:
        assert Ordinates.of(np.array([[1.0, -1.0] * 18])).power.sum() > 0

    def test_frequencies_that_were_fitted_are_left_out(self) -> None:
        residuals, fitted = ar1(0.5, 2 * DAY, 2), np.array([1 / DAY, 2 / DAY])
        whole = Ordinates.of(residuals)
        part = Ordinates.of(residuals, fitted, np.array([[True, True], [False, True]]))
        for nth, lost in enumerate(({2 / (2 * DAY), 4 / (2 * DAY)}, {4 / (2 * DAY)})):
            assert set(part.frequencies[~part.is_known[nth]]) == lost
            assert not part.power[nth][~part.is_known[nth]].any()
            assert part.freedom[nth] == whole.freedom[nth] - 2 * len(lost) + 1  # all of the whole's are one less


class TestWidened:
    def test_a_stretch_that_is_surely_noisier_counts(self) -> None:
        known = learnt(ar1(0.5))
        found = known.widened(Ordinates.of(3 * ar1(0.5, 36, seed=99)))
        ratio = found.variance(overlaps(MEAN)) / known.variance(overlaps(MEAN))
        assert ratio.mean() == pytest.approx(9, rel=0.3)
        assert (found.freedom <= 35).all()

    def test_one_that_may_be_the_same_does_not(self) -> None:
        known = learnt(ar1(0.5))
        found = known.widened(Ordinates.of(ar1(0.5, 36, seed=99)))
        same = found.variance(overlaps(MEAN)) == known.variance(overlaps(MEAN))
        assert same.mean() > 0.9

    def test_a_quieter_one_never_does(self) -> None:
        known = learnt(ar1(0.5))
        found = known.widened(Ordinates.of(0.1 * ar1(0.5, 36, seed=99)))
        assert (found.variances == known.variances).all()

    def test_after_a_constant_baseline_it_is_all_that_is_known(self) -> None:
        known = learnt(np.zeros((2, DAY)))
        since = Ordinates.of(ar1(0.0, 36, 2))
        found = known.widened(since)
        assert (found.variances == _variances([since], TEN_MINUTES)).all()
        assert (found.variance(overlaps(MEAN, 2)) > 0.5 / 36).all()

    def test_what_is_told_of_others_is_told_of_each_as_if_it_were_asked_alone(self) -> None:
        known = learnt(ar1(0.3, DAY, 30))
        rows = ar1(0.3, 36, 30, seed=5) * np.linspace(0.5, 3, 30)[:, None]
        rows[::3, 5:20] = np.nan  # so that there are two degrees of freedom
        found = known.widened(Ordinates.of(rows))
        assert 0 < found.is_own.sum() < 30
        for nth in range(30):
            alone = replace(known, variances=known.variances[nth:][:1], weights=known.weights[nth:][:1])
            alone = replace(alone, freedom=known.freedom[nth:][:1]).widened(Ordinates.of(rows[nth:][:1]))
            assert alone.is_own[0] == found.is_own[nth]
