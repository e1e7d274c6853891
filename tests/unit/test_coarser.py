"""Evidence that is too large in the usual blocks: which longer ones are taken, and what is said of it."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, RevisionEvidence
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Verdict
from driftreview.domain import decide
from driftreview.domain.blocks import block_medians
from driftreview.domain.coarser import Levels, coarsened, first_look, fits, later_look
from driftreview.domain.evidence import MOST_STORED, Look, Measurement, canonical, freeze
from driftreview.domain.foresight import Foresight
from driftreview.domain.genuine import is_of
from driftreview.domain.history import History
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.query import Asked
from driftreview.domain.replay import Past, frozen_but, replay
from driftreview.domain.samples import Failed, Samples, Series, Window
from driftreview.domain.schedule import Due, block_lengths, checkpoints
from driftreview.domain.scraping import Scraping
from tests import builders
from tests.builders import HOUR, MINUTE, T0, presence, recorded, review, signal

JUDGED = RevisionEvidence(**builders.revision("new").model_dump())
STARTED = DriftReviewStatus(judged=builders.revision("new"), t0=T0)
LOOKS = {"checkpoints": ["1h", "6h", "24h"], "rollback": "24h"}
STEP = 5 * MINUTE


def large(count: int, status: DriftReviewStatus = STARTED, **spec: Any) -> DriftReview:
    """A review of so many signals, each of twenty series, with 432 blocks before T0 unless the fields differ."""
    declared = [signal(f"s{number}", each="pod") for number in range(count)]
    return review(status, **{"signals": declared, "baseline": {"length": "3d"}, "window": LOOKS} | spec)


def answered(window: Window, value: float = 0.123456789, series: int = 20) -> Samples:
    values = [value] * window.points
    return Samples(window, tuple(Series({"pod": f"web-{number:02}"}, values) for number in range(series)))


def at_t0(subject: DriftReview) -> Look:
    return first_look(subject.spec, T0, T0 - 10 * MINUTE, STEP, "source")


def taken(subject: DriftReview, look: Look, series: int = 20, scraping: Scraping | None = None) -> DriftSnapshotSpec:
    levels = Levels(look)
    assert look.window is not None
    for each in subject.spec.signals:
        levels.keep(Measurement(each, "up", answered(look.window, series=series)), scraping)
    return levels.taken(subject, JUDGED, scraping=scraping)


def block_of(evidence: DriftSnapshotSpec) -> str:
    assert evidence.window is not None
    return evidence.window.block


class TestLengths:
    @pytest.mark.parametrize(
        ("spec", "minutes"),
        [
            ({}, [10, 20, 30, 60, 120, 240]),
            ({"window": {"checkpoints": ["1h"], "rollback": "1h"}}, [10]),
            ({"window": {"checkpoints": ["1h", "2h"], "rollback": "2h"}}, [10, 20]),
            ({"baseline": {"length": "3h"}}, [10, 20, 30]),
            ({"baseline": {"from": "Declared", "length": "1h"}}, [10, 20, 30, 60, 120, 240]),
            ({"baseline": {"from": "Snapshot", "length": "30m"}}, [5]),
            ({"window": {"checkpoints": ["30m", "24h"], "rollback": "24h"}}, [5, 10, 15, 30, 60, 120, 240]),
        ],
    )
    def test_the_last_look_and_the_baseline_keep_six(self, spec: dict[str, Any], minutes: list[int]) -> None:
        assert [each / MINUTE for each in block_lengths(large(1, **spec).spec, STEP)] == minutes


class TestTaken:
    @pytest.mark.parametrize(
        ("count", "block"), [(1, "600s"), (10, "600s"), (20, "1200s"), (30, "1800s"), (50, "3600s")]
    )
    def test_the_shortest_blocks_in_which_all_fits(self, count: int, block: str) -> None:
        subject = large(count)
        evidence = taken(subject, at_t0(subject))
        assert block_of(evidence) == block
        assert not [each.name for each in evidence.signals if each.problem]
        assert len(canonical(evidence.to_wire())) <= MOST_STORED

    def test_it_is_what_would_have_been_frozen_in_such_blocks(self) -> None:
        subject = large(20)
        look = at_t0(subject)
        evidence, (window, block) = taken(subject, look), look.coarser[0]
        (one, *_) = subject.spec.signals
        assert evidence.signals[0] == freeze(Measurement(one, "up", answered(window)), window, block)

    def test_what_does_not_fill_a_longer_block_is_left_out_of_all_that_is_said(self) -> None:
        subject = large(50, baseline={"length": "1490m"})
        look = at_t0(subject)
        scraping = Scraping(bytes([0] + [1] * 297))
        evidence, window = taken(subject, look, scraping=scraping), look.coarser[0][0]
        assert look.window is not None
        assert (look.window.points, window.points) == (298, 296)
        assert {each.expected for one in evidence.signals for each in one.series} == {296}
        assert evidence.scraping is not None
        assert evidence.scraping.silent == 0

    def test_what_one_series_has_too_many_blocks_of_is_coarsened_too(self) -> None:
        month = {"length": "28d"}
        window = {"checkpoints": ["90s", "6h"], "rollback": "6h"}
        subject = large(1, baseline=month, window=window)
        look = first_look(subject.spec, T0, T0, timedelta(seconds=15), "source")
        evidence = taken(subject, look, series=1)
        assert (block_of(evidence), evidence.signals[0].problem) == ("180s", None)

    def test_the_longest_look_is_thought_of(self) -> None:
        subject = large(50, baseline={"length": "6h"})
        assert block_of(taken(subject, at_t0(subject))) == "1200s"
        short = large(50, baseline={"length": "6h"}, window={"checkpoints": ["1h", "6h"], "rollback": "6h"})
        assert block_of(taken(short, at_t0(short))) == "600s"

    def test_where_no_block_is_long_enough_it_is_said_what_was_left_out(self) -> None:
        subject = large(50, baseline={"length": "28d"}, window={"checkpoints": ["1h", "2h"], "rollback": "2h"})
        evidence = taken(subject, at_t0(subject))
        problems = [each.problem.reason for each in evidence.signals if each.problem]
        assert block_of(evidence) == "1200s"
        assert problems
        assert set(problems) == {Reason.ANSWER_TOO_LARGE}

    def test_a_signal_that_is_refused_in_any_blocks_makes_none_of_the_others_coarser(self) -> None:
        subject = large(2)
        look = at_t0(subject)
        assert look.window is not None
        levels = Levels(look)
        huge = Samples(
            look.window, tuple(Series({"pod": "x" * 300 + str(n)}, [1.0] * look.window.points) for n in "ab")
        )
        levels.keep(Measurement(subject.spec.signals[0], "up", huge))
        levels.keep(Measurement(subject.spec.signals[1], "up", answered(look.window)))
        evidence = levels.taken(subject, JUDGED)
        assert [bool(each.series) for each in evidence.signals] == [False, True]
        assert block_of(evidence) == "600s"

    def test_what_was_never_answered_stands_in_its_place(self) -> None:
        subject = large(2)
        look = at_t0(subject)
        levels = Levels(look)
        assert look.window is not None
        levels.keep(Measurement(subject.spec.signals[1], "up", answered(look.window)))
        failed = Measurement(subject.spec.signals[0], "up", Failed(Reason.TIMEOUT, "no answer", retryable=True))
        evidence = levels.taken(subject, JUDGED, failed=[failed])
        assert [(each.name, each.problem and each.problem.reason) for each in evidence.signals] == [
            ("s0", Reason.TIMEOUT), ("s1", None),
        ]  # fmt: skip

    def test_what_is_kept_meanwhile_is_bounded(self) -> None:
        subject = large(50, baseline={"length": "7d"})
        levels, most = Levels(at_t0(subject)), 0
        answer = answered(at_t0(subject).window or pytest.fail("nothing to ask"))
        for each in subject.spec.signals:
            levels.keep(Measurement(each, "up", answer))
            most = max(most, levels.size)
        assert most < 3 * MOST_STORED
        assert fits(levels.taken(subject, JUDGED), 1.0)


class TestAfterwards:
    def later(self, subject: DriftReview, evidence: DriftSnapshotSpec) -> list[Look]:
        dues = checkpoints(subject.spec.window, T0)
        return [later_look(subject.spec, evidence, T0, due, STEP, "source", "sha256:x") for due in dues]

    def test_later_looks_have_the_blocks_of_t0(self) -> None:
        subject = large(50)
        looks = self.later(subject, taken(subject, at_t0(subject)))
        assert [(each.block / MINUTE, each.window and each.window.points, each.coarser) for each in looks] == [
            (60, 12, ()), (60, 72, ()), (60, 288, ()),
        ]  # fmt: skip

    def test_a_look_shorter_than_a_block_is_looked_at_all_the_same(self) -> None:
        subject = large(50, baseline={"length": "7d"})
        evidence = taken(subject, at_t0(subject))
        (hour, *_) = self.later(subject, evidence)
        assert (block_of(evidence), hour.block / HOUR, hour.window and hour.window.points) == ("7200s", 2, 12)

    def test_without_a_measured_baseline_each_look_has_blocks_of_its_own(self) -> None:
        subject = large(50, baseline={"from": "Declared"}, signals=[signal("s0", limits={"alert": 1})])
        evidence = Levels(at_t0(subject)).taken(subject, JUDGED)
        assert evidence.window is None
        looks = later_look(subject.spec, evidence, T0, Due("6h", T0 + 6 * HOUR), STEP, "source", "x")
        assert (looks.block, [block / MINUTE for _, block in looks.coarser]) == (10 * MINUTE, [20, 30, 60, 120, 240])

    def test_stored_evidence_in_any_of_the_blocks_is_that_of_the_look(self) -> None:
        subject = large(20)
        look = at_t0(subject)
        evidence, asked = taken(subject, look), [Asked("up")] * 20
        odd = (look.coarser[0][0], 3 * look.coarser[0][1])
        unlike = Look(look.checkpoint, look.window, look.block, look.source, coarser=(odd,))
        unit = evidence.model_copy(update={"signals": evidence.signals})
        assert is_of(unit, subject, look, JUDGED.template_hash, asked)
        assert not is_of(unit, subject, unlike, JUDGED.template_hash, asked)

    @pytest.mark.parametrize("kind", ["level", "events", "presence", "limit"])
    def test_an_early_look_is_judged_as_far_as_that_is_possible(self, kind: str) -> None:
        made = {
            "level": signal(),
            "events": builders.events(limits={"alert": 1}, margin=None),
            "presence": presence("30m"),
            "limit": builders.limit("1"),
        }[kind]
        subject = large(1, signals=[made])
        frozen = [
            builders.snapshot(
                freeze(Measurement(made, "up", answered(window, 0.5, 1)), window, 2 * HOUR, Scraping(bytes([1] * 999))),
                window={"start": window.start, "end": window.end, "step": "300s", "block": "7200s"},
                checkpoint=name,
            )
            for name, window in (("T0", Window(T0 - 24 * HOUR, T0, STEP)), ("1h", Window(T0, T0 + HOUR, STEP)))
        ]
        (result,) = (found := judge_checkpoint(subject.spec, *frozen)).results
        if kind in {"level", "events"}:
            assert (result.finding.reason, found.verdict) == (Reason.TOO_FEW_BLOCKS, Verdict.INCONCLUSIVE)
        else:
            assert found.verdict is Verdict.PASS


class TestNote:
    def test_the_usual_blocks_are_not_spoken_of(self) -> None:
        subject = large(1)
        assert coarsened(subject.spec, taken(subject, at_t0(subject))) == ""
        assert coarsened(subject.spec, builders.snapshot(window=None)) == ""

    def test_longer_ones_are_with_what_follows(self) -> None:
        subject = large(50)
        assert coarsened(subject.spec, taken(subject, at_t0(subject))) == (
            "in blocks of 1h instead of 10m, as it would not have fitted into one object; 1h has fewer than 6 of them, "
            "so that Level, Growth and Events signals cannot be judged there"
        )

    def test_it_stands_in_the_condition(self) -> None:
        started = STARTED.model_copy(update={"checkpoints": decide_rows()})
        subject = large(50, started)
        evidence = taken(subject, at_t0(subject))
        ref = SnapshotRef(name="release-t0", hash=evidence.hash)
        status = decide.baseline_captured(subject, evidence, ref, Foresight([], [], [], []), T0)
        (said,) = (each.message for each in status.conditions if each.type == ConditionType.BASELINE_CAPTURED)
        assert said.startswith("frozen in DriftSnapshot release-t0 in blocks of 1h instead of 10m, as it would")


def decide_rows() -> list[Checkpoint]:
    return [Checkpoint(name=due.name, due=due.at) for due in checkpoints(large(1).spec.window, T0)]


def test_the_blocks_of_arrays_are_those_of_lists() -> None:
    values = [3.0, None, 1.0, 2.0, None, None, None, -0.0, 1e308, 1.7e308]
    found = block_medians(Series({}, values), MINUTE, 3 * MINUTE)
    assert found == (2.0, 2.0, 5e307, 1.7e308)


def test_a_replay_takes_the_blocks_that_the_operator_would() -> None:
    subject = large(50, baseline={"length": "1d"})
    look = at_t0(subject)
    assert look.window is not None
    times = [look.window.start - HOUR + number * STEP for number in range(50 * 12 + 12)]
    tracks = tuple(recorded([(time, 0.123456789) for time in times], pod=f"web-{number:02}") for number in range(20))
    history = History.of({each.name: tracks for each in subject.spec.signals}, STEP)
    found = replay(subject, Past(history, {each.name: "up" for each in subject.spec.signals}, "source"), T0)
    expected = taken(subject, look)
    assert block_of(found.baseline) == block_of(expected) == "1200s"
    assert [each.series for each in found.baseline.signals] == [each.series for each in expected.signals]
    windows = [each.evidence.window for each in found.checkpoints if each.evidence]
    assert {each.block for each in windows if each} == {"1200s"}
    assert frozen_but(found, "s0").keys() >= {("T0", "1200s", "s1"), ("24h", "1200s", "s49")}
