"""One series, measured: its scale, its margin and limit on that scale, and how it is shown."""

import math
import sys

import pytest

from driftreview.api.signal import Signal, Worse
from driftreview.domain.family import Bound
from driftreview.domain.finding import Side
from driftreview.domain.measured import Case, Grid, Measured
from driftreview.domain.measuring import measure, panel_of
from driftreview.domain.scale import Scale
from tests.builders import around, side, signal

GRID = Grid(1 / 6)
LARGEST = sys.float_info.max


def measured(declared: Signal, before: list[float] | float | None, now: list[float] | float) -> Measured:
    old = None if before is None else before if isinstance(before, list) else [before] * 36
    new = now if isinstance(now, list) else [now] * 36
    return measure([Case(declared, None if old is None else side(old), side(new))], GRID)[0]


class TestScale:
    @pytest.mark.parametrize(
        ("before", "now", "alert", "log"),
        [
            (100, 200, None, True),
            (100, 200, "150", True),
            (100, 200, "0", False),
            (100, 200, "-5", False),
            (0, 200, None, False),
            (100, [200.0] * 35 + [0.0], None, False),
            (-1, 1, None, False),
            (5e-324, 1.7e308, None, True),
        ],
    )
    def test_logarithms_where_every_value_and_the_limit_are_above_zero(
        self,
        before: float,
        now: float | list[float],
        alert: str | None,
        log: bool,  # noqa: FBT001
    ) -> None:
        limits = None if alert is None else {"alert": alert}
        assert measured(signal(margin={"relative": "5%"}, limits=limits), before, now).scale.log is log

    def test_blocks_without_samples_are_no_values(self) -> None:
        case = Case(signal(), side([1.0, None, 2.0] * 12), side([None, 3.0, 4.0] * 6))
        assert measure([case], GRID)[0].scale.log

    @pytest.mark.parametrize("scale", [Scale(log=True), Scale(log=True, sign=-1), Scale(log=False, sign=-1, unit=7.0)])
    @pytest.mark.parametrize("value", [1e-300, 0.5, 1, 7e9, 1e300])
    def test_there_and_back(self, scale: Scale, value: float) -> None:
        assert scale.back(scale.to(value)) == pytest.approx(value, rel=1e-12)

    @pytest.mark.parametrize("compared", [-1e9, -745.2, 709.8, 1e9])
    def test_back_is_always_a_float_above_zero_on_logarithms(self, compared: float) -> None:
        assert 0 < Scale(log=True).back(compared) <= LARGEST

    def test_back_is_always_finite_on_values(self) -> None:
        assert Scale(log=False, unit=1.7e308).back(-3) == -LARGEST

    def test_all_zeros_have_a_unit(self) -> None:
        _, (scale,) = panel_of([Case(signal(), None, side([0.0] * 9))], GRID)
        assert scale.unit == 1


class TestDirection:
    @pytest.mark.parametrize(
        ("worse", "now", "sign", "is_worse"),
        [
            (Worse.HIGHER, 110, 1, True),
            (Worse.HIGHER, 90, 1, False),
            (Worse.LOWER, 110, -1, False),
            (Worse.LOWER, 90, -1, True),
            (Worse.EITHER, 110, 1, True),
            (Worse.EITHER, 90, -1, True),
        ],
    )
    @pytest.mark.parametrize("offset", [0, -100])
    def test_up_is_worse(
        self,
        worse: Worse,
        now: float,
        sign: int,
        is_worse: bool,  # noqa: FBT001
        offset: float,
    ) -> None:
        found = measured(signal(worse=worse), 100 + offset, now + offset)
        assert found.scale.sign == sign
        assert (found.step > 0) is is_worse
        assert found.current == pytest.approx(now + offset)
        assert found.expected == pytest.approx(100 + offset)

    def test_what_the_baseline_did_is_looked_at_in_the_direction_that_is_worse(self) -> None:
        before = [100.0] * 60 + [80.0] * 10 + [100.0] * 66
        up, down = (measured(signal(worse=each), before, [101.0] * 10) for each in (Worse.HIGHER, Worse.LOWER))
        assert up.unlike < 0.05
        assert down.unlike == pytest.approx(-math.log(0.8), rel=0.05)


