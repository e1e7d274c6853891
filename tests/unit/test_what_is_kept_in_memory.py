"""An object takes little memory, whoever made it however large, and none when it is gone or over."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import kopf
import pytest
import yaml
from prometheus_client import generate_latest

from driftreview.adapters.errors import NotFoundError
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.domain.action import Role
from driftreview.domain.heard import HEARD, MOST_KEPT
from driftreview.domain.samples import NoData
from driftreview.runtime.index import Indices, kept, version
from driftreview.runtime.operator import Operator
from driftreview.runtime.reconcile import UNREADABLE, Reconciler
from driftreview.runtime.settings import Settings
from driftreview.runtime.sourcecheck import AGAIN, SourceCheck
from driftreview.runtime.telemetry import Telemetry

NOW = datetime(2026, 1, 10, tzinfo=UTC)
KEY = ("driftreviews", "shop", "web-2")
SOURCE = "MetricSource/shop/prometheus"
WIDE = "\N{PILE OF POO}"


def body(uid: str = "uid-1", **parts: Any) -> dict[str, Any]:
    """A review as it comes from the API server."""
    metadata = {
        "name": "web-2", "namespace": "shop", "uid": uid, "resourceVersion": "7", "generation": 2,
        "creationTimestamp": "2026-01-10T00:00:00Z",
        "labels": {"team": "shop"}, "annotations": {"note": "x" * 250_000 + WIDE}, "managedFields": [{"manager": "k"}],
    }  # fmt: skip
    spec = {"target": {"kind": "Deployment", "name": "web"}}
    made = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "DriftReview", "metadata": metadata, "spec": spec}
    return made | {"status": {"phase": "Watching"}} | parts


def source(name: str, namespace: str | None = "shop") -> dict[str, Any]:
    """A metric source as it comes from the API server."""
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"{name}-uid"}, "spec": {}}


def keeping(*bodies: dict[str, Any], plural: str = "driftreviews") -> Indices:
    """What is kept of these."""
    indices = Indices()
    for each in bodies:
        indices.keep(plural, each)
    return indices


def test_what_no_step_reads_of_an_object_is_not_kept() -> None:
    found = kept(body())
    assert found is not None
    assert len(found) < 500
    raw = keeping(body()).found(KEY)
    assert raw is not None
    assert raw == body() | {
        "metadata": {
            "name": "web-2", "namespace": "shop", "uid": "uid-1", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2026-01-10T00:00:00Z",
        }
    }  # fmt: skip


def test_a_wide_character_takes_no_more_room_than_it_does_in_the_cluster() -> None:
    narrow, wide = (kept(body(spec={"signals": [{"query": "x" * 8000 + letter}]})) for letter in ("xxxx", WIDE))
    assert narrow is not None
    assert wide is not None
    assert sys.getsizeof(wide) == sys.getsizeof(narrow)


@pytest.mark.parametrize("phase", ["Promoted", "RolledBack", "Failed", "Superseded", "Inconclusive", "Decided"])
def test_of_a_review_that_is_over_nothing_is_kept(phase: str) -> None:
    assert kept(body(status={"phase": phase})) is None


def test_one_that_is_over_is_kept_until_its_report_was_tried() -> None:
    def ended(message: str) -> bytes | None:
        return kept(body(status={"phase": "Promoted", "conditions": [{"type": "ReportWritten", "message": message}]}))

    assert ended("T0+4h: in configmaps/web-report") is not None
    assert ended("Promoted: in configmaps/web-report") is None


def test_one_without_a_status_and_one_to_be_deleted_are_kept() -> None:
    new = body()
    del new["status"]
    new["metadata"]["deletionTimestamp"] = "2026-01-10T00:01:00Z"
    raw = keeping(new).found(KEY)
    assert raw is not None
    assert "status" not in raw
    assert raw["metadata"]["deletionTimestamp"] == "2026-01-10T00:01:00Z"


def test_of_two_of_one_name_the_younger_is_found() -> None:
    old, new = body("old"), body("new")
    new["metadata"]["creationTimestamp"] = "2026-01-10T00:00:01Z"
    indices = keeping(new, old)
    for gone in (old, new):
        found = indices.found(KEY)
        assert found is not None
        assert found["metadata"]["uid"] == "new"
        indices.forget(KEY[0], gone)
    assert indices.found(KEY) is None
    assert not indices.has(KEY)


def test_one_that_is_over_is_not_found_any_more() -> None:
    indices = keeping(body(), body(status={"phase": "Promoted"}))
    assert indices.found(KEY) is None
    assert indices._kept == {}


def test_an_annotation_is_news_though_it_is_not_kept() -> None:
    metadata = body()["metadata"]
    assert version(metadata) != version(metadata | {"annotations": {"note": "look"}})


def test_a_source_is_known_where_its_kind_is_watched() -> None:
    indices = Indices()
    assert indices.has_source(SOURCE)
    indices.start(["metricsources"])
    assert not indices.has_source(SOURCE)
    indices.keep("metricsources", source("prometheus"))
    assert indices.has_source(SOURCE)
    assert not indices.has_source("MetricSource/other/prometheus")
    assert indices.has_source("ClusterMetricSource/prometheus")
    indices.start(["clustermetricsources"])
    indices.keep("clustermetricsources", source("prometheus", None))
    assert indices.has_source("ClusterMetricSource/prometheus")
    assert not indices.has_source("ClusterMetricSource/other")


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """An operator that nobody started, without a cluster."""
    kubeconfig = {
        "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "none", "user": {}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "current-context": "none",
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    operator = Operator(Settings(kubeconfig=tmp_path / "kubeconfig", listen_port=0))
    operator._indices.start([KEY[0], "metricsources"])
    operator._indices.keep(KEY[0], body())
    operator._indices.keep("metricsources", source("other"))
    yield operator
    operator._web._server.server_close()


class Kept:
    """Stands for what looks at reviews: keeps a note of each, also after the review was deleted meanwhile."""

    def __init__(self, operator: Operator, *, fails: bool) -> None:
        self.operator, self.fails, self.uids, self.ended = operator, fails, set[str](), threading.Event()

    def run(self, raw: dict[str, Any]) -> None:
        uid = raw["metadata"]["uid"]
        self.operator._reviews.forget(KEY)
        self.forget(uid)
        self.uids.add(uid)
        if self.fails:
            raise NotFoundError("it is gone")
        self.operator._queried("MetricSource/shop/other", "Success", 0.1)

    def forget(self, uid: str) -> None:
        self.uids.discard(uid)


@pytest.mark.parametrize("fails", [False, True])
def test_a_step_that_outlives_its_review_leaves_nothing_behind(operator: Operator, *, fails: bool) -> None:
    reconciler = Kept(operator, fails=fails)
    operator._reconciler = cast(Reconciler, reconciler)

    async def story() -> None:
        running = asyncio.create_task(operator._reviews.run())
        operator._reviews.wake(KEY)
        while operator._reviews._entries:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.001)
        await operator._reviews.stop()
        await running

    asyncio.run(asyncio.wait_for(story(), 30))
    assert reconciler.uids == set()
    assert "shop/other" not in generate_latest(operator._telemetry.registry).decode()


def test_a_query_that_outlives_its_source_is_not_counted(operator: Operator) -> None:
    operator._queried("MetricSource/shop/other", "Success", 0.1)
    operator._queried(SOURCE, "Success", 0.1)
    text = generate_latest(operator._telemetry.registry).decode()
    assert 'source="MetricSource/shop/other"' in text
    assert SOURCE not in text


def test_series_are_forgotten_while_others_are_counted() -> None:
    telemetry, over = Telemetry(), threading.Event()

    def count() -> None:
        for number in range(2_000):
            telemetry.query(f"MetricSource/shop/{number % 50}", str(number % 10), 0.1)
        over.set()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    counting = threading.Thread(target=count)
    counting.start()
    try:
        while not over.is_set():
            telemetry.forget("MetricSource/shop/7")
    finally:
        counting.join()
        sys.setswitchinterval(before)
    telemetry.forget("MetricSource/shop/7")
    samples = [sample for metric in telemetry.queries.collect() for sample in metric.samples]
    counted = {each.labels["source"]: each.value for each in samples if each.name.endswith("_count")}
    assert counted == {f"MetricSource/shop/{number}": 40 for number in range(50) if number != 7}


def test_another_review_of_the_same_name_is_left_to_its_own_turn() -> None:
    reviews = SimpleNamespace(read=lambda *_: body("uid-2"))
    given: dict[str, Any] = dict.fromkeys((each.name for each in fields(Reconciler)), SimpleNamespace())
    given |= {"reviews": reviews, "telemetry": Telemetry(), "clock": lambda: NOW, "role": Role.ALL}
    reconciler = Reconciler(**given | {"turn_seconds": 20.0, "stale": {"uid-1"}})
    assert reconciler.run(body("uid-1")) == NOW + UNREADABLE
    assert reconciler.stale == set()


def test_a_source_that_is_deleted_while_it_is_asked_is_no_fault() -> None:
    def gone(*_: Any) -> None:
        raise NotFoundError("it is gone")

    class Asked:
        def instant(self, *_: Any) -> NoData:
            return NoData("Empty", "nothing")

        def data(self, *_: Any) -> None:
            return None

        def hide(self, text: str) -> str:
            return text

    asked = Asked()
    sources = SimpleNamespace(connect=lambda _: FoundSource(cast(Any, asked), "label"), write_status=gone)
    raw = {"kind": "MetricSource", "metadata": {"name": "prometheus"}, "spec": {"url": "http://prometheus:9090"}}
    assert SourceCheck(cast(MetricSources, sources), lambda: NOW).run(raw) == NOW + AGAIN


ACTS = "driftapprovals"


def act(uid: str, review: str = "web-2", **spec: Any) -> dict[str, Any]:
    """A DriftApproval as it comes from the API server."""
    made = body(uid)
    about = {"reviewRef": {"name": review, "uid": "uid-1"}, "by": "jane", "type": "Approve"}
    made |= {"kind": "DriftApproval", "metadata": made["metadata"] | {"name": uid}, "spec": about | spec}
    del made["status"]
    return made


def test_what_people_did_is_found_by_the_review_it_names_and_what_cannot_be_read_is_left_out() -> None:
    review = SimpleNamespace(metadata=SimpleNamespace(namespace="shop", name="web-2"))
    assert Indices().approvals(cast(Any, review)) == ()
    acts = act("a1"), act("a2", type="Teleport"), act("a3", type="Note", message="x"), act("a4", review="web-3")
    indices = keeping(*acts, plural=ACTS)
    assert [each.metadata.uid for each in indices.approvals(cast(Any, review))] == ["a1", "a3"]
    review.metadata.name = "other"
    assert indices.approvals(cast(Any, review)) == ()


def web_2() -> Any:
    return SimpleNamespace(metadata=SimpleNamespace(namespace="shop", name="web-2", uid="uid-1"))


def test_of_too_many_acts_those_are_kept_that_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    def note(number: int) -> dict[str, Any]:
        return act(f"n{number:05}", type="Note", message="x", by="dev")

    recorded, last = note(0), act("last", type="Reject", message="no")
    indices = keeping(body(status={"phase": "Watching", "approvals": [{"uid": "n00000"}]}))
    indices.keep(ACTS, note(0) | {"metadata": note(0)["metadata"] | {"creationTimestamp": "2027-01-10T00:00:00Z"}})
    for number in range(1, 5_000):
        indices.keep(ACTS, note(number))
        indices.bound("shop", "web-2")
        assert len(indices._kept[ACTS, "shop", "web-2"]) <= MOST_KEPT
    indices.keep(ACTS, last)
    indices.keep(ACTS, act("a2", type="Teleport"))
    for number in range(5_000, 5_000 + MOST_KEPT):
        indices.keep(ACTS, note(number))
    indices.bound("shop", "web-2")
    found = [each.metadata.uid for each in indices.approvals(web_2())]
    assert found[:2] == [recorded["metadata"]["uid"], "last"]
    assert found[2:] == [f"n{number:05}" for number in range(1, HEARD - 1)]
    assert f"DriftApprovals name shop/web-2: {HEARD} are looked at, and nothing follows from the others" in caplog.text


def test_of_no_review_they_are_bounded_too_and_few_are_left_alone() -> None:
    indices = keeping(*[act(f"a{number}") for number in range(MOST_KEPT)], plural=ACTS)
    indices.bound("shop", "web-2")
    assert len(indices.approvals(web_2())) == MOST_KEPT
    indices.keep(ACTS, act("one-more"))
    indices.bound("shop", "web-2")
    assert len(indices.approvals(web_2())) == HEARD


def test_threads_read_while_objects_come_and_go() -> None:
    """Many at once, as by a flood: no reader may meet a change, and each has whole objects."""
    indices, over, failed = keeping(body()), threading.Event(), list[BaseException]()
    acts = [act(f"a{number}") for number in range(200)]

    def read() -> None:
        try:
            while not over.is_set():
                assert all(each.spec.by == "jane" for each in indices.approvals(web_2()))
                assert indices.found(KEY) is not None
        except BaseException as error:  # noqa: BLE001 - a thread's failure is told by the test
            failed.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for each in readers:
        each.start()
    try:
        for _ in range(10):
            for one in acts:
                indices.keep(ACTS, one)
                indices.keep(KEY[0], body(one["metadata"]["uid"]))
            for one in acts:
                indices.forget(ACTS, one)
                indices.forget(KEY[0], body(one["metadata"]["uid"]))
    finally:
        over.set()
        for each in readers:
            each.join()
        sys.setswitchinterval(before)
    assert failed == []
    assert set(indices._kept) == {KEY}


@pytest.mark.parametrize(
    ("named", "kind", "woken"), [("web-2", "ADDED", 1), ("other", "ADDED", 0), ("web-2", "DELETED", 0)]
)
def test_an_act_wakes_the_review_it_names_and_no_name_that_nobody_has(
    operator: Operator, named: str, kind: str, woken: int
) -> None:
    registry = operator._registry(asyncio.Event())
    (watching,) = (
        each for each in registry._watching._handlers if each.selector and each.selector.any_name == "driftapprovals"
    )
    made = cast(Any, kopf.Body(act("a1", named)))
    asyncio.run(watching.fn(event={"type": kind, "object": {}}, namespace="shop", body=made))
    assert len(operator._reviews._entries) == woken


def test_an_act_that_is_deleted_is_kept_no_more(operator: Operator) -> None:
    operator._indices.keep(ACTS, act("a1"))
    registry = operator._registry(asyncio.Event())
    (watching,) = (each for each in registry._watching._handlers if each.selector and each.selector.any_name == ACTS)
    made = cast(Any, kopf.Body(act("a1")))
    asyncio.run(watching.fn(event={"type": "DELETED", "object": {}}, namespace="shop", body=made))
    assert operator._indices.approvals(web_2()) == ()
