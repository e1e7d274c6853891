"""What holds for any evidence: no scale, no order, worse is never better, and always a verdict."""

import math
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.signal import Mode, OnMissing, Signal
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.domain.finding import FEWEST_BLOCKS, Finding
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.measured import Case, Grid
from driftreview.domain.result import WORST_FIRST
from driftreview.domain.together import judge_together
from tests.builders import evidence, noise, series, side, signal, snapshot, spec

GRID = Grid(1 / 6, seen=6)
BUDGET = 0.0125
GOOD = {SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED}
MARGINS = st.sampled_from(["0%", "5%", "20%"])
SEEDS = st.integers(0, 10_000)
SHARES = st.sampled_from([0.0, 0.001, 0.02, 0.1, 0.5])
SHIFTS = st.floats(-0.5, 0.5)

Row = list[float | None]
ANY = (
    st.none()
    | st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, -1e300, 5e-324, 1.7e308])
    | st.floats(allow_nan=False, allow_infinity=False)
)


@st.composite
def rows(draw: st.DrawFn, least: int = 0, most: int = 60) -> Row:
    """Blocks of one side: anything, or constant, or with runs of gaps."""
    count = draw(st.integers(least, most))
    made: Row
    match draw(st.sampled_from(["any", "constant", "noise", "integers"])):
        case "any":
            made = draw(st.lists(ANY, min_size=count, max_size=count))
        case "constant":
            made = [draw(ANY)] * count
        case "noise":
            level, size = draw(st.floats(-1e6, 1e6)), draw(st.sampled_from([1e-12, 1.0, 1e3]))
            made = [level + size * each for each in noise(count, draw(SEEDS), draw(st.sampled_from([0.0, 0.9])))]
        case _:
            made = [float(round(each)) for each in noise(count, draw(SEEDS))]
    if count and draw(st.booleans()):
        first = draw(st.integers(0, count - 1))
        run = draw(st.integers(1, count))
        made = [None if first <= index < first + run else value for index, value in enumerate(made)]
    return made


def drawn(seed: int, share: float, shift: float, before: int = 150, after: int = 36) -> tuple[list[float], list[float]]:
    """Values above zero on both sides; the shift is one of logarithms."""
    values = [100 * math.exp(share * each) for each in noise(before + after, seed, 0.3)]
    return values[:before], [value * math.exp(shift) for value in values[before:]]


def judged(declared: Signal, before: Sequence[float], now: Sequence[float]) -> Finding:
    return judge_together([Case.of(declared, side(before), side(now))], GRID, BUDGET)[0]


def rank(finding: Finding) -> int:
    """The higher, the better."""
    return WORST_FIRST.index(finding.verdict)


@given(
    seed=SEEDS,
    share=SHARES,
    shift=SHIFTS,
    margin=MARGINS,
    factor=st.sampled_from([2.0**-900, 2.0**-10, 2.0**10, 2.0**900]),
)
def test_relative_margins_know_no_unit(seed: int, share: float, shift: float, margin: str, factor: float) -> None:
    before, now = drawn(seed, share, shift)
    declared = signal(margin={"relative": margin})
    scaled = judged(declared, [factor * value for value in before], [factor * value for value in now])
    assert scaled.verdict is judged(declared, before, now).verdict


@given(
    seed=SEEDS,
    share=SHARES,
    shift=SHIFTS,
    offset=st.sampled_from([0, -100, -1000]),
    power=st.sampled_from([-6, -3, 3, 6]),
)
def test_absolute_margins_and_limits_scale_with_the_values(
    seed: int, share: float, shift: float, offset: float, power: int
) -> None:
    before, now = ([value + offset for value in row] for row in drawn(seed, share, shift))
    factor = 10.0**power

    def declared(by: float) -> Signal:
        absolute, alert = (f"{by * each:.9f}" for each in (7, 130 + offset))
        return signal(margin={"absolute": absolute}, limits={"alert": alert})

    scaled = judged(declared(factor), [factor * value for value in before], [factor * value for value in now])
    assert scaled.verdict is judged(declared(1), before, now).verdict


