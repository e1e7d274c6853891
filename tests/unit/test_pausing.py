"""The patch that pauses an Application or a HelmRelease: only of one that owns this very target, and not twice."""

from typing import Any

import pytest

from driftreview.api.act import Pause, PausedKind
from driftreview.api.driftsnapshot import Problem
from driftreview.domain.pausing import RECONCILE, SKIP_RECONCILE, hindrance, how_to_grant, how_to_unpause, pause_patch
from tests.builders import T0, review

Raw = dict[str, Any]
OWNED = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
ANNOTATION = "/metadata/annotations/argocd.argoproj.io~1skip-reconcile"


def pause(kind: PausedKind = PausedKind.APPLICATION) -> Pause:
    return Pause(kind=kind, namespace="argocd", name="web", intent_at=T0)


def application(*resources: Raw, destination: Raw | None = None, **metadata: Any) -> Raw:
    found = {"name": "web", "namespace": "argocd", "uid": "app-uid", "resourceVersion": "17"}
    here = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
    return {
        "metadata": found | metadata,
        "spec": {"destination": here if destination is None else destination},
        "status": {"resources": list(resources or [OWNED])},
    }


def release(metadata: Raw | None = None, **spec: Any) -> Raw:
    found = {"name": "web", "namespace": "shop", "uid": "release-uid", "resourceVersion": "18"}
    return {"metadata": found | (metadata or {}), "spec": spec}


def wrong(raw: Raw, kind: PausedKind = PausedKind.APPLICATION) -> str:
    found = pause_patch(review(), pause(kind), raw)
    assert isinstance(found, Problem)
    return found.message


class TestAnApplication:
    def test_it_is_annotated_if_it_is_as_it_was_read(self) -> None:
        assert pause_patch(review(), pause(), application(annotations={"other": "kept"})) == [
            {"op": "test", "path": "/metadata/uid", "value": "app-uid"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "17"},
            {"op": "add", "path": ANNOTATION, "value": "true"},
        ]

    def test_its_first_annotation_gets_a_map(self) -> None:
        patch = pause_patch(review(), pause(), application())
        assert isinstance(patch, list)
        assert {"op": "add", "path": "/metadata/annotations", "value": {}} in patch

    @pytest.mark.parametrize("value", ["true", "True", "1", "t"])
    def test_one_that_is_paused_already_is_left_as_it_is(self, value: str) -> None:
        assert pause_patch(review(), pause(), application(annotations={SKIP_RECONCILE: value})) == []

    @pytest.mark.parametrize("value", ["false", "yes", ""])
    def test_what_argo_cd_does_not_take_for_true_is_no_pause(self, value: str) -> None:
        assert pause_patch(review(), pause(), application(annotations={SKIP_RECONCILE: value}))

    @pytest.mark.parametrize("field", OWNED)
    def test_one_that_does_not_name_the_target_is_not_touched(self, field: str) -> None:
        message = wrong(application(OWNED | {field: "other"}))
        assert message == (
            "Application argocd/web does not name Deployment web among its status.resources: who labelled the target?"
        )

    def test_nor_one_that_names_nothing(self) -> None:
        raw = application()
        del raw["status"]
        assert "does not name Deployment web" in wrong(raw)

    @pytest.mark.parametrize("destination", [{"server": "https://10.0.0.1"}, {"name": "eu"}, {}])
    def test_nor_one_of_another_cluster(self, destination: Raw) -> None:
        assert "applies to another cluster" in wrong(application(destination=destination))

    def test_this_cluster_has_a_name_as_well(self) -> None:
        assert isinstance(pause_patch(review(), pause(), application(destination={"name": "in-cluster"})), list)

    def test_one_that_is_made_by_a_set_would_lose_it_again(self) -> None:
        made = [{"controller": True, "kind": "ApplicationSet", "name": "all"}]
        assert "is made by ApplicationSet all, which would take the annotation" in wrong(
            application(ownerReferences=made)
        )
        paused = application(ownerReferences=made, annotations={SKIP_RECONCILE: "true"})
        assert pause_patch(review(), pause(), paused) == []

    def test_one_that_somebody_only_refers_to_is_nobodys(self) -> None:
        assert isinstance(pause_patch(review(), pause(), application(ownerReferences=[{"kind": "Team"}])), list)


class TestAHelmRelease:
    kind = PausedKind.HELM_RELEASE

    def test_it_is_suspended_if_it_is_as_it_was_read(self) -> None:
        assert pause_patch(review(), pause(self.kind), release(suspend=False)) == [
            {"op": "test", "path": "/metadata/uid", "value": "release-uid"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "18"},
            {"op": "add", "path": "/spec/suspend", "value": True},
        ]

    def test_one_that_is_suspended_already_is_left_as_it_is(self) -> None:
        assert pause_patch(review(), pause(self.kind), release(suspend=True)) == []

    def test_one_of_another_namespace_is_not_touched(self) -> None:
        elsewhere = release({"namespace": "flux-system"})
        assert "applies to namespace flux-system" in wrong(elsewhere, self.kind)
        assert "applies to namespace billing" in wrong(release(targetNamespace="billing"), self.kind)
        into = release({"namespace": "flux-system"}, targetNamespace="shop")
        assert isinstance(pause_patch(review(), pause(self.kind), into), list)

    def test_nor_one_of_another_cluster(self) -> None:
        assert "spec.kubeConfig" in wrong(release(kubeConfig={"secretRef": {"name": "eu"}}), self.kind)


@pytest.mark.parametrize("kind", [PausedKind.APPLICATION, PausedKind.HELM_RELEASE])
def test_who_grants_what_is_named_and_never_cut(kind: PausedKind) -> None:
    found = hindrance("no " * 500, how_to_grant(pause(kind))).message
    assert len(found) <= 512
    assert found.endswith(
        "; if the right is missing, whoever may bind roles in namespace argocd binds "
        "charts/driftreview/rules/gitops.yaml there to the operator's account"
    )


def test_for_the_target_itself_no_right_is_missing_that_the_rollback_has() -> None:
    assert how_to_grant(pause(PausedKind.TARGET)) == ""


def test_how_each_is_undone_is_a_command() -> None:
    said = {kind: how_to_unpause(pause(kind), "deployment/web") for kind in PausedKind}
    assert said == {
        PausedKind.APPLICATION: f"kubectl annotate applications.argoproj.io web -n argocd {SKIP_RECONCILE}-",
        PausedKind.HELM_RELEASE: "flux resume helmrelease web -n argocd",
        PausedKind.TARGET: f"kubectl annotate deployment/web -n argocd {RECONCILE}-",
    }
