"""What is bad in the very last block is never good, what is back by then no drift, and either is told with its time."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Finding
from driftreview.domain.measured import Case, Grid
from driftreview.domain.measuring import measure
from driftreview.domain.stretch import Excess, Stretch
from driftreview.domain.together import judge_together
from tests.builders import growth, noise, side, signal

V = SignalVerdict
GOOD = {V.STABLE, V.ACCEPTABLE, V.IMPROVED}
WEEK, LOOK = 1008, 288
POINTS: Any = {"margin": {"absolute": "500m"}, "unit": "%"}


def around(level: float, count: int, seed: int) -> list[float]:
    return [level * math.exp(0.05 * each) for each in noise(count, seed, 0.5)]


def judged(declared: Any, now: list[Any], level: float = 0.3, budget: float = 0.0125, seen: int = 0) -> Finding:
    case = Case.of(declared, side(around(level, WEEK, 1)), side(now))
    return judge_together([case], Grid(1 / 6, seen=seen, closes=48), budget)[0]


def ending(value: float, blocks: int = 1, window: int = LOOK, level: float = 0.3) -> list[float]:
    return [*around(level, window - blocks, 2), *[value] * blocks]


class TestBadAtLast:
    @pytest.mark.parametrize(
        ("declared", "value", "level"),
        [
            (signal(**POINTS), 100.0, 0.3),
            (signal(**POINTS), 20.0, 0.3),
            (signal(margin={"absolute": "2"}, unit="%"), 100.0, 0.3),
            (signal(margin={"absolute": "500m"}, limits={"alert": "5"}, unit="%"), 20.0, 0.3),
            (signal(margin=None, limits={"alert": "5"}, unit="%"), 20.0, 0.3),
            (signal(margin={"relative": "10%"}), 800.0, 80),
            (signal(margin={"relative": "20%"}, worse="Lower"), 8.0, 80),
            (signal(margin={"relative": "20%"}, worse="Either"), 8.0, 80),
            (signal(margin={"relative": "20%"}, worse="Either"), 800.0, 80),
            (signal(margin={"absolute": "100"}), 3000.0, 1000),
        ],
    )
    @pytest.mark.parametrize("window", [6, 36, 144, LOOK])
    @pytest.mark.parametrize("blocks", [1, 2])
    def test_it_is_not_known_to_be_over(
        self, declared: Any, value: float, level: float, window: int, blocks: int
    ) -> None:
        said = judged(declared, ending(value, blocks, window, level), level)
        assert said.verdict in ({V.SUSPECT} if blocks == 1 else {V.SUSPECT, V.DEGRADED, V.INCONCLUSIVE})

    @pytest.mark.parametrize("least", [0.0, 0.3])
    def test_it_is_told_since_when(self, least: float) -> None:
        now = [*[least] * (LOOK - 1), 100.0]
        case = Case.of(signal(**POINTS), side([least] * WEEK), side(now))
        said = judge_together([case], Grid(1 / 6, since=1.0, closes=49), 0.0125)[0]
        assert said.verdict is V.SUSPECT
        assert "; but 100% for 10m since T0+48h50m, still; " in said.message

    def test_an_earlier_one_does_not_hide_it(self) -> None:
        now = ending(20.0)
        now[60] = 20.0
        assert judged(signal(**POINTS), now).verdict is V.SUSPECT

    def test_what_is_over_or_within_the_margin_or_as_the_baseline_was_is_forgiven(self) -> None:
        over = [*ending(20.0, window=LOOK - 1), 0.3]
        assert judged(signal(**POINTS), over).verdict in GOOD
        assert judged(signal(margin={"absolute": "20"}, unit="%"), ending(20.0)).verdict in GOOD
        before = around(0.3, WEEK, 1)
        before[500] = 25.0
        case = Case.of(signal(**POINTS), side(before), side(ending(20.0)))
        assert judge_together([case], Grid(1 / 6, closes=48), 0.0125)[0].verdict in GOOD

    def test_the_end_in_the_last_blocks_is_told_as_it_is(self) -> None:
        now = [each * (3 if LOOK - 9 <= at < LOOK - 3 else 1) for at, each in enumerate(around(80, LOOK, 2))]
        message = judged(signal(margin={"relative": "20%"}), now, 80).message
        assert re.search(
            r"; but \+7\d\.\d% in its last 6 blocks: 2[34]\d s for 1h from T0\+46h30m to T0\+47h30m, over since",
            message,
        )

    @pytest.mark.parametrize("seed", range(20))
    def test_noise_is_no_end(self, seed: int) -> None:
        declared = signal(margin={"relative": "15%"}, limits={"alert": "100"})
        assert judged(declared, around(80, LOOK, seed + 10), 80).verdict in GOOD

    @pytest.mark.parametrize(("before", "verdicts"), [(1000, {V.SUSPECT}), (3100, GOOD)])
    def test_so_it_is_with_growth_and_a_limit(self, before: float, verdicts: set[V]) -> None:
        old = around(1000, WEEK, 1)
        old[100] = before
        case = Case.of(growth(limits={"perHour": "20", "alert": "2000"}), side(old), side(ending(3000.0, level=1000)))
        said = judge_together([case], Grid(1 / 6, closes=48), 0.0125)[0]
        assert said.verdict in verdicts
        assert ("; but 3000 MB for 10m since T0+47h50m, still, limit 2000 MB" in said.message) == (
            verdicts == {V.SUSPECT}
        )


class TestBackAtLast:
    @pytest.mark.parametrize("budget", [0.0125, 0.05, 0.2])
    @pytest.mark.parametrize("bad", [3, 4, 5])
    @pytest.mark.parametrize("times", [10, 300])
    def test_a_cold_start_that_is_over_is_not_rolled_back(self, budget: float, bad: int, times: float) -> None:
        now = [each * (times if at < bad else 1) for at, each in enumerate(around(0.3, 6, 2))]
        said = judged(signal(**POINTS), now, budget=budget)
        assert said.verdict in {V.SUSPECT, V.INCONCLUSIVE}
        assert "counts as" not in said.message
        assert re.search(rf"; at worst [\d.]+% for {bad}0m from T0\+0s to T0\+{bad}0m, over since", said.message)

    def test_one_that_goes_on_is(self) -> None:
        assert judged(signal(**POINTS), [100.0] * 6).verdict is V.DEGRADED
        assert judged(signal(**POINTS), [*[20.0] * 35, 0.3]).verdict is V.DEGRADED

    @pytest.mark.parametrize("declared", [signal(**POINTS), signal(margin=None, limits={"alert": "5"}, unit="%")])
    def test_one_block_that_is_back_is_half_of_the_end_of_an_hour(self, declared: Any) -> None:
        said = judged(declared, [*[100.0] * 5, 0.3], budget=0.2)
        assert said.verdict is V.SUSPECT
        assert re.search(r"; but [+-]?0[\d.e-]*(%| pp) in its last block: it may have healed; ", said.message)

    @pytest.mark.parametrize("good", [1, 2, 5])
    def test_what_is_back_is_counted(self, good: int) -> None:
        now = [*[20.0] * 30, *[0.3] * good]
        each = measure([Case(signal(**POINTS), side(around(0.3, WEEK, 1)), side(now))], Grid(1 / 6))[0]
        assert Excess.of(each).back_for(0.25) == good


class TestWhatIsExpected:
    @pytest.mark.parametrize("blocks", [3, 4, 5])
    @pytest.mark.parametrize("worse", ["Higher", "Lower", "Either"])
    def test_a_bad_part_of_the_window_does_not_bend_it(self, blocks: int, worse: str) -> None:
        bad = [100.0] * blocks
        for now in ([*bad, *around(0.3, 36 - blocks, 2)], [*around(0.3, 36 - blocks, 2), *bad]):
            said = judged(signal(**POINTS, worse=worse), now)
            assert said.estimate is not None
            assert said.estimate.baseline == pytest.approx(0.3, rel=0.05)
            assert "% against 0.3" in said.message

    def test_what_was_below_zero_may_be(self) -> None:
        before = [each - 0.5 for each in around(0.3, WEEK, 1)]
        now = [*[100.0] * 4, *(each - 0.5 for each in around(0.3, 32, 2))]
        case = Case.of(signal(**POINTS), side(before), side(now))
        assert "against -0." in judge_together([case], Grid(1 / 6, closes=48), 0.0125)[0].message


@given(
    st.lists(st.floats(-1e3, 1e3) | st.just(math.nan), min_size=1, max_size=40),
    st.data(),
)
def test_a_stretch_is_at_least_half_as_bad_throughout_and_no_longer_can_be(blocks: list[float], data: Any) -> None:
    row = np.array(blocks)
    bad = [at for at, each in enumerate(blocks) if each > 0]
    if not bad:
        return
    at = data.draw(st.sampled_from(bad))
    found = Excess(row, row, 0.0).around(at)
    assert found.first <= at < found.after
    assert all(row[found.first : found.after] > row[at] / 2)
    assert found.first == 0 or not row[found.first - 1] > row[at] / 2
    assert found.after == len(row) or not row[found.after] > row[at] / 2
    assert (not found.became) == (not np.isfinite(row[found.after :]).any())
    assert found.number >= 1


def test_the_words() -> None:
    assert Stretch(3, 6, 0.25, "", 1).told("s", Grid(1 / 6)) == "250 ms for 30m since T0+30m, still"
    assert Stretch(0, 6, 100.0, "over since", 3).told("%", Grid(1 / 6, since=1.0)) == (
        "100% for 1h from T0+1h to T0+2h, over since, one of 3 as bad"
    )


@pytest.mark.parametrize("now", [[0.0] * 4 + [1.7e308] * 2, [1.7e308, -1.7e308] * 18, [1e-320] * 36])
@pytest.mark.parametrize("declared", [signal(**POINTS), signal(margin=None, limits={"alert": "5"})])
def test_blocks_however_large_or_small_have_a_verdict_and_no_warning(now: list[float], declared: Any) -> None:
    assert judged(declared, now).message


M = 1.7e308


@pytest.mark.parametrize("before", [[-M] * 144, [M] * 144, [M, -M] * 72, [1.0] * 144])
@pytest.mark.parametrize("now", [[-M, M] * 18, [M, -M] * 18, [-M] * 35 + [M], [M] * 36])
@pytest.mark.parametrize("worse", ["Higher", "Lower"])
@pytest.mark.parametrize("alert", ["2000", "-1E"])
def test_so_it_is_with_growth(before: list[float], now: list[float], worse: str, alert: str) -> None:
    declared = growth(limits={"perHour": "20", "alert": alert}, worse=worse)
    case = Case.of(declared, side(before), side(now))
    assert judge_together([case], Grid(1 / 6, closes=48), 0.0125)[0].message


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.lists(st.floats(-1e6, 1e6), max_size=40))
def test_what_is_bad_at_last_has_no_scale(blocks: list[float], known: list[float]) -> None:
    """However large all of it is: the same stretch."""
    row, before = np.array(blocks), np.array(known)
    small, large = (Excess(row * times, row, 0.0).bad_at_last(before * times) for times in (1.0, 2.0**1000))
    if small is not None:
        assert small == large