@given(seed=SEEDS, share=SHARES, shift=SHIFTS, margin=MARGINS, more=st.floats(1, 10), worse=st.sampled_from([1, -1]))
def test_a_factor_for_the_worse_never_improves_the_verdict(
    seed: int, share: float, shift: float, margin: str, more: float, worse: int
) -> None:
    before, now = drawn(seed, share, shift)
    declared = signal(
        margin={"relative": margin},
        limits={"alert": "120" if worse > 0 else "80"},
        worse="Higher" if worse > 0 else "Lower",
    )
    harmed = judged(declared, before, [value * more**worse for value in now])
    assert rank(harmed) <= rank(judged(declared, before, now))


@st.composite
def parts(draw: st.DrawFn, count: int = 36) -> list[int]:
    """Some blocks of a window: one, its end, a stretch, every so many, or any."""
    first = draw(st.integers(0, count - 1))
    match draw(st.sampled_from(["one", "end", "stretch", "every", "any"])):
        case "one":
            return [first]
        case "end":
            return list(range(first, count))
        case "stretch":
            return list(range(first, min(first + draw(st.integers(2, 12)), count)))
        case "every":
            return list(range(first % 6, count, draw(st.integers(2, 6))))
    return draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=count, unique=True))


@settings(max_examples=500)
@given(
    windows=st.builds(drawn, SEEDS, SHARES, SHIFTS),
    margin=st.sampled_from([{"relative": "5%"}, {"relative": "30%"}, {"relative": "60%"}, {"absolute": "20"}]),
    worse=st.sampled_from(["Higher", "Lower", "Either"]),
    harms=st.lists(st.tuples(parts(), st.sampled_from([1.3, 2.0, 5.0, 100.0, 1e6, math.inf])), min_size=1, max_size=2),
)
def test_worse_blocks_never_make_a_window_good(
    windows: tuple[list[float], list[float]], margin: dict[str, str], worse: str, harms: list[tuple[list[int], float]]
) -> None:
    """Down to nothing at all where less is worse. Degraded may become open: what is far off is noise as well."""
    before, now = windows
    declared = signal(margin=margin, worse=worse)
    found = judged(declared, before, now)
    is_up = worse == "Higher" or (worse == "Either" and found.delta.startswith("+"))
    was_good = found.verdict in GOOD
    for blocks, factor in harms:
        for at in blocks:
            now[at] = min(now[at] * factor, 1e12) if is_up else now[at] / factor
        is_good = judged(declared, before, now).verdict in GOOD
        assert was_good or not is_good
        was_good = is_good


@given(seed=SEEDS, share=SHARES, shift=SHIFTS, margin=MARGINS, more=st.floats(0, 1000), worse=st.sampled_from([1, -1]))
def test_a_constant_for_the_worse_never_improves_the_verdict_of_values_around_zero(
    seed: int, share: float, shift: float, margin: str, more: float, worse: int
) -> None:
    before, now = ([value - 100 for value in row] for row in drawn(seed, share, shift))
    before[0] = now[0] = -1.0  # linear, whatever the noise
    declared = signal(margin={"relative": margin, "absolute": "2"}, worse="Higher" if worse > 0 else "Lower")
    harmed = judged(declared, before, [now[0], *(value + worse * more for value in now[1:])])
    assert rank(harmed) <= rank(judged(declared, before, now)) or more < 1e-6 * max(map(abs, now))


@given(seed=SEEDS, share=SHARES, shift=SHIFTS)
def test_lower_on_logarithms_is_higher_of_one_divided_by_it(seed: int, share: float, shift: float) -> None:
    before, now = drawn(seed, share, shift)
    higher = signal(margin={"relative": "25%"}, limits={"alert": "160"})
    lower = signal(margin={"relative": "20%"}, limits={"alert": "0.00625"}, worse="Lower")  # 1/1.25 is 1 - 0.2
    mirrored = judged(lower, [1 / value for value in before], [1 / value for value in now])
    assert mirrored.verdict is judged(higher, before, now).verdict


