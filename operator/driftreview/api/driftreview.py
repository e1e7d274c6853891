"""DriftReview: the spec of one review of one release of one workload."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.alerts import Alerts
from driftreview.api.approval import ChecklistItem, UserName
from driftreview.api.base import DnsName, Metadata, Model, ShortText, atomic, list_map, rules
from driftreview.api.contract import Contract
from driftreview.api.elsewhere import Evidence
from driftreview.api.flag import Flag
from driftreview.api.guarding import Guards
from driftreview.api.inventory import Inventory
from driftreview.api.observability import Observability
from driftreview.api.policy import Policy
from driftreview.api.preflight import Preflight
from driftreview.api.rollout import Rollout
from driftreview.api.signal import Signal
from driftreview.api.signalset import MOST_SETS, MOST_SIGNALS, SetSignal, SignalSetRef, Values
from driftreview.api.status import DriftReviewStatus
from driftreview.api.target import TOGETHER, Target
from driftreview.api.values import DURATION, Duration, between, cel_seconds
from driftreview.api.window import Window


class Context(Model):
    """Where the release comes from, for the people who read the review."""

    revision: Annotated[str, Field(max_length=128)] = ""
    """Version or commit of the release, for people: it is compared with nothing."""
    environment: Annotated[str, Field(max_length=64)] = ""
    """Such as staging or production."""
    owner: ShortText = ""
    """Team or person who answers for it."""
    scope: ShortText = ""
    """What the release changes."""
    change: ShortText = ""
    """Change request or ticket."""


class SourceKind(StrEnum):
    """Kinds of metric source."""

    NAMESPACED = "MetricSource"
    CLUSTER = "ClusterMetricSource"


class SourceRef(Model):
    """Which metric source to ask."""

    kind: SourceKind = SourceKind.NAMESPACED
    """MetricSource (of this namespace) or ClusterMetricSource."""
    name: DnsName
    """Its name."""


class Metrics(Model):
    """Where the metrics come from."""

    source_ref: SourceRef
    """The metric source."""


class BaselineFrom(StrEnum):
    """What the release is compared with."""

    HISTORY = "History"
    """The time before the rollout."""
    SNAPSHOT = "Snapshot"
    """The first `length` after T0: drift since T0."""
    DECLARED = "Declared"
    """Nothing measured: limits only."""


class Baseline(Model):
    """What the release is compared with."""

    from_: BaselineFrom = Field(default=BaselineFrom.HISTORY, alias="from")
    """History (before the rollout), Snapshot (the first stretch after T0) or Declared (limits only)."""
    length: Annotated[Duration, between("1m", "28d")] = "7d"
    """How much of it. With from: Snapshot the first checkpoint must leave as much after it, or an hour."""


_FIRST, _LENGTH = cel_seconds("self.window.checkpoints[0]"), cel_seconds("self.baseline.length")
_STARTED = "!has(oldSelf.status) || (!has(oldSelf.status.t0) && !has(oldSelf.status.retaken))"
_STEERED = ("approval", "freezes")
"""Of the policy, what a person may change while the review goes on."""
_MAY_CHANGE = f"suspend, {' and '.join(f'policy.{name}' for name in _STEERED)}"
_POLICY = tuple(field.alias or name for name, field in Policy.model_fields.items() if name not in _STEERED)
_FIXED = (
    *("target", "context", "metrics", "window", "baseline", "signals", "guards", "contracts", "flags", "inventory"),
    *("preflight", "alerts", "observability", "evidence", "checklist", "variables", "signalSetRefs", "rollout"),
    *(f"policy.{name}" for name in _POLICY),
)
_INSTEAD = {"window": "; a longer rollback window is had by driftreview extend"}
"""What else may be done about a field that is fixed."""


def _same(field: str) -> str:
    """CEL for an unchanged field. Not with optional access: that loses the sizes the cost estimate needs."""
    new, old = f"self.spec.{field}", f"oldSelf.spec.{field}"
    return f"(has({new}) == has({old}) && (!has({new}) || {new} == {old}))"


class DriftReviewSpec(Model):
    """What was released, against which baseline it is judged, when, and how strictly."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "(has(self.signalSetRefs) && self.signalSetRefs.size() > 0)"
                    " || (has(self.signals) && self.signals.exists(s, s.mode == 'Enforce' && s.kind != 'Info'))"
                    " || self.policy.mode != 'Enforce' && has(self.evidence)"
                    " && self.evidence.exists(e, e.mode == 'Enforce')"
                ),
                (
                    "at least one signal, here or in a set of signalSetRefs, must have mode Enforce and a kind other"
                    " than Info, or nothing could ever fail; with policy.mode Advise or Observe evidence of mode"
                    " Enforce is enough"
                ),
            ),
            (
                (
                    "self.baseline.from != 'Declared' || !has(self.signals) || self.signals.all(s,"
                    " !(s.kind in ['Level', 'Events']) || (has(s.limits) && has(s.limits.alert)))"
                ),
                (
                    "with baseline.from: Declared there is nothing to compare with: every Level or Events signal needs"
                    " limits.alert"
                ),
            ),
            (
                "self.baseline.from != 'Snapshot' || self.window.checkpoints.size() == 0 || "
                + DURATION.unless(
                    f"{_FIRST} - {_LENGTH} >= 3600 || {_FIRST} >= 2 * {_LENGTH}",
                    "self.baseline.length",
                    "self.window.checkpoints[0]",
                ),
                (
                    "with baseline.from: Snapshot the first checkpoint looks only at what follows baseline.length, and"
                    " must have an hour of it, or as much as the baseline: lower baseline.length, such as to half of"
                    " the first checkpoint, or raise window.checkpoints[0]"
                ),
                (
                    "'baseline.length ' + self.baseline.length + (self.baseline.length == '7d' ? ' (the default)' : '')"
                    " + ', first checkpoint ' + self.window.checkpoints[0] + ': '"
                ),
            ),
            (
                "self.baseline.from != 'Snapshot' || self.policy.onNewRevision != 'Chain'",
                (
                    "policy.onNewRevision: Chain goes on comparing with what ran before the first revision, and"
                    " baseline.from: Snapshot compares with nothing from before T0: use History, or Supersede"
                ),
            ),
            (
                "!has(self.rollout) || self.rollout.type == 'InPlace' || self.target.kind == 'Deployment'",
                "rollout.type Canary and Paused are for Deployments: with another kind leave rollout.type out",
            ),
            (
                "!has(self.rollout) || self.rollout.firstRelease != 'ScaleToZero' || self.target.kind != 'DaemonSet'",
                "rollout.firstRelease ScaleToZero: a DaemonSet has no number of pods, the nodes say how many",
            ),
            (
                "!has(self.rollout) || !has(self.rollout.stable) || self.rollout.stable.name != self.target.name",
                "rollout.stable.name: the stable workload must be another one than the target, which is the canary",
            ),
            *TOGETHER,
            (
                "!self.policy.approval.notByAuthor || has(self.author)",
                "policy.approval.notByAuthor needs author: set spec.author to who applies the review (yourself)",
            ),
        )
    )

    target: Target
    """The workload under review."""
    context: Context = Context()
    """Where the release comes from."""
    metrics: Metrics
    """Where the metrics come from."""
    window: Window = Window()
    """When it is looked at."""
    baseline: Baseline = Baseline()
    """What it is compared with."""
    guards: Guards | None = None
    """Looks between the checkpoints; none, if left out."""
    signals: Annotated[list[Signal], Field(max_length=MOST_SIGNALS, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """What is looked at."""
    signal_set_refs: Annotated[list[SignalSetRef], Field(max_length=MOST_SETS, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """Sets whose signals are looked at as well: read anew until T0, and from then on as they were at T0."""
    contracts: Annotated[list[Contract], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Interfaces that must be as they were at T0."""
    flags: Annotated[list[Flag], Field(max_length=30, json_schema_extra=list_map("name"))] = Field(default_factory=list)
    """Switches that must be as expected."""
    inventory: Inventory | None = None
    """Services that are recorded beside the release; none, if left out."""
    author: UserName | None = None
    """Who answers for the release: must be the user that creates the review, and is never changed."""
    checklist: Annotated[list[ChecklistItem], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """What people have to see to before a promotion."""
    preflight: Preflight = Preflight()
    """What must be in order before T0."""
    alerts: Alerts | None = None
    """Which of the source's alerts concern the release."""
    observability: Observability | None = None
    """Where the release is looked at."""
    evidence: Annotated[list[Evidence], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Numbers from elsewhere, such as those of tests, that count like signals."""
    variables: Values = Field(default_factory=dict)
    """Values for ${name} in queries."""
    policy: Policy = Policy()
    """What verdicts lead to."""
    rollout: Rollout = Rollout()
    """How the release is rolled out, given to further workloads, and taken back."""
    suspend: bool = False
    """Judge and act on nothing while true; due times do not move."""

    def fixed(self) -> DriftReviewSpec:
        """The same with the defaults of what a person may change after T0: what is fixed then decides alone."""
        default = Policy()
        policy = self.policy.model_copy(update={name: getattr(default, name) for name in _STEERED})
        return self.model_copy(update={"policy": policy, "suspend": False})

    def place(self, index: int) -> str:
        """Where a signal stands, for messages: with those of sets behind its own, in the set."""
        signal = self.signals[index]
        if not isinstance(signal, SetSignal):
            return f"spec.signals[{index}]"
        ref = self.signal_set_refs[signal.ref]
        return f"spec.signalSetRefs[{signal.ref}]: {ref.kind} {ref.name!r}: spec.signals[{signal.number}]"


class DriftReview(Model):
    """One review of one release: frozen T0 evidence, checkpoints, a verdict, and promote or roll back."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("!has(oldSelf.status) || has(self.status)", "status is never removed: T0 stands in it"),
            (
                "!has(self.status) || !has(self.status.chain) || self.spec.policy.onNewRevision == 'Chain'",
                "status.chain is there only with policy.onNewRevision: Chain",
            ),
            *(
                (
                    f"{_STARTED} || {_same(field)}",
                    (
                        f"spec.{field} is fixed since T0: delete this review and apply a new one"
                        f" (only {_MAY_CHANGE} may change{_INSTEAD.get(field, '')})"
                    ),
                )
                for field in _FIXED
            ),
            (_same("author"), "spec.author is fixed since the review was created: delete it and apply a new one"),
        )
    )

    metadata: Metadata = Metadata()
    spec: DriftReviewSpec
    """What was released and how it is judged."""
    status: DriftReviewStatus = DriftReviewStatus()
    """How it stands; written by the operator."""
