"""What people gave: whose approvals and sign-offs count as things stand, and what a promotion lacks of them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.api.approval import ApprovalRecord, ApprovalType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType
from driftreview.api.policy import ApprovedBy, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import Recommendation
from driftreview.domain.conclusion import BY_PEOPLE, act_on, held_by
from driftreview.domain.display import counted as so_many
from driftreview.domain.display import some
from driftreview.domain.status import said, truth, with_condition, without_condition

MOST_WORDS: Final = 256
"""Characters of why an act does not count."""
_EXPIRED: Final = "it expired at "
_ANEW: Final = "who still approves does so again"


def counted(status: DriftReviewStatus, kind: ApprovalType) -> list[ApprovalRecord]:
    """The acts of a type from which something follows, oldest first."""
    return [each for each in status.approvals if each.type is kind and each.counted]


def override(status: DriftReviewStatus) -> ApprovalRecord | None:
    """Who had the release promoted without what it waited for."""
    return next(iter(counted(status, ApprovalType.OVERRIDE)), None)


def rejection(status: DriftReviewStatus) -> ApprovalRecord | None:
    """Who rejected the release."""
    return next(iter(counted(status, ApprovalType.REJECT)), None)


@dataclass(frozen=True)
class Consent:
    """What people gave, and what a promotion needs of them."""

    by: tuple[str, ...]
    """Users whose approval counts."""
    wanted: int
    """How many of them a promotion needs."""
    unsigned: tuple[str, ...]
    """Required items of the checklist without a sign-off."""
    asked: bool
    """Whether a promotion needs anything of people."""
    not_by: str = ""
    """The user whose approval does not count."""
    early: str = ""
    """What is to be known of approvals that were given before the decision."""

    def enough(self, least: int = 0) -> bool:
        """Whether nothing lacks, with so many approvals at least."""
        return len(self.by) >= max(self.wanted, least) and not self.unsigned

    def said(self, least: int = 0) -> str:
        """What there is and what lacks, in a sentence."""
        wanted = max(self.wanted, least)
        parts = []
        if wanted:
            names = f" ({', '.join(self.by)})" if self.by else ""
            other = f", not by the author {self.not_by}" if self.not_by and len(self.by) < wanted else ""
            parts.append(f"has {len(self.by)} of {wanted} approvals{names}{other}")
        if self.unsigned:
            parts.append(f"lacks the sign-off of {', '.join(self.unsigned)}")
        return (" and ".join(parts) or "has every sign-off") + (f"; {self.early}" if self.early else "")


def consent(review: DriftReview, status: DriftReviewStatus) -> Consent:
    """Who approved and signed off, and what a promotion needs by the policy.

    Only the operator's own promotion needs approvals. A person who promotes in mode Advise has the checklist to go by;
    in mode Observe nobody promotes anything by the review.
    """
    rule, mode = review.spec.policy.approval, review.spec.policy.mode
    manual = rule.type is ApprovedBy.MANUAL and mode is PolicyMode.ENFORCE
    required = [each.name for each in review.spec.checklist if each.required and mode is not PolicyMode.OBSERVE]
    signed = {each.item for each in counted(status, ApprovalType.SIGN_OFF)}
    by = tuple(each.by for each in counted(status, ApprovalType.APPROVE))
    return Consent(
        by=by,
        wanted=rule.approvals if manual else 0,
        unsigned=tuple(each for each in required if each not in signed),
        asked=manual or bool(required),
        not_by=(review.spec.author or "") if manual and rule.not_by_author else "",
        early=_to_be_given_again(review, status, by)
        or _expired(status, by)
        or (before_decision(review, status) if by else ""),
    )


def waits_for_people(review: DriftReview) -> bool:
    """Whether the operator's promotion waits for approvals or sign-offs; in another mode it has none that could."""
    return review.spec.policy.mode is PolicyMode.ENFORCE and consent(review, review.status).asked


def before_decision(review: DriftReview, status: DriftReviewStatus) -> str:
    """What an approval does that is given before the decision, and what it does not; empty once there is one."""
    policy = review.spec.policy
    if status.decision is not None or policy.mode is not PolicyMode.ENFORCE:
        return ""
    does = "counts where the evidence leads to a promotion"
    if policy.approval.type is not ApprovedBy.MANUAL:
        does = "does nothing for a promotion that the evidence leads to, which needs none"
    fields = [held_by(policy, each) for each in (Recommendation.REJECT, Recommendation.INCONCLUSIVE)]
    left = ", ".join(each for each in fields if each)
    anew = f"; what is left to people ({left}) needs a new one" if left else ""
    return f"an approval from before the decision {does}{anew}"


def _to_be_given_again(review: DriftReview, status: DriftReviewStatus, by: tuple[str, ...]) -> str:
    """Whose approvals counted until the decision was left to people, which they do not answer."""
    if not is_held(review, status):
        return ""
    acts = [each for each in status.approvals if each.type is ApprovalType.APPROVE and not each.counted]
    counted_before = (each.by for each in acts if not _why_not_counted(review, status, each, None, frozenset()))
    names = [each for each in dict.fromkeys(counted_before) if each not in by]
    if not names:
        return ""
    were = so_many(len(names), "approval was", "approvals were")
    return f"{were} given before the decision ({some(names)}): {_ANEW}"


