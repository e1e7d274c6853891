"""Kind Events: what is older than the release, what may have healed, and what a count of two days forgives."""

import re
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.reasons import Reason
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import GOOD, Finding, Side
from driftreview.domain.measured import Case, Grid
from driftreview.domain.qualms import under_way
from driftreview.domain.together import judge_together
from tests.builders import events, side

V = SignalVerdict
BUDGET = 0.0125
WEEK, DAY, HOUR, LOOK = 1008, 144, 6, 288
GRID = Grid(1 / 6, 1)
BEFORE_T0 = "; but it was so before T0 already, for the last {} of its baseline: going back would mend nothing"


def counts(rates: Sequence[float], seed: int) -> list[float]:
    """Means of a query that counts in five minutes: events of so many a block."""
    return [float(each) / 2 for each in np.random.default_rng(seed).poisson(rates)]


def judged(
    before: Sequence[float], now: Sequence[float], worse: str = "Higher", margin: str = "50%", **sides: bool
) -> Finding:
    baseline = Side(tuple(before), **sides)
    case = Case.of(events({"relative": margin}, worse=worse), baseline, side(list(now)))
    return judge_together([case], GRID, BUDGET)[0]


def began(blocks: int, times: float, usual: float, seed: int = 1, then: float | None = None) -> tuple[list[float], ...]:
    """A baseline that changed so many blocks before its end, and an hour that goes on so, or otherwise."""
    row = np.full(WEEK, float(usual))
    row[WEEK - blocks :] *= times
    return counts(list(row), seed), counts([usual * (times if then is None else then)] * HOUR, seed + 100)


class TestBeforeT0:
    @pytest.mark.parametrize(("blocks", "said"), [(1, "10m"), (2, "20m"), (6, "1h"), (36, "6h"), (72, "12h")])
    @pytest.mark.parametrize(("worse", "times", "usual"), [("Higher", 20, 2), ("Lower", 0.1, 40), ("Either", 20, 2)])
    def test_what_goes_on_as_the_baseline_ended_is_held(
        self, blocks: int, said: str, worse: str, times: float, usual: float
    ) -> None:
        result = judged(*began(blocks, times, usual), worse=worse, margin="30%")
        assert result.verdict is not V.DEGRADED
        if result.verdict is V.SUSPECT:
            assert BEFORE_T0.format(said) in result.message

    def test_what_is_surely_worse_than_that_is_of_the_release(self) -> None:
        result = judged(*began(36, 5, 10, then=40))
        assert result.verdict is V.DEGRADED
        assert "before T0 already" not in result.message

    def test_so_is_what_was_over_when_it_ended(self) -> None:
        row = np.full(WEEK, 2.0)
        row[WEEK - 48 : WEEK - 24] = 40
        assert judged(counts(list(row), 1), counts([60.0] * HOUR, 2)).verdict is V.DEGRADED

    def test_and_what_began_at_t0(self) -> None:
        held = sum(judged(*began(0, 1, 2, seed, then=20)).verdict is not V.DEGRADED for seed in range(60))
        assert held <= 1

    def test_a_baseline_of_the_release_itself_excuses_nothing(self) -> None:
        assert judged(*began(2, 20, 2), is_own=True).verdict is V.DEGRADED

    def test_none_at_the_end_is_followed_by_none(self) -> None:
        result = judged(*began(3, 0, 40), worse="Lower", margin="30%")
        assert result.verdict is V.SUSPECT
        assert BEFORE_T0.format("30m") in result.message

    def test_orders_of_the_day_are_held_against_the_same_hours(self) -> None:
        at = np.arange(WEEK + LOOK)
        rate = 25 * (1 + 0.5 * np.sin(2 * np.pi * at / DAY))
        whole = counts(list(np.where(at >= WEEK - 48, 0.2, 1.0) * rate), 3)
        for hours in (1, 6, 48):
            result = judged(whole[:WEEK], whole[WEEK : WEEK + 6 * hours], worse="Lower", margin="30%")
            assert result.verdict is V.SUSPECT
            assert " before T0 already, for the last 8h" in result.message
        whole[WEEK:] = [each * 0.3 for each in whole[WEEK:]]
        assert judged(whole[:WEEK], whole[WEEK:], worse="Lower", margin="30%").verdict is V.DEGRADED

    def test_a_steady_baseline_ends_in_nothing(self) -> None:
        found = [
            under_way(Case.of(events(), side(list(counts([3.0] * WEEK, seed))), Side(())), GRID) for seed in range(100)
        ]
        assert sum(each is not None for each in found) <= 2

    def test_how_long_it_was_on_is_known(self) -> None:
        case = Case.of(events(), side(list(began(30, 20, 2)[0])), Side(()))
        begun = under_way(case, GRID)
        assert begun is not None
        assert begun.lasting == "5h"

    @settings(max_examples=30)
    @given(before=st.lists(st.none() | st.floats(0, 100), min_size=6, max_size=60))
    def test_any_baseline_at_all_can_be_asked(self, before: list[float | None]) -> None:
        begun = under_way(Case.of(events(worse="Either"), side(before), Side(())), GRID)
        assert begun is None or timedelta(0) < timedelta(minutes=10) * len(begun.found.case.now.blocks)


