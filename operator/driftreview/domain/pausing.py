"""Before a rollback what owns the target is told to leave it alone: which object, by which patch, and how it is undone.

Whoever may write the target chooses which Application or HelmRelease it names. So none is touched that does not say
itself that it owns this very target.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.api.act import Pause, PausedKind
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.phases import Phase
from driftreview.api.policy import PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.rollout import GitOps
from driftreview.api.status import DriftReviewStatus
from driftreview.api.wayback import Hindrance
from driftreview.domain import schedule
from driftreview.domain.action import PauseOwner, Settle, brisk
from driftreview.domain.display import fitted
from driftreview.domain.owner import Owner, OwnerKind
from driftreview.domain.patches import annotated
from driftreview.domain.status import Stuck, finished, moved, said
from driftreview.domain.workload import TargetView

Raw = Mapping[str, Any]

SETTLES: Final = timedelta(seconds=10)
"""How long a tool that was told gets to end what it was at."""
RULES: Final = "charts/driftreview/rules/gitops.yaml"
"""The rights that a pause of an Application or a HelmRelease takes."""
SKIP_RECONCILE: Final = "argocd.argoproj.io/skip-reconcile"
RECONCILE: Final = "kustomize.toolkit.fluxcd.io/reconcile"
LEFT_ALONE: Final = {RECONCILE: "disabled"}
"""Annotation on the target: kustomize-controller then applies nothing to it."""
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
"""What Argo CD takes for true."""
_HERE: Final = frozenset({"https://kubernetes.default.svc", "in-cluster"})
"""How an Application names the cluster that Argo CD runs in."""
_GROUP: Final = "apps"
NOT_TOLD: Final = "what owns the target cannot be told to leave it alone"


def pause_first(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime
) -> Settle | PauseOwner | None:
    """What comes before the patch of a rollback: the intent to pause, pausing, or waiting; None: nothing (any more)."""
    owner, act = _to_be_told(review, target), status.act
    if owner is None or act is None:
        return None
    if act.pause is None:
        pause = _pause(review, owner, now)
        if isinstance(pause, Problem):
            held = not_paused(review, status, pause.message, now)
            return Settle(held, brisk(held, now))
        status = status.model_copy(update={"act": act.model_copy(update={"pause": pause})})
        summary = f"{owner.said()} is told to leave the target alone, and then it is rolled back"
        return Settle(finished(review, moved(status, Phase.ROLLING_BACK, Reason.ACTING, summary, now)), now)
    if act.pause.done_at is None:
        return PauseOwner(act.pause)
    ready = act.pause.done_at + SETTLES
    return Settle(status, ready) if now < ready else None


def pause_ahead(review: DriftReview, target: TargetView, now: datetime) -> Pause | Problem | None:
    """The pause that a rollback would begin with, or why there can be none; None where none is wanted or it is done."""
    owner, act = _to_be_told(review, target), review.status.act
    if owner is None or review.spec.policy.mode is not PolicyMode.ENFORCE:
        return None
    if act is not None and act.pause is not None:
        return act.pause if act.pause.done_at is None else None
    return _pause(review, owner, now)


def _to_be_told(review: DriftReview, target: TargetView) -> Owner | None:
    """What owns the target and is told to leave it alone before a rollback."""
    owner, pauses = target.owner, review.spec.rollout.git_ops is GitOps.PAUSE
    return owner if pauses and owner is not None and owner.reapplies else None


def _pause(review: DriftReview, owner: Owner, now: datetime) -> Pause | Problem:
    """What is to be paused; a problem where the owner is known by nothing but a field manager."""
    moment, kind = schedule.whole_seconds(now), PausedKind.APPLICATION
    namespace, name = owner.namespace or review.spec.rollout.git_ops_namespace, owner.name
    if not name:
        why = f"{owner.said()} owns the target ({owner.told_by}): give the target its tracking annotation or labels"
        return Problem(reason=Reason.NOT_PAUSED, message=why)
    if owner.kind is OwnerKind.KUSTOMIZATION:
        kind, namespace, name = PausedKind.TARGET, review.metadata.namespace, review.spec.target.name
    elif owner.kind is OwnerKind.HELM_RELEASE:
        kind = PausedKind.HELM_RELEASE
    return Pause(kind=kind, namespace=namespace, name=name, intent_at=moment)


def pause_patch(review: DriftReview, pause: Pause, raw: Raw) -> list[dict[str, Any]] | Problem:
    """JSON patch that pauses an Application or a HelmRelease as it was read; empty where it is paused already."""
    metadata, spec = raw["metadata"], raw.get("spec") or {}
    if pause.kind is PausedKind.HELM_RELEASE:
        paused = spec.get("suspend") is True
        wrong = _foreign_release(review, metadata, spec)
        change: list[dict[str, Any]] = [{"op": "add", "path": "/spec/suspend", "value": True}]
    else:
        paused = (metadata.get("annotations") or {}).get(SKIP_RECONCILE) in _TRUE
        wrong = _foreign_application(review, raw) or ("" if paused else _made_by(metadata))
        change = annotated(raw, {SKIP_RECONCILE: "true"})
    if wrong:
        return Problem(reason=Reason.NOT_PAUSED, message=f"{_named(pause)} {wrong}")
    unchanged = [
        {"op": "test", "path": f"/metadata/{field}", "value": metadata[field]} for field in ("uid", "resourceVersion")
    ]
    return [] if paused else [*unchanged, *change]


def _foreign_application(review: DriftReview, raw: Raw) -> str:
    """Why an Application that the target names does not own it."""
    destination = (raw.get("spec") or {}).get("destination") or {}
    if destination.get("server", destination.get("name")) not in _HERE:
        return "applies to another cluster than the one it is in (spec.destination)"
    target = review.spec.target
    own = (_GROUP, target.kind, review.metadata.namespace, target.name)
    for each in (raw.get("status") or {}).get("resources") or []:
        if tuple(each.get(part, "") for part in ("group", "kind", "namespace", "name")) == own:
            return ""
    return f"does not name {target.kind} {target.name} among its status.resources: who labelled the target?"


def _made_by(metadata: Raw) -> str:
    maker = next((each for each in metadata.get("ownerReferences") or [] if each.get("controller")), None)
    if maker is None:
        return ""
    return (
        f"is made by {maker.get('kind')} {maker.get('name')}, which would take the annotation {SKIP_RECONCILE} away: "
        "set it there"
    )


def _foreign_release(review: DriftReview, metadata: Raw, spec: Raw) -> str:
    """Why a HelmRelease that the target names does not own it."""
    into = spec.get("targetNamespace") or metadata["namespace"]
    if spec.get("kubeConfig"):
        return "applies to another cluster than the one it is in (spec.kubeConfig)"
    return "" if into == review.metadata.namespace else f"applies to namespace {into}: who labelled the target?"


def paused(status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """It was seen paused."""
    act = status.act
    if act is None or act.pause is None:
        return status
    done = act.pause.model_copy(update={"done_at": schedule.whole_seconds(now)})
    return status.model_copy(update={"act": act.model_copy(update={"pause": done})})


def not_paused(review: DriftReview, status: DriftReviewStatus, why: str, now: datetime) -> DriftReviewStatus:
    """It could not be paused: nothing is patched, and it is tried again as long as the window is open."""
    until = f" until {said(status.rollback.closes_at)}" if status.rollback else ""
    message = f"{NOT_TOLD}: {why}"
    summary = f"rollback decided, but not begun: {message}; tried again{until}"
    stuck = Stuck(Reason.NOT_PAUSED, message)
    return finished(review, moved(status, Phase.ROLLING_BACK, Reason.NOT_PAUSED, summary, now, stuck))


def hindrance(why: str, end: str = "") -> Hindrance:
    """What keeps a rollback back where its pause would not be done; `end` is never cut."""
    return Hindrance(reason=Reason.NOT_PAUSED, message=fitted(f"{NOT_TOLD}: {why}", end))


def not_there(pause: Pause) -> str:
    """That there is nothing to pause."""
    return (
        f"{_named(pause)}, which the target says that it is owned by, is not there: correct what names it on the "
        "target or, before T0, spec.rollout.gitOpsNamespace"
    )


def _named(pause: Pause) -> str:
    return f"{pause.kind} {pause.namespace}/{pause.name}"


def how_to_grant(pause: Pause) -> str:
    """What is to be done where the API server forbids a pause, as the end of a sentence."""
    if pause.kind is PausedKind.TARGET:
        return ""
    return (
        f"; if the right is missing, whoever may bind roles in namespace {pause.namespace} binds {RULES} there to the "
        "operator's account"
    )


def how_paused(pause: Pause) -> str:
    """That something was paused, and when: whether it still is, nobody looks.

    Of an intent the operator may have ended after the patch, and before that was written down.
    """
    if pause.done_at is not None:
        return f"was paused at {said(pause.done_at)}"
    return f"was to be paused at {said(pause.intent_at)}, and was not seen to be"


def how_to_unpause(pause: Pause, target: str) -> str:
    """The command by which people take a pause back.

    Args:
        pause: what was paused.
        target: kind and name of the target, as kubectl takes it.
    """
    where = f"-n {pause.namespace}"
    match pause.kind:
        case PausedKind.APPLICATION:
            return f"kubectl annotate applications.argoproj.io {pause.name} {where} {SKIP_RECONCILE}-"
        case PausedKind.HELM_RELEASE:
            return f"flux resume helmrelease {pause.name} {where}"
        case PausedKind.TARGET:
            return f"kubectl annotate {target} {where} {RECONCILE}-"
