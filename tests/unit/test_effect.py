"""The regression: step, level, errors and degrees of freedom against least squares done by hand."""

import math
from statistics import NormalDist, fmean

import numpy as np
import pytest

from driftreview.domain.baseline import extremes_of
from driftreview.domain.effect import Effects, estimate
from driftreview.domain.noise import Floats
from driftreview.domain.overlaps import overlaps
from driftreview.domain.regression import RESOLUTION, Panel
from tests.builders import noise

TEN_MINUTES = 1 / 6
DAY, LOOK = 144, 36
SHORT = 140
"""Blocks of a baseline that no daily wave is fitted to."""


def panel(*rows: Floats, before: int = DAY, gap: int = 0) -> Panel:
    return Panel(np.stack(rows), before, gap, TEN_MINUTES)


def white(seed: int, before: int = SHORT, after: int = LOOK, step: float = 0.0, phi: float = 0.0) -> Floats:
    values = np.array(noise(before + after, seed, phi))
    values[before:] += step
    return values


def one(row: Floats, before: int = SHORT, gap: int = 0) -> Effects:
    return estimate(panel(row, before=before, gap=gap))


def by_hand(row: Floats, before: int, harmonics: int, gap: int = 0) -> float:
    """The step by least squares over what is there."""
    at = np.concatenate([np.arange(-before, 0) - gap, np.arange(len(row) - before)])
    angle = 2 * math.pi * at / DAY
    waves = [each(k * angle) for k in range(1, harmonics + 1) for each in (np.sin, np.cos)]
    design = np.stack([(at >= 0).astype(float), np.ones(len(row)), *waves], axis=1)
    there = ~np.isnan(row)
    return float(np.linalg.lstsq(design[there], row[there])[0][0])


class TestStep:
    def test_without_a_daily_wave_it_is_the_difference_of_the_means(self) -> None:
        row = white(1, step=2)
        found = one(row)
        assert found.step[0] == pytest.approx(row[SHORT:].mean() - row[:SHORT].mean())
        assert found.level[0] == pytest.approx(row[SHORT:].mean())

    @pytest.mark.parametrize(("days", "harmonics"), [(1, 1), (2, 1), (3, 3), (7, 3)])
    @pytest.mark.parametrize("gap", [0, 50])
    def test_it_is_that_of_ordinary_least_squares(self, days: int, harmonics: int, gap: int) -> None:
        row = white(2, days * DAY, step=1)
        assert one(row, days * DAY, gap).step[0] == pytest.approx(by_hand(row, days * DAY, harmonics, gap))

    def test_missing_blocks_are_left_out(self) -> None:
        row = white(3, DAY, step=1)
        row[[5, 6, 7, 100, 150, 179]] = np.nan
        assert one(row, DAY).step[0] == pytest.approx(by_hand(row, DAY, 1))

    @pytest.mark.parametrize("days", [3, 7])
    def test_a_daily_wave_with_two_overtones_is_no_step(self, days: int) -> None:
        # Six hours from T0 on, of a day whose level there is far above its mean.
        at = 2 * math.pi * np.arange(-days * DAY, LOOK) / DAY
        row = np.sin(at) + 0.4 * np.cos(2 * at) - 0.2 * np.sin(3 * at)
        found = one(row + 0.01 * white(1, days * DAY), days * DAY)
        assert abs(row[days * DAY :].mean()) > 0.5
        assert abs(found.step[0]) < 0.02

    def test_between_baseline_and_window_the_day_goes_on(self) -> None:
        gap = 60
        at = 2 * math.pi * np.arange(3 * DAY + gap + LOOK) / DAY
        row = np.delete(np.sin(at), slice(3 * DAY, 3 * DAY + gap))
        assert one(row, 3 * DAY, gap).step[0] == pytest.approx(0, abs=1e-9)
        assert abs(one(row, 3 * DAY, 0).step[0]) > 0.1

    def test_a_baseline_with_less_than_half_its_blocks_is_not_fitted_to_a_day(self) -> None:
        row = white(4, DAY, step=1)
        row[10:138] = np.nan
        assert one(row, DAY).step[0] == pytest.approx(by_hand(row, DAY, 0))

    def test_each_series_is_fitted_by_itself_whatever_gaps_its_neighbours_have(self) -> None:
        rows = [white(seed, DAY, step=seed) for seed in range(6)]
        rows[1][3] = rows[2][3] = rows[4][170] = np.nan
        together = estimate(panel(*rows))
        assert together.step == pytest.approx([one(row, DAY).step[0] for row in rows])


