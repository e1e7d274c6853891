"""Incidents: what of pods and events is one, since when, and that there are never too many."""

from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.adapters.errors import ForbiddenError, NotFoundError, UnavailableError
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.facts import ClusterFacts
from driftreview.adapters.incidents import read_incidents
from driftreview.adapters.kubernetes import EVENTS, PODS, Cluster, Kind
from driftreview.adapters.podlist import read_pods
from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.api.incident import MOST_INCIDENTS, Incident
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.target import Target
from driftreview.api.verdicts import CheckVerdict, SignalVerdict, Verdict
from driftreview.domain.checks import CheckResult
from driftreview.domain.finding import Finding
from driftreview.domain.incidents import ended, latest_first, of_event, of_pods
from driftreview.domain.inventory import MOST_PODS
from driftreview.domain.kinds import subjects
from driftreview.domain.pods import Container, Ended, Pod, PodsOf
from driftreview.domain.result import CheckpointResult, SignalResult
from tests.builders import HOUR, MINUTE, T0, review, revision, signal

SUBJECTS = subjects([(Target(name="web"), revision("new"))])
EVENT: dict[str, Any] = {
    "type": "Warning",
    "involvedObject": {"kind": "Pod", "name": "web-new-abcde"},
    "reason": "BackOff",
    "message": "Back-off  restarting\nfailed container",
    "count": 7,
    "lastTimestamp": "2026-07-31T12:05:00Z",
}


def pod(name: str, container: Container) -> Pod:
    return Pod(name, containers=(container,))


def test_what_the_operator_itself_warns_of_is_no_incident_of_the_target() -> None:
    of_target = EVENT | {"involvedObject": {"kind": "Deployment", "name": "web"}}
    assert of_event(of_target, SUBJECTS, T0) is not None
    assert of_event(of_target | {"reportingComponent": "driftreview.dev/operator"}, SUBJECTS, T0) is None


class TestPods:
    def test_how_containers_ended_since_the_look_before(self) -> None:
        killed = Container("app", restarts=2, ended=Ended(137, "OOMKilled", T0 + MINUTE))
        loops = Container("app", restarts=9, ended=Ended(1, "Error", T0 - HOUR), waiting="CrashLoopBackOff")
        old = Container("app", restarts=1, ended=Ended(1, "Error", T0))
        found = list(of_pods([pod("a", killed), pod("b", loops), pod("c", old), pod("d", Container("app"))], T0))
        assert found == [
            Incident(
                kind="OOMKilled",
                object="Pod/a, container app",
                reason="OOMKilled",
                at=T0 + MINUTE,
                count=2,
                exit_code=137,
            ),
            Incident(
                kind="Restarted",
                object="Pod/b, container app",
                reason="CrashLoopBackOff",
                at=T0 - HOUR,
                count=9,
                exit_code=1,
            ),
        ]


class TestEvents:
    def test_a_warning_about_a_judged_pod_is_one_line(self) -> None:
        assert of_event(EVENT, SUBJECTS, T0) == Incident(
            kind="Warning",
            object="Pod/web-new-abcde",
            reason="BackOff",
            at=T0 + 5 * MINUTE,
            count=7,
            message="Back-off restarting failed container",
        )

    @pytest.mark.parametrize(
        ("kind", "name", "ours"),
        [
            ("Deployment", "web", True),
            ("ReplicaSet", "web-new", True),
            ("Pod", "web-new-x2x4z", True),
            ("Pod", "web-newer-x2x4z", False),
            ("ReplicaSet", "web-old", False),
            ("Node", "web", False),
            ("", "", False),
        ],
    )
    def test_only_what_concerns_the_judged_revision(self, kind: str, name: str, ours: bool) -> None:  # noqa: FBT001
        found = of_event(EVENT | {"involvedObject": {"kind": kind, "name": name}}, SUBJECTS, T0)
        assert (found is not None) is ours

    def test_what_was_before_or_is_normal_is_none(self) -> None:
        assert of_event(EVENT, SUBJECTS, T0 + 5 * MINUTE) is None
        assert of_event(EVENT | {"type": "Normal"}, SUBJECTS, T0) is None
        assert of_event({}, SUBJECTS, T0) is None

    def test_both_forms_of_a_time_and_a_count_are_read(self) -> None:
        bare = {name: value for name, value in EVENT.items() if name not in {"count", "lastTimestamp"}}
        series = of_event(
            bare | {"series": {"count": 3, "lastObservedTime": "2026-07-31T12:01:00.123456Z"}}, SUBJECTS, T0
        )
        once = of_event(bare | {"eventTime": "2026-07-31T12:01:00.000001Z"}, SUBJECTS, T0)
        made = of_event(bare | {"metadata": {"creationTimestamp": "2026-07-31T12:01:00Z"}}, SUBJECTS, T0)
        timeless = of_event(bare, SUBJECTS, T0)
        assert [each and each.count for each in (series, once, made, timeless)] == [3, 1, 1, 1]
        assert timeless is not None
        assert timeless.at is None

    @given(st.text(max_size=2000), st.text(max_size=500), st.integers(-(2**60), 2**60))
    def test_what_an_event_says_is_bounded_text(self, message: str, reason: str, count: int) -> None:
        found = of_event(EVENT | {"message": message, "reason": reason, "count": count}, SUBJECTS, T0)
        assert found is not None
        assert (found.message + found.reason).isprintable()
        Incident.model_validate(found.to_wire())


