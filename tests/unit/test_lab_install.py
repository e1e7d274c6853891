"""What is installed beside what was there: no second operator, and nothing of somebody else's to be deleted."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from lab.errors import LabError, ProcessFailed
from lab.install import SYSTEM, refuse_second, removal
from lab.web import wait_until

CRD = "customresourcedefinition.apiextensions.k8s.io/driftreviews.driftreview.dev"
ROLE = "clusterrole.rbac.authorization.k8s.io/driftreview-judge"
NAMESPACE = f"namespace/{SYSTEM}"
ACCOUNT = "serviceaccount/driftreview"
LEASE = "lease.coordination.k8s.io/driftreview"
ALL = [CRD, NAMESPACE, ACCOUNT, ROLE, LEASE]
DELETE = "kubectl --context kind-foo delete"


def lease(holder: str | None, age: timedelta) -> str:
    renewed = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps({"spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed}})


def test_a_second_operator_is_refused_with_the_holder_and_what_to_do() -> None:
    with pytest.raises(LabError, match=r"^an operator runs in this cluster already: host-42 holds .* Stop it first"):
        refuse_second(lambda *_, **__: lease("host-42", timedelta(seconds=5)))


@pytest.mark.parametrize(
    "found", ["", lease("host-42", timedelta(seconds=16)), lease("", timedelta()), lease(None, timedelta())]
)
def test_a_lease_that_is_not_there_given_back_or_run_out_is_free(found: str) -> None:
    asked: list[tuple[str, ...]] = []

    def kubectl(*args: str, **_: object) -> str:
        asked.append(args)
        return found

    refuse_second(kubectl)
    assert [each[:2] for each in asked] == [("get", "lease")]


def test_in_an_empty_cluster_all_of_it_is_to_be_removed() -> None:
    namespaces = f"{DELETE} namespace perps-good {SYSTEM}"
    assert list(removal("kind-foo", [], ALL, "perps-good")) == [namespaces, f"{DELETE} {CRD} {ROLE}"]


def test_what_was_there_before_is_not_to_be_removed() -> None:
    before = [CRD, NAMESPACE]
    assert list(removal("kind-foo", before, ALL, "perps-good")) == [
        f"{DELETE} namespace perps-good",
        f"{DELETE} -n {SYSTEM} {ACCOUNT} {LEASE}",
        f"{DELETE} {ROLE}",
    ]
    assert list(removal("kind-foo", ALL, ALL, "perps-good")) == [f"{DELETE} namespace perps-good"]


def test_what_was_waited_for_in_vain_is_said_in_a_sentence() -> None:
    with pytest.raises(ProcessFailed, match=r"^waited 0\.01 s in vain until the operator is ready$"):
        wait_until(lambda: None, "the operator is ready", 0.01)
