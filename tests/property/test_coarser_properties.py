"""What longer blocks may and may not change."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.verdicts import Verdict
from driftreview.domain.blocks import block_medians
from driftreview.domain.coarser import Levels
from driftreview.domain.evidence import Look, Measurement, canonical, freeze
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.samples import Samples, Series, Window
from driftreview.domain.schedule import block_lengths
from driftreview.domain.statistics import middle
from tests import builders
from tests.builders import HOUR, MINUTE, T0, events, growth, limit, review, signal
from tests.unit.test_coarser import JUDGED

STEP = 5 * MINUTE
BLOCKS = st.sampled_from([10 * MINUTE, 20 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR])
BEFORE, AFTER = Window(T0 - 168 * HOUR, T0, STEP), Window(T0, T0 + 48 * HOUR, STEP)
KINDS = st.sampled_from(
    [
        signal(),
        signal(limits={"alert": "900"}),
        growth("1000"),
        events({"absolute": "1"}),
        limit("900"),
        signal(kind="Info"),
    ]
)
SAMPLES = st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40)


def frozen(declared: Any, level: float, window: Window, block: timedelta, name: str) -> DriftSnapshotSpec:
    answer = Samples(window, (Series({}, [level] * window.points),))
    return builders.snapshot(
        freeze(Measurement(declared, "up", answer), window, block),
        window={"start": window.start, "end": window.end, "step": "300s", "block": f"{block.total_seconds():.0f}s"},
        checkpoint=name,
    )


def said(declared: Any, before: float, after: float, block: timedelta) -> Any:
    spec = review(signals=[declared], window={"checkpoints": ["48h"], "rollback": "48h"}).spec
    result = judge_checkpoint(
        spec, frozen(declared, before, BEFORE, block, "T0"), frozen(declared, after, AFTER, block, "48h")
    )
    (finding,) = (each.finding for each in result.results)
    return result.verdict, finding.delta


LESS_SURE = {Verdict.DRIFT: {Verdict.HOLD, Verdict.INCONCLUSIVE}, Verdict.PASS: {Verdict.INCONCLUSIVE}}
"""What fewer blocks may make of a verdict."""


@settings(max_examples=60)
@given(KINDS, BLOCKS, st.integers(1, 800), st.sampled_from([0.5, 0.97, 1.0, 1.03, 1.06, 2.0]))
def test_longer_blocks_may_be_less_sure_of_a_constant_series_and_say_nothing_else_of_it(
    declared: Any, block: timedelta, level: int, by: float
) -> None:
    usual, delta = said(declared, level, level * by, 10 * MINUTE)
    verdict, other = said(declared, level, level * by, block)
    assert other == delta
    assert verdict in {usual, *LESS_SURE.get(usual, ())}


@given(st.floats(0.1, 1e6), BLOCKS)
def test_a_constant_is_the_same_in_any_blocks(level: float, block: timedelta) -> None:
    found = block_medians(Series({}, [level] * BEFORE.points), STEP, block)
    assert set(found) == {level}
    assert len(found) == BEFORE.points * STEP // block


@given(SAMPLES, st.integers(1, 12))
def test_medians_of_arrays_are_those_of_lists(values: list[float | None], size: int) -> None:
    parts = [[value for value in values[at : at + size] if value is not None] for at in range(0, len(values), size)]
    expected = tuple(middle(part) if part else None for part in parts)
    assert block_medians(Series({}, values), MINUTE, size * MINUTE) == expected


@given(SAMPLES, st.integers(1, 12), st.integers(-20, 20))
def test_the_unit_does_not_matter(values: list[float | None], size: int, power: int) -> None:
    small = [None if value is None else value / 1e290 for value in values]
    scaled = [None if value is None else value * 2.0**power for value in small]
    plain = block_medians(Series({}, small), MINUTE, size * MINUTE)
    assert block_medians(Series({}, scaled), MINUTE, size * MINUTE) == tuple(
        None if value is None else value * 2.0**power for value in plain
    ) or any(value is not None and 0 < abs(value) < 1e-290 for value in (*small, *scaled))


@settings(max_examples=20)
@given(st.permutations(range(8)), st.integers(0, 2**32))
def test_the_same_answers_give_the_same_bytes_in_whatever_order_they_came(order: list[int], seed: int) -> None:
    declared = [signal(f"s{number}", each="pod") for number in range(8)]
    subject = review(signals=declared, baseline={"length": "7d"})
    looks = [(Window(T0 - 167 * HOUR, T0, STEP), 20 * MINUTE)]
    values = [one / 7 for one in builders.around(100 + seed % 97, BEFORE.points, seed) if one is not None]
    answer = Samples(BEFORE, tuple(Series({"pod": str(number)}, values) for number in range(20)))
    found = set()
    for names in (order, range(8)):
        levels = Levels(Look("T0", BEFORE, 10 * MINUTE, "source", coarser=tuple(looks)))
        for number in names:
            levels.keep(Measurement(declared[number], "up", answer))
        found.add(canonical(levels.taken(subject, JUDGED).to_wire()))
    (written,) = found
    assert b'"block":"1200s"' in written


@given(st.integers(60, 10**6 - 1), st.integers(60, 10**6 - 1), st.sampled_from([1, 5, 15, 30, 60, 300]))
def test_the_last_look_and_the_baseline_always_keep_six_blocks(length: int, last: int, step: int) -> None:
    spec = review(baseline={"length": f"{length}s"}, window={"checkpoints": [f"{last}s"], "rollback": "24h"}).spec
    first, *longer = block_lengths(spec, timedelta(seconds=step))
    assert all(6 * each <= timedelta(seconds=min(length, last)) and each % first == timedelta(0) for each in longer)
    assert [first, *longer] == sorted({first, *longer})
