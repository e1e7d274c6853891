"""How a target is read: page by page, and of its ReplicaSets no more than is needed."""

from collections.abc import Mapping
from typing import Any

from driftreview.adapters.errors import ChangedError, NotFoundError
from driftreview.adapters.kubernetes import Cluster, _error
from driftreview.adapters.workloads import Workloads
from tests.unit.test_workload import Raw, deployment, replica_set


class Pages(Cluster):
    """An API server that answers with these pages of ReplicaSets."""

    def __init__(self, *pages: list[Raw], target: Raw | None = None) -> None:
        self.pages, self.target = pages, target or deployment()
        self.asked: list[dict[str, str]] = []

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        assert (method, body) == ("GET", None)
        if query is None:
            if not path.endswith("/deployments/web"):
                raise NotFoundError(path)
            return self.target
        self.asked.append(dict(query))
        number = int(query.get("continue") or 0)
        more = {"continue": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"metadata": more, "items": list(self.pages[number])}


def test_all_pages_are_read_and_only_the_targets_own_are_kept() -> None:
    cluster = Pages(
        [replica_set("new", 3), replica_set("foreign", 9, owner="another")],
        [replica_set("old", 2)],
        [replica_set("x", 1)],
    )
    found = Workloads(cluster).read("shop", "web")
    assert found is not None
    assert {each.revision.name for each in found.replica_sets} == {"web-new", "web-old", "web-x"}
    assert found.view.previous is not None
    assert found.view.previous.name == "web-old"
    assert [each.get("continue", "") for each in cluster.asked] == ["", "1", "2"]
    assert {each["limit"] for each in cluster.asked} == {"11"}


def test_a_selector_of_expressions_alone_selects() -> None:
    target = deployment()
    target["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
    cluster = Pages([replica_set("new", 1)], target=target)
    assert Workloads(cluster).read("shop", "web") is not None
    assert [each["labelSelector"] for each in cluster.asked] == ["app in (web)"]


def test_a_target_that_is_not_there_is_none() -> None:
    assert Workloads(Pages([])).read("shop", "gone") is None


def test_a_list_that_grew_too_old_is_read_again() -> None:
    assert isinstance(_error(410, {"reason": "Expired", "message": "too old"}, "GET"), ChangedError)
