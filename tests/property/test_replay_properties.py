"""What must hold of every history: its bytes are those of its samples, however they are written and cut."""

import math
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.adapters.csvfiles import read_file
from driftreview.api.driftreview import DriftReview
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain.evidence import canonical
from driftreview.domain.fault import Fault
from driftreview.domain.history import History, Recorded
from driftreview.domain.outcome import Rates, recommended
from driftreview.domain.replay import Past, Replay, replay
from driftreview.domain.samples import Samples, Window
from driftreview.domain.sweep import Study
from tests.builders import HOUR, T0, noise, recorded, review, signal

SECOND = timedelta(seconds=1)
STEP = timedelta(minutes=5)
SIGNAL = signal(each="symbol")
WINDOW = {"checkpoints": ["1h", "2h"], "rollback": "2h"}
REVIEW: DriftReview = review(signals=[SIGNAL], window=WINDOW, baseline={"length": "6h"})
NUMBERS = st.floats(1e-3, 1e3) | st.sampled_from([math.nan, math.inf, 0.0])
SAMPLES = st.lists(st.tuples(st.integers(1, 1200), NUMBERS), min_size=1, max_size=60, unique_by=lambda pair: pair[0])


def laid(samples: Sequence[tuple[int, float]], step: int, points: int) -> list[float | None]:
    series = recorded([(T0 + at * SECOND, value) for at, value in sorted(samples)])
    window = Window(T0, T0 + points * step * SECOND, step * SECOND)
    answer = History.of({"a": (series,)}, step * SECOND).answer("a", window)
    return list(answer.series[0].values) if isinstance(answer, Samples) else [None] * points


@given(samples=SAMPLES, step=st.sampled_from([10, 30, 60]))
def test_a_point_has_the_latest_sample_of_its_own_step_and_nothing_from_before(
    samples: list[tuple[int, float]], step: int
) -> None:
    points = 1200 // step
    for index, found in enumerate(laid(samples, step, points)):
        own = [value for at, value in sorted(samples) if index * step < at <= (index + 1) * step]
        assert found == (own[-1] if own and math.isfinite(own[-1]) else None)


@given(samples=SAMPLES, cut=st.integers(0, 39), length=st.integers(1, 20))
def test_a_window_sees_the_same_samples_as_a_longer_one(
    samples: list[tuple[int, float]], cut: int, length: int
) -> None:
    series = recorded([(T0 + at * SECOND, value) for at, value in sorted(samples)])
    history = History.of({"a": (series,)}, 30 * SECOND)
    short = history.answer("a", Window(T0 + cut * 30 * SECOND, T0 + (cut + length) * 30 * SECOND, 30 * SECOND))
    whole = (laid(samples, 30, 60))[cut : cut + length]
    assert (list(short.series[0].values) if isinstance(short, Samples) else [None] * length) == whole


def series(seed: int, gaps: Sequence[int] = ()) -> tuple[Recorded, ...]:
    """Nine hours of two symbols, without the samples of these numbers."""
    found = []
    for number, symbol in enumerate(("btc", "eth")):
        values = [100 * (1 + 0.01 * value) for value in noise(120, seed + number, 0.5)]
        samples = [(T0 - 7 * HOUR + index * STEP, value) for index, value in enumerate(values) if index not in gaps]
        found.append(recorded(samples, symbol=symbol))
    return tuple(found)


def replayed(found: tuple[Recorded, ...]) -> Replay:
    return replay(REVIEW, Past(History.of({SIGNAL.name: found}, STEP)), T0)


def frozen(found: Replay) -> list[bytes]:
    looks = [found.baseline, *(each.evidence for each in found.checkpoints if each.evidence)]
    return [canonical(each.to_wire()) for each in looks]


