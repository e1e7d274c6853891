"""Who owns a target's spec, and who wrote its pod template: what of its metadata tells, and what does not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.domain.owner import MANAGER, TRACKING_ID, Owner, OwnerKind, Tool, owner_of, who_applied
from driftreview.domain.running import Edit

Raw = dict[str, Any]
NAMED = "web:apps/Deployment:shop/web"
INSTANCE = "app.kubernetes.io/instance"
ARGO_LABEL = "argocd.argoproj.io/instance"
KUSTOMIZE = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
HELM_TOOLKIT = {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"}
HELM_LABEL = {"app.kubernetes.io/managed-by": "Helm"}
HELM_NOTES = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


def wrote(manager: str, time: str | None = "2026-08-01T12:00:00Z", **fields: Any) -> Raw:
    entry: Raw = {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {"f:template": {}}}}
    return entry | ({"time": time} if time else {}) | fields


def workload(*managers: Raw, labels: Raw | None = None, notes: Raw | None = None, kind: str = "Deployment") -> Raw:
    metadata: Raw = {"name": "web", "namespace": "shop", "managedFields": list(managers)}
    metadata |= {"labels": labels} if labels is not None else {}
    metadata |= {"annotations": notes} if notes is not None else {}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata}


class TestArgoCD:
    def test_a_tracking_id_that_names_this_object_names_its_application(self) -> None:
        owner = owner_of(workload(notes={TRACKING_ID: NAMED}))
        assert owner == Owner(OwnerKind.APPLICATION, "web", "", f"annotation {TRACKING_ID}", wrote=False)
        assert owner.tool is Tool.ARGO_CD
        assert owner.reapplies
        assert owner.said() == "Argo CD Application web"

    def test_an_application_elsewhere_than_argo_cd_has_its_namespace_before_its_name(self) -> None:
        owner = owner_of(workload(notes={TRACKING_ID: f"team-a_{NAMED}"}))
        assert owner is not None
        assert (owner.namespace, owner.name) == ("team-a", "web")
        assert owner.said() == "Argo CD Application team-a/web"

    @pytest.mark.parametrize(
        "text",
        [
            "web:apps/Deployment:shop/other",
            "web:apps/Deployment:other/web",
            "web:apps/StatefulSet:shop/web",
            "web:/Deployment:shop/web",
            "web",
            "",
            ":apps/Deployment:shop/web",
            "We b:apps/Deployment:shop/web",
            f"a_b_{NAMED}",
        ],
    )
    def test_a_tracking_id_of_another_object_was_copied_and_says_nothing(self, text: str) -> None:
        assert owner_of(workload(notes={TRACKING_ID: text})) is None

    def test_a_tracking_id_is_held_against_the_kind_it_stands_on(self) -> None:
        raw = workload(notes={TRACKING_ID: "web:apps/StatefulSet:shop/web"}, kind="StatefulSet")
        assert owner_of(raw) is not None

    def test_its_own_label_names_the_application(self) -> None:
        owner = owner_of(workload(labels={ARGO_LABEL: "web"}))
        assert owner is not None
        assert owner.told_by == f"label {ARGO_LABEL}"

    def test_the_label_that_every_chart_sets_says_nothing_by_itself(self) -> None:
        assert owner_of(workload(labels={INSTANCE: "web"})) is None
        assert owner_of(workload(wrote("kubectl-client-side-apply"), labels={INSTANCE: "web"})) is None

    @pytest.mark.parametrize("manager", ["argocd-controller", "argocd-application-controller"])
    def test_it_does_beside_a_field_manager_of_argo_cd(self, manager: str) -> None:
        owner = owner_of(workload(wrote(manager), labels={INSTANCE: "web"}))
        assert owner == Owner(
            OwnerKind.APPLICATION, "web", "", f"label {INSTANCE} and field manager {manager}", wrote=True
        )

    def test_a_field_manager_alone_tells_the_tool_but_no_name(self) -> None:
        owner = owner_of(workload(wrote("argocd-controller"), labels={"example.org/app": "web"}))
        assert owner is not None
        assert owner.said() == "Argo CD Application of unknown name"
        assert owner.told_by == "field manager argocd-controller"

    def test_a_field_manager_that_never_wrote_the_pod_template_tells_nothing(self) -> None:
        status_only = wrote("argocd-controller", subresource="status")
        metadata_only = wrote("argocd-controller", fieldsV1={"f:metadata": {}})
        assert owner_of(workload(status_only, metadata_only, labels={INSTANCE: "web"})) is None


class TestFlux:
    @pytest.mark.parametrize(
        ("labels", "kind", "said"),
        [
            (KUSTOMIZE, OwnerKind.KUSTOMIZATION, "Flux Kustomization flux-system/apps"),
            (HELM_TOOLKIT, OwnerKind.HELM_RELEASE, "Flux HelmRelease shop/web"),
        ],
    )
    def test_its_labels_name_what_applies_it(self, labels: Raw, kind: OwnerKind, said: str) -> None:
        owner = owner_of(workload(labels=labels))
        assert owner is not None
        assert (owner.kind, owner.tool, owner.said(), owner.wrote) == (kind, Tool.FLUX, said, False)

    def test_half_of_the_labels_are_none(self) -> None:
        for name, value in KUSTOMIZE.items():
            assert owner_of(workload(labels={name: value})) is None

    @pytest.mark.parametrize("manager", ["kustomize-controller", "helm-controller"])
    def test_a_field_manager_alone_tells_of_it(self, manager: str) -> None:
        owner = owner_of(workload(wrote(manager)))
        assert owner is not None
        assert owner.tool is Tool.FLUX
        assert owner.wrote


class TestHelm:
    def test_a_release_is_named_and_reapplies_nothing(self) -> None:
        owner = owner_of(workload(wrote("helm"), labels=HELM_LABEL, notes=HELM_NOTES))
        assert owner is not None
        assert (owner.tool, owner.said(), owner.reapplies, owner.wrote) == (
            Tool.HELM,
            "Helm release shop/web",
            False,
            True,
        )

    def test_the_label_without_a_release_is_that_of_a_rendered_chart(self) -> None:
        assert owner_of(workload(labels=HELM_LABEL)) is None
        assert owner_of(workload(labels=HELM_LABEL, notes=HELM_NOTES | {"meta.helm.sh/release-name": "N o"})) is None
        assert owner_of(workload(notes=HELM_NOTES)) is None


class TestSeveral:
    def test_nobody_owns_what_nobody_claims(self) -> None:
        assert owner_of(workload()) is None
        assert owner_of({"metadata": {"name": "web"}}) is None

    def test_what_reapplies_goes_before_helm(self) -> None:
        owner = owner_of(workload(wrote("helm"), labels=HELM_LABEL | HELM_TOOLKIT, notes=HELM_NOTES))
        assert owner is not None
        assert owner.kind is OwnerKind.HELM_RELEASE

    def test_of_two_that_reapply_the_one_that_wrote_it(self) -> None:
        raw = workload(wrote("kustomize-controller"), labels=KUSTOMIZE, notes={TRACKING_ID: NAMED})
        owner = owner_of(raw)
        assert owner is not None
        assert (owner.kind, owner.name) == (OwnerKind.KUSTOMIZATION, "apps")

    def test_a_name_goes_before_none(self) -> None:
        owner = owner_of(workload(wrote("argocd-controller"), notes={TRACKING_ID: NAMED}))
        assert owner is not None
        assert (owner.name, owner.wrote) == ("web", True)


class TestWhoApplied:
    def test_it_is_said_with_manager_operation_and_time(self) -> None:
        said = who_applied(Edit("kubectl-edit", NOON), None)
        assert said == "by field manager kubectl-edit (Update) at 2026-08-01T12:00:00Z"
        assert who_applied(None, None) == "by whom its managed fields do not tell"

    def test_a_manager_of_a_tool_is_said_to_be_its(self) -> None:
        edit = Edit("argocd-controller", NOON, "Apply")
        named, other = owner_of(workload(notes={TRACKING_ID: NAMED})), owner_of(workload(labels=KUSTOMIZE))
        assert who_applied(edit, named).endswith("which is Argo CD Application web")
        assert who_applied(edit, other).endswith(", Argo CD's")
        assert who_applied(edit, None).endswith(", Argo CD's")

    def test_our_own_writes_are_said_to_be_ours(self) -> None:
        assert who_applied(Edit(MANAGER, NOON), None).endswith(
            "driftreview (Update) at 2026-08-01T12:00:00Z, a rollback of a review"
        )

    @given(st.text(max_size=128), st.text(max_size=128))
    def test_whatever_a_manager_calls_itself_it_is_short_and_on_one_line(self, manager: str, operation: str) -> None:
        said = who_applied(Edit(manager, NOON, operation), None)
        assert len(said) < 160
        assert said.isprintable()


texts = st.text(max_size=300)


@given(
    st.dictionaries(st.sampled_from([INSTANCE, ARGO_LABEL, *KUSTOMIZE, *HELM_TOOLKIT, *HELM_LABEL]), texts),
    st.dictionaries(st.sampled_from([TRACKING_ID, *HELM_NOTES]), texts),
    st.lists(st.sampled_from(["argocd-controller", "kustomize-controller", "helm", "kubectl"]), max_size=3),
)
def test_whatever_the_metadata_holds_an_owner_is_named_in_plain_words(
    labels: Raw, notes: Raw, managers: list[str]
) -> None:
    owner = owner_of(workload(*map(wrote, managers), labels=labels, notes=notes))
    if owner is not None:
        assert owner.said().isprintable()
        assert len(owner.said()) < 160
