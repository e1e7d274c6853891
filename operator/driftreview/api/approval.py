"""DriftApproval: a person's act on a review, and how the review remembers it. The cluster proves who the person is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from driftreview.api.base import DnsName, Identifier, Metadata, Model, Time, rules
from driftreview.api.values import Duration, between

UserName = Annotated[str, Field(min_length=1, max_length=253)]
"""A user as the API server names who asks, such as jane@example.org or system:serviceaccount:ci:deployer."""


class ApprovalType(StrEnum):
    """What a person does about a review."""

    APPROVE = "Approve"
    """The release may be promoted, or is to be, where the review holds for a person."""
    REJECT = "Reject"
    """The release goes back, now."""
    SIGN_OFF = "SignOff"
    """An item of the checklist is done."""
    NOTE = "Note"
    """Nothing follows from it, but it is kept."""
    REBASELINE = "Rebaseline"
    """T0 is taken anew for what runs now."""
    EXTEND = "Extend"
    """The rollback window is longer, with one more look at its end."""
    OVERRIDE = "Override"
    """The release is promoted now, whoever or whatever freeze it waits for; takes a right of its own."""


class ChecklistItem(Model):
    """Something that a person has to see to."""

    name: Identifier
    """What, such as backup-workflow-unchanged."""
    required: bool = True
    """Whether a promotion waits for its sign-off; a rollback never does."""


class ReviewedRef(Model):
    """The very review that is meant."""

    name: DnsName
    """Its name."""
    uid: Annotated[str, Field(min_length=1, max_length=64)]
    """Its UID: a review that was deleted and applied again is another one."""


_NEEDS_MESSAGE: Final = "['Reject', 'Note', 'Rebaseline', 'Override']"


class DriftApprovalSpec(Model):
    """Who does what about which review."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "what a person did is never changed: create another DriftApproval"),
            ("self.type != 'SignOff' || has(self.item)", "type SignOff needs item: the name of the checklist item"),
            ("self.type == 'SignOff' || !has(self.item)", "item is for type SignOff only: drop it, or change type"),
            ("self.type != 'Extend' || has(self.__for__)", "type Extend needs for: how much longer, such as 24h"),
            ("self.type == 'Extend' || !has(self.__for__)", "for is for type Extend only: drop it, or change type"),
            (
                f"!(self.type in {_NEEDS_MESSAGE}) || has(self.message)",
                "types Reject, Note, Rebaseline and Override need message: say why",
            ),
        )
    )

    review_ref: ReviewedRef
    """Which review."""
    by: UserName
    """Who: the user that creates this object, which the cluster checks."""
    type: ApprovalType
    """What."""
    item: Identifier | None = None
    """Type SignOff: the item of the review's checklist."""
    for_: Annotated[Duration, between("10m", "7d")] | None = Field(default=None, alias="for")
    """Type Extend: how much longer a rollback is allowed."""
    message: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """Why; types Reject, Note, Rebaseline and Override need one."""


class DriftApproval(Model):
    """A person's act on a review: approve, reject, sign off, note, re-baseline, extend, override. Never changed."""

    metadata: Metadata = Metadata()
    spec: DriftApprovalSpec
    """Who does what about which review."""


class ApprovalRecord(Model):
    """A person's act as the review remembers it, also when its DriftApproval is deleted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.type == oldSelf.type && self.by == oldSelf.by && self.at == oldSelf.at"
                    " && self.name == oldSelf.name"
                ),
                "what a person did is never changed",
            ),
            (
                "!(self.type in ['Reject', 'Rebaseline', 'Override']) || self.counted == oldSelf.counted",
                "what followed from a Reject, a Rebaseline or an Override is not taken back",
            ),
        )
    )

    type: ApprovalType
    """What."""
    by: UserName
    """Who."""
    at: Time
    """When its DriftApproval was created."""
    name: Annotated[str, Field(max_length=253)]
    """Name of the DriftApproval."""
    uid: Annotated[str, Field(max_length=64)]
    """UID of the DriftApproval."""
    revision: Annotated[str, Field(max_length=253)] = ""
    """The judged revision it is about; empty if none was pinned yet."""
    item: Annotated[str, Field(max_length=63)] | None = None
    """Type SignOff: the item."""
    for_: Annotated[str, Field(max_length=20)] | None = Field(default=None, alias="for")
    """Type Extend: how much longer."""
    message: Annotated[str, Field(max_length=128)] = ""
    """Why, shortened."""
    counted: bool
    """Whether anything follows from it."""
    why: Annotated[str, Field(max_length=256)] = ""
    """Why not."""
