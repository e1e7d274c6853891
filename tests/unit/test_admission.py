"""The policies that prove who a person is stand in nobody's way."""

from typing import Any

import pytest
import yaml

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
    assert rule["operations"] == ["CREATE"]
    assert "/" not in rule["resources"][0], "a status is never held up"
    assert rule["resources"] in (["driftapprovals"], ["driftreviews"])


def test_only_approvals_are_refused_where_one_cannot_be_evaluated() -> None:
    found = {each["spec"]["matchConstraints"]["resourceRules"][0]["resources"][0]: each["spec"] for each in POLICIES}
    assert found["driftapprovals"]["failurePolicy"] == "Fail"
    assert found["driftreviews"]["failurePolicy"] == "Ignore"


def test_each_is_bound_and_denies() -> None:
    bindings = [each["spec"] for each in DOCUMENTS if each["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert {each["policyName"] for each in bindings} == {each["metadata"]["name"] for each in POLICIES}
    assert all(each["validationActions"] == ["Deny"] for each in bindings)
    assert len(POLICIES) == 2


def test_they_are_installed_and_removed_with_the_rest() -> None:
    asked: list[str] = []

    def kubectl(*_: str, input: str | None = None) -> str:  # noqa: A002 - as subprocess names it
        asked.append(input or "")
        return ""

    installed(kubectl)
    assert any("ValidatingAdmissionPolicyBinding" in each for each in asked)
    policy = "validatingadmissionpolicy.admissionregistration.k8s.io/driftreview-approvals"
    assert f"kubectl --context kind-foo delete {policy}" in list(removal("kind-foo", [], [policy]))
