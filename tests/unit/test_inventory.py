"""Inventory: how a service is, why, and what it uses."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.inventory import read_inventory
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.podlist import read_namespace
from driftreview.api.configuration import DeploymentFact
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.inventory import Inventory, InventoryFact, ServiceFact, ServiceKind, ServiceStatus
from driftreview.api.reasons import Reason
from driftreview.domain.confounders import ABSENT, confounders
from driftreview.domain.inventory import MOST_PODS, MOST_SERVICES, owners, pod, selects, service, usage, workload
from driftreview.domain.pods import PodsOf
from driftreview.domain.samples import Failed, no_data
from tests import builders
from tests.builders import HOUR, MINUTE, T0
from tests.support.factcluster import FactCluster

Raw = dict[str, Any]
NOW = T0
DEPLOYMENT, STATEFUL_SET, DAEMON_SET = ServiceKind
OWNERS = {DEPLOYMENT: "ReplicaSet", STATEFUL_SET: "StatefulSet", DAEMON_SET: "DaemonSet"}
TERMINATED = "state", "lastState"


def declared(name: str, desired: int = 1, ready: int = 1, *, probe: bool = False, **labels: str) -> Raw:
    container = {"name": "app", "image": f"registry/{name}:1"} | ({"readinessProbe": {"exec": {}}} if probe else {})
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": desired,
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [container]}},
        },
        "status": {"readyReplicas": ready, "numberReady": ready, "desiredNumberScheduled": desired},
    }


def running(app: str, name: str = "", kind: ServiceKind = DEPLOYMENT, **status: Any) -> Raw:
    owner = {"kind": OWNERS[kind], "controller": True}
    container = {"restartCount": 0, "state": {"running": {}}} | status
    labels = {"app": app}
    return {
        "metadata": {"name": name or f"{app}-1", "labels": labels, "ownerReferences": [owner]},
        "status": {"phase": "Running", "containerStatuses": [container]},
    }


def ended(code: int, reason: str = "Error", ago: timedelta = MINUTE) -> Raw:
    return {"terminated": {"exitCode": code, "reason": reason, "finishedAt": (NOW - ago).isoformat()}}


CRASHED = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("raw", "status", "expected", "reason"),
    [
        (declared("a", probe=True), {}, ServiceStatus.HEALTHY, ""),
        (declared("a"), {}, ServiceStatus.RUNNING, ""),
        (declared("a", 0, 0), {}, ServiceStatus.STOPPED, ""),
        (declared("a", 2, 1), {}, ServiceStatus.PENDING, "1 of 2 pods are ready"),
        (declared("a", 1, 0), {"state": {"waiting": {"reason": "ImagePullBackOff"}}}, ServiceStatus.PENDING,
         "0 of 1 pods are ready: ImagePullBackOff"),
        (declared("a", 1, 0), {"state": CRASHED, "lastState": ended(0, "Completed"), "restartCount": 3},
         ServiceStatus.RESTARTING, "CrashLoopBackOff: exits 0 and is restarted"),
        (declared("a", 1, 0), {"state": CRASHED, "lastState": ended(137, "OOMKilled", HOUR), "restartCount": 3},
         ServiceStatus.RESTARTING, "CrashLoopBackOff: exit code 137 (OOMKilled) and is restarted"),
        (declared("a", 1, 0), {"state": CRASHED, "restartCount": 1}, ServiceStatus.RESTARTING, "CrashLoopBackOff"),
        (declared("a"), {"lastState": ended(0, "Completed"), "restartCount": 9}, ServiceStatus.RESTARTING,
         "exits 0 and is restarted"),
        (declared("a", 1, 0), {"state": ended(1)}, ServiceStatus.RESTARTING, "exit code 1 and is restarted"),
        (declared("a"), {"lastState": ended(1, ago=11 * MINUTE), "restartCount": 9}, ServiceStatus.RUNNING, ""),
    ],
)  # fmt: skip
def test_a_service_is_as_its_pods_are(raw: Raw, status: Raw, expected: ServiceStatus, reason: str) -> None:
    one = pod(running("a", **status))
    assert one is not None
    fact = service(workload(raw, DEPLOYMENT), [one], NOW, judged=False)
    assert (fact.status, fact.reason) == (expected, reason)
    assert fact.restarts == status.get("restartCount", 0)


def test_a_pod_that_no_node_takes_says_why() -> None:
    refused = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    one = pod({"metadata": {"name": "a"}, "status": {"phase": "Pending", "conditions": refused}})
    assert one is not None
    fact = service(workload(declared("a", 1, 0), DEPLOYMENT), [one], NOW, judged=False)
    assert fact.reason == "0 of 1 pods are ready: Unschedulable"


def test_an_init_container_may_end_and_may_not_loop() -> None:
    done = running("a") | {"status": {"initContainerStatuses": [{"state": ended(0)}], "phase": "Running"}}
    loops = running("a") | {"status": {"initContainerStatuses": [{"state": CRASHED, "restartCount": 2}]}}
    for raw, expected in ((done, ServiceStatus.RUNNING), (loops, ServiceStatus.RESTARTING)):
        one = pod(raw)
        assert one is not None
        assert service(workload(declared("a"), DEPLOYMENT), [one], NOW, judged=False).status is expected


LEAVING = {"metadata": {"name": "a", "deletionTimestamp": "2026-07-31T12:00:00Z"}}


@pytest.mark.parametrize("patch", [{"status": {"phase": "Failed"}}, {"status": {"phase": "Succeeded"}}, LEAVING])
def test_a_pod_that_is_over_does_not_count(patch: Raw) -> None:
    assert pod(running("a") | patch) is None


def test_a_daemon_set_wants_a_pod_on_each_node() -> None:
    of = workload(declared("a", 3, 2), DAEMON_SET)
    assert (of.desired, of.ready) == (3, 2)


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        ({}, {"a": "1"}, False),
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {"a": "1"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {"a": "1"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": "1"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": "1"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Odd"}]}, {"a": "1"}, False),
    ],
)
def test_a_selector_selects_as_kubernetes_does(selector: Raw, labels: Raw, expected: bool) -> None:  # noqa: FBT001
    assert selects(selector, labels) is expected


def test_a_pod_is_of_the_workload_that_selects_it_and_owns_its_kind() -> None:
    same = [workload(declared("a"), kind) for kind in ServiceKind]
    pods = [each for kind in ServiceKind if (each := pod(running("a", kind.lower(), kind)))]
    assert owners(same, pods) == dict(zip((kind.lower() for kind in ServiceKind), same, strict=True))


POD_NAMES = st.sampled_from(["web-6d4b75cb6d-abcde", "web-1", "db-0", "db-x", "agent-abcde", "other", "web-abcde"])


@given(st.lists(st.tuples(POD_NAMES, st.floats(0, 1e9)), max_size=20))
def test_what_a_pod_uses_is_counted_once_and_for_nobody_else(used: list[tuple[str, float]]) -> None:
    kinds = (("web", DEPLOYMENT), ("db", STATEFUL_SET), ("agent", DAEMON_SET))
    every = [workload(declared(name), kind) for name, kind in kinds]
    known = {"web-1": every[0]}
    ours = {"web-6d4b75cb6d-abcde": "web", "web-1": "web", "db-0": "db", "agent-abcde": "agent"}
    expected: dict[str, float] = {}
    for name, value in used:
        if name in ours:
            expected[ours[name]] = expected.get(ours[name], 0.0) + value
    assert {name: value for (_, name), value in usage(every, known, used).items()} == expected


class Source:
    """A metric source that knows what pods use."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, datetime]]()

    def instant(self, query: str, at: datetime) -> Any:
        self.asked.append((query, at))
        return self.answers.pop(0)


