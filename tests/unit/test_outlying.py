"""A single block far off is named and bounded: a drift beside it is seen, and what is bad in it is not promoted."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.reasons import Reason
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Finding
from driftreview.domain.measured import Case, Grid
from driftreview.domain.outlying import _outlying, bounded
from driftreview.domain.regression import Panel
from driftreview.domain.together import judge_together
from tests.builders import noise, side, signal

V = SignalVerdict
GOOD = {V.STABLE, V.ACCEPTABLE, V.IMPROVED}
WEEK, LOOK = 1008, 288
RELATIVE, ABSOLUTE = {"relative": "5%"}, {"absolute": "5"}


def around(level: float, count: int, seed: int) -> list[float | None]:
    return [level * math.exp(0.03 * each) for each in noise(count, seed, 0.5)]


def found(times: float, level: float = 100, at: tuple[int, ...] = (50,), blocks: int = LOOK, **fields: Any) -> Finding:
    now = around(level, blocks, 2)
    for index in at:
        now[index] = (now[index] or 0.0) * times
    case = Case.of(signal(**fields), side(around(100, WEEK, 1)), side(now))
    return judge_together([case], Grid(1 / 6, closes=48), 0.0125)[0]


class TestAtALook:
    @pytest.mark.parametrize("margin", [RELATIVE, ABSOLUTE])
    @pytest.mark.parametrize("times", [5, 1000, 1e6])
    @pytest.mark.parametrize("blocks", [72, LOOK])
    def test_a_drift_beside_it_is_seen(self, times: float, margin: dict[str, str], blocks: int) -> None:
        assert found(times, 115, blocks=blocks, margin=margin).verdict is V.DEGRADED

    @pytest.mark.parametrize("margin", [RELATIVE, ABSOLUTE])
    @pytest.mark.parametrize(("blocks", "at"), [(6, 0), (6, 4), (36, 3), (LOOK, 0), (LOOK, 286)])
    def test_it_is_no_drift_by_itself_and_not_good_either(self, margin: dict[str, str], blocks: int, at: int) -> None:
        said = found(1000, at=(at,), blocks=blocks, margin=margin)
        assert (said.verdict, said.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)

    def test_what_the_mean_can_bear_is_good(self) -> None:
        for margin in (RELATIVE, ABSOLUTE):
            assert found(3, margin=margin).verdict in GOOD
            assert found(0.001, margin=margin).verdict in GOOD

    def test_it_is_named(self) -> None:
        message = found(1000, 115).message
        assert "; its block at T0+8h20m, 1" in message
        assert " s, counts as 1" in message
        assert "counts as" not in found(1, 115).message

    def test_lower_is_mirrored(self) -> None:
        assert found(0.001, 85, worse="Lower").verdict is V.DEGRADED
        assert found(0.001, worse="Lower").verdict is V.INCONCLUSIVE
        assert found(1000, worse="Lower").verdict in GOOD

    def test_two_of_them_count_in_full(self) -> None:
        said = found(1000, at=(50, 100))
        assert said.verdict is V.INCONCLUSIVE
        assert "counts as" not in said.message

    def test_an_alert_limit_forgets_nothing(self) -> None:
        assert found(1000, margin=None, limits={"alert": "200"}).verdict is V.SUSPECT


def row(before: list[float], now: list[float]) -> Panel:
    return Panel(np.array([[*before, *now]]), len(before), 0, 1 / 6)


class TestTheBound:
    def test_what_the_baseline_did_is_not_bounded(self) -> None:
        before = [*([0.0, 0.1] * 20), 5.0]
        assert bounded(row(before, [0.0, 0.1, 4.9, 0.1, 0.0, 0.1]))[1] == (None,)
        _, (outlying,) = bounded(row(before, [0.0, 0.1, 7.0, 0.1, 0.0, 0.1]))
        assert outlying is not None
        assert (outlying.block, outlying.found) == (2, 7.0)
        assert outlying.counted == pytest.approx(0.1 + 4.9)
        assert outlying.cut == pytest.approx((7.0 - 0.1 - 4.9) / 6)

    def test_it_rises_with_the_window(self) -> None:
        assert bounded(row([0.0, 1.0] * 20, [100.0, 101.0] * 6))[1] == (None,)

    @pytest.mark.parametrize("before", [[], [math.nan] * 6])
    def test_without_a_baseline_nothing_is_known(self, before: list[float]) -> None:
        assert bounded(row(before, [0.0] * 5 + [1.0]))[1] == (None,)

    @given(
        before=st.lists(st.floats(-1e3, 1e3) | st.just(math.nan), min_size=6, max_size=30),
        now=st.lists(st.floats(-1e3, 1e3) | st.just(math.nan), min_size=6, max_size=30),
    )
    def test_one_block_at_most_is_nearer_to_the_others_and_no_other_is_touched(
        self, before: list[float], now: list[float]
    ) -> None:
        panel = row(before, now)
        after, (outlying,) = bounded(panel)
        changed = np.flatnonzero((after.values != panel.values)[0] & np.isfinite(panel.values[0]))
        assert list(changed) == ([] if outlying is None else [len(before) + outlying.block])
        if outlying is not None:
            middle = float(np.nanmedian(now))
            assert abs(outlying.counted - middle) < abs(outlying.found - middle)
            assert (outlying.counted - middle) * (outlying.found - middle) >= 0
            assert float(np.nanmean(now)) - float(np.nanmean(after.values[0, len(before) :])) == pytest.approx(
                outlying.cut, abs=1e-9
            )


@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from([1, 2, 5, 8, 50]), st.sampled_from([0.0, 0.1, 1.0]))
def test_the_quick_look_passes_over_none(seed: int, blocks: int, times: float, gaps: float) -> None:
    chance = np.random.default_rng(seed)
    values = chance.standard_normal((20, 80 + blocks))
    values[:, 80 + chance.integers(blocks)] *= times
    values[chance.random(values.shape) < gaps * chance.random((20, 1))] = np.nan
    _, found = bounded(Panel(values, 80, 0, 1 / 6))
    assert found == tuple(_outlying(row[:80], row[80:]) for row in values)