@given(seed=SEEDS, share=SHARES, shift=SHIFTS, margin=MARGINS)
def test_lower_on_values_is_higher_of_what_is_below_zero(seed: int, share: float, shift: float, margin: str) -> None:
    before, now = ([value - 100 for value in row] for row in drawn(seed, share, shift))
    before[0] = now[0] = 0.0
    higher = signal(margin={"relative": margin, "absolute": "3"}, limits={"alert": "20"})
    lower = signal(margin={"relative": margin, "absolute": "3"}, limits={"alert": "-20"}, worse="Lower")
    mirrored = judged(lower, [-value for value in before], [-value for value in now])
    assert mirrored.verdict is judged(higher, before, now).verdict


@given(
    cases=st.lists(st.tuples(SEEDS, SHARES, SHIFTS, st.sampled_from(Mode)), min_size=2, max_size=5),
    random=st.randoms(use_true_random=False),
)
def test_the_order_of_series_is_of_no_matter(
    cases: list[tuple[int, float, float, Mode]], random: st.random_module
) -> None:
    made = [
        Case.of(signal(f"s{number}", mode=mode), *map(side, drawn(seed, share, shift)))
        for number, (seed, share, shift, mode) in enumerate(cases)
    ]
    found = judge_together(made, GRID, BUDGET)
    order = list(range(len(made)))
    random.shuffle(order)
    mixed = judge_together([made[index] for index in order], GRID, BUDGET)
    assert [each.verdict for each in mixed] == [found[index].verdict for index in order]


@settings(max_examples=300)
@given(
    before=st.lists(rows(), min_size=1, max_size=3),
    after=st.lists(rows(), min_size=1, max_size=3),
    worse=st.sampled_from(["Higher", "Lower", "Either"]),
    margin=st.sampled_from(
        [{"relative": "5%"}, {"relative": "0%"}, {"absolute": "1"}, {"relative": "1%", "absolute": "2m"}]
    ),
    alert=st.none() | st.sampled_from(["60", "0", "-5"]),
    checkpoint=st.sampled_from(["1h", "6h", "12h"]),
    on_missing=st.sampled_from([OnMissing.HOLD, OnMissing.FAIL]),
)
def test_anything_at_all_gets_a_verdict_twice_the_same_and_nothing_missing_passes(
    before: list[Row],
    after: list[Row],
    worse: str,
    margin: dict[str, str],
    alert: str | None,
    checkpoint: str,
    on_missing: OnMissing,
) -> None:
    limits = None if alert is None or worse == "Either" else {"alert": alert}
    signals = [
        signal(f"s{number}", worse=worse, margin=margin, limits=limits, onMissing=on_missing, minCoverage="1%")
        for number in range(max(len(before), len(after)))
    ]
    old, new = (
        [evidence(f"s{number}", series(row)) for number, row in enumerate(side_rows)] for side_rows in (before, after)
    )
    frozen = snapshot(*old), snapshot(*new, checkpoint=checkpoint, hours=float(checkpoint.strip("h")))
    declared = spec(signals, ["1h", "6h", "12h"])
    once, again = (judge_checkpoint(declared, *frozen) for _ in range(2))
    assert repr(once) == repr(again)
    for result in once.results:
        index = int(result.signal.name[1:])
        present = [value for value in after[index] if value is not None] if index < len(after) else []
        verdict = result.finding.verdict
        assert (verdict is SignalVerdict.MISSING) is not present
        if len(present) < FEWEST_BLOCKS:
            assert verdict in {SignalVerdict.MISSING, SignalVerdict.INCONCLUSIVE}
            assert once.verdict is not Verdict.PASS
        assert "nan" not in result.sentence
        assert "inf" not in result.sentence


@given(before=rows(least=6), after=rows(least=6), seed=SEEDS)
def test_a_neighbour_of_any_kind_does_no_harm(before: Row, after: Row, seed: int) -> None:
    quiet = drawn(seed, 0.01, 0.0)
    frozen = (
        snapshot(evidence("quiet", series(quiet[0])), evidence("odd", series(before))),
        snapshot(evidence("quiet", series(quiet[1])), evidence("odd", series(after)), checkpoint="6h", hours=6),
    )
    result = judge_checkpoint(spec([signal("quiet", margin={"relative": "10%"}), signal("odd")]), *frozen).results[0]
    assert result.finding.verdict in {SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.INCONCLUSIVE}
