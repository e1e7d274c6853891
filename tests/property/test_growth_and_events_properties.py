"""What holds for any Growth or Events signal: worse is never better, no order, no unit, mirrored, always a verdict."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from driftreview.api.signal import Mode, Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Finding, Side
from driftreview.domain.measured import Case, Grid
from driftreview.domain.result import WORST_FIRST
from driftreview.domain.together import judge_together
from tests.builders import events, growth, noise, side, signal

GRID = Grid(1 / 6, seen=6)
BUDGET = 0.0125
SEEDS = st.integers(0, 10_000)
BEFORE, NOW = 144, 36
PASSES = WORST_FIRST.index(SignalVerdict.ACCEPTABLE)

Row = list[float | None]
ANY = (
    st.none()
    | st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, -1e300, 5e-324, 1.7e308])
    | st.floats(allow_nan=False, allow_infinity=False)
)
ROWS = st.lists(ANY, min_size=6, max_size=60)
MARGINS = st.sampled_from(
    [{"relative": "50%"}, {"relative": "0%"}, {"absolute": "1"}, {"relative": "20%", "absolute": "500m"}]
)


def judged(declared: Signal, before: Sequence[float | None], now: Sequence[float | None]) -> Finding:
    worst = max((value for value in now if value is not None), default=None)
    case = Case.of(declared, side(before), Side(tuple(now), worst=worst))
    return judge_together([case], GRID, BUDGET)[0]


def rank(finding: Finding) -> int:
    """The higher, the better; all that pass are alike."""
    return min(WORST_FIRST.index(finding.verdict), PASSES)


def leaking(seed: int, per_hour: float, share: float, count: int = NOW) -> list[float]:
    return [200 + per_hour * i / 6 + 200 * share * each for i, each in enumerate(noise(count, seed, 0.3))]


def counted(seed: int, rate: float, blocks: int) -> list[float]:
    """Means of a query that counts in five minutes."""
    return [float(each) / 2 for each in np.random.default_rng(seed).poisson(rate, blocks)]


@given(
    seed=SEEDS,
    share=st.sampled_from([0.0, 0.001, 0.02, 0.2]),
    per_hour=st.floats(-30, 60),
    more=st.floats(0, 60),
    alert=st.none() | st.sampled_from(["150", "220", "400"]),
)
def test_steeper_growth_is_never_better(
    seed: int, share: float, per_hour: float, more: float, alert: str | None
) -> None:
    declared = growth(limits={"perHour": "20"} | ({"alert": alert} if alert else {}))
    before = leaking(seed + 1, 0, share, BEFORE)
    less, steeper = (judged(declared, before, leaking(seed, each, share)) for each in (per_hour, per_hour + more))
    assert rank(steeper) <= rank(less)


@given(seed=SEEDS, per_hour=st.floats(25, 60), low=st.floats(0, 400), more=st.floats(0, 400))
def test_what_is_higher_is_never_better_nor_a_lower_baseline(
    seed: int, per_hour: float, low: float, more: float
) -> None:
    rises = leaking(seed, per_hour, 0.01)
    found = [
        judged(growth("20"), [level] * BEFORE, [each + start for each in rises])
        for level, start in ((500.0, low), (500.0, low + more), (500.0 - more, low))
    ]
    assert rank(found[1]) <= rank(found[0])
    assert rank(found[2]) <= rank(found[0])


@given(
    seed=SEEDS,
    rates=st.tuples(st.sampled_from([0.0, 0.02, 0.3, 5.0]), st.sampled_from([0.0, 0.02, 0.3, 1.0, 5.0, 15.0])),
    margin=MARGINS,
    alert=st.none() | st.sampled_from(["0", "3", "20"]),
    blocks=st.sampled_from([6, 36]),
    extra=st.lists(st.tuples(st.integers(0, 35), st.sampled_from([0.25, 0.5, 1.0, 20.0])), max_size=30),
)
def test_one_event_more_is_never_better(
    seed: int,
    rates: tuple[float, float],
    margin: dict[str, str],
    alert: str | None,
    blocks: int,
    extra: list[tuple[int, float]],
) -> None:
    declared = events(margin, **({"limits": {"alert": alert}} if alert else {}))
    before, now = counted(seed, rates[0], BEFORE), counted(seed + 1, rates[1], blocks)
    fuller = list(now)
    for index, each in extra:
        fuller[index % blocks] += each
    more = judged(declared, before, fuller)
    assume("it may have healed" not in more.message)  # what was worse at first may be the more surely over
    assert rank(more) <= rank(judged(declared, before, now))


@given(
    seed=SEEDS,
    rates=st.tuples(st.sampled_from([0.0, 0.007, 0.1, 2.0]), st.sampled_from([0.0, 0.02, 0.3, 4.0])),
    margin=st.sampled_from([("50%", None), ("0%", None), (None, 0.25), ("20%", 0.5)]),
    times=st.sampled_from([2, 3, 12]),
)
def test_how_long_the_query_counts_is_of_no_matter(
    seed: int, rates: tuple[float, float], margin: tuple[str | None, float | None], times: int
) -> None:
    rows = counted(seed, rates[0], BEFORE), counted(seed + 1, rates[1], NOW)
    found = []
    for factor in (1, times):
        declared = {"relative": margin[0], "absolute": margin[1] and f"{factor * margin[1]:g}"}
        minutes = f"{5 * factor}m"
        signal = events({key: str(value) for key, value in declared.items() if value}, **{"for": minutes})
        found.append(judged(signal, *([factor * each for each in row] for row in rows)))
    assert found[0].verdict is found[1].verdict
    assert (found[0].current, found[0].baseline) == (found[1].current, found[1].baseline)


@given(seed=SEEDS, rate=st.sampled_from([0.3, 5.0]), now=st.sampled_from([0.0, 0.1, 1.0, 5.0]), margin=MARGINS,
       fewer=st.lists(st.integers(0, 35), max_size=30))  # fmt: skip
def test_one_event_fewer_is_never_better_where_fewer_are_worse(
    seed: int, rate: float, now: float, margin: dict[str, str], fewer: list[int]
) -> None:
    declared = events(margin, worse="Lower")
    before, full = counted(seed, rate, BEFORE), counted(seed + 1, now, NOW)
    emptier = [0.0 if index in fewer else value for index, value in enumerate(full)]
    less = judged(declared, before, emptier)
    assume("it may have healed" not in less.message)
    assert rank(less) <= rank(judged(declared, before, full))


@given(seed=SEEDS, share=st.sampled_from([0.001, 0.02, 0.2]), per_hour=st.floats(-30, 60))
def test_shrinking_is_the_mirror_of_growing(seed: int, share: float, per_hour: float) -> None:
    before, now = leaking(seed + 1, 0, share, BEFORE), leaking(seed, per_hour, share)
    up = judged(growth(limits={"perHour": "20", "alert": "300"}), before, now)
    declared = growth(limits={"perHour": "20", "alert": "-300"}, worse="Lower")
    down = judged(declared, [-each for each in before], [-each for each in now])
    assert down.verdict is up.verdict
    if up.estimate is not None and down.estimate is not None:
        assert (down.estimate.lower, down.estimate.upper) == (-up.estimate.upper, -up.estimate.lower)


@pytest.mark.parametrize(("factor", "limit"), [(1000.0, "20k"), (1e-3, "20m"), (2.0**30, "20Gi"), (1e-6, "0.00002")])
@settings(max_examples=25)
@given(seed=SEEDS, share=st.sampled_from([0.001, 0.02, 0.2]), per_hour=st.floats(-30, 60))
def test_the_unit_of_what_grows_is_of_no_matter(
    factor: float, limit: str, seed: int, share: float, per_hour: float
) -> None:
    before, now = leaking(seed + 1, 0, share, BEFORE), leaking(seed, per_hour, share)
    scaled = judged(growth(limit), [factor * each for each in before], [factor * each for each in now])
    assert scaled.verdict is judged(growth("20"), before, now).verdict


@given(
    cases=st.lists(
        st.tuples(SEEDS, st.sampled_from(["Level", "Growth", "Events"]), st.sampled_from(Mode)), min_size=2, max_size=6
    ),
    random=st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_the_order_of_series_of_all_kinds_is_of_no_matter(
    cases: list[tuple[int, str, Mode]], random: st.random_module
) -> None:
    made = []
    for number, (seed, kind, mode) in enumerate(cases):
        name = f"s{number}"
        declared, before, now = {
            "Level": (signal(name, mode=mode), leaking(seed, 0, 0.02, BEFORE), leaking(seed + 1, 10, 0.02)),
            "Growth": (growth("20", name=name, mode=mode), leaking(seed, 0, 0.02, BEFORE), leaking(seed + 1, 25, 0.02)),
            "Events": (events(name=name, mode=mode), counted(seed, 0.3, BEFORE), counted(seed + 1, 1.0, NOW)),
        }[kind]
        made.append(Case.of(declared, side(before), side(now)))
    found = judge_together(made, GRID, BUDGET)
    order = list(range(len(made)))
    random.shuffle(order)
    mixed = judge_together([made[index] for index in order], GRID, BUDGET)
    assert [each.verdict for each in mixed] == [found[index].verdict for index in order]


@settings(max_examples=200)
@given(
    before=ROWS,
    now=ROWS,
    declared=st.sampled_from([
        growth("20"), growth(limits={"perHour": "-5", "alert": "7"}), growth("0", worse="Lower"),
        events(), events({"absolute": "1"}, worse="Lower"), events(worse="Either"),
        events({"relative": "0%"}, limits={"alert": "-3"}), events(limits={"alert": "2"}),
    ]),
)  # fmt: skip
def test_anything_at_all_gets_a_verdict_twice_the_same(before: Row, now: Row, declared: Signal) -> None:
    once, again = (judged(declared, before, now) for _ in range(2))
    assert repr(once) == repr(again)
    assert "nan" not in repr(once)
    if sum(value is not None for value in now) < 6 and declared.limits is None:
        assert once.verdict is SignalVerdict.INCONCLUSIVE
