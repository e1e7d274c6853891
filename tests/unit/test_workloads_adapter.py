"""How a target is read: the metadata of its ReplicaSets page by page, and whole no more of them than is needed."""

import json
from collections.abc import Mapping
from threading import Semaphore
from typing import Any

import pytest

from driftreview.adapters.errors import ChangedError, NotFoundError, OversizedError, error_of
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.workloads import Workloads
from driftreview.api.target import Target
from tests.unit.test_workload import Raw, deployment, replica_set

WEB = Target(name="web")


class Pages(Cluster):
    """An API server that answers with these pages of ReplicaSets."""

    def __init__(self, *pages: list[Raw], target: Raw | None = None) -> None:
        self.pages, self.target = pages, target or deployment()
        self.asked: list[dict[str, str]] = []
        self.whole: list[str] = []
        self.too_much = False
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
        if query is not None:
            assert "as=PartialObjectMetadataList" in accept
            return self._page(query)
        name = path.rpartition("/")[2]
        if path.endswith("/deployments/web"):
            return json.dumps(self.target).encode()
        for each in (each for page in self.pages for each in page if each["metadata"]["name"] == name):
            self.whole.append(name)
            return json.dumps(each).encode()
        raise NotFoundError(path)

    def _page(self, query: Mapping[str, str]) -> bytes:
        self.asked.append(dict(query))
        if self.too_much and query["limit"] != "1":
            raise OversizedError("too much")
        number = int(query["continue"] or 0)
        more = {"continue": str(number + 1)} if number + 1 < len(self.pages) else {}
        items = [{"metadata": each["metadata"]} for each in self.pages[number]]
        return json.dumps({"metadata": more, "items": items}).encode()


def pages() -> Pages:
    return Pages(
        [replica_set("new", 3), replica_set("foreign", 9, owner="another")],
        [replica_set("old", 2)],
        [replica_set("x", 1)],
    )


def test_all_pages_are_read_and_whole_only_what_is_needed_of_the_targets_own() -> None:
    cluster, alive = pages(), []
    found = Workloads(cluster, lambda: alive.append(1)).read("shop", WEB)
    assert found is not None
    assert found.view.current is not None
    assert found.view.previous is not None
    assert (found.view.current.name, found.view.previous.name) == ("web-new", "web-old")
    assert cluster.whole == ["web-new", "web-old"]
    assert [each["continue"] for each in cluster.asked] == ["", "1", "2"]
    assert len(alive) == 6, "a sign of life after the target, each page and each ReplicaSet"
    assert "template" not in found.raw["spec"]


def test_what_was_read_holds_until_its_spec_is_changed() -> None:
    cluster = pages()
    workloads = Workloads(cluster)
    first, second = workloads.read("shop", WEB), workloads.read("shop", WEB)
    assert first == second
    assert cluster.whole == ["web-new", "web-old"]
    changed = replica_set("other", 2, name="web-old", uid="rs-old", generation=2)
    cluster.pages = ([replica_set("new", 3), changed],)
    third = workloads.read("shop", WEB)
    assert first is not None
    assert third is not None
    assert first.view.previous is not None
    assert third.view.previous is not None
    assert third.view.previous.template_hash != first.view.previous.template_hash
    assert cluster.whole == ["web-new", "web-old", "web-old"]


def test_where_metadata_are_large_they_are_read_one_by_one() -> None:
    cluster = pages()
    cluster.too_much = True
    found = Workloads(cluster).read("shop", WEB)
    assert found is not None
    assert found.view.previous is not None
    assert [(each["limit"], each["continue"]) for each in cluster.asked] == [
        ("25", ""), ("5", ""), ("1", ""), ("1", "1"), ("1", "2"),
    ]  # fmt: skip


def test_one_that_was_made_anew_meanwhile_is_a_change() -> None:
    cluster = pages()
    cluster.pages[0].insert(0, replica_set("old", 2, name="web-new", uid="another", ownerReferences=[]))
    with pytest.raises(ChangedError, match="web-new"):
        Workloads(cluster).read("shop", WEB)


def test_a_revision_is_pinned_with_its_template_or_without_if_it_is_gone() -> None:
    workloads = Workloads(cluster := pages())
    found = workloads.read("shop", WEB)
    assert found is not None
    assert found.view.previous is not None
    assert workloads.pin("shop", WEB.kind, found.view.previous).template
    cluster.pages = ([],)
    assert workloads.pin("shop", WEB.kind, found.view.previous).template == {}


def test_a_selector_of_expressions_alone_selects() -> None:
    target = deployment()
    target["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
    cluster = Pages([replica_set("new", 1)], target=target)
    assert Workloads(cluster).read("shop", WEB) is not None
    assert [each["labelSelector"] for each in cluster.asked] == ["app in (web)"]


def test_a_target_that_is_not_there_is_none() -> None:
    assert Workloads(Pages([])).read("shop", Target(name="gone")) is None


def test_a_list_that_grew_too_old_is_read_again() -> None:
    assert isinstance(error_of(410, {"reason": "Expired", "message": "too old"}, "GET"), ChangedError)