class TestHealed:
    @pytest.mark.parametrize(("blocks", "times"), [(1, 60), (2, 30), (3, 10), (4, 30)])
    def test_a_cold_start_is_not_rolled_back_within_the_hour(self, blocks: int, times: float) -> None:
        now = counts([times] * blocks + [1.0] * (HOUR - blocks), 5)
        result = judged(counts([1.0] * WEEK, 6), now)
        assert result.verdict is V.SUSPECT
        assert re.search(r"; \d+ of them from T0\+0s to T0\+\d0m, over since", result.message)

    def test_nor_is_a_burst_of_kills_that_is_long_over(self) -> None:
        now = [0.0] * LOOK
        now[180:190] = [0.6] * 10
        result = judged([0.0] * WEEK, now)
        assert result.verdict is V.SUSPECT
        assert "; but 0 in the last 16h against 0 expected: it may have healed; " in result.message
        assert "; 12 of them from T0+30h to T0+31h40m, over since; by chance" in result.message

    def test_orders_that_came_back_may_have_healed(self) -> None:
        now = counts([0.0] * 20 + [25.0] * 16, 8)
        result = judged(counts([25.0] * WEEK, 7), now, worse="Lower", margin="30%")
        assert result.verdict is V.SUSPECT
        assert ": it may have healed" in result.message

    def test_what_is_still_beyond_the_margin_at_the_end_is_not(self) -> None:
        now = counts([60.0] * 4 + [10.0] * 2, 9)
        assert judged(counts([1.0] * WEEK, 6), now).verdict is V.DEGRADED

    def test_a_steady_rate_hardly_ever_is(self) -> None:
        before = counts([1.0] * WEEK, 6)
        held = sum("healed" in judged(before, counts([4.0] * 36, seed)).message for seed in range(100))
        assert held <= 1

    def test_a_few_that_came_early_by_chance_are_not(self) -> None:
        assert judged([0.0] * WEEK, [0.5] * 4 + [0.0, 0.0]).verdict is V.DEGRADED


class TestAnOutage:
    before = tuple(counts([20.0] * WEEK, 10))

    def out(self, first: int, blocks: int, left: float = 0.0, worse: str = "Lower", margin: str = "30%") -> Finding:
        rate = np.full(LOOK, 20.0)
        rate[first : first + blocks] = left
        return judged(self.before, counts(list(rate), 11), worse, margin)

    @pytest.mark.parametrize(("blocks", "end"), [(6, "11h"), (30, "15h"), (60, "20h")])
    @pytest.mark.parametrize("worse", ["Lower", "Either"])
    def test_hours_without_any_are_not_good(self, blocks: int, end: str, worse: str) -> None:
        result = self.out(60, blocks, worse=worse)
        assert (result.verdict, result.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert re.search(rf"; but 0 against \d+ expected from T0\+10h to T0\+{end}, over since$", result.message)

    def test_nor_are_hours_with_hardly_any(self) -> None:
        assert self.out(60, 30, left=0.1).verdict is V.INCONCLUSIVE

    @pytest.mark.parametrize(("blocks", "left", "margin"), [(3, 0, "30%"), (30, 15, "30%"), (6, 0, "90%")])
    def test_what_is_short_or_half_as_bad_is_forgiven(self, blocks: int, left: float, margin: str) -> None:
        assert self.out(60, blocks, left, margin=margin).verdict in GOOD

    def test_what_the_baseline_had_as_well_is_nothing_new(self) -> None:
        rate = np.full(WEEK, 20.0)
        rate[300:340] = 0
        now = np.full(LOOK, 20.0)
        now[60:90] = 0
        assert judged(counts(list(rate), 1), counts(list(now), 2), "Lower", "30%").verdict in GOOD

    def test_where_more_is_worse_none_is_fine(self) -> None:
        assert self.out(60, 60, worse="Higher").verdict in GOOD

    def test_what_comes_seldom_may_stay_away_for_hours(self) -> None:
        held = [
            judged(counts([0.5] * WEEK, seed), counts([0.5] * LOOK, seed + 50), "Lower", "90%").message
            for seed in range(30)
        ]
        assert not any("; but" in each for each in held)

    def test_nights_without_any_are_usual(self) -> None:
        at = np.arange(WEEK + LOOK)
        whole = counts(list(np.where(at % DAY < 48, 0.0, 20.0)), 4)
        assert judged(whole[:WEEK], whole[WEEK:], "Lower", "30%").verdict in GOOD


class TestOlderThanT0:
    def test_what_the_query_still_counts_is_not_of_the_release(self) -> None:
        for blocks in (6, 36, LOOK):
            result = judged([0.0] * WEEK, [0.1, *([0.0] * (blocks - 1))])
            assert result.verdict is V.STABLE
            assert result.message.endswith("; that was before T0: the query counts it for 5m")

    @pytest.mark.parametrize("now", [[0.0, 0.1], [0.5], [0.1, 0.5]])
    def test_what_is_later_or_a_whole_event_is(self, now: list[float]) -> None:
        result = judged([0.0] * WEEK, [*now, *([0.0] * (HOUR - len(now)))])
        assert result.verdict is V.INCONCLUSIVE
        assert "before T0" not in result.message


def test_an_upper_end_that_nobody_knows_is_said_to_be_unknown() -> None:
    before = [0.0] * WEEK
    before[300:304] = [200.0] * 4
    result = judged(before, counts([1.0] * LOOK, 1))
    assert " or more: how much, its baseline cannot tell), margin" in result.message
    assert "between" not in result.message