class Server:
    """Stands for the API server."""

    def __init__(self) -> None:
        self.pods: Any = []
        self.events: Any = []
        self.asked: list[Any] = []

    def keep(self, kind: Kind, name: str, *_: Any) -> Any:
        raise NotFoundError(f"{kind.plural}/{name}")

    def objects(self, kind: Kind, namespace: str, selectors: Any, reduce: Any) -> Any:
        self.asked.append((kind.plural, namespace, selectors))
        found = {PODS: self.pods, EVENTS: self.events}.get(kind, [])
        if isinstance(found, Exception):
            raise found
        for start in range(0, len(found), 25):
            yield [reduce(each) for each in found[start : start + 25]]


def read(server: Server) -> tuple[list[Incident], FactReader]:
    reader = FactReader(cast(Cluster, server), "shop")
    pods = read_pods(reader, "deployment/images", PodsOf(revision("new").uid, "pod-template-hash", "new"))
    return read_incidents(reader, SUBJECTS, pods, T0), reader


def test_pods_and_events_are_listed_once_and_by_a_selector() -> None:
    server = Server()
    server.events = [EVENT, EVENT | {"involvedObject": {"kind": "Pod", "name": "other"}}]
    found, reader = read(server)
    assert [each.reason for each in found] == ["BackOff"]
    assert reader.problems == []
    assert server.asked == [
        ("pods", "shop", {"labelSelector": "pod-template-hash=new"}),
        ("events", "shop", {"fieldSelector": "type=Warning"}),
    ]


def test_more_than_are_kept_are_counted_and_the_latest_stay() -> None:
    server = Server()
    times = [(T0 + timedelta(seconds=number + 1)).isoformat() for number in range(MOST_INCIDENTS + 5)]
    server.events = [EVENT | {"lastTimestamp": at} for at in times]
    found, reader = read(server)
    assert len(found) == MOST_INCIDENTS
    assert found == latest_first(found)
    assert found[-1].at == T0 + timedelta(seconds=6)
    assert [(each.about, each.message) for each in reader.problems] == [("incidents/more", "5 older ones are left out")]


def test_a_namespace_full_of_warnings_is_read_in_part_and_says_so() -> None:
    server = Server()
    server.events = [EVENT | {"involvedObject": {}}] * 25 * 90
    assert read(server)[1].problems[0].about == "incidents/events"


def test_a_missing_right_is_a_problem_and_hides_nothing_else() -> None:
    server = Server()
    server.pods, server.events = ForbiddenError("no list on pods"), [EVENT]
    found, reader = read(server)
    assert len(found) == 1
    assert [(each.about, each.reason) for each in reader.problems] == [("deployment/images", Reason.FORBIDDEN)]
    server.events = UnavailableError("down")
    with pytest.raises(UnavailableError):
        read(server)


