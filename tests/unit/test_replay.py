"""A replay is what the operator did: the same windows, the same evidence, the same verdicts, the same decision."""

import json
from datetime import datetime, timedelta

import pytest

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.policy import OnDrift, OnInconclusive, Policy, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain.conclusion import act_for, concluded, held_by
from driftreview.domain.evidence import is_intact
from driftreview.domain.fault import Fault
from driftreview.domain.history import History, laid
from driftreview.domain.replay import Past, Replay, release, replay
from driftreview.domain.sweep import Study, admissible, independent
from tests.builders import HOUR, MINUTE, T0, recorded, review, signal
from tests.simulator import STEP, Metrics, Simulator

SIGNALS = [signal(), signal("second")]


def past(metrics: Metrics, until: datetime = T0 + 5 * HOUR) -> Past:
    """What the simulator's Prometheus holds, as a history."""
    first = T0 - timedelta(days=2)
    moments = [first + index * STEP for index in range(int((until - first) / STEP) + 1)]
    series = recorded([(moment, metrics._at(moment)) for moment in moments])
    return Past(History.of({each.name: (series,) for each in SIGNALS}, STEP))


def operated(shifts: list[tuple[datetime, float]], **spec: object) -> Simulator:
    simulator = Simulator(review(signals=SIGNALS, **spec), metrics=Metrics(list(shifts)))
    simulator.pass_time(6 * HOUR)
    return simulator


def of(simulator: Simulator) -> Replay:
    target = simulator.stored().status.target
    assert target is not None
    return replay(simulator.review, past(simulator.metrics), T0, target.history_ends_at)


LIVES = {
    "healthy": [],
    "worse": [(T0, 1.5)],
    "worse-later": [(T0 + 90 * MINUTE, 1.3)],
    "better": [(T0, 0.8)],
    "slightly": [(T0, 1.045)],
}
BASELINES = {
    "history": {},
    "snapshot": {"baseline": {"from": "Snapshot", "length": "30m"}},
    "declared": {
        "baseline": {"from": "Declared"},
        "signals": [signal(margin=None, limits={"alert": "120"}), signal("second", margin=None, limits={"alert": "1"})],
    },
}


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("baseline", BASELINES)
def test_it_freezes_and_says_what_the_operator_froze_and_said(life: str, baseline: str) -> None:
    spec = {"policy": {"mode": "Advise"}, "signals": SIGNALS} | BASELINES[baseline]
    simulator = Simulator(review(**spec), metrics=Metrics(list(LIVES[life])))
    simulator.pass_time(6 * HOUR)
    status, found = simulator.stored().status, of(simulator)
    assert [(each.name, each.verdict, each.message) for each in status.checkpoints] == [
        (each.name, each.result.verdict, each.result.message) for each in found.checkpoints if each.result
    ]
    stored = [DriftSnapshotSpec.model_validate(each) for each in simulator.snapshots.values()]
    frozen = [found.baseline, *(each.evidence for each in found.checkpoints if each.evidence)]
    assert [evidence_of(each) for each in frozen] == [evidence_of(each) for each in stored]
    assert all(is_intact(each, each.hash) for each in frozen)
    assert [each.previous_hash for each in frozen] == ["", *(each.hash for each in frozen[:-1])]
    assert status.decision is not None
    assert (found.recommendation, found.reason) == (status.decision.recommendation, status.decision.reason)
    assert (found.message, f"checkpoint {found.decided_at}") == (status.decision.message, status.decision.by)


def evidence_of(spec: DriftSnapshotSpec) -> str:
    wire = spec.to_wire()
    return json.dumps({name: wire.get(name) for name in ("checkpoint", "window", "signals")})


def test_what_was_rolled_back_is_judged_to_the_end_and_the_first_drift_decides() -> None:
    simulator = operated([(T0, 1.5)])
    assert simulator.acts == [ActType.ROLL_BACK]
    found = of(simulator)
    assert [each.result and each.result.verdict for each in found.checkpoints] == [Verdict.DRIFT] * 3
    assert (found.recommendation, found.decided_at) == (Recommendation.REJECT, "1h")


