"""How a StatefulSet is read: of its ControllerRevisions only the whole object tells the number."""

import json
from collections.abc import Mapping
from threading import Semaphore
from typing import Any

import pytest

from driftreview.adapters.errors import ChangedError, ForbiddenError, NotFoundError
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.workloads import Workload, Workloads
from driftreview.api.target import Target, TargetKind
from tests.builders import MINUTE, T0
from tests.unit.test_kinds import Raw, raw, revision

WEB = Target(kind=TargetKind.STATEFUL_SET, name="web")
OLD, OLDER = T0 - 600 * MINUTE, T0 - 1200 * MINUTE


class Server(Cluster):
    """An API server with a StatefulSet, its ControllerRevisions and pods."""

    def __init__(self, *revisions: Raw, **status: Any) -> None:
        self.revisions = revisions or (
            revision("old", 2, OLD), revision("new", 3), revision("older", 1, OLDER)
        )  # fmt: skip
        self.target, self.pods = raw(TargetKind.STATEFUL_SET, **status), list[Raw]()
        self.whole: list[str] = []
        self.selectors: list[str] = []
        self.forbidden = False
        self._parsing = Semaphore(1)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        accept: str = "application/json",
        most: int | None = None,
    ) -> bytes:
        assert (method, body, most) == ("GET", None, 1_500_000)
        name = path.rpartition("/")[2]
        if query is not None and name == "pods":
            self.selectors.append(query["labelSelector"])
            if self.forbidden:
                raise ForbiddenError("no pods")
            return json.dumps({"items": self.pods}).encode()
        if query is not None:
            assert name == "controllerrevisions"
            assert "as=PartialObjectMetadataList" in accept
            return json.dumps({"items": [{"metadata": each["metadata"]} for each in self.revisions]}).encode()
        if path.endswith("/statefulsets/web"):
            return json.dumps(self.target).encode()
        for each in self.revisions:
            if each["metadata"]["name"] == name:
                self.whole.append(name)
                return json.dumps(each).encode()
        raise NotFoundError(path)


def read(server: Server, workloads: Workloads | None = None) -> Workload:
    found = (workloads or Workloads(server)).read("shop", WEB)
    assert found is not None
    return found


def names(found: Workload) -> tuple[str, str]:
    current, previous = found.view.current, found.view.previous
    assert current is not None
    assert previous is not None
    return current.name, previous.name


def test_each_is_read_whole_once_and_again_when_it_was_numbered_anew() -> None:
    server = Server()
    workloads = Workloads(server)
    assert names(read(server, workloads)) == ("web-new", "web-old")
    assert names(read(server, workloads)) == ("web-new", "web-old")
    assert server.whole == ["web-new", "web-old", "web-older"], "the newest first, and each once"
    server.target = raw(TargetKind.STATEFUL_SET, "older")
    server.revisions = (revision("old", 2, OLD), revision("new", 3, T0 - 13 * MINUTE), revision("older", 4, T0))
    assert names(read(server, workloads)) == ("web-older", "web-new")
    assert server.whole[3:] == ["web-older"]


def test_one_that_holds_no_template_is_left_out() -> None:
    odd = revision("odd", 9, T0) | {"data": {"spec": {}}}
    assert names(read(Server(odd, revision("new", 3), revision("old", 2, OLD)))) == ("web-new", "web-old")


def test_one_that_was_made_anew_meanwhile_is_a_change() -> None:
    other = revision("new", 3, uid="another", ownerReferences=[])
    with pytest.raises(ChangedError, match="web-new"):
        read(Server(other, revision("new", 3)))


def test_what_is_to_be_gone_back_to_is_pinned_with_its_template() -> None:
    server = Server()
    workloads = Workloads(server)
    previous = read(server, workloads).view.previous
    assert previous is not None
    pinned = workloads.pin("shop", WEB.kind, previous)
    assert "$patch" not in pinned.template
    assert pinned.template["spec"] == server.revisions[0]["data"]["spec"]["template"]["spec"]
    server.revisions = (revision("new", 3),)
    assert workloads.pin("shop", WEB.kind, previous).template == {}


class TestBlocked:
    def pods(self, count: int) -> list[Raw]:
        own = [{"uid": "target-uid"}]
        return [{"metadata": {"name": f"web-{n}", "ownerReferences": own}, "status": {}} for n in range(count)]

    def test_the_pods_it_waits_for_are_named_up_to_a_few(self) -> None:
        server = Server(updatedReplicas=1, readyReplicas=1)
        server.pods = self.pods(5)
        assert read(server).view.blocked_by == ("web-0", "web-1", "web-2")
        assert server.selectors == ["app=web,controller-revision-hash!=web-new"]

    def test_they_are_only_asked_for_where_that_can_be(self) -> None:
        server = Server()
        server.pods = self.pods(1)
        assert read(server).view.blocked_by == ()
        assert server.selectors == []

    def test_who_may_not_see_pods_does_not_know(self) -> None:
        server = Server(updatedReplicas=1, readyReplicas=1)
        server.forbidden = True
        assert read(server).view.blocked_by == ()
