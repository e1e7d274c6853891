"""What a look was answered is kept over its steps; what failed is asked again; nothing is asked twice without need."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from driftreview.adapters.facts import ClusterFacts
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import BusyError
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.workloads import Workloads
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, RevisionEvidence
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.status import DriftReviewStatus, Revision
from driftreview.domain import trouble
from driftreview.domain.action import Observed, Settle
from driftreview.domain.evidence import T0, Look
from driftreview.domain.plan import plan
from driftreview.domain.revisions import pin
from driftreview.domain.samples import Failed, QueryResult, Window
from driftreview.domain.scraping import UP
from driftreview.runtime import capture
from driftreview.runtime.capture import Capture, ForeignEvidenceError, Unanswered, foreseen
from driftreview.runtime.gather import NO_ROOM, TurnOverError
from tests import builders
from tests.builders import BLOCK, HOUR, MINUTE, answer, presence, review, signal, target
from tests.simulator import replica_set

WINDOW = Window(builders.T0, builders.T0 + HOUR, MINUTE)
LOOK = Look("1h", WINDOW, BLOCK, "MetricSource/prometheus http://prometheus", previous_hash="sha256:before")
SIGNALS = [signal(name, query=name) for name in ("a", "b", "c")]
DOWN = Failed(Reason.UNREACHABLE, "connection refused", retryable=True)
NEVER, AT_ONCE = float("inf"), 0.0


class Store:
    """Stands for the API server: keeps what it is given."""

    def __init__(self) -> None:
        self.kept: dict[str, DriftSnapshotSpec] = {}

    def snapshot(self, _: str, name: str) -> DriftSnapshotSpec | None:
        return self.kept.get(name)

    def store_snapshot(self, _: DriftReview, name: str, spec: DriftSnapshotSpec) -> DriftSnapshotSpec:
        return self.kept.setdefault(name, spec)


class FactsOfNow:
    """Stands for what the cluster says of itself, which never changes."""

    def __init__(self) -> None:
        self.problems: list[FactProblem] = []
        self.asked_for: list[datetime] = []

    def gather(self, _: DriftReview, __: object, at: datetime) -> Facts:
        self.asked_for.append(at)
        return Facts(taken_at=builders.T0, problems=self.problems)


class Templates:
    """Stands for the targets: has the ReplicaSets of all versions."""

    def pin(self, _: DriftReview, revision: Revision) -> RevisionEvidence:
        return pin(revision, replica_set(revision.name))


class Source:
    """Stands for a Prometheus: answers or fails as told, and notes what it was asked."""

    def __init__(self) -> None:
        self.failing: dict[str, Failed] = {}
        self.asked: list[str] = []
        self.pinged, self.down = 0, False
        self.about_itself, self.up = 0, cast(QueryResult | None, None)
        self.then: Callable[[], None] = lambda: None

    def instant(self, query: str, at: datetime) -> object:
        assert query == "vector(1)"
        self.pinged += 1
        return DOWN if self.down else at

    def range(self, query: str, window: Window) -> QueryResult:
        if query == UP:
            self.then()
            self.about_itself += 1
            return self.up or answer(window, [1.0] * window.points)
        self.asked.append(query)
        self.then()
        return self.failing.get(query) or answer(window, [1.0] * window.points)


class Scene:
    """A review at its first look."""

    def __init__(self) -> None:
        self.now = builders.T0 + HOUR
        self.store, self.source = Store(), Source()
        self.facts = FactsOfNow()
        self.capture = Capture(
            cast(Reviews, self.store), cast(Workloads, Templates()), cast(ClusterFacts, self.facts), lambda: self.now
        )
        action = plan(review(signals=SIGNALS), Observed(target()), builders.T0)
        assert isinstance(action, Settle)
        self.status = action.status

    def look(
        self, until: float = NEVER, status: DriftReviewStatus | None = None, found: Problem | None = None
    ) -> DriftSnapshotSpec | Unanswered:
        source = found or FoundSource(cast(Any, self.source), LOOK.source)
        subject = review(status or self.status, signals=SIGNALS)
        return self.capture.evidence(subject, LOOK, source, until, history=False)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_evidence_is_asked_for_once_and_then_found(scene: Scene) -> None:
    stored = scene.look()
    assert isinstance(stored, DriftSnapshotSpec)
    assert [each.name for each in stored.signals] == ["a", "b", "c"]
    assert scene.look() == stored
    assert scene.source.asked == ["a", "b", "c"]


def test_a_turn_that_is_over_goes_on_where_it_stopped(scene: Scene) -> None:
    began = scene.now
    for asked in (["a"], ["a", "b"]):
        with pytest.raises(TurnOverError) as caught:
            scene.look(AT_ONCE)
        assert (caught.value.since, scene.source.asked, scene.store.kept) == (began, asked, {})
        scene.now += MINUTE
    assert scene.look(AT_ONCE) == Scene().look(), "the same evidence as in one turn"
    assert scene.source.asked == ["a", "b", "c"]


def test_only_failures_are_asked_again(scene: Scene) -> None:
    scene.source.failing = {"b": DOWN}
    assert scene.look() == Unanswered([DOWN], dead=False)
    assert scene.look() == Unanswered([DOWN], dead=False), "until it was told"
    assert scene.source.asked == ["a", "b", "c"]
    scene.capture.next_round("review-uid")
    scene.source.failing = {}
    assert scene.look() == Scene().look()
    assert scene.source.asked == ["a", "b", "c", "b"]


def test_a_round_that_is_cut_up_does_not_ask_its_failures_again_before_it_is_over(scene: Scene) -> None:
    scene.source.failing = dict.fromkeys("ab", DOWN)
    for _ in range(2):
        with pytest.raises(TurnOverError):
            scene.look(AT_ONCE)
    assert scene.look(AT_ONCE) == Unanswered([DOWN, DOWN], dead=False)
    assert scene.source.asked == ["a", "b", "c"]


def test_out_of_patience_what_there_is_gets_frozen_failures_and_all(scene: Scene) -> None:
    scene.source.failing = {"b": DOWN}
    assert scene.look() == Unanswered([DOWN], dead=False)
    waiting = trouble.metrics_failed(review(scene.status, signals=SIGNALS), [DOWN], scene.now, dead=True)
    scene.now += 10 * MINUTE
    stored = scene.look(status=waiting)
    assert isinstance(stored, DriftSnapshotSpec)
    assert [each.problem and each.problem.reason for each in stored.signals] == [None, Reason.UNREACHABLE, None]


def test_what_can_never_be_answered_is_frozen_at_once(scene: Scene) -> None:
    scene.source.failing = {"b": Failed(Reason.QUERY_INVALID, "parse error", retryable=False)}
    stored = scene.look()
    assert isinstance(stored, DriftSnapshotSpec)
    assert stored.signals[1].problem == Problem(reason=Reason.QUERY_INVALID, message="parse error")


def test_a_source_that_is_gone_answers_nothing_and_keeps_what_it_answered(scene: Scene) -> None:
    with pytest.raises(TurnOverError):
        scene.look(AT_ONCE)
    gone = Problem(reason=Reason.SOURCE_NOT_FOUND, message="there is no such source")
    assert scene.look(found=gone) == Unanswered([Failed(gone.reason, gone.message, retryable=True)] * 2, dead=False)
    scene.capture.next_round("review-uid")
    assert isinstance(scene.look(), DriftSnapshotSpec)
    assert scene.source.asked == ["a", "b", "c"]


def test_a_source_without_room_is_waited_for_and_then_told_as_unanswered(scene: Scene) -> None:
    def busy() -> None:
        raise BusyError

    scene.source.then = busy
    for seconds in (0, 59):
        scene.now = builders.T0 + HOUR + timedelta(seconds=seconds)
        with pytest.raises(BusyError):
            scene.look()
    scene.now = builders.T0 + HOUR + MINUTE
    assert scene.look() == Unanswered([NO_ROOM] * 3, dead=True)
    scene.source.then = lambda: None
    scene.capture.next_round("review-uid")
    assert isinstance(scene.look(), DriftSnapshotSpec)


@pytest.mark.parametrize("down", [False, True])
def test_a_source_that_dies_after_some_answers_is_told_from_a_query_that_always_fails(
    scene: Scene, *, down: bool
) -> None:
    scene.source.failing = {"b": DOWN}
    assert scene.look() == Unanswered([DOWN], dead=False)
    scene.capture.next_round("review-uid")
    scene.source.down = down
    assert scene.look() == Unanswered([DOWN], dead=down)
    assert (scene.source.asked, scene.source.pinged) == (["a", "b", "c", "b"], 1)


def test_what_was_busy_is_frozen_with_the_query_as_it_would_have_been_sent(scene: Scene) -> None:
    signals = [signal("a", query='up{pod=~"${pods}"}')]
    subject = review(scene.status, signals=signals)

    def busy() -> None:
        raise BusyError

    scene.source.then = busy
    found = FoundSource(cast(Any, scene.source), LOOK.source)
    with pytest.raises(BusyError):
        scene.capture.evidence(subject, LOOK, found, NEVER, history=False)
    scene.now += MINUTE
    waiting = trouble.metrics_failed(subject, [NO_ROOM], scene.now, dead=False)
    scene.now += 5 * HOUR
    stored = scene.capture.evidence(review(waiting, signals=signals), LOOK, found, NEVER, history=False)
    assert isinstance(stored, DriftSnapshotSpec)
    assert stored.signals[0].query.startswith('up{pod=~"web-new-')


def test_what_a_review_that_is_over_was_answered_is_not_kept(scene: Scene) -> None:
    with pytest.raises(TurnOverError):
        scene.look(AT_ONCE)
    scene.capture.forget("review-uid")
    scene.look()
    assert scene.source.asked == ["a", "a", "b", "c"]
    assert not scene.capture._rounds


def test_another_snapshot_of_the_same_name_is_not_taken_for_ours(scene: Scene) -> None:
    ours = scene.look()
    assert isinstance(ours, DriftSnapshotSpec)
    name = next(iter(scene.store.kept))
    scene.store.kept[name] = ours.model_copy(update={"previous_hash": "sha256:other"})
    with pytest.raises(ForeignEvidenceError):
        scene.look()


def test_another_look_of_a_review_takes_the_place_of_the_one_before(scene: Scene) -> None:
    with pytest.raises(TurnOverError):
        scene.look(AT_ONCE)
    other = replace(LOOK, source="MetricSource/prometheus http://elsewhere")
    subject, found = review(scene.status, signals=SIGNALS), FoundSource(cast(Any, scene.source), other.source)
    with pytest.raises(TurnOverError):
        scene.capture.evidence(subject, other, found, AT_ONCE, history=False)
    assert [each.look for each in scene.capture._rounds.values()] == [other]


def test_answers_that_take_too_much_room_are_asked_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftreview.runtime.capture.MOST_BYTES", 2100)
    with pytest.raises(TurnOverError):
        scene.look(AT_ONCE)
    assert [each.size for each in scene.capture._rounds.values()] == [pytest.approx(1300, abs=300)]
    metadata = review().metadata.model_copy(update={"uid": "another-uid", "name": "another"})
    another = review(scene.status, signals=SIGNALS).model_copy(update={"metadata": metadata})
    found = FoundSource(cast(Any, scene.source), LOOK.source)
    for _ in range(2):
        with pytest.raises(TurnOverError):
            scene.capture.evidence(another, LOOK, found, AT_ONCE, history=False)
    scene.look()
    assert scene.source.asked == ["a", "a", "b", "a", "b", "c"]


def test_nothing_is_asked_where_nothing_is_measured(scene: Scene) -> None:
    look = Look(T0, None, BLOCK, LOOK.source)
    subject, found = review(scene.status, signals=SIGNALS), FoundSource(cast(Any, scene.source), LOOK.source)
    stored = scene.capture.evidence(subject, look, found, NEVER, history=False)
    assert isinstance(stored, DriftSnapshotSpec)
    assert (stored.signals, scene.source.asked) == ([], [])
    assert stored.previous is not None
    assert stored.previous.template == builders.template("old")
    assert scene.now == builders.T0 + timedelta(hours=1)


def test_both_queries_of_a_signal_are_asked_in_one_go_and_again_together(scene: Scene) -> None:
    signals = [signal("a", query="a", control='c{pod=~"${pods}"}'), signal("b", query="b", per="p")]
    subject, found = review(scene.status, signals=signals), FoundSource(cast(Any, scene.source), LOOK.source)
    control = 'c{pod=~"web-new-[a-z0-9]{5}"}'
    scene.source.failing = {control: DOWN}
    with pytest.raises(TurnOverError, match="1 of 2 queries"):
        scene.capture.evidence(subject, LOOK, found, AT_ONCE, history=False)
    assert scene.source.asked == ["a", control]
    assert scene.capture.evidence(subject, LOOK, found, AT_ONCE, history=False) == Unanswered([DOWN], dead=False)
    scene.capture.next_round("review-uid")
    scene.source.failing = {}
    stored = scene.capture.evidence(subject, LOOK, found, AT_ONCE, history=False)
    assert isinstance(stored, DriftSnapshotSpec)
    assert scene.source.asked == ["a", control, "b", "p", "a", control]
    assert [(each.control_query, each.per_query) for each in stored.signals] == [(control, None), (None, "p")]
    assert scene.capture.evidence(subject, LOOK, found, AT_ONCE, history=False) == stored


def test_evidence_with_another_control_is_not_taken_for_ours(scene: Scene) -> None:
    found = FoundSource(cast(Any, scene.source), LOOK.source)
    asked, other = ([signal("a", query="a", control=query)] for query in ("c", "d"))
    scene.capture.evidence(review(scene.status, signals=asked), LOOK, found, NEVER, history=False)
    with pytest.raises(ForeignEvidenceError):
        scene.capture.evidence(review(scene.status, signals=other), LOOK, found, NEVER, history=False)


def test_the_source_is_asked_about_itself_once_for_each_look(scene: Scene) -> None:
    for count in (1, 1, 1):
        with contextlib.suppress(TurnOverError):
            scene.look(AT_ONCE)
        assert scene.source.about_itself == count
    stored = scene.store.kept[next(iter(scene.store.kept))]
    assert stored.scraping is not None
    assert (stored.scraping.silent, stored.scraping.throughout) == (0, "3600s")


def test_what_the_source_cannot_say_of_itself_holds_up_nobody(scene: Scene) -> None:
    scene.source.up = DOWN
    stored = scene.look()
    assert isinstance(stored, DriftSnapshotSpec)
    assert stored.scraping is not None
    assert stored.scraping.problem == Problem(reason=Reason.UNREACHABLE, message="connection refused")
    assert [each.problem for each in stored.signals] == [None, None, None]


@pytest.mark.parametrize("needs", [presence("5m", query="a"), signal(query="a", on_missing="Fail")])
def test_only_what_would_count_a_silence_against_the_release_waits_for_it(scene: Scene, needs: Signal) -> None:
    signals, found = [needs, signal("b", query="b")], FoundSource(cast(Any, scene.source), LOOK.source)
    subject = review(scene.status, signals=signals)
    scene.source.up = DOWN
    assert scene.capture.evidence(subject, LOOK, found, NEVER, history=False) == Unanswered([DOWN], dead=False)
    assert scene.source.asked == ["b"]
    scene.capture.next_round("review-uid")
    scene.source.up = None
    stored = scene.capture.evidence(subject, LOOK, found, NEVER, history=False)
    assert isinstance(stored, DriftSnapshotSpec)
    assert [each.problem for each in stored.signals] == [None, None]
    assert (scene.source.asked, scene.source.about_itself) == (["b", "a"], 2)


def test_out_of_patience_a_heartbeat_is_frozen_as_unanswered_and_not_as_absent(scene: Scene) -> None:
    signals, found = [presence("5m", query="a"), signal("b")], FoundSource(cast(Any, scene.source), LOOK.source)
    subject = review(scene.status, signals=signals)
    scene.source.up = DOWN
    assert scene.capture.evidence(subject, LOOK, found, NEVER, history=False) == Unanswered([DOWN], dead=False)
    scene.now += 10 * MINUTE
    waiting = trouble.metrics_failed(subject, [DOWN], builders.T0 + HOUR, dead=True)
    stored = scene.capture.evidence(review(waiting, signals=signals), LOOK, found, NEVER, history=False)
    assert isinstance(stored, DriftSnapshotSpec)
    assert [each.problem and each.problem.reason for each in stored.signals] == [Reason.UNREACHABLE, None]


def test_a_fault_in_what_a_baseline_tells_is_logged_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise OverflowError("math range error")

    frozen = builders.snapshot()
    assert foreseen(review(), frozen) is not None
    monkeypatch.setattr(capture, "foresight", fails)
    assert foreseen(review(), frozen) is None
    (line,) = caplog.records
    assert (line.levelname, getattr(line, "review", "")) == ("ERROR", "shop/release")
    assert line.exc_info is not None


def test_facts_are_asked_for_the_moment_that_is_judged(scene: Scene) -> None:
    scene.now += HOUR
    stored = scene.look()
    assert isinstance(stored, DriftSnapshotSpec)
    assert scene.facts.asked_for == [builders.T0 + HOUR]
    assert stored.facts == Facts(taken_at=builders.T0)


def test_facts_that_the_source_did_not_answer_are_asked_again_and_then_frozen_as_unknown(scene: Scene) -> None:
    scene.facts.problems = [FactProblem(about="alerts", reason=Reason.TIMEOUT, message="no answer")]
    waiting = scene.look()
    assert isinstance(waiting, Unanswered)
    assert [each.message for each in waiting.failures] == ["alerts: no answer"]
    told = trouble.metrics_failed(review(scene.status, signals=SIGNALS), waiting.failures, scene.now, dead=waiting.dead)
    scene.now += 10 * MINUTE
    stored = scene.look(status=told)
    assert isinstance(stored, DriftSnapshotSpec)
    assert stored.facts is not None
    assert stored.facts.problems == scene.facts.problems


@pytest.mark.parametrize("about", ["inventory/cpu", "observability/metrics"])
def test_no_look_waits_for_facts_that_nothing_rests_on(scene: Scene, about: str) -> None:
    scene.facts.problems = [FactProblem(about=about, reason=Reason.TIMEOUT, message="no answer")]
    stored = scene.look()
    assert isinstance(stored, DriftSnapshotSpec)
    assert stored.facts is not None
    assert stored.facts.problems == scene.facts.problems


def test_what_the_api_server_forbids_is_a_fact_at_once(scene: Scene) -> None:
    scene.facts.problems = [FactProblem(about="contracts/store", reason=Reason.FORBIDDEN, message="no right")]
    assert isinstance(scene.look(), DriftSnapshotSpec)


def test_evidence_that_was_stored_in_longer_blocks_is_found_after_a_crash(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOOK.window is not None
    longer = (Window(LOOK.window.end - 2 * BLOCK, LOOK.window.end, LOOK.window.step), 2 * BLOCK)
    look = replace(LOOK, coarser=(longer,), stretch=2.0)
    monkeypatch.setattr("driftreview.domain.coarser.MOST_STORED", 1)
    subject, found = review(scene.status, signals=SIGNALS), FoundSource(cast(Any, scene.source), LOOK.source)
    stored = scene.capture.evidence(subject, look, found, NEVER, history=False)
    assert isinstance(stored, DriftSnapshotSpec)
    assert stored.window is not None
    assert (stored.window.start, stored.window.block) == (longer[0].start, f"{2 * BLOCK.seconds}s")
    assert scene.capture.evidence(subject, look, found, NEVER, history=False) == stored
    assert scene.source.asked == ["a", "b", "c"]
    with pytest.raises(ForeignEvidenceError):
        scene.capture.evidence(subject, LOOK, found, NEVER, history=False)
