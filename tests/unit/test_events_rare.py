"""Kind Events where counts say more than a rate does: none at all, the very end, one burst, and one burst long ago."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.counted import FEWEST
from driftreview.domain.counts import one_an_hour
from driftreview.domain.finding import GOOD, Finding
from driftreview.domain.lately import shortest
from driftreview.domain.measured import Case, Grid
from driftreview.domain.together import judge_together
from tests.builders import events, side

V = SignalVerdict
BUDGET = 0.0125
WEEK, DAY, LOOK = 1008, 144, 288
ORDERS = {"relative": "30%"}


def at(blocks: int, *counts: tuple[int, float]) -> list[float]:
    """Means of a query that counts in five minutes: so many events in these blocks, none in the others."""
    found = [0.0] * blocks
    for block, count in counts:
        found[block] += count / 2
    return found


def judged(before: Sequence[float], now: Sequence[float], worse: str = "Higher", margin: str = "50%") -> Finding:
    case = Case.of(events({"relative": margin}, worse=worse), side(list(before)), side(list(now)))
    return judge_together([case], Grid(1 / 6, 6), BUDGET)[0]


class TestTheVeryEnd:
    @staticmethod
    def orders(per_hour: float, times: float, blocks: int, seed: int = 3) -> tuple[list[float], list[float]]:
        rng = np.random.default_rng([seed, blocks])
        rate = np.full(LOOK, per_hour / 6)
        rate[LOOK - blocks :] *= times
        return [list(rng.poisson(each) / 2) for each in (np.full(WEEK, per_hour / 6), rate)]  # type: ignore[return-value]

    @pytest.mark.parametrize(("per_hour", "blocks"), [(300, 3), (300, 1), (1200, 2), (1200, 1), (60, 2), (60, 5)])
    def test_orders_that_no_longer_come_are_suspect_however_short(self, per_hour: float, blocks: int) -> None:
        result = judged(*self.orders(per_hour, 0, blocks), worse="Lower", margin="30%")
        assert result.verdict is V.SUSPECT
        assert f"; but 0 in the last {10 if blocks < 3 else 30}m against " in result.message

    @pytest.mark.parametrize("blocks", [1, 2, 4])
    def test_so_is_a_burst(self, blocks: int) -> None:
        for worse in ("Higher", "Either"):
            assert judged(*self.orders(60, 6, blocks), worse=worse).verdict is V.SUSPECT

    def test_ten_minutes_without_what_comes_once_in_five_are_nothing(self) -> None:
        before, now = self.orders(12, 0, 1)
        assert judged(before, now, worse="Lower").verdict is V.STABLE

    def test_nor_is_what_has_come_back(self) -> None:
        before, now = self.orders(1200, 0, 2)
        now[-2:], now[-14:-12] = now[-14:-12], now[-2:]
        assert judged(before, now, worse="Lower", margin="30%").verdict is V.STABLE

    @given(st.lists(st.none() | st.just(1.0), min_size=6, max_size=40))
    def test_the_shortest_stretches_have_one_block_and_half_of_the_fewest(self, blocks: list[float | None]) -> None:
        lengths = shortest(blocks)
        present = [sum(each is not None for each in blocks[-length:]) for length in lengths]
        whole = sum(each is not None for each in blocks)
        assert set(present) == {min(whole, 1), min(whole, 3)}


class TestNoneAtAll:
    nightly = tuple(at(days * DAY, *((day * DAY + 84, 1) for day in range(days))) for days in (1, 7, 14))

    @pytest.mark.parametrize("before", nightly)
    @pytest.mark.parametrize("worse", ["Lower", "Either"])
    def test_a_job_that_stopped_is_not_good(self, before: list[float], worse: str) -> None:
        result = judged(before, at(LOOK), worse=worse)
        assert result.verdict is V.INCONCLUSIVE
        assert result.message.endswith(": none at all is the worst there can be")

    @pytest.mark.parametrize("before", nightly[1:])
    def test_one_that_goes_on_is(self, before: list[float]) -> None:
        assert judged(before, at(LOOK, (84, 1), (228, 1)), worse="Lower").verdict is V.STABLE

    def test_what_was_not_due_yet_is_not_missed(self) -> None:
        assert judged(self.nightly[2], at(36), worse="Lower").verdict is V.STABLE

    @settings(max_examples=40)
    @given(
        happened=st.lists(st.tuples(st.integers(0, WEEK - 1), st.integers(1, 30)), max_size=12),
        blocks=st.sampled_from([6, 36, 144, 288]),
        margin=st.sampled_from(["0%", "50%"]),
    )
    def test_none_since_t0_is_always_good_where_more_is_worse(
        self, happened: list[tuple[int, float]], blocks: int, margin: str
    ) -> None:
        assert judged(at(WEEK, *happened), at(blocks), margin=margin).verdict in (V.STABLE, V.IMPROVED)


class TestABurst:
    @pytest.mark.parametrize("days", [1, 7])
    @pytest.mark.parametrize("before", [0, 1, 3])
    @pytest.mark.parametrize("first", [180, 284])
    def test_is_news_whatever_else_the_baseline_had(self, days: int, before: int, first: int) -> None:
        past = at(days * DAY, *((10 + 40 * each, 1) for each in range(before)))
        result = judged(past, at(LOOK, (first, 240), (first + 1, 240)))
        assert result.verdict is V.SUSPECT
        start = f"{first // 6}h" if first % 6 == 0 else f"{first // 6}h{first % 6}0m"
        end = f"{(first + 2) // 6}h{(first + 2) % 6}0m"
        assert f"; 480 of them from T0+{start} to T0+{end}, over since" in result.message

    def test_one_that_goes_on_is_said_to(self) -> None:
        assert "; 480 of them since T0+47h40m, still" in judged(at(DAY), at(LOOK, (286, 240), (287, 240))).message

    @given(st.lists(st.floats(0, 50), min_size=1, max_size=60))
    def test_no_hour_counts_for_more_than_one(self, counted: list[float]) -> None:
        found = one_an_hour(np.array(counted))
        for first in range(0, len(counted), 6):
            total = sum(counted[first : first + 6])
            assert found[first : first + 6].sum() == pytest.approx(min(total, 1.0))
        assert (found <= np.array(counted)).all()

    def test_a_gap_stays_one(self) -> None:
        assert np.isnan(one_an_hour(np.array([np.nan, 3.0]))[0])
        assert one_an_hour(np.array([np.nan, 3.0]))[1] == 1


class TestABurstLongAgo:
    past = at(WEEK, *((288 + each, 1) for each in range(12)))

    @pytest.mark.parametrize("every", [6, 12])
    def test_does_not_hide_what_keeps_coming(self, every: int) -> None:
        result = judged(self.past, at(LOOK, *((each, 1) for each in range(3, LOOK, every))))
        assert result.verdict is V.DEGRADED
        assert f"; {LOOK // every} of its hours have any against " in result.message

    def test_nor_what_goes_on_at_the_end(self) -> None:
        result = judged(self.past, at(LOOK, *((each, 1) for each in range(LOOK - 48, LOOK))))
        assert result.verdict is V.SUSPECT
        assert "; but 48 in the last 12h against 0.857 expected" in result.message

    def test_another_one_like_it_is_nothing_new(self) -> None:
        result = judged(self.past, at(LOOK, *((100 + each, 1) for each in range(12))))
        assert result.verdict is V.INCONCLUSIVE

    def test_nor_is_what_stays_within_three(self) -> None:
        assert judged(self.past, at(LOOK, *((60 * each, 1) for each in range(int(FEWEST))))).verdict not in (
            V.DEGRADED,
            V.SUSPECT,
        )

    def test_none_since_is_good(self) -> None:
        assert judged(self.past, at(LOOK)).verdict in GOOD