def _expired(status: DriftReviewStatus, by: tuple[str, ...]) -> str:
    """Whose approvals counted until they were too old."""
    names = dict.fromkeys(each.by for each in status.approvals if each.why.startswith(_EXPIRED) and each.by not in by)
    return f"{so_many(len(names), 'approval', 'approvals')} expired ({some(list(names))}): {_ANEW}" if names else ""


def with_consent(review: DriftReview, status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Say whether a promotion has what it needs of people, where it needs something."""
    given = consent(review, status)
    if not given.asked:
        return without_condition(status, ConditionType.APPROVED)
    enough = given.enough()
    until = ""
    if status.rollback is not None and not enough and waits_for_people(review):
        until = f"; waited for until {said(status.rollback.last_safe_moment)}"
    reason = Reason.APPROVED if enough else Reason.APPROVAL_MISSING
    message = f"a promotion {given.said()}{until}"
    return with_condition(status, ConditionType.APPROVED, truth(holds=enough), reason, message, now)


def is_held(review: DriftReview, status: DriftReviewStatus) -> bool:
    """Whether the decision leaves it to a person what is done."""
    policy, decision = review.spec.policy, status.decision
    if decision is None or status.act is not None or policy.mode is not PolicyMode.ENFORCE:
        return False
    return act_on(policy, decision) is None


def counting(review: DriftReview, status: DriftReviewStatus, now: datetime) -> list[ApprovalRecord]:
    """The records, with what approvals and sign-offs count for now; what was decided by them stays."""
    decision = status.decision
    if decision is not None and decision.reason in BY_PEOPLE:
        return [_in_time(each, decision.at) for each in status.approvals]
    if status.act is not None:
        return [_in_time(each, status.act.intent_at) for each in status.approvals]
    since = decision.at if decision is not None and is_held(review, status) else None
    given: set[str] = set()
    found: list[ApprovalRecord] = []
    for each in status.approvals:
        if each.type in {ApprovalType.APPROVE, ApprovalType.SIGN_OFF} and each.revision:
            what = each.by if each.type is ApprovalType.APPROVE else each.item or ""
            why = _why_not_counted(review, status, each, since, given) or _too_old(review, each, now)
            given |= set() if why else {f"{each.type} {what}"}
            found.append(_with(each, why[:MOST_WORDS]))
        else:
            found.append(each)
    return found


def _in_time(record: ApprovalRecord, ended: datetime) -> ApprovalRecord:
    """What was given after all was decided counts for nothing more; what counted before stays."""
    if record.type not in {ApprovalType.APPROVE, ApprovalType.SIGN_OFF} or record.at <= ended:
        return record
    return _with(record, f"it was given after the decision of {said(ended)}")


def _with(record: ApprovalRecord, why: str) -> ApprovalRecord:
    """A record that does not count for this reason, or counts; the same one where nothing changes."""
    if (record.counted, record.why) == (not why, why):
        return record
    return record.model_copy(update={"counted": not why, "why": why})


def _why_not_counted(
    review: DriftReview,
    status: DriftReviewStatus,
    record: ApprovalRecord,
    since: datetime | None,
    given: AbstractSet[str],
) -> str:
    spec, rule = review.spec, review.spec.policy.approval
    chain = status.chain
    earlier = chain is not None and record.at <= chain.revisions[-1].until  # a revision may come back to the chain
    if status.judged is None or record.revision != status.judged.name or earlier:
        return f"it is about {record.revision}, which is not judged any more"
    if record.type is ApprovalType.SIGN_OFF:
        if record.item not in {each.name for each in spec.checklist}:
            names = ", ".join(each.name for each in spec.checklist) or "none"
            return f"the review has no such checklist item; it has {names}"
        return "it was signed off before" if f"{record.type} {record.item}" in given else ""
    if spec.policy.mode is not PolicyMode.ENFORCE:
        return f"policy.mode is {spec.policy.mode}: the operator promotes nothing"
    if rule.type is ApprovedBy.MANUAL and rule.not_by_author and record.by == spec.author:
        return "the author of the review does not count (policy.approval.notByAuthor)"
    if since is not None and record.at <= since:
        return f"it was given before the decision of {said(since)}: {_ANEW}"
    return f"{record.by} approved it before" if f"{record.type} {record.by}" in given else ""


def _too_old(review: DriftReview, record: ApprovalRecord, now: datetime) -> str:
    """Why an approval that would count does not any more; empty if it still does."""
    lasts = review.spec.policy.approval.expires_after
    if lasts is None or record.type is not ApprovalType.APPROVE or now < record.at + parse_duration(lasts):
        return ""
    return f"{_EXPIRED}{said(record.at + parse_duration(lasts))} (policy.approval.expiresAfter is {lasts}): {_ANEW}"
