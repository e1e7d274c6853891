"""The policies that prove who a person is stand in nobody's way."""

import re
from typing import Any

import pytest
import yaml
from annotated_types import MaxLen

from driftreview.api.base import API_VERSION
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL
from driftreview.api.policy import OnNewRevision
from driftreview.api.rollout import Rollout
from driftreview.domain.marks import BREAK_GLASS
from lab.install import ROOT, install, installed, removal

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


BLOCK: list[dict[str, Any]] = list(
    yaml.safe_load_all((ROOT / "charts" / "driftreview" / "block.yaml").read_text("utf-8"))
)


class TestBlock:
    """The one that is applied where a review shall be able to refuse a new revision."""

    POLICY, BINDING = BLOCK

    def test_it_looks_at_updates_of_three_kinds_and_never_at_pods_scale_or_status(self) -> None:
        assert self.POLICY["spec"]["matchConstraints"] == {
            "resourceRules": [
                {
                    "apiGroups": ["apps"],
                    "apiVersions": ["v1"],
                    "operations": ["UPDATE"],
                    "resources": ["deployments", "statefulsets", "daemonsets"],
                }
            ]
        }

    def test_what_cannot_be_evaluated_passes_and_so_does_what_no_review_is_about(self) -> None:
        assert self.POLICY["spec"]["failurePolicy"] == "Ignore"
        assert self.BINDING["spec"] == {
            "policyName": self.POLICY["metadata"]["name"],
            "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},  # no namespace: it is the object's
            "validationActions": ["Deny"],
        }

    def test_it_knows_the_kind_the_final_phases_the_policy_and_the_annotation_as_they_are_called(self) -> None:
        assert self.POLICY["spec"]["paramKind"] == {"apiVersion": API_VERSION, "kind": DriftReview.__name__}
        found = {each["name"]: each["expression"] for each in self.POLICY["spec"]["matchConditions"]}
        assert re.findall(r"'(\w+)'", found["it-is-under-way"]) == sorted(TERMINAL)
        assert f"onNewRevision == '{OnNewRevision.BLOCK}'" in found["the-review-blocks"]
        assert found["no-break-glass"].count(f"'{BREAK_GLASS}'") == 2

    def test_it_is_installed_by_nobody_but_who_wants_it(self) -> None:
        asked: list[str] = []

        def kubectl(*arguments: str, input: str | None = None) -> str:  # noqa: A002 - as subprocess names it
            asked.append(" ".join([*arguments, input or ""]))
            return ""

        install(kubectl)
        assert "driftreview-approvals" in "".join(asked)
        assert not any("paramKind" in each or "block.yaml" in each for each in asked)