def at(until: timedelta, shift: float = 1.0) -> Replay:
    metrics = Metrics([(T0, shift)])
    return replay(review(signals=SIGNALS), past(metrics, T0 + until), T0)


def test_a_checkpoint_that_the_data_do_not_reach_is_not_judged_and_nothing_is_decided() -> None:
    found = at(3 * HOUR)
    assert [each.result is not None for each in found.checkpoints] == [True, True, False]
    assert (found.recommendation, found.reason) == (Recommendation.INCONCLUSIVE, Reason.NOT_ENOUGH_EVIDENCE)
    assert found.decided_at is None
    assert found.message == (
        "T0+4h cannot be judged yet: it is due at 2026-07-31T16:00:00Z, the data end at 2026-07-31T15:00:00Z"
    )


def test_a_drift_is_one_however_soon_the_data_end() -> None:
    found = at(HOUR, 1.5)
    assert (found.recommendation, found.decided_at) == (Recommendation.REJECT, "1h")


def test_the_last_sample_of_a_window_is_enough() -> None:
    assert at(4 * HOUR - STEP + timedelta(seconds=1)).decided_at is None
    assert at(4 * HOUR).recommendation is Recommendation.APPROVE


def test_without_data_before_t0_nothing_passes() -> None:
    series = recorded([(T0 + index * STEP, 100.0) for index in range(1, 60)])
    found = replay(review(signals=SIGNALS[:1]), Past(History.of({"latency": (series,)}, STEP)), T0)
    assert (found.recommendation, found.decided_at) == (Recommendation.INCONCLUSIVE, "4h")


def test_the_baseline_ends_a_warm_up_before_t0_at_the_latest() -> None:
    declared, data = review(signals=SIGNALS), past(Metrics())
    ends = [replay(declared, data, T0, at).baseline.window for at in (None, T0, T0 - 10 * MINUTE, T0 - 20 * MINUTE)]
    assert [each and T0 - each.end for each in ends] == [10 * MINUTE, 10 * MINUTE, 10 * MINUTE, 20 * MINUTE]


def test_what_is_compared_begins_after_a_snapshot_baseline() -> None:
    assert release(review().spec, T0) == T0
    assert release(review(baseline={"from": "Snapshot", "length": "30m"}).spec, T0) == T0 + 30 * MINUTE


def wanted() -> DriftReview:
    return review(signals=SIGNALS, window={"checkpoints": ["1h", "4h"], "rollback": "4h", "warmup": "10m"})


def test_a_sweep_has_every_t0_that_is_wholly_within_the_data() -> None:
    whole = past(Metrics()).history.window  # from two days before T0 to five hours after it
    t0s = admissible(wanted().spec, whole, HOUR)
    assert (t0s[0], t0s[-1], len(t0s)) == (T0 - 23 * HOUR, T0 + HOUR, 25)
    assert admissible(wanted().spec, whole, 5 * HOUR) == [each for each in t0s if not each.timestamp() % 18_000]
    assert admissible(wanted().spec, whole, HOUR, T0 - 2 * HOUR, T0) == [T0 - 2 * HOUR, T0 - HOUR, T0]
    assert admissible(review(baseline={"length": "3d"}).spec, whole, HOUR) == []


def test_t0s_that_share_data_are_worth_less() -> None:
    length = timedelta(days=1, hours=4, minutes=10)
    assert independent(wanted().spec, [T0], STEP) == 1
    assert independent(wanted().spec, [T0 + index * HOUR for index in range(25)], STEP) == pytest.approx(
        1 + timedelta(days=1) / length
    )


@pytest.mark.parametrize(
    ("verdict", "last", "recommendation"),
    [
        (Verdict.DRIFT, False, Recommendation.REJECT),
        (Verdict.DRIFT, True, Recommendation.REJECT),
        (Verdict.PASS, False, None),
        (Verdict.PASS, True, Recommendation.APPROVE),
        (Verdict.HOLD, False, None),
        (Verdict.HOLD, True, Recommendation.INCONCLUSIVE),
        (Verdict.INCONCLUSIVE, False, None),
        (Verdict.INCONCLUSIVE, True, Recommendation.INCONCLUSIVE),
    ],
)
def test_only_a_drift_concludes_before_the_last_checkpoint(
    verdict: Verdict,
    last: bool,  # noqa: FBT001
    recommendation: Recommendation | None,
) -> None:
    found = concluded(verdict, last=last)
    assert (found and found[0]) == recommendation


