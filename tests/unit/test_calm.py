"""An incident in the baseline blinds nobody and excuses nobody; what happens time and again is how the series is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.calm import calm_of, calmed
from driftreview.domain.finding import Finding
from driftreview.domain.foresight import foresight
from driftreview.domain.measured import Case, Grid
from driftreview.domain.measuring import measure
from driftreview.domain.noise import Floats
from driftreview.domain.regression import Panel
from driftreview.domain.together import judge_together
from tests.builders import evidence, noise, review, series, side, signal, snapshot

V = SignalVerdict
DAY, WEEK, LOOK = 144, 1008, 288


def around(level: float, count: int, seed: int, share: float = 0.03) -> Floats:
    return level * np.exp(share * np.array(noise(count, seed, 0.5)))


def incident(*stretches: tuple[int, int], times: float = 3, blocks: int = WEEK) -> Floats:
    row = around(100, blocks, 1)
    for first, after in stretches:
        row[first:after] *= times
    return row


def found(before: Floats, times: float, look: int = LOOK, **fields: object) -> Finding:
    now = around(100 * times, look, 2)
    declared = signal(**{"margin": {"relative": "10%"}, **fields})
    case = Case.of(declared, side(before.tolist()), side(now.tolist()))
    return judge_together([case], Grid(1 / 6, seen=look // 2, closes=48), 0.0125)[0]


def panel(*rows: Floats) -> Panel:
    return Panel(np.log(np.stack(rows)), rows[0].size, 0, 1 / 6)


class TestWhatIsOne:
    def test_noise_has_hardly_any_and_is_left_as_it_is(self) -> None:
        made = panel(*(around(100, WEEK, seed) for seed in range(30)))
        assert calm_of(made.baseline).incidents == ((),) * 30
        assert calmed(made).values.tolist() == made.values.tolist()

    @pytest.mark.parametrize(("first", "after"), [(400, 401), (400, 418), (0, 18), (900, 940)])
    def test_it_is_found_and_bounded_where_it_is(self, first: int, after: int) -> None:
        made = panel(incident((first, after)))
        ((one,),) = calm_of(made.baseline).incidents
        assert (one.first, one.after) == (first, after)
        assert one.farthest == pytest.approx(math.log(3), abs=0.2)
        calm = calmed(made).values - np.log(100)
        assert np.abs(calm).max() < 0.4
        assert np.delete(calm, range(first, after)) == pytest.approx(
            np.delete(made.values - np.log(100), range(first, after))
        )

    def test_what_happens_a_third_time_is_how_the_series_is(self) -> None:
        for stretches, many in (([(200, 206), (500, 506)], 2), ([(200, 206), (500, 506), (700, 706)], 0)):
            made = panel(incident(*stretches))
            assert len(calm_of(made.baseline).incidents[0]) == many
            assert (calmed(made).values == made.values).all() == (many == 0)

    def test_what_may_be_going_on_is_none(self) -> None:
        for first, after in ((990, 1008), (980, 1005), (1002, 1008)):
            assert calm_of(panel(incident((first, after))).baseline).incidents == ((),)

    def test_a_long_one_is_named_and_counts_in_full(self) -> None:
        made = panel(incident((60, 78), blocks=DAY))
        assert [(each.first, each.after) for each in calm_of(made.baseline).incidents[0]] == [(60, 78)]
        assert (calmed(made).values == made.values).all()

    def test_it_is_the_same_beside_others(self) -> None:
        rows = [incident((700, 718)), *(around(100, WEEK, seed) for seed in range(4)), incident((400, 401), times=50)]
        beside = calm_of(panel(*rows).baseline)
        for index, row in enumerate(rows):
            alone = calm_of(panel(row).baseline)
            assert len(alone.incidents[0]) == len(beside.incidents[index]) == (index in {0, 5})
            assert alone.values[0] == pytest.approx(beside.values[index])

    @given(st.integers(0, WEEK - 40), st.integers(1, 30), st.floats(2, 1000), st.integers(1, 40))
    def test_however_far_off_it_counts_no_more(self, first: int, length: int, times: float, seed: int) -> None:
        row = around(100, WEEK, seed)
        row[first : first + length] *= times
        one, far = (calmed(panel(each)).values for each in (row, np.where(row > 180, row * 50, row)))
        assert np.abs(far - one).max() < 0.1


class TestWhatItDoes:
    """Ten bad minutes must not blind a signal for two days."""

    @pytest.mark.parametrize(("stretch", "times"), [((700, 702), 100.0), ((700, 706), 8.0), ((760, 778), 3.0)])
    def test_what_is_worse_all_the_time_is_found_all_the_same(self, stretch: tuple[int, int], times: float) -> None:
        assert found(incident(stretch, times=times), 1.3).verdict is V.DEGRADED
        assert found(incident(stretch, times=times), 1.3, 36).verdict is V.DEGRADED

    def test_a_healthy_release_passes(self) -> None:
        said = [found(incident((700, 718)), level, look).verdict for level in (1.0, 1.03) for look in (36, LOOK)]
        assert set(said) <= {V.STABLE, V.ACCEPTABLE}

    def test_the_same_incident_again_is_no_drift(self) -> None:
        for length, look in ((18, 6), (18, 36), (18, LOOK), (2, 6), (6, 36)):
            before, now = incident((700, 700 + length)), around(100, look, 2)
            now[:length] *= 3
            case = Case.of(signal(margin={"relative": "10%"}), side(before.tolist()), side(now.tolist()))
            (said,) = judge_together([case], Grid(1 / 6), 0.0125)
            assert said.verdict is not V.DEGRADED, (length, look)

    def test_the_bound_that_is_told_is_the_one_that_holds(self) -> None:
        before = incident((700, 718))
        for look in (36, 144):
            cases = [
                Case.of(signal(margin={"relative": "10%"}), side(before.tolist()), side(around(each, look, 2).tolist()))
                for each in (105, 112, 120, 135, 150, 180)
            ]
            for each in measure(cases, Grid(1 / 6)):
                assert each.is_unlike_the_baseline == (each.step > each.least_unlike)

    def test_it_is_named_at_t0_and_where_the_noise_leaves_it_open(self) -> None:
        row = incident((60, 78), blocks=DAY)
        (said,) = foresight(review(signals=[signal()]).spec, snapshot(evidence("latency", series(row.tolist())))).odd
        assert "18 blocks far off, by up to +" in said
        assert ", for 3h 14h before its end" in said
        message = found(row, 1.05).message
        assert "a baseline without what was far off for 3h 14h before its end or a covariate would help" in message
        assert "longer" not in message