def used(*values: tuple[str, float | None]) -> Rows:
    return Rows(T0, tuple(Row({"pod": name}, value) for name, value in values))


def look(cluster: FactCluster, *answers: Any, **spec: Any) -> tuple[InventoryFact, list[FactProblem], Source]:
    source, reader = Source(*answers), cluster.reader()
    asked = FactSource(reader, FoundSource(cast("Any", source), "prometheus"), T0 - HOUR, {"namespace": "shop"})
    seen = read_namespace(reader, PodsOf("rs-new", "pod-template-hash", "new"))
    fact = read_inventory(asked, builders.review(), Inventory.model_validate(spec), seen, NOW)
    return fact, reader.problems, source


def three() -> FactCluster:
    loops = running("loop", restartCount=4, state=CRASHED, lastState=ended(0, "Completed"))
    pods = [running("web"), running("db", "db-0", STATEFUL_SET), loops]
    return FactCluster({
        "deployments": {"loop": declared("loop", 1, 0, tier="a"), "web": declared("web", probe=True, tier="a")},
        "statefulsets": {"db": declared("db", tier="a"), "other": declared("other")},
        "daemonsets": {},
        "pods": {each["metadata"]["name"]: each for each in pods},
    })  # fmt: skip


def test_selected_services_are_read_with_few_requests_and_what_they_used_is_asked_for_the_look() -> None:
    cluster = three()
    answers = used(("web-1", 0.25), ("db-0", 0.5), ("else", 9.0)), used(("web-1", 1024.0), ("loop-1", None))
    fact, problems, source = look(cluster, *answers, selector={"matchLabels": {"tier": "a"}})
    assert [(each.name, each.status, each.restarts, each.cpu, each.memory, each.judged) for each in fact.services] == [
        ("loop", ServiceStatus.RESTARTING, 4, None, None, False),
        ("web", ServiceStatus.HEALTHY, 0, "0.25", "1024", True),
        ("db", ServiceStatus.RUNNING, 0, "0.5", None, False),
    ]
    assert (fact.cpu, fact.memory, fact.left_out, problems) == ("0.75", "1024", "", [])
    assert cluster.asked == ["pods/?", "deployments/?tier=a", "statefulsets/?tier=a", "daemonsets/?tier=a"]
    assert {at for _, at in source.asked} == {T0 - HOUR}
    assert all('namespace="shop"' in query for query, _ in source.asked)