def test_the_policy_says_what_is_done() -> None:
    def acts(**policy: object) -> list[ActType | None]:
        return [act_for(Policy.model_validate(policy), each) for each in Recommendation]

    assert list(Recommendation) == [Recommendation.APPROVE, Recommendation.REJECT, Recommendation.INCONCLUSIVE]
    assert acts() == [ActType.PROMOTE, ActType.ROLL_BACK, None]
    assert acts(on_drift=OnDrift.HOLD, on_inconclusive=OnInconclusive.PROMOTE) == [
        ActType.PROMOTE, None, ActType.PROMOTE,
    ]  # fmt: skip
    assert acts(on_inconclusive=OnInconclusive.ROLLBACK)[-1] is ActType.ROLL_BACK
    assert acts(mode=PolicyMode.ADVISE) == acts(mode=PolicyMode.OBSERVE) == [None, None, None]


def test_what_is_held_is_held_by_the_field_that_says_so() -> None:
    def held(**policy: object) -> list[str]:
        return [held_by(Policy.model_validate(policy), each) for each in Recommendation]

    assert held() == ["", "", "policy.onInconclusive Hold"]
    assert held(on_drift=OnDrift.HOLD)[1] == "policy.onDrift Hold"
    assert held(on_inconclusive=OnInconclusive.ROLLBACK, on_drift=OnDrift.ROLLBACK) == ["", "", ""]
    assert held(mode=PolicyMode.ADVISE, on_drift=OnDrift.HOLD) == ["policy.mode Advise"] * 3


def test_with_a_fault_what_it_leaves_alone_is_not_frozen_again_but_is_the_same() -> None:
    declared, data = review(signals=SIGNALS), past(Metrics())
    recording = {"latency": (recorded([(T0 + index * STEP, 100.0 + index % 3) for index in range(-300, 60)]),)}
    data = Past(data.history.with_tracks("latency", laid(recording["latency"], data.history.window)))
    fault = Fault.parse("latency*1.2")
    _, faulty = Study(declared, data, recording, (fault,)).at(T0)
    series = fault.put_into(recording["latency"], T0)
    anew = replay(declared, Past(data.history.with_tracks("latency", laid(series, data.history.window))), T0)
    assert faulty == anew
    assert faulty.recommendation is Recommendation.REJECT


def test_a_control_is_replayed_from_a_recording_of_its_own() -> None:
    both = Metrics([(T0, 1.5)])
    first = T0 - timedelta(days=2)
    moments = [first + index * STEP for index in range(int((T0 + 5 * HOUR - first) / STEP) + 1)]
    own = recorded([(moment, both._at(moment)) for moment in moments])
    calm = recorded([(moment, Metrics([])._at(moment)) for moment in moments])
    subject = review(signals=[signal(control="up")])
    verdicts = [
        replay(subject, Past(History.of({"latency": (own,), "latency.control": (control,)}, STEP)), T0).recommendation
        for control in (own, calm)
    ]
    assert verdicts == [Recommendation.APPROVE, Recommendation.REJECT]


def test_a_fault_in_a_share_is_as_large_as_it_is_written() -> None:
    declared = review(signals=[signal("errors", per="up", margin={"absolute": "10m"})])
    moments = [T0 + index * STEP for index in range(-300, 60)]
    recording = {
        "errors": (recorded([(moment, 2.0 + index % 3 * 0.1) for index, moment in enumerate(moments)]),),
        "errors.per": (recorded([(moment, 200.0) for moment in moments]),),
    }
    study = Study(declared, Past(History.of(recording, STEP)), recording, (Fault.parse("errors+30m"),))
    healthy, faulty = (each.checkpoints[0].result for each in study.at(T0))
    assert healthy is not None
    assert faulty is not None
    before, after = (each.results[0].finding.estimate for each in (healthy, faulty))
    assert before is not None
    assert after is not None
    assert after.estimate - before.estimate == pytest.approx(0.03, rel=0.01)
