"""Whose revision a pod template is taken from: a status may name whatever its writer likes."""

from typing import Any, cast

import pytest

from driftreview.adapters.workloads import Workloads
from driftreview.api.target import TargetKind
from tests.builders import T0, revision, template


class Cluster:
    """Holds one ReplicaSet."""

    def __init__(self, owner: str) -> None:
        refs = [{"uid": owner, "controller": True}]
        metadata = {"name": "web-old", "uid": "rs-old", "ownerReferences": refs, "creationTimestamp": T0.isoformat()}
        self.raw = {"metadata": metadata, "spec": {"template": template("old")}}

    def keep(self, _: Any, __: str, ___: str, keep: Any) -> Any:
        return keep(self.raw)


@pytest.mark.parametrize(("owner", "has"), [("target-uid", True), (None, True), ("another-uid", False)])
def test_only_one_of_the_targets_own_is_gone_back_to(owner: str | None, has: bool) -> None:  # noqa: FBT001
    workloads = Workloads(cast(Any, Cluster("target-uid")))
    found = workloads.pin("shop", TargetKind.DEPLOYMENT, revision("old"), owner)
    assert bool(found.template) is has
