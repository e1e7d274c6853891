"""`driftreview approve`, `reject`, `sign-off` and so on: what a person does about a review."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Final, NoReturn

import typer
from pydantic import ValidationError

from driftreview.api.approval import ApprovalType, DriftApproval, DriftApprovalSpec, ReviewedRef
from driftreview.api.base import GROUP, Metadata
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL
from driftreview.cli.where import Context, Kubeconfig, Name, Namespace, connected, no_such_review
from driftreview.domain.approvals import extended, noted, stops_promotion
from driftreview.domain.consent import before_decision
from driftreview.domain.display import printable
from driftreview.domain.freeze import freeze_at, frozen_until
from driftreview.domain.stop import stopped

_ROLE: Final = "drift-approver"

Said = Annotated[str | None, typer.Option("-m", "--message", help="Why; it is kept with the review.")]
Reason = Annotated[str, typer.Option("-m", "--message", help="Why; it is kept with the review.")]


def approve(
    name: Name,
    namespace: Namespace = None,
    message: Said = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Approve the release: lets it be promoted, or promotes it where the review waits for a person."""
    _do(ApprovalType.APPROVE, name, (namespace, context, kubeconfig), message=message)


def reject(
    name: Name, message: Reason, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None
) -> None:
    """Reject the release: it is rolled back at once."""
    _do(ApprovalType.REJECT, name, (namespace, context, kubeconfig), message=message)


def sign_off(
    name: Name,
    item: Annotated[str, typer.Option(help="Name of the checklist item.")],
    namespace: Namespace = None,
    message: Said = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Sign off an item of the checklist."""
    _do(ApprovalType.SIGN_OFF, name, (namespace, context, kubeconfig), message=message, item=item)


def note(
    name: Name, message: Reason, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None
) -> None:
    """Leave a note with the review."""
    _do(ApprovalType.NOTE, name, (namespace, context, kubeconfig), message=message)


def rebaseline(
    name: Name, message: Reason, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None
) -> None:
    """Take T0 anew for what runs now; only before the first checkpoint was judged."""
    _do(ApprovalType.REBASELINE, name, (namespace, context, kubeconfig), message=message)


def extend(
    name: Name,
    by: Annotated[str, typer.Option("--for", help="How much longer, such as 24h; 10m to 7d.")],
    namespace: Namespace = None,
    message: Said = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Make the rollback window longer, with one more checkpoint at its end; only while nothing is decided."""
    _do(ApprovalType.EXTEND, name, (namespace, context, kubeconfig), message=message, for_=by)


def override(
    name: Name,
    message: Annotated[str, typer.Option("-m", "--reason", help="Why; it is kept with the review.")],
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Promote now what waits for people or for the end of a freeze; it takes a right of its own."""
    _do(ApprovalType.OVERRIDE, name, (namespace, context, kubeconfig), message=message)


def _do(kind: ApprovalType, name: str, where: tuple[str | None, str | None, Path | None], **fields: str | None) -> None:
    """Create a DriftApproval in the caller's own name, unless nothing would follow from it."""
    from driftreview.adapters import clock  # noqa: PLC0415 - --help needs none of this
    from driftreview.adapters.errors import ClusterError, ForbiddenError, NotFoundError  # noqa: PLC0415
    from driftreview.adapters.people import People  # noqa: PLC0415

    try:
        cluster, namespace = connected(*where)
        people = People(cluster)
        user = people.name()
    except ClusterError as error:
        _fail(str(error))
    try:
        review = DriftReview.model_validate(people.review(namespace, name))
    except NotFoundError:
        _fail(no_such_review(namespace, name))
    except ForbiddenError:
        _fail(_may_not(user, "get", "driftreviews", namespace))
    except ClusterError as error:
        _fail(str(error))
    except ValidationError as error:
        _fail(f"this command cannot read the DriftReview, take that of the operator's version: {error}")
    spec = _spec(kind, user, review, fields)
    _would_count(review, DriftApproval(spec=spec), clock.now())
    try:
        made = people.create(review, spec)
    except ForbiddenError as error:
        denied = "ValidatingAdmissionPolicy" in str(error)
        _fail(str(error) if denied else _may_not(user, "create", "driftapprovals", namespace))
    except ClusterError as error:
        _fail(str(error))
    typer.echo(
        f"DriftApproval {made} created: {kind} by {user}; what follows: kubectl get drv {name} -n {namespace} -o wide"
    )
    for each in _remarks(kind, review, clock.now()):
        typer.echo(f"driftreview: {printable(each, None)}", err=True)


def _remarks(kind: ApprovalType, review: DriftReview, now: datetime) -> Iterator[str]:
    """What keeps it from doing at once what whoever gives it may expect."""
    if kind is ApprovalType.APPROVE and (early := before_decision(review, review.status)):
        yield early
    if kind is ApprovalType.APPROVE and (freeze := freeze_at(review, now)).closed:
        yield f"{frozen_until(freeze)}; nothing is promoted before"
    if (stop := stopped(review.status)) is not None:
        yield stop.message


def _spec(kind: ApprovalType, user: str, review: DriftReview, fields: dict[str, str | None]) -> DriftApprovalSpec:
    ref = ReviewedRef(name=review.metadata.name, uid=review.metadata.uid)
    given: dict[str, Any] = {"review_ref": ref, "by": user, "type": kind} | fields
    try:
        return DriftApprovalSpec.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]).rstrip("_")
        option = f"--{field}" if field in {"for", "item", "message"} else field
        raise typer.BadParameter(f"{option}: {first['msg']} (found {first['input']!r})") from None


def _would_count(review: DriftReview, approval: DriftApproval, now: datetime) -> None:
    """Refuse what nothing would follow from, by the operator's own rules."""
    if review.status.phase in TERMINAL:
        _fail(f"the review is over ({review.status.phase}): {review.status.summary}")
    uid = "not created yet"
    candidate = approval.model_copy(update={"metadata": Metadata(name=uid, uid=uid, creation_timestamp=now)})
    status = noted(extended(review), [candidate], now)
    found = [each for each in status.approvals if each.uid == uid] if status is not None else []
    if not found:
        _fail(
            f"nothing would follow from it: with {len(review.status.approvals)} acts recorded there is no room for it"
        )
    if not found[0].counted and not stops_promotion(review.status.act, approval.spec.type):
        _fail(f"nothing would follow from it: {found[0].why}")


def _may_not(user: str, verb: str, plural: str, namespace: str) -> str:
    """Which right lacks, and how somebody who may gives it."""
    where = f"-n {quote(namespace)}"
    return (
        f"{user} may not {verb} {plural} in namespace {namespace}; ask who runs it for the Role of docs/approvals.md, "
        "or just for this right:\n"
        f"  kubectl create role {_ROLE}-{plural} {where} --verb={verb} --resource={plural}.{GROUP}\n"
        f"  kubectl create rolebinding {_ROLE}-{plural} {where} --role={_ROLE}-{plural} --user={quote(user)}"
    )


def _fail(message: str) -> NoReturn:
    typer.echo("driftreview: " + "\n".join(printable(line, None) for line in message.splitlines()), err=True)
    raise typer.Exit(1)