def written(found: Sequence[Recorded], order: random.Random, path: Path, *, as_seconds: bool) -> None:
    rows = [
        (int(time), f"{value!r}", each.labels["symbol"])
        for each in found
        for time, value in zip(each.times, each.values.tolist(), strict=True)
    ]
    order.shuffle(rows)
    lines = [f"{time / 1000 if as_seconds else _rfc(time)},{value},{symbol}" for time, value, symbol in rows]
    lines += order.sample(lines, 5)  # said twice
    path.write_text("\n".join(["timestamp,value,symbol", *lines, ""]), "utf-8")


def _rfc(time: int) -> str:
    return f"{np.datetime64(time, 'ms')}Z"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), as_seconds=st.booleans())
def test_shuffled_and_repeated_rows_give_the_same_bytes(seed: int, as_seconds: bool) -> None:  # noqa: FBT001
    found = series(seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "latency.csv"
        written(found, random.Random(seed), path, as_seconds=as_seconds)  # noqa: S311 - an order, no secret
        assert frozen(replayed(read_file(path))) == frozen(replayed(found))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    text=st.sampled_from(["latency*1.0", "latency+0", "latency leak 0/h", 'latency{symbol="doge"}*2']),
)
def test_a_fault_that_is_none_changes_no_byte(seed: int, text: str) -> None:
    found = series(seed)
    study = Study(REVIEW, Past(History.of({"latency": found}, STEP)), {"latency": found}, (Fault.parse(text),))
    healthy, faulty = study.at(T0)
    assert frozen(faulty) == frozen(healthy)
    assert faulty == healthy


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.floats(1.1, 5))
def test_a_fault_is_in_no_baseline_and_never_helps(seed: int, factor: float) -> None:
    found = series(seed)
    fault = Fault.parse(f"latency*{factor:.4f}")
    study = Study(REVIEW, Past(History.of({"latency": found}, STEP)), {"latency": found}, (fault,))
    healthy, faulty = study.at(T0)
    assert faulty.baseline == healthy.baseline
    assert faulty.recommendation != "APPROVE" or healthy.recommendation == "APPROVE"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), first=st.integers(0, 110), length=st.integers(1, 30))
def test_what_was_not_recorded_is_not_covered(seed: int, first: int, length: int) -> None:
    gaps = range(first, first + length)
    found = replayed(series(seed, gaps))
    for evidence in (found.baseline, *(each.evidence for each in found.checkpoints if each.evidence)):
        window = evidence.window
        assert window is not None
        inside = [
            index
            for index in range(120)
            if index not in gaps and window.start < T0 - 7 * HOUR + index * STEP <= window.end
        ]
        assert [each.samples for one in evidence.signals for each in one.series] == (
            [len(inside)] * 2 if inside else []
        )


@given(
    lives=st.lists(st.lists(st.sampled_from(Verdict), min_size=2, max_size=2), min_size=1, max_size=20),
    mode=st.sampled_from(["Enforce", "Advise", "Observe"]),
    on_drift=st.sampled_from(["Rollback", "Hold"]),
)
def test_every_t0_is_rolled_back_or_promoted_or_left_and_only_the_undecided_move_with_the_policy(
    lives: list[list[Verdict]], mode: str, on_drift: str
) -> None:
    found = {}
    for undecided in ("Hold", "Promote", "Rollback"):
        policy = {"mode": mode, "onDrift": on_drift, "onInconclusive": undecided}
        found[undecided] = Rates.of(review(signals=[SIGNAL], window=WINDOW, policy=policy).spec, lives)
    held, promoted, rolled_back = found.values()
    said = [recommended(each, 2) for each in lives]
    assert (held.rolled_back, held.promoted) == (
        said.count(Recommendation.REJECT), said.count(Recommendation.APPROVE)
    )  # fmt: skip
    assert held.rolled_back + held.promoted + held.inconclusive == held.t0s == len(lives)
    assert (promoted.rolled_back, promoted.promoted) == (held.rolled_back, held.promoted + held.inconclusive)
    assert (rolled_back.rolled_back, rolled_back.promoted) == (held.rolled_back + held.inconclusive, held.promoted)
    assert {each.inconclusive for each in found.values()} == {held.inconclusive}