class TestError:
    @pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
    def test_it_is_what_repetition_shows(self, phi: float) -> None:
        # Measured at 0, 0.5, 0.8: 1.11, 1.12, 1.10 times the scatter; the excess is slow noise that a day does not rule
        # out.
        found = estimate(panel(*(white(seed, phi=phi) for seed in range(300)), before=SHORT))
        assert 0.95 <= fmean(found.error) / found.step.std() <= 1.35
        assert 0.95 <= fmean(found.level_error) / found.level.std() <= 1.35

    def test_of_known_white_noise_it_is_the_textbooks(self) -> None:
        week = 7 * DAY - 1
        found = estimate(panel(*(white(seed, week) for seed in range(50)), before=week))
        assert fmean(found.error) == pytest.approx(math.sqrt(1 / LOOK + 1 / week), rel=0.1)

    def test_a_step_beyond_its_errors_is_as_rare_as_said(self) -> None:
        found = estimate(panel(*(white(seed, phi=0.5) for seed in range(400)), before=SHORT))
        beyond = np.abs(found.step) > NormalDist().inv_cdf(0.975) * found.error
        assert 0.01 <= beyond.mean() <= 0.07  # measured: 3%

    def test_the_overlap_of_weights_is_their_autocorrelation(self) -> None:
        weights = np.array([noise(12, 1)])
        made = panel(np.zeros(12), before=8, gap=3)
        spread = np.concatenate([weights[0, :8], np.zeros(3), weights[0, 8:]])
        full = np.correlate(spread, spread, "full")[14:]
        assert overlaps(made, weights)[0] == pytest.approx(full * np.array([1] + [2] * 14))

    def test_series_of_other_gaps_have_their_own_overlap_and_those_alike_share_one(self) -> None:
        weights = np.array([noise(12, 1), noise(12, 2), noise(12, 1)])
        made = panel(*np.zeros((3, 12)), before=8, gap=3)
        found = overlaps(made, weights)
        assert found == pytest.approx(np.concatenate([overlaps(made, each[None]) for each in weights]))
        assert overlaps(made, weights[[0, 2]]).tolist() == found[:1].tolist()

    @pytest.mark.parametrize("gaps", [(), (3,), (3, 150)])
    def test_beside_series_with_gaps_a_step_is_what_it_is_alone(self, gaps: tuple[int, ...]) -> None:
        rows = [white(seed, phi=0.5, step=0.3) for seed in range(3)]
        rows[1][list(gaps)] = np.nan
        found, alone = (
            estimate(panel(*rows, before=SHORT), 6),
            [estimate(panel(each, before=SHORT), 6) for each in rows],
        )
        for name in ("step", "level", "fresh", "ending", "highest", "lowest", "highest_ending"):
            assert getattr(found, name) == pytest.approx([getattr(each, name)[0] for each in alone]), name

    def test_a_window_surely_noisier_than_the_baseline_widens_it(self) -> None:
        row = white(5)
        row[SHORT:] *= 10
        assert one(row).error[0] > 5 * one(white(5)).error[0]
        assert one(row).freedom[0] <= LOOK - 1

    def test_after_a_constant_baseline_the_error_is_the_windows_own(self) -> None:
        row = white(6)
        row[:SHORT] = 7
        found = one(row)
        assert 1 <= found.error[0] * math.sqrt(LOOK) <= 2  # how long its noise remembers is not well known
        assert found.freedom[0] <= LOOK - 1

    def test_growth_since_t0_is_not_taken_for_noise(self) -> None:
        row = white(7)
        growing = row + np.maximum(np.arange(-SHORT, LOOK), 0) / 2
        assert one(growing).error[0] == pytest.approx(one(row).error[0], rel=0.2)

    @pytest.mark.parametrize("at", [2, LOOK // 4, LOOK // 2, LOOK - 2])
    def test_what_gets_worse_hours_after_t0_is_not_taken_for_noise(self, at: int) -> None:
        row = white(8)
        later = row.copy()
        later[SHORT + at :] += 20
        found = one(later)
        assert found.error[0] == pytest.approx(one(row).error[0], rel=0.4)
        assert found.step[0] == pytest.approx(20 * (LOOK - at) / LOOK, abs=1)

    def test_a_step_small_beside_the_noise_is_left_in_it(self) -> None:
        row = white(8)
        smaller = row.copy()
        smaller[SHORT + LOOK // 2 :] += 0.1
        assert one(smaller).error[0] == pytest.approx(one(row).error[0], rel=0.05)

    def test_constant_on_both_sides_has_no_error(self) -> None:
        found = one(np.concatenate([np.full(SHORT, 0.1), np.full(LOOK, 0.3)]))
        assert (found.error[0], found.level_error[0]) == (0, 0)
        assert found.step[0] == pytest.approx(0.2)

    def test_what_is_below_the_resolution_of_evidence_is_no_noise(self) -> None:
        row = 0.3 + 0.1 * RESOLUTION * white(8)
        assert one(row).error[0] == 0

    def test_a_constant_series_changes_nothing_for_its_neighbour(self) -> None:
        row = white(9)
        among = estimate(panel(row, np.full(SHORT + LOOK, 0.1), before=SHORT))
        assert among.error[0] == pytest.approx(one(row).error[0])


class TestFreedom:
    def test_of_normal_noise_there_are_about_as_many_as_blocks(self) -> None:
        found = [one(white(seed)).freedom[0] for seed in range(20)]
        assert 0.8 * SHORT <= fmean(found) <= SHORT

    def test_of_a_few_long_bursts_there_are_few(self) -> None:
        bursts = 0.01 * white(1)
        bursts[20:30] += 1
        bursts[90:98] += 1
        assert one(bursts).freedom[0] < 12

    def test_there_is_always_one(self) -> None:
        spike = np.zeros(SHORT + LOOK)
        spike[40:70] = 1
        assert one(spike).freedom[0] >= 1

    def test_six_blocks_of_a_day_are_not_a_day(self) -> None:
        row = white(2)
        row[6:SHORT] = np.nan
        assert one(row).freedom[0] <= 5 + LOOK


class TestFresh:
    def test_it_is_the_step_of_what_the_look_before_did_not_have(self) -> None:
        row = white(1)
        row[SHORT + 6 :] += 3
        found = estimate(panel(row, before=SHORT), 6).fresh
        assert found[0] == pytest.approx(row[SHORT + 6 :].mean() - row[:SHORT].mean())

    def test_where_nothing_is_fresh_it_is_nothing(self) -> None:
        row = white(1, step=3)
        row[SHORT + 6 :] = np.nan
        assert estimate(panel(row, before=SHORT), 6).fresh[0] == pytest.approx(0, abs=1e-12)

    def test_the_panel_stays_as_it_was(self) -> None:
        made = panel(white(1), before=SHORT)
        estimate(made, 6)
        assert np.isfinite(made.values).all()


class TestExtremes:
    @pytest.mark.parametrize("length", [1, 6, 20])
    @pytest.mark.parametrize("missing", [0, 15])
    def test_they_are_those_of_every_stretch_tried(self, length: int, missing: int) -> None:
        row = np.array(noise(60, length))
        row[np.random.default_rng(1).permutation(60)[:missing]] = np.nan
        differences = []
        for first in range(60 - length + 1):
            inside, outside = row[first : first + length], np.delete(row, slice(first, first + length))
            if np.isfinite(inside).any():
                differences.append(np.nanmean(inside) - np.nanmean(outside))
        highest, lowest = extremes_of(row[None], length)
        assert highest[0] == pytest.approx(max(differences))
        assert lowest[0] == pytest.approx(min(differences))

    def test_of_a_constant_there_are_none(self) -> None:
        assert [each[0] for each in extremes_of(np.zeros((1, 60)), 6)] == [0, 0]

    def test_a_look_longer_than_a_quarter_of_the_baseline_is_held_against_a_quarter(self) -> None:
        row = 0.01 * white(1, after=100)
        row[50:85] += 1
        assert one(row).highest[0] == pytest.approx(1, abs=0.05)


class TestWithoutABaseline:
    def test_the_level_and_its_error_are_known_and_nothing_of_a_step(self) -> None:
        looks = [panel(*(np.array(noise(LOOK, 20 * run + i, 0.5)) for i in range(20)), before=0) for run in range(15)]
        found = [estimate(each) for each in looks]
        assert all(np.isinf(each.error).all() and not each.step.any() for each in found)
        # Measured: 1.9 times the scatter. Six hours alone do not rule out noise that remembers a day.
        scatter = np.std([each.level for each in found])
        assert 0.9 <= fmean(np.concatenate([each.level_error for each in found])) / scatter <= 2.2

    def test_six_blocks_of_white_noise_are_not_thought_to_be_better_known_than_they_are(self) -> None:
        found = estimate(panel(*(np.array(noise(6, seed)) for seed in range(500)), before=0))
        assert np.sqrt((found.level_error**2).mean()) / found.level.std() >= 0.95
        assert found.freedom.max() <= 5
