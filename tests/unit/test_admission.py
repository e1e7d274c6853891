"""The policies that prove who a person is stand in nobody's way."""

from typing import Any

import pytest
import yaml
from annotated_types import MaxLen

from driftreview.api.rollout import Rollout
from lab.install import ROOT, installed, removal

DOCUMENTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((ROOT / "charts" / "driftreview" / "admission.yaml").read_text("utf-8"))
)
POLICIES = [each for each in DOCUMENTS if each["kind"] == "ValidatingAdmissionPolicy"]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda each: each["metadata"]["name"])
def test_they_look_at_new_objects_of_ours_and_at_nothing_else(policy: dict[str, Any]) -> None:
    constraints = policy["spec"]["matchConstraints"]
    assert set(constraints) == {"resourceRules"}
    (rule,) = constraints["resourceRules"]
    assert rule["apiGroups"] == ["driftreview.dev"]
    assert rule["operations"] in (["CREATE"], ["CREATE", "UPDATE"])
    assert "/" not in rule["resources"][0], "a status is never held up"
    assert rule["resources"] in (["driftapprovals"], ["driftreviews"])


def test_no_review_of_its_own_namespace_is_refused_where_one_cannot_be_evaluated() -> None:
    found = {each["metadata"]["name"].removeprefix("driftreview-"): each["spec"] for each in POLICIES}
    assert {name: spec["failurePolicy"] for name, spec in found.items()} == {
        "approvals": "Fail",
        "authors": "Ignore",
        "promotions": "Fail",
    }
    assert "each.namespace != request.namespace" in found["promotions"]["matchConditions"][0]["expression"]


def test_as_many_workloads_are_looked_at_as_a_review_may_name() -> None:
    (field,) = (each for each in Rollout.model_fields["promote_to"].metadata if isinstance(each, MaxLen))
    (spec,) = (each["spec"] for each in POLICIES if each["metadata"]["name"] == "driftreview-promotions")
    assert [each["expression"].count(f"elsewhere[{n}]") for n, each in enumerate(spec["validations"])] == [3] * 10
    assert field.max_length == 10


def test_each_is_bound_and_denies() -> None:
    bindings = [each["spec"] for each in DOCUMENTS if each["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert {each["policyName"] for each in bindings} == {each["metadata"]["name"] for each in POLICIES}
    assert all(each["validationActions"] == ["Deny"] for each in bindings)
    assert len(POLICIES) == 3


def test_they_are_installed_and_removed_with_the_rest() -> None:
    asked: list[str] = []

    def kubectl(*_: str, input: str | None = None) -> str:  # noqa: A002 - as subprocess names it
        asked.append(input or "")
        return ""

    installed(kubectl)
    assert any("ValidatingAdmissionPolicyBinding" in each for each in asked)
    policy = "validatingadmissionpolicy.admissionregistration.k8s.io/driftreview-approvals"
    assert f"kubectl --context kind-foo delete {policy}" in list(removal("kind-foo", [], [policy]))