def test_what_cannot_be_had_is_said_and_the_rest_recorded() -> None:
    cluster = three()
    cluster.forbidden = {"pods", "statefulsets"}
    slow = Failed("Timeout", "too slow", retryable=True)
    bare = Rows(T0, (Row({"container": "a"}, 1.0),))
    fact, problems, _ = look(cluster, slow, bare)
    assert [(each.name, each.status, each.restarts) for each in fact.services] == [
        ("loop", ServiceStatus.PENDING, None), ("web", ServiceStatus.HEALTHY, None)
    ]  # fmt: skip
    assert [(each.about, each.reason) for each in problems] == [
        ("inventory/pods", Reason.FORBIDDEN), ("inventory/statefulsets", Reason.FORBIDDEN),
        ("inventory/cpu", Reason.TIMEOUT), ("inventory/memory", Reason.EACH_LABEL_MISSING),
    ]  # fmt: skip
    assert (fact.cpu, fact.memory) == (None, None)


def test_what_tells_nothing_of_pods_is_not_to_say_a_number_instead() -> None:
    nothing = no_data("at 2026-07-31T11:00:00Z", 0, 0)
    _, problems, _ = look(three(), nothing, used(("web-1", 1.0)))
    (problem,) = problems
    assert (problem.about, problem.reason) == ("inventory/cpu", Reason.EMPTY)
    assert problem.message.startswith("the query knows no pod at 2026-07-31T11:00:00Z: check its metric names")
    assert "vector" not in problem.message


def test_of_many_services_and_pods_the_first_are_kept_and_the_others_counted_out() -> None:
    many = {f"s{n:03}": declared(f"s{n:03}") for n in range(MOST_SERVICES + 1)}
    pods = {f"p{n}": running("s000", f"p{n}") for n in range(MOST_PODS + 1)}
    fact, _, _ = look(FactCluster({"deployments": many, "pods": pods}), used(), used())
    assert len(fact.services) == MOST_SERVICES
    assert fact.left_out == "services after the first 100, pods after the first 1000"


def test_without_services_nothing_is_asked() -> None:
    fact, problems, source = look(FactCluster({}))
    assert (fact, problems, source.asked) == (InventoryFact(), [], [])


def row(name: str = "db", image: str = "db:1", desired: int = 1, **fields: Any) -> ServiceFact:
    given = {"kind": DEPLOYMENT, "status": ServiceStatus.HEALTHY, "name": name, "images": [image], "desired": desired}
    return ServiceFact.model_validate(given | fields)


def facts(*rows: ServiceFact, at: datetime = T0, left_out: str = "", problem: str = "") -> Facts:
    problems = [FactProblem(about=problem, reason=Reason.FORBIDDEN, message="")] if problem else []
    inventory = InventoryFact(services=list(rows), left_out=left_out)
    return Facts(
        taken_at=at, inventory=inventory, deployment=DeploymentFact(generation=1, desired=1), problems=problems
    )


def differences(before: Facts, after: Facts) -> list[tuple[str, str, str]]:
    return [(each.what, each.before, each.after) for each in confounders(before, after)]


def test_another_image_number_or_status_of_a_neighbour_is_a_confounder() -> None:
    sick = row(image="db:2", desired=2, status=ServiceStatus.RESTARTING, restarts=5, cpu="9")
    assert differences(facts(row()), facts(sick, at=T0 + HOUR)) == [
        ("services/Deployment/db", "1 x db:1", "2 x db:2"),
        ("services/Deployment/db status", "Healthy", "Restarting"),
    ]
    assert differences(facts(row()), facts(row(restarts=5, cpu="9"), at=T0 + HOUR)) == []
    assert differences(facts(row(judged=True)), facts(row(desired=2, judged=True))) == []


def test_a_neighbour_that_came_or_went_is_one_unless_not_all_are_known() -> None:
    assert differences(facts(row()), facts()) == [("services/Deployment/db", "1 x db:1", ABSENT)]
    assert differences(facts(), facts(row())) == [("services/Deployment/db", ABSENT, "1 x db:1")]
    assert differences(facts(row()), facts(left_out="services after the first 100")) == []
    assert differences(facts(row()), facts(problem="inventory/deployments")) == []
    sick = row(status=ServiceStatus.PENDING)
    assert differences(facts(row()), facts(sick, problem="inventory/pods")) == []
