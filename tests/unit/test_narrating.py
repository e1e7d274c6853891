"""What happened is written as Events from a thread of its own: once, never in a review's way, and found again."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Event
from typing import Any, cast

import pytest

from driftreview.adapters.errors import (
    ChangedError,
    ClusterError,
    ExistsError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from driftreview.adapters.events import ON_TARGET, Events, events
from driftreview.adapters.kubernetes import Cluster
from driftreview.api.driftreview import DriftReview
from driftreview.api.happenings import Happened
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import Observed
from driftreview.domain.plan import plan
from driftreview.domain.story import Happening, Severity, story
from driftreview.runtime import narrating
from driftreview.runtime.narrating import FRESH, Narrator
from driftreview.runtime.telemetry import Telemetry
from tests.builders import HOUR, MINUTE, T0, review
from tests.simulator import Metrics, Simulator

LIFE = ("Accepted", "BaselineCaptured", "CheckpointJudged", "Decided", "RollbackBegun", "RolledBack")


class Server(Cluster):
    """An API server that keeps Events, and may fail."""

    def __init__(self) -> None:
        self.kept: dict[str, Mapping[str, Any]] = {}
        self.fails: dict[str, ClusterError] = {}
        self.calls = 0

    def create(self, kind: Any, body: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
        assert (kind.prefix, kind.plural) == ("/apis/events.k8s.io/v1", "events")
        self.calls += 1
        if (error := self.fails.get(namespace)) is not None:
            raise error
        name = body["metadata"]["name"]
        if name in self.kept:
            raise ExistsError(name)
        self.kept[name] = body
        return dict(body)


class Clock:
    now = T0 + HOUR

    def __call__(self) -> datetime:
        return self.now


def narrator(server: Server, clock: Clock | None = None, **fields: Any) -> tuple[Narrator, Telemetry]:
    telemetry = Telemetry()
    return Narrator(Events(server), telemetry, "judge-0", clock or Clock(), **fields), telemetry


def counted(telemetry: Telemetry) -> dict[str, float]:
    samples = [each for family in telemetry.events.collect() for each in family.samples]
    return {each.labels["outcome"]: each.value for each in samples if each.name.endswith("_total") and each.value}


@pytest.fixture(scope="module")
def rolled_back() -> DriftReview:
    simulator = Simulator(review(), now=T0 - 12 * MINUTE, metrics=Metrics([(T0, 1.5)]))
    simulator.pass_time(80 * MINUTE)
    return simulator.stored()


def on(review: DriftReview, **metadata: Any) -> DriftReview:
    return review.model_copy(update={"metadata": review.metadata.model_copy(update=metadata)})


def reasons(server: Server, kind: str = "DriftReview") -> list[str]:
    found = sorted((each for each in server.kept.values()), key=lambda each: str(each["metadata"]["name"]))
    return [each["reason"] for each in found if each["regarding"]["kind"] == kind]


def fresh(found: DriftReview) -> DriftReview:
    return found.model_copy(update={"status": DriftReviewStatus()})


def wrote(tells: Narrator, before: DriftReview, status: DriftReviewStatus) -> None:
    with tells.telling(before, status):
        pass


def test_what_a_stored_status_adds_is_written_on_the_review_and_on_the_target(rolled_back: DriftReview) -> None:
    server = Server()
    tells, telemetry = narrator(server)
    wrote(tells, fresh(rolled_back), rolled_back.status)
    assert server.calls == 0, "not by the step"
    tells.write()
    assert reasons(server) == list(LIFE)
    assert reasons(server, "Deployment") == ["Decided", "RollbackBegun", "RolledBack"]
    assert counted(telemetry) == {"written": 9.0}
    wrote(tells, rolled_back, rolled_back.status)
    tells.write()
    assert server.calls == 9, "nothing is new"


def test_one_that_is_there_already_is_no_failure(rolled_back: DriftReview) -> None:
    server = Server()
    for _ in range(2):
        tells, telemetry = narrator(server)
        wrote(tells, fresh(rolled_back), rolled_back.status)
        tells.write()
    assert counted(telemetry) == {"known": 9.0}
    assert len(server.kept) == 9


def test_who_may_not_write_says_so_once_and_tries_again_and_other_namespaces_do_not_wait(
    rolled_back: DriftReview, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    tells, telemetry = narrator(server)
    server.fails["shop"] = ForbiddenError("403 no right", 403)
    other = on(rolled_back, namespace="other", uid="other-uid")
    for each in (rolled_back, other):
        wrote(tells, fresh(each), each.status)
    with caplog.at_level(logging.WARNING):
        tells.write()
        tells.write()
    again = "tried again for an hour; the rights are in charts/driftreview/rules"
    assert [each.message for each in caplog.records] == [f"Events in shop are not written: 403 no right; {again}"]
    assert {each["metadata"]["namespace"] for each in server.kept.values()} == {"other"}
    server.fails.clear()
    tells.write()
    assert counted(telemetry) == {"forbidden": 2.0, "written": 18.0}


def test_while_nobody_answers_nothing_else_is_asked(rolled_back: DriftReview) -> None:
    server = Server()
    tells, telemetry = narrator(server)
    server.fails["shop"] = UnavailableError("500")
    wrote(tells, fresh(rolled_back), rolled_back.status)
    tells.write()
    assert (server.calls, counted(telemetry)) == (1, {"unanswered": 1.0})
    server.fails.clear()
    tells.write()
    assert len(server.kept) == 9


@pytest.mark.parametrize(
    ("error", "calls", "outcome"),
    [(RefusedError("422", 422), 9, "refused"), (NotFoundError("its namespace is being deleted"), 1, "gone")],
)
def test_what_will_never_be_taken_is_left_out(
    rolled_back: DriftReview, error: ClusterError, calls: int, outcome: str
) -> None:
    server = Server()
    tells, telemetry = narrator(server)
    server.fails["shop"] = error
    wrote(tells, fresh(rolled_back), rolled_back.status)
    tells.write()
    tells.write()
    assert (server.calls, counted(telemetry)) == (calls, {outcome: 9.0})


def test_after_an_hour_nothing_is_tried_any_more(rolled_back: DriftReview) -> None:
    server, clock = Server(), Clock()
    tells, telemetry = narrator(server, clock)
    wrote(tells, fresh(rolled_back), rolled_back.status)
    clock.now += FRESH + timedelta(seconds=1)
    tells.write()
    assert (server.calls, counted(telemetry)) == (0, {"dropped": 9.0})


def test_what_waits_is_bounded_and_the_oldest_go_first(rolled_back: DriftReview) -> None:
    server = Server()
    tells, telemetry = narrator(server, most=3)
    wrote(tells, fresh(rolled_back), rolled_back.status)
    tells.write()
    assert sorted([*reasons(server), *reasons(server, "Deployment")]) == ["RollbackBegun", "RolledBack", "RolledBack"]
    assert counted(telemetry) == {"dropped": 6.0, "written": 3.0}


def test_what_flaps_floods_nobody_and_what_lasts_is_told_all_the_same() -> None:
    server, clock = Server(), Clock()
    tells, telemetry = narrator(server, clock)
    before = review(plan(review(), Observed(None), T0).status)  # type: ignore[union-attr]
    for second in range(120):
        at = T0 + timedelta(seconds=second)
        wrote(tells, fresh(before), plan(review(), Observed(None), at).status)  # type: ignore[union-attr]
    simulator = Simulator(review(), now=T0 - 12 * MINUTE)
    simulator.pass_time(14 * MINUTE)
    wrote(tells, fresh(before), simulator.stored().status)
    tells.write()
    assert [reasons(server).count(each) for each in ("NotAccepted", "Accepted", "BaselineCaptured")] == [100, 0, 1]
    assert counted(telemetry) == {"written": 101.0, "dropped": 21.0}
    clock.now += FRESH + timedelta(seconds=1)
    wrote(tells, fresh(before), simulator.stored().status)
    tells.write()
    assert reasons(server).count("Accepted") == 1


def test_the_next_process_comes_to_what_happened_in_the_last_hour(rolled_back: DriftReview) -> None:
    server, clock = Server(), Clock()
    clock.now = T0 + 61 * MINUTE
    tells, _ = narrator(server, clock)
    tells.catch_up(rolled_back.to_wire())
    tells.write()
    assert reasons(server) == list(LIFE[2:]), "T0 was more than an hour ago"
    later, late = Server(), Clock()
    late.now = T0 + 3 * HOUR
    tells, _ = narrator(later, late)
    tells.catch_up(rolled_back.to_wire())
    tells.catch_up({"metadata": {"uid": "1"}, "spec": {}, "status": {}})
    tells.write()
    assert later.calls == 0


def test_a_status_whose_answer_was_lost_is_told_once_it_is_seen(rolled_back: DriftReview) -> None:
    server = Server()
    tells, _ = narrator(server)
    before = fresh(rolled_back)
    with pytest.raises(UnavailableError), tells.telling(before, rolled_back.status):
        raise UnavailableError("no answer")
    tells.heard(before.to_wire())
    tells.write()
    assert server.calls == 0, "it was not stored, or not seen yet"
    tells.heard(rolled_back.to_wire())
    tells.heard(rolled_back.to_wire())
    tells.write()
    assert (reasons(server), server.calls) == (list(LIFE), 9)


def test_a_status_whose_answer_was_lost_is_told_with_the_next_one(rolled_back: DriftReview) -> None:
    server = Server()
    tells, _ = narrator(server)
    with pytest.raises(UnavailableError), tells.telling(fresh(rolled_back), rolled_back.status):
        raise UnavailableError("no answer")
    with pytest.raises(ChangedError), tells.telling(rolled_back, rolled_back.status):
        raise ChangedError("somebody was quicker")
    wrote(tells, rolled_back, rolled_back.status)
    tells.write()
    assert (reasons(server), server.calls) == (list(LIFE), 9)
    assert not tells._unsure


def test_what_is_seen_before_its_answer_comes_is_told_once(rolled_back: DriftReview) -> None:
    server = Server()
    tells, _ = narrator(server)
    with tells.telling(fresh(rolled_back), rolled_back.status):
        tells.heard(rolled_back.to_wire())
    tells.write()
    assert server.calls == 9


def test_what_was_not_stored_is_not_told(rolled_back: DriftReview) -> None:
    server = Server()
    tells, _ = narrator(server)
    with pytest.raises(ChangedError), tells.telling(fresh(rolled_back), rolled_back.status):
        raise ChangedError("somebody was quicker")
    tells.heard(rolled_back.to_wire())
    tells.write()
    assert server.calls == 0


def test_whatever_goes_wrong_in_telling_the_review_goes_on(
    rolled_back: DriftReview, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: DriftReview) -> None:
        raise KeyError("a fault")

    tells, _ = narrator(Server())
    monkeypatch.setattr(narrating, "story", broken)
    wrote(tells, fresh(rolled_back), rolled_back.status)
    assert "what happened could not be told" in caplog.text


def test_the_thread_writes_at_once_tries_again_and_ends_with_what_waits(rolled_back: DriftReview) -> None:
    came, server = Event(), Server()

    class Sink(Events):
        def write(self, event: Mapping[str, Any]) -> bool:
            if came.is_set():
                return super().write(event)
            came.set()
            raise KeyError("a fault of ours leaves out this one only")

    telemetry = Telemetry()
    tells = Narrator(Sink(cast(Cluster, server)), telemetry, "judge-0", Clock(), pause=0.01)
    tells.start()
    wrote(tells, fresh(rolled_back), rolled_back.status)
    assert came.wait(10)
    tells.stop()
    assert not tells._thread.is_alive()
    assert counted(telemetry) == {"dropped": 1.0, "written": 8.0}


def event(what: Happened, note: str = "why", **metadata: Any) -> dict[str, Any]:
    about = on(review(), **metadata)
    happening = Happening(what, T0, "Because", note, Severity.WARNING, "6h")
    return next(events(about, [happening], "i" * 200))


class TestEvent:
    def test_it_has_all_that_the_api_server_asks_for(self) -> None:
        assert event(Happened.CHECKPOINT_JUDGED) == {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": "release.20260731t120000z.08.4599a4f3b3",
                "namespace": "shop",
                "annotations": {"driftreview.dev/because": "Because"},
            },
            "eventTime": "2026-07-31T12:00:00.000000Z",
            "type": "Warning",
            "reason": "CheckpointJudged",
            "action": "Judge",
            "note": "why",
            "regarding": {
                "apiVersion": "driftreview.dev/v1alpha1",
                "kind": "DriftReview",
                "namespace": "shop",
                "name": "release",
                "uid": "review-uid",
            },
            "related": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
            "reportingController": "driftreview.dev/operator",
            "reportingInstance": "i" * 128,
        }

    def test_a_note_has_no_more_bytes_than_the_api_server_takes(self) -> None:
        note = event(Happened.DECIDED, "µ" * 600)["note"]
        assert len(note.encode()) <= 1024
        assert note.endswith("µ…")

    def test_a_long_name_is_cut_and_the_rest_tells_it_from_others(self) -> None:
        names = [event(Happened.DECIDED, name="a" * 199 + "." + "b" * 50, uid=uid)["metadata"]["name"] for uid in "12"]
        assert len(set(names)) == 2
        assert all(len(each) < 253 and each.startswith("a" * 199 + ".2026") for each in names)

    def test_names_are_in_the_order_of_the_story(self, rolled_back: DriftReview) -> None:
        told = list(events(rolled_back, story(rolled_back), "judge-0"))
        ours = [each["metadata"]["name"] for each in told if each["regarding"]["kind"] == "DriftReview"]
        assert ours == sorted(ours)

    def test_before_t0_the_target_is_not_told(self) -> None:
        happening = Happening(next(iter(ON_TARGET)), T0, "Because", "why", Severity.NORMAL)
        assert len(list(events(review(), [happening], "judge-0"))) == 1

    @pytest.mark.parametrize(
        ("what", "action"),
        [
            *(("NotAccepted", "Accept"), ("PersonActed", "Freeze"), ("Held", "Decide"), ("StepDone", "Act")),
            *(("Promoted", "End"), ("Failed", "End"), ("Recovered", "LookAfter"), ("WatchEnded", "LookAfter")),
        ],
    )
    def test_what_the_operator_was_at(self, what: str, action: str) -> None:
        assert event(Happened(what))["action"] == action
