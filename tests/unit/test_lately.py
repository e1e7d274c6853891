"""What happened of late: which stretches are looked at, and what is known of as long ones."""

import numpy as np
import pytest

from driftreview.domain.lately import last_with, late, lines, noise_of, risen, stretches
from tests.builders import noise


class TestStretches:
    def test_of_two_days_an_hour_to_what_came_since_the_look_before(self) -> None:
        assert stretches(288, 144, 6) == [144, 72, 36, 18, 6]

    def test_of_the_first_look_no_more_than_a_quarter(self) -> None:
        assert stretches(288, 0, 6) == [72, 36, 18, 6]

    def test_never_the_whole_window_and_none_that_says_nothing(self) -> None:
        assert stretches(6, 0, 6) == []
        assert stretches(36, 6, 18) == [30, 18]

    def test_the_last_blocks_with_a_value_are_counted_over_gaps(self) -> None:
        assert last_with([1.0] * 10, 6) == 6
        assert last_with([1.0] * 8 + [None] * 3, 6) == 9
        assert last_with([None, 1.0], 6) == 2


class TestLines:
    def test_the_slope_of_every_stretch(self) -> None:
        assert lines(np.arange(20) * 0.01, 5) == pytest.approx(np.full(16, 0.01))

    def test_gaps_do_not_bend_it_and_half_must_be_there(self) -> None:
        row = np.arange(20) * 0.01
        row[[3, 8, 9]] = np.nan
        assert lines(row, 6) == pytest.approx(np.full(15, 0.01))
        row[5:12] = np.nan
        assert np.isnan(lines(row, 6)[6])

    def test_a_row_that_is_too_short_has_none(self) -> None:
        assert len(lines(np.ones(4), 5)) == 0


class TestLate:
    quiet = np.array([0.5 + 0.01 * each for each in noise(1008, 1)])

    def test_what_suddenly_grows_is_unlike_the_baseline(self) -> None:
        now = np.array([0.5 + 0.01 * each for each in noise(288, 2)])
        now[-18:] += 0.02 * np.arange(18)
        found = late(now, self.quiet, 18, is_a_day=True)
        assert found is not None
        assert found.slope > 3 * found.steepest
        assert found.steeper_than(0.005) < 1e-6
        assert found.steeper_than(0.03) > 0.5

    def test_a_noisier_window_makes_it_less_sure(self) -> None:
        now = np.array([0.5 + 0.05 * each for each in noise(36, 2)])
        now[-18:] += 0.01 * np.arange(18)
        noisy, calm = (late(now, before, 18, is_a_day=True) for before in (self.quiet * 5, self.quiet))
        assert noisy is not None
        assert calm is not None
        assert calm.spread == pytest.approx(noisy.spread, rel=0.5)

    def test_without_a_day_the_window_before_is_known_as_well(self) -> None:
        wave = np.sin(2 * np.pi * np.arange(288) / 144 - 1)
        found = late(wave, np.zeros(0), 36, is_a_day=False)
        assert found is not None
        assert found.slope < found.steepest * 1.001

    def test_nothing_known_is_none(self) -> None:
        assert late(np.ones(18), np.zeros(0), 18, is_a_day=False) is None
        assert late(np.full(40, np.nan), self.quiet, 18, is_a_day=True) is None


class TestRisen:
    def test_by_how_much_the_last_hour_is_above_all_but_the_last_quarter(self) -> None:
        now = np.array([0.2 + 0.001 * each for each in noise(288, 1)])
        now[-8:] = 1.0
        assert risen(now, now[:0]) == pytest.approx(0.8, abs=0.01)

    def test_noise_and_what_the_baseline_did_are_none(self) -> None:
        now = np.array([0.2 + 0.001 * each for each in noise(288, 1)])
        assert risen(now, now[:0]) == 0
        now[-8:] = 1.0
        assert risen(now, now) == 0

    def test_too_little_is_none(self) -> None:
        assert risen(np.ones(3), np.ones(0)) == 0
        assert risen(np.ones(288), np.ones(31)) == 0


def test_a_sawtooth_is_no_noise() -> None:
    assert noise_of(np.arange(288) % 8 * 0.1) == pytest.approx(0, abs=1e-12)
    assert noise_of(np.array(noise(1000, 1))) == pytest.approx(1, rel=0.1)
    assert noise_of(np.array([np.nan, 1.0])) == 0