@pytest.mark.parametrize(
    ("more", "pods", "asked"),
    [
        ({}, 0, ["pods"]),
        ({"inventory": {}}, 0, ["pods"]),
        # Some were left out, among them perhaps judged ones.
        ({"inventory": {}}, MOST_PODS, ["pods", "pods"]),
    ],
)
def test_a_look_lists_the_judged_pods_once(more: dict[str, Any], pods: int, asked: list[str]) -> None:
    server = Server()
    labels = {"pod-template-hash": "new"}
    owned = {"name": "web-new-abcde", "ownerReferences": [{"uid": revision("new").uid}], "labels": labels}
    killed = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": (T0 + MINUTE).isoformat()}
    said = {"name": "web", "restartCount": 2, "lastState": {"terminated": killed}}
    containers = {"containers": [{"name": "web"}]}
    server.pods = [{"metadata": owned, "spec": containers, "status": {"containerStatuses": [said]}}]
    server.pods += [{"metadata": {"name": f"other-{number}"}} for number in range(pods)]
    status = DriftReviewStatus(t0=T0, judged=revision("new"))
    gone = Problem(reason=Reason.SOURCE_NOT_FOUND, message="there is no such source")
    facts = ClusterFacts(cast(Cluster, server), lambda: T0).gather(review(status, **more), gone, T0)
    assert [each.kind for each in facts.incidents] == ["OOMKilled"]
    assert [each[0] for each in server.asked if each[0] in {"pods", "events"}] == [*asked, "events"]


class TestSinceWhen:
    def facts(self, status: DriftReviewStatus, at: Any) -> Facts:
        server = Server()
        server.events = [EVENT | {"lastTimestamp": (T0 + number * MINUTE).isoformat()} for number in (-15, -5, 30, 90)]
        gone = Problem(reason=Reason.SOURCE_NOT_FOUND, message="there is no such source")
        return ClusterFacts(cast(Cluster, server), lambda: T0).gather(review(status, alerts={}), gone, at)

    def found(self, facts: Facts) -> list[float]:
        return [(each.at - T0) / MINUTE for each in facts.incidents if each.at]

    def test_at_t0_since_the_warm_up_began_and_later_since_the_look_before(self) -> None:
        begun = DriftReviewStatus(t0=T0, judged=revision("new"))
        assert self.found(self.facts(begun, T0)) == [90, 30, -5]
        first = begun.model_copy(update={"baseline": SnapshotRef(name="a", hash="b")})
        assert self.found(self.facts(first, T0 + HOUR)) == [90, 30]
        judged = Checkpoint(name="1h", due=T0 + HOUR, verdict=Verdict.PASS)
        second = first.model_copy(update={"checkpoints": [judged, Checkpoint(name="2h", due=T0 + 2 * HOUR)]})
        assert self.found(self.facts(second, T0 + 2 * HOUR)) == [90]

    def test_a_source_that_is_gone_is_a_problem_of_the_alerts(self) -> None:
        facts = self.facts(DriftReviewStatus(t0=T0, judged=revision("new")), T0)
        assert facts.alerts is None
        assert facts.observability is None
        assert [(each.about, each.reason) for each in facts.problems] == [
            ("deployment", Reason.NOT_FOUND),
            ("alerts/new", Reason.SOURCE_NOT_FOUND),
            ("observability/metrics", Reason.SOURCE_NOT_FOUND),
        ]

    def test_a_review_without_a_revision_has_none(self) -> None:
        assert self.facts(DriftReviewStatus(), T0).incidents == []


def incident(**fields: Any) -> Incident:
    return Incident.model_validate({"kind": "Restarted", "object": "Pod/web-new-a, container app"} | fields)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        ([incident(kind="Warning", reason="BackOff")], ""),
        (
            [incident(reason="CrashLoopBackOff", exit_code=3, count=7)],
            "Pod/web-new-a, container app (CrashLoopBackOff, exit code 3, 7 restarts in all)",
        ),
        ([incident(kind="OOMKilled")] * 3, ", ".join(["Pod/web-new-a, container app (OOMKilled)"] * 2) + " and 1 more"),
    ],
)
def test_containers_that_ended_are_told_with_how_and_how_often(found: list[Incident], said: str) -> None:
    assert ended(Facts(taken_at=T0, incidents=found)) == said


def test_nothing_is_told_where_nothing_was_recorded() -> None:
    assert ended(None) == ""


@pytest.mark.parametrize(("checks", "told"), [([], False), ([CheckVerdict.BROKEN], True)])
def test_containers_that_ended_are_told_only_where_something_is_amiss(
    checks: list[CheckVerdict], *, told: bool
) -> None:
    passed = SignalResult(signal(), Finding(SignalVerdict.STABLE, None, "fine"))
    broken = [CheckResult("flags", "cli", each, "it is not there") for each in checks]
    found = CheckpointResult.of([passed], broken, ended="Pod/a (OOMKilled)")
    assert found.message.endswith("; containers ended meanwhile: Pod/a (OOMKilled)") == told