class TestMargin:
    @pytest.mark.parametrize(
        ("margin", "worse", "now", "expected"),
        [
            ({"relative": "25%"}, "Higher", 100, math.log(1.25)),
            ({"relative": "20%"}, "Lower", 100, -math.log(0.8)),
            ({"relative": "0%", "absolute": "30"}, "Higher", 100, math.log(1.3)),
            ({"relative": "0%", "absolute": "30"}, "Lower", 100, -math.log(0.7)),
            ({"relative": "25%", "absolute": "30"}, "Higher", 100, math.log(1.3)),
            ({"relative": "40%", "absolute": "30"}, "Higher", 100, math.log(1.4)),
            ({"relative": "25%"}, "Either", 101, math.log(1.25)),
            ({"relative": "25%"}, "Either", 99, -math.log(0.75)),
            ({"relative": "0%"}, "Higher", 100, 0),
            # Less than nothing is not possible: it may fall as it likes.
            ({"relative": "100%"}, "Lower", 1, math.inf),
            ({"relative": "0%", "absolute": "200"}, "Lower", 1, math.inf),
        ],
    )
    def test_on_logarithms(self, margin: dict[str, str], worse: str, now: float, expected: float) -> None:
        assert measured(signal(margin=margin, worse=worse), 100, now).margin == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("margin", "before", "now", "expected"),
        [
            ({"relative": "25%"}, -100, -90, 25),
            ({"absolute": "30"}, -100, -90, 30),
            ({"relative": "25%", "absolute": "30"}, -100, -90, 30),
            ({"relative": "40%", "absolute": "30"}, -100, -90, 40),
            ({"relative": "25%"}, 0, 3, 0),
            ({"relative": "25%", "absolute": "2"}, 0, 3, 2),
        ],
    )
    @pytest.mark.parametrize("worse", ["Higher", "Lower", "Either"])
    def test_on_values(self, margin: dict[str, str], before: float, now: float, expected: float, worse: str) -> None:
        found = measured(signal(margin=margin, worse=worse), before, now)
        assert found.margin is not None
        assert found.margin * found.scale.unit == pytest.approx(expected)

    def test_there_is_none_without_a_baseline_or_a_margin(self) -> None:
        assert measured(signal(), None, 100).margin is None
        assert measured(signal(limits={"alert": "150"}), 100, 100).margin is None

    @pytest.mark.parametrize("worse", ["Higher", "Lower", "Either"])
    @pytest.mark.parametrize(("before", "now"), [(5e-324, 1), (1.7e308, 1), (1, 5e-324), (-1.7e308, 1.7e308)])
    def test_it_is_a_number_whatever_the_values(self, before: float, now: float, worse: str) -> None:
        for margin in ({"relative": "0%"}, {"relative": "5%"}, {"absolute": "1"}):
            found = measured(signal(margin=margin, worse=worse), before, now).margin
            assert found is not None
            assert found >= 0


class TestAlert:
    @pytest.mark.parametrize(
        ("worse", "now", "beyond"), [("Higher", 160, True), ("Higher", 140, False), ("Lower", 140, True)]
    )
    @pytest.mark.parametrize("offset", [0, -1000])
    def test_beyond_it_is_up(self, worse: str, now: float, beyond: bool, offset: float) -> None:  # noqa: FBT001
        declared = signal(limits={"alert": str(150 + offset)}, worse=worse)
        found = measured(declared, None, now + offset)
        assert found.alert is not None
        assert (found.level > found.alert) is beyond
        assert (found.beyond_alert < 1e-6) is beyond

    def test_there_is_none_if_none_is_declared(self) -> None:
        assert measured(signal(), 100, 100).alert is None


class TestTails:
    def test_a_step_just_as_tolerated_is_an_even_chance(self) -> None:
        found = measured(signal(), around(100, 100), around(105, 36, 2))
        assert found.worse_than(found.step) == pytest.approx(0.5)
        assert found.worse_than(found.step - 1) < 1e-9
        assert found.worse_than(found.step + 1) == pytest.approx(1)

    def test_either_direction_is_twice_as_probable_and_no_more_than_sure(self) -> None:
        rows = (list[float](around(100, 100)), list[float](around(101, 36, 2)))
        one, both = (measured(signal(worse=each), *rows) for each in ("Higher", "Either"))
        assert both.worse_than(0) == pytest.approx(2 * one.worse_than(0))
        assert both.worse_than(1) == 1

    def test_its_reach_leaves_what_it_should(self) -> None:
        found = measured(signal(), around(100, 100), around(105, 36, 2))
        assert found.worse_than(found.step - found.reach(0.05) * found.error) == pytest.approx(0.05)


class TestTogether:
    def test_noise_is_learnt_over_those_with_a_baseline_and_those_without_apart(self) -> None:
        compared = Case(signal(), side(around(100, 100)), side(around(100, 36, 2)))
        alone = Case(signal(limits={"alert": "150"}), None, side(around(100, 36, 3)))
        assert measure([alone, compared, alone], GRID)[1] == measure([compared], GRID)[0]
        assert measure([compared, alone], GRID)[1] == measure([alone], GRID)[0]

    def test_series_of_different_lengths(self) -> None:
        cases = [
            Case(signal(), side(around(100, before)), side(around(105, now, 2)))
            for before, now in ((100, 36), (60, 36), (100, 20))
        ]
        for case, found in zip(cases, measure(cases, GRID), strict=True):
            assert found.step == pytest.approx(measure([case], GRID)[0].step)

    def test_fresh_is_the_step_of_what_the_look_before_did_not_have(self) -> None:
        case = Case(signal(), side([100.0] * 36), Side((*[100.0] * 6, *[110.0] * 6)))
        assert measure([case], Grid(1 / 6, seen=6))[0].fresh == pytest.approx(math.log(1.1))
        assert measure([case], GRID)[0].fresh == pytest.approx(math.log(1.1) / 2)


@pytest.mark.parametrize("now", [90, 100, 103, 105, 106, 150])
@pytest.mark.parametrize("worse", list(Worse))
def test_a_claim_is_its_probability_wherever_a_budget_could_be_as_large(now: float, worse: Worse) -> None:
    each = measured(signal(worse=worse), [*around(100, 144)], [*around(now, 36, 2)])  # type: ignore[list-item]
    assert each.margin is not None
    said = each.claims
    for claimed, step in ((said.beyond[Bound.MARGIN], each.margin), (said.worse, 0.0)):
        assert claimed == each.worse_than(step) or (claimed == 1 and each.worse_than(step) >= 0.5)
