"""What verdicts lead to: who acts, and what follows from drift, from doubt and from the end of the window."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from driftreview.api.base import Model, Rule, list_map
from driftreview.api.freeze import Freeze
from driftreview.api.values import PERCENT, Duration, Percent, between


class PolicyMode(StrEnum):
    """Who acts."""

    ENFORCE = "Enforce"
    """The operator."""
    ADVISE = "Advise"
    """A person, told what to do."""
    OBSERVE = "Observe"
    """Nobody: the review only judges."""


class OnDrift(StrEnum):
    """What a drift leads to."""

    ROLLBACK = "Rollback"
    HOLD = "Hold"


class OnInconclusive(StrEnum):
    """What an undecidable last checkpoint leads to."""

    HOLD = "Hold"
    PROMOTE = "Promote"
    ROLLBACK = "Rollback"


class OnWindowEnd(StrEnum):
    """What happens to a review still undecided at the last safe moment."""

    NOTIFY = "Notify"
    PROMOTE = "Promote"
    ROLLBACK = "Rollback"


class OnNewRevision(StrEnum):
    """What becomes of a review when another revision of its target is applied."""

    SUPERSEDE = "Supersede"
    """It ends."""
    CHAIN = "Chain"
    """It goes on with that revision: T0 is taken anew, what it is compared with and goes back to stays."""
    BLOCK = "Block"
    """The API server refuses that revision."""


class ApprovedBy(StrEnum):
    """Who lets a release be promoted."""

    AUTOMATIC = "Automatic"
    """Nobody has to."""
    MANUAL = "Manual"
    """So many people."""


class PolicyApproval(Model):
    """Who has to approve before the operator promotes. A rollback waits for nobody."""

    type: ApprovedBy = ApprovedBy.AUTOMATIC
    """Automatic (nobody), or Manual: a promotion waits for DriftApprovals of type Approve."""
    approvals: Annotated[int, Field(ge=1, le=5)] = 1
    """Manual: by how many different users."""
    not_by_author: bool = False
    """Manual: the author of the review does not count as one of them; spec.author must be set."""
    expires_after: Annotated[Duration, between("1m", "90d")] | None = None
    """How long an Approve counts before a promotion was decided; 1m to 90d. For ever, if left out."""


_SHARE = "double(self.substring(0, self.size() - 1))"


class Policy(Model):
    """What verdicts lead to."""

    mode: PolicyMode = PolicyMode.ENFORCE
    """Enforce (the operator acts), Advise (a person acts on the recommendation), Observe (nobody acts)."""
    false_alarm_budget: Annotated[
        Percent,
        Rule(PERCENT.unless(f"{_SHARE} >= 0.1 && {_SHARE} <= 50.0", "self"), "must be between 0.1% and 50%"),
    ] = "5%"
    """How often a healthy release may be called Degraded, over all checkpoints and all signals of kind Level,
    Growth and Events together."""
    on_drift: OnDrift = OnDrift.ROLLBACK
    """A degraded signal: Rollback at once, or Hold for a person."""
    on_inconclusive: OnInconclusive = OnInconclusive.HOLD
    """The last checkpoint cannot be judged or is suspect: Hold for a person, Promote or Rollback."""
    on_window_end: OnWindowEnd = OnWindowEnd.NOTIFY
    """Still undecided at the last safe moment: Notify (end Inconclusive), Promote or Rollback. Rollback also answers
    a drift that onDrift: Hold left to a person; Promote does nothing in a freeze."""
    on_new_revision: OnNewRevision = OnNewRevision.SUPERSEDE
    """Another pod template before the review has ended: Supersede (the review ends), Chain (it goes on with that one;
    what it is compared with and goes back to stays; at most 4 times), or Block (the API server refuses it, where
    charts/driftreview/block.yaml is applied)."""
    approval: PolicyApproval = PolicyApproval()
    """Who has to approve before a promotion; may be changed while the review goes on."""
    freezes: Annotated[list[Freeze], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """When nothing is promoted; may be changed while the review goes on. A rollback waits for none of them."""
