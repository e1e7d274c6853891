"""The three-valued rule, for any evidence: what is not there never makes a verdict better, and never passes."""

import math
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, SeriesEvidence, SignalEvidence
from driftreview.api.reasons import UNANSWERED, Reason
from driftreview.api.signal import Kind, Mode, OnMissing, Signal
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.domain.blocks import decode, encode, longest_run
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import WORST_FIRST
from driftreview.domain.samples import NoData, Window
from driftreview.domain.scraping import Scraping
from tests.builders import (
    BLOCK,
    HOUR,
    MINUTE,
    T0,
    answer,
    around,
    evidence,
    growth,
    limit,
    presence,
    series,
    signal,
    snapshot,
    spec,
)

BETTER_FIRST = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.HOLD, Verdict.DRIFT)
SIGNALS = (
    signal("level", each="pod"),
    growth("20", name="growth"),
    limit("500", name="limit", each="pod"),
    signal("beside", control="up", each="pod"),
    signal("ratio", per="up", each="pod"),
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
PROBLEMS = st.sampled_from([Reason.EMPTY, Reason.UNREACHABLE, Reason.ONLY_NAN, Reason.PARTIAL_ANSWER])


def pods(name: str, level: float, blocks: int, seed: int) -> SignalEvidence:
    made = (
        series(around(level, blocks, seed + i)).model_copy(update={"labels": {"pod": pod}})
        for i, pod in enumerate("ab")
    )
    return evidence(name, *made)


def beside(one: SignalEvidence) -> SignalEvidence:
    """The same with a control that is nearly as large."""
    made = [
        each.model_copy(update={"control": each.values, "control_samples": each.samples, "values": _less_by(each, 1)})
        for each in one.series
    ]
    return one.model_copy(update={"series": made})


def per(one: SignalEvidence) -> SignalEvidence:
    """The same counted per something that is always there."""
    return one.model_copy(
        update={"series": [each.model_copy(update={"per": _less_by(each, 0)}) for each in one.series]}
    )


def _less_by(one: SeriesEvidence, size: float) -> str:
    return encode([value and value - size for value in decode(one.values)])


def passing(seed: int) -> tuple[list[SignalEvidence], list[SignalEvidence]]:
    """Evidence of T0 and of a checkpoint at which all is well."""
    before = [
        pods("level", 100, 144, seed),
        evidence("growth", series(around(200, 144, seed))),
        pods("limit", 9, 144, 1),
        beside(pods("beside", 100, 144, seed + 7)),
        per(pods("ratio", 100, 144, seed + 8)),
    ]
    flat: list[float | None] = [200 + (i % 3) for i in range(60)]
    after = [
        pods("level", 100, 60, seed + 50),
        evidence("growth", series(flat)),
        pods("limit", 9, 60, 2),
        beside(pods("beside", 100, 60, seed + 57)),
        per(pods("ratio", 100, 60, seed + 58)),
    ]
    return before, after


Harm = Callable[[SignalEvidence], SignalEvidence]


@st.composite
def harms(draw: st.DrawFn) -> Harm:
    """One way to lose evidence of a signal."""
    which = draw(st.integers(0, 1))
    match draw(st.sampled_from(["problem", "empty", "series", "samples", "blocks"])):
        case "problem":
            reason = draw(PROBLEMS)
            problem = Problem(reason=reason, message="gone")
            return lambda one: one.model_copy(update={"series": [], "problem": problem})
        case "empty":
            return lambda one: one.model_copy(update={"series": []})
        case "series":
            return lambda one: _less(one, which)
        case "samples":
            share = draw(st.floats(0, 0.89))
            return lambda one: _with(one, which, lambda s: s.model_copy(update={"samples": int(s.samples * share)}))
        case _:
            lost = draw(st.sets(st.integers(0, 59), min_size=7, max_size=60))
            return lambda one: _with(one, which, lambda s: _without(s, lost))


def _less(one: SignalEvidence, which: int) -> SignalEvidence:
    return one.model_copy(update={"series": [s for i, s in enumerate(one.series) if i != which % len(one.series)]})


def _with(one: SignalEvidence, which: int, change: Callable[[SeriesEvidence], SeriesEvidence]) -> SignalEvidence:
    index = which % len(one.series)
    changed = [change(each) if i == index else each for i, each in enumerate(one.series)]
    return one.model_copy(update={"series": changed})


def _without(one: SeriesEvidence, lost: set[int]) -> SeriesEvidence:
    values = [None if i in lost else value for i, value in enumerate(decode(one.values))]
    return one.model_copy(
        update={"values": series(values).values, "samples": sum(10 for value in values if value is not None)}
    )


def on(signals: tuple[Signal, ...], policy: OnMissing) -> list[Signal]:
    return [each.model_copy(update={"on_missing": policy}) for each in signals]


def verdict(signals: list[Signal], before: list[SignalEvidence], after: list[SignalEvidence]) -> Verdict:
    return judge_checkpoint(spec(signals), snapshot(*before), snapshot(*after, checkpoint="10h", hours=10)).verdict


def found(declared: Signal, before: SignalEvidence | None, after: SignalEvidence) -> SignalVerdict:
    frozen = snapshot(*([before] if before else [])), snapshot(after, checkpoint="6h", hours=6)
    return judge_checkpoint(spec([declared]), *frozen).results[0].finding.verdict


@pytest.mark.parametrize("seed", range(3))
def test_the_evidence_these_tests_take_from_passes(seed: int) -> None:
    assert verdict(on(SIGNALS, OnMissing.HOLD), *passing(seed)) is Verdict.PASS


@given(seed=st.integers(0, 2), which=st.integers(0, 4), harm=harms())
def test_evidence_lost_from_a_passing_checkpoint_is_no_pass_any_more(seed: int, which: int, harm: Harm) -> None:
    before, after = passing(seed)
    after[which] = harm(after[which])
    assert verdict(on(SIGNALS, OnMissing.HOLD), before, after) is Verdict.INCONCLUSIVE
    problem = after[which].problem
    # What a source that does not answer leaves open never counts against the release.
    unanswered = problem is not None and problem.reason in UNANSWERED
    expected = Verdict.INCONCLUSIVE if unanswered else Verdict.DRIFT
    assert verdict(on(SIGNALS, OnMissing.FAIL), before, after) is expected


@given(seed=st.integers(0, 2), harm=harms())
def test_a_baseline_lost_is_no_pass_any_more(seed: int, harm: Harm) -> None:
    before, after = passing(seed)
    before[0] = harm(before[0])
    assume(before[0] != passing(seed)[0][0])
    # Of seven lost blocks of 144 the rest is still enough.
    thin = any(each.samples < 0.9 * each.expected for each in before[0].series)
    expected = Verdict.INCONCLUSIVE if thin or len(before[0].series) < 2 else Verdict.PASS
    assert verdict(on(SIGNALS, OnMissing.FAIL), before, after) is expected


@given(
    seed=st.integers(0, 2),
    which=st.integers(0, 4),
    harm=harms(),
    policy=st.sampled_from(OnMissing),
)
def test_a_signal_lost_as_a_whole_never_makes_the_verdict_better(
    seed: int, which: int, harm: Harm, policy: OnMissing
) -> None:
    # With Ignore that is what was asked for, and with Fail a loss counts as a drift: with Hold it is unknown.
    before, after = passing(seed)
    whole = verdict(on(SIGNALS, policy), before, after)
    after[which] = harm(after[which])
    lost = verdict(on(SIGNALS, policy), before, after)
    assert BETTER_FIRST.index(lost) >= BETTER_FIRST.index(whole)
    if policy is OnMissing.HOLD:
        rows = judge_checkpoint(spec(on(SIGNALS, policy)), snapshot(*before), snapshot(*after, hours=10)).results
        missing = any(each.finding.verdict is SignalVerdict.MISSING for each in rows)
        assert not missing or lost is not Verdict.PASS


@given(seed=st.integers(0, 20), share=st.floats(0, 0.3), shift=st.floats(0, 3), more=st.floats(0, 3))
@example(seed=7, share=0.0625, shift=0.5, more=0.25)
@pytest.mark.parametrize("worse", ["Higher", "Lower"])
@pytest.mark.parametrize("limits", [None, {"alert": "104"}, {"alert": "96"}, {"baseline": "101"}])
def test_a_factor_for_the_worse_never_improves_the_verdict_by_margin_or_limit(
    worse: str, limits: dict[str, str] | None, seed: int, share: float, shift: float, more: float
) -> None:
    declared = signal(worse=worse, margin={"relative": "5%", "absolute": "1"}, limits=limits)
    sign = 1 if worse == "Higher" else -1
    before = evidence("latency", series([math.exp(each / 100) for each in around(460, 72, seed, share / 5) if each]))
    noisy = [math.exp(each / 100) for each in around(460, 36, seed + 1, share / 5) if each]

    def shifted(by: float) -> int:
        after = evidence("latency", series([value * math.exp(sign * by / 10) for value in noisy]))
        return WORST_FIRST.index(found(declared, before, after))

    # Stable, Acceptable and Improved all pass; which of them it is may change either way with the noise.
    passes = WORST_FIRST.index(SignalVerdict.ACCEPTABLE)
    assert min(shifted(shift + more), passes) <= min(shifted(shift), passes)


@given(steeper=st.floats(0, 100), seed=st.integers(0, 20))
def test_steeper_growth_never_improves_the_verdict(steeper: float, seed: int) -> None:
    noisy = [value or 0.0 for value in around(200, 36, seed)]

    def of(per_hour: float) -> SignalVerdict:
        after = evidence("memory", series([value + per_hour * i / 6 for i, value in enumerate(noisy)]))
        return found(growth("20"), None, after)

    passes = {SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE}
    assert of(steeper) not in passes or of(0) in passes
    assert of(steeper) is not SignalVerdict.SUSPECT or of(0) is not SignalVerdict.DEGRADED


@given(
    before=st.lists(st.none() | FINITE, max_size=20),
    after=st.lists(st.none() | FINITE, max_size=20),
    kind=st.sampled_from(Kind),
    mode=st.sampled_from(Mode),
    worse=st.sampled_from(["Higher", "Lower"]),
)
def test_any_finite_evidence_is_judged_the_same_twice_and_without_an_error(
    before: list[float | None], after: list[float | None], kind: Kind, mode: Mode, worse: str
) -> None:
    limits = {"per_hour": "20"} if kind is Kind.GROWTH else {"alert": "60"}
    margin = {"relative": "5%"} if kind in {Kind.LEVEL, Kind.EVENTS} else None
    span = {"for": "5m"} if kind is Kind.EVENTS else {}
    declared = signal(kind=kind, mode=mode, worse=worse, limits=limits, margin=margin, **span)
    frozen = snapshot(evidence("latency", series(before))), snapshot(evidence("latency", series(after)))
    once, again = (judge_checkpoint(spec([declared]), *frozen) for _ in range(2))
    assert repr(once) == repr(again)
    present = sum(1 for value in after if value is not None)
    if not present:
        assert once.verdict is Verdict.INCONCLUSIVE


@given(order=st.permutations(range(5)))
def test_the_order_of_signals_and_series_is_of_no_matter(order: list[int]) -> None:
    before, after = passing(0)
    mixed = [after[i].model_copy(update={"series": after[i].series[::-1]}) for i in order]
    signals = on(SIGNALS, OnMissing.HOLD)
    assert verdict([signals[i] for i in order], [before[i] for i in order], mixed) is Verdict.PASS


@given(
    seed=st.integers(0, 2),
    which=st.integers(0, 1),
    lost=st.sets(st.integers(0, 59), min_size=7, max_size=60),
    samples=st.booleans(),
)
def test_a_control_that_is_lost_is_no_pass_any_more(seed: int, which: int, lost: set[int], *, samples: bool) -> None:
    before, after = passing(seed)
    assume(samples or len(lost) > 54)

    def less(one: SeriesEvidence) -> SeriesEvidence:
        control = [None if i in lost else value for i, value in enumerate(decode(one.control or ""))]
        left = 10 * (60 - len(lost)) if samples else one.samples
        return one.model_copy(update={"control": encode(control), "control_samples": left})

    after[3] = _with(after[3], which, less)
    assert verdict(on(SIGNALS, OnMissing.HOLD), before, after) is Verdict.INCONCLUSIVE


@given(seed=st.integers(0, 2), which=st.integers(0, 1), lost=st.sets(st.integers(0, 59), min_size=31, max_size=60))
def test_traffic_that_is_lost_is_no_pass_any_more(seed: int, which: int, lost: set[int]) -> None:
    before, after = passing(seed)

    def quiet(one: SeriesEvidence) -> SeriesEvidence:
        values = [None if i in lost else value for i, value in enumerate(decode(one.values))]
        traffic = [0.0 if i in lost else value for i, value in enumerate(decode(one.per or ""))]
        return one.model_copy(update={"values": encode(values), "per": encode(traffic)})

    after[4] = _with(after[4], which, quiet)
    assert verdict(on(SIGNALS, OnMissing.HOLD), before, after) is Verdict.INCONCLUSIVE


@given(
    seed=st.integers(0, 5),
    which=st.integers(0, 4),
    fault=st.sampled_from([1.0, 1.06, 1.5, 5.0]),
    since=st.integers(0, 59),
    cut=st.integers(0, 30),
    more=st.integers(1, 30),
)
def test_losing_more_of_the_end_never_turns_what_does_not_pass_into_a_pass(
    seed: int, which: int, fault: float, since: int, cut: int, more: int
) -> None:
    before, after = passing(seed)

    def left(blocks: int) -> Verdict:
        def harmed(one: SeriesEvidence) -> SeriesEvidence:
            bad = [v and v * (fault if at >= since else 1) for at, v in enumerate(decode(one.values))]
            made = one.model_copy(update={"values": encode(bad)})
            return _without(made, set(range(60 - blocks, 60)))

        lost = [*after[:which], _with(after[which], 0, harmed), *after[which + 1 :]]
        return verdict(on(SIGNALS, OnMissing.HOLD), before, lost)

    if left(cut) is not Verdict.PASS:
        assert left(cut + more) is not Verdict.PASS


@given(
    seed=st.integers(0, 5),
    fault=st.sampled_from([1.0, 1.06, 1.5]),
    since=st.integers(0, 59),
    end=st.lists(st.sampled_from(["busy", "idle", "gap"]), min_size=1, max_size=40),
    worse=st.data(),
)
def test_losing_traffic_or_samples_at_the_end_never_makes_a_quotient_pass(
    seed: int, fault: float, since: int, end: list[str], worse: st.DataObject
) -> None:
    declared, (before, after) = signal("ratio", per="up", each="pod"), passing(seed)
    at = worse.draw(st.integers(0, len(end) - 1))
    harmed = [each if index < at or each == "gap" else "idle" for index, each in enumerate(end)]

    def judged(of_end: list[str]) -> Verdict:
        states = [*["busy"] * (60 - len(of_end)), *of_end]

        def changed(one: SeriesEvidence) -> SeriesEvidence:
            bad = [v and v * (fault if at >= since else 1) for at, v in enumerate(decode(one.values))]
            values = [v if state == "busy" else None for v, state in zip(bad, states, strict=True)]
            traffic = [{"busy": 5.0, "idle": 0.0, "gap": None}[state] for state in states]
            samples = 10 * (60 - states.count("gap"))
            return one.model_copy(update={"values": encode(values), "per": encode(traffic), "samples": samples})

        return verdict([declared], before[4:], [_with(after[4], 0, changed)])

    if judged(end) is not Verdict.PASS:
        assert judged(harmed) is not Verdict.PASS


@given(
    factors=st.lists(st.floats(0.01, 100), min_size=36, max_size=36),
    times=st.sampled_from([0.9, 1.0, 1.04, 1.1]),
    worse=st.sampled_from(["Higher", "Lower", "Either"]),
    seed=st.integers(0, 20),
)
def test_what_scales_the_signal_and_its_control_alike_changes_no_verdict(
    factors: list[float], times: float, worse: str, seed: int
) -> None:
    declared = signal(control="up", worse=worse)
    own, control = around(100, 36, seed), around(80, 36, seed + 1)

    def now(by: list[float]) -> SignalEvidence:
        made = [times * factor * (value or 0.0) for factor, value in zip(by, own, strict=True)]
        other = [factor * (value or 0.0) for factor, value in zip(by, control, strict=True)]
        return evidence("latency", series(made, control=encode(other), control_samples=360))

    before = evidence("latency", series(around(100, 144, 7), control=encode(around(80, 144, 8)), control_samples=1440))
    assert found(declared, before, now(factors)) is found(declared, before, now([1.0] * 36))


@given(
    values=st.lists(st.sampled_from([None, 1.0]), min_size=60, max_size=60),
    up=st.lists(st.sampled_from([None, 1.0]), min_size=60, max_size=60),
    at_t0=st.booleans(),
    policy=st.sampled_from([OnMissing.HOLD, OnMissing.FAIL]),
)
def test_a_heartbeat_passes_only_by_being_heard_and_fails_only_by_a_silence_of_its_own(
    values: list[float | None], up: list[float | None], policy: OnMissing, *, at_t0: bool
) -> None:
    window, declared = Window(T0, T0 + HOUR, MINUTE), presence("5m", on_missing=policy)

    def look(name: str, beats: list[float | None], source: list[float | None]) -> DriftSnapshotSpec:
        said = Scraping.of(answer(window, source) if any(source) else NoData(Reason.EMPTY, "no up"))
        heard = answer(window, beats) if any(beats) else NoData(Reason.EMPTY, "no heartbeat")
        frozen = freeze(Measurement(declared, "up", heard), window, BLOCK, said)
        return snapshot(frozen, checkpoint=name, hours=1, scraping=said.evidence(window, BLOCK))

    before = look("T0", [1.0] * 60, [1.0 if at_t0 else None] * 60)
    found = judge_checkpoint(spec([declared], ["1h"]), before, look("1h", values, up)).verdict
    longest = longest_run(value is None for value in values)
    surely = longest_run(value is None and alive is not None for value, alive in zip(values, up, strict=True))
    if surely >= 5:
        assert found is Verdict.DRIFT
    if found is Verdict.PASS:
        assert longest < 5
    if not any(up) and at_t0:
        assert found is not Verdict.DRIFT
    if policy is OnMissing.HOLD and surely < 5:
        assert found is not Verdict.DRIFT
