"""What sections are made of: the review, its looks judged anew, and where status and evidence differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.signal import Mode, Signal
from driftreview.api.signalset import SetSignal
from driftreview.api.values import format_duration
from driftreview.api.verdicts import CheckVerdict, Recommendation, SignalVerdict, Verdict
from driftreview.api.window import Window
from driftreview.domain import schedule
from driftreview.domain.approvals import extended
from driftreview.domain.checks import CheckResult
from driftreview.domain.difference import Difference
from driftreview.domain.evidence import T0
from driftreview.domain.expected import check_facts
from driftreview.domain.finding import GOOD, Finding
from driftreview.domain.foresight import Foresight, foresight
from driftreview.domain.observed import Observed, observed
from driftreview.domain.recheck import Looked, as_judged, differences, earlier, looked, looked_after
from driftreview.domain.recommended import Recommended, recommended
from driftreview.domain.report.model import AskedQuery, Cell, Reference, Tone
from driftreview.domain.rulequality import Quality, quality

_TONES: Final[dict[str, Tone]] = {
    **dict.fromkeys((*GOOD, Verdict.PASS), Tone.GOOD),
    **dict.fromkeys((CheckVerdict.HELD, Recommendation.APPROVE), Tone.GOOD),
    **dict.fromkeys((SignalVerdict.DEGRADED, Verdict.DRIFT, CheckVerdict.BROKEN, Recommendation.REJECT), Tone.BAD),
    **dict.fromkeys((SignalVerdict.SUSPECT, SignalVerdict.INCONCLUSIVE, SignalVerdict.MISSING), Tone.OPEN),
    **dict.fromkeys((Verdict.HOLD, Verdict.INCONCLUSIVE, CheckVerdict.UNKNOWN), Tone.OPEN),
    Recommendation.INCONCLUSIVE: Tone.OPEN,
}


_OF_WRITING: Final = frozenset({ConditionType.REPORT_WRITTEN, ConditionType.ALERT_RULES_WRITTEN})
"""Conditions about what is written of a review, not about the review."""


def tone(word: str) -> Tone:
    """What a verdict or recommendation is to the reader."""
    return _TONES.get(word, Tone.PLAIN)


@dataclass(frozen=True)
class Material:
    """What sections are made of. Nothing else is read."""

    review: DriftReview
    looks: tuple[Looked, ...]
    """T0 first; empty before it is frozen."""
    earlier: tuple[DriftSnapshot, ...] = ()
    """The T0s before it, oldest first."""
    approvals: tuple[DriftApproval, ...] = ()
    """What people did about it."""
    recovery: Looked | None = None
    """The time after a rollback, judged anew; None before it is frozen."""
    differences: tuple[Difference, ...] = ()
    """Where the status says something else than the evidence."""

    @staticmethod
    def of(
        review: DriftReview, snapshots: Iterable[DriftSnapshot], approvals: Iterable[DriftApproval] = ()
    ) -> Material:
        """Judge all looks anew, and hold the status against them and against what people did."""
        snapshots, uid = list(snapshots), review.metadata.uid
        looks, old = looked(review, snapshots), earlier(review, snapshots)
        after = looked_after(review, looks, snapshots)
        acts = tuple(each for each in approvals if each.spec.review_ref.uid == uid)
        found = tuple(differences(review, looks, old, acts, after))
        return Material(as_judged(review, looks), looks, old, acts, after, found)

    @property
    def window(self) -> Window:
        """The review's window, as long as people made it."""
        return extended(self.review).spec.window

    @property
    def at_t0(self) -> Looked | None:
        """The frozen T0."""
        return self.looks[0] if self.looks else None

    @property
    def judged(self) -> tuple[Looked, ...]:
        """The looks since T0."""
        return self.looks[1:]

    @property
    def last(self) -> Looked | None:
        """The last of them."""
        return self.judged[-1] if self.judged else None

    @property
    def newest(self) -> Looked | None:
        """The last frozen look, be it T0; None before it."""
        return self.looks[-1] if self.looks else None

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """What is said of each declared expectation at the last look, or at T0; nothing before it."""
        return self.checks_at(self.newest) if self.newest else ()

    def checks_at(self, look: Looked) -> tuple[CheckResult, ...]:
        """The same at any look."""
        if look is self.at_t0:
            facts = facts_of(look)
            return check_facts(self.review.spec, facts, facts)
        return look.result.checks if look.result else ()

    @cached_property
    def before(self) -> dict[str, Observed]:
        """The frozen baseline of each signal, read once: of 1,000 series that takes a third of a second."""
        return observed(self.review.spec.signals, self.looks[0].evidence.spec) if self.looks else {}

    @cached_property
    def foreseen(self) -> Foresight:
        """What the frozen baseline tells."""
        return foresight(self.review.spec, self.looks[0].evidence.spec) if self.looks else Foresight()

    @cached_property
    def advised(self) -> tuple[Recommended, dict[str, Quality | None]] | None:
        """The alert rules that it recommends, and by name how each would have fared before T0; None without any."""
        declared = self.review.spec.alerts
        if not self.looks or declared is None or declared.rules is None:
            return None
        at_t0 = self.looks[0].evidence.spec
        found = recommended(self.review, at_t0)
        return found, {rule.name: quality(rule, at_t0) for rule in found.rules}

    @property
    def by_limits(self) -> str:
        """Why the review is judged by limits only; empty where it is not."""
        return (self.looks[0].evidence.spec.limits_only or "") if self.looks else ""

    @cached_property
    def as_of(self) -> datetime | None:
        """The latest moment that anything is known of, but the writing of the report; None if there is none."""
        status = self.review.status
        facts = [each.evidence.spec.facts for each in self.looks]
        moments = [
            status.t0,
            *(each.taken_at for each in facts if each),
            *(each.judged_at for each in status.checkpoints),
            *(each.at for each in status.approvals),
            status.decision.at if status.decision else None,
            *((status.act.intent_at, status.act.applied_at, status.act.completed_at) if status.act else ()),
            *(each.completed_at or each.applied_at for each in (status.act.steps if status.act else ())),
            status.recovery.judged_at if status.recovery else None,
            *((status.aftermath.returned_at, status.aftermath.ended_at) if status.aftermath else ()),
            *(each.last_transition_time for each in status.conditions if each.type not in _OF_WRITING),
        ]
        return max((each for each in moments if each), default=None)

    @property
    def closes(self) -> datetime | None:
        """When the rollback window closes, its grace included; None before T0."""
        t0 = self.review.status.t0
        return schedule.closes_at(self.window, t0) if t0 else None

    @property
    def left(self) -> timedelta:
        """How long the rollback window is still open; zero where it is not, or not yet."""
        if self.closes is None or self.as_of is None:
            return timedelta(0)
        return max(self.closes - self.as_of, timedelta(0))

    @property
    def backdated(self) -> str:
        """By how much T0 lies before the rollout of what is judged, such as 2d; empty where it does not."""
        status = self.review.status
        if status.t0 is None or status.target is None or status.t0 >= status.target.rolled_out_at:
            return ""
        return format_duration(status.target.rolled_out_at - status.t0)

    @property
    def about(self) -> str:
        """The state of the review: Pending, Baselining, T0, T0+6h, or the final phase."""
        state, phase = stands_at(self.review), self.review.status.phase
        return str(phase) if state == Phase.PENDING and phase else state

    def ref(self, look: Looked | None, *, signal: str = "", check: str = "", field: str = "") -> Reference:
        """A reference to a look, or to the review where there is none."""
        if look is None:
            return Reference(signal=signal, check=check, field=field or "spec")
        spec = look.evidence.spec
        name = look.evidence.metadata.name
        return Reference(snapshot=name, hash=spec.hash, look=look.name, signal=signal, check=check, field=field)

    def since(self, *, check: str = "", field: str = "") -> list[Reference]:
        """References to the last look and to T0 that it is held against, as far as there are."""
        return [self.ref(each, check=check, field=field) for each in (self.last, self.at_t0) if each]

    def of_review(self, field: str) -> Reference:
        """A reference to a field of the review."""
        return Reference(field=field)

    def of_signal(self, signal: Signal) -> Reference:
        """A reference to where the review has a signal from."""
        if isinstance(signal, SetSignal):
            return Reference(field=f"spec.signalSetRefs[{signal.ref}]")
        return Reference(field=f"spec.signals[{signal.name}]")

    def signal(self, name: str) -> Signal | None:
        """A declared signal."""
        return next((each for each in self.review.spec.signals if each.name == name), None)

    def queries(self, look: Looked, name: str) -> list[AskedQuery]:
        """What was asked for a signal, as it was sent."""
        found = next((each for each in look.evidence.spec.signals if each.name == name), None)
        if found is None:
            return []
        sent = (("query", found.query), ("control", found.control_query), ("per", found.per_query))
        server = server_of(look.evidence.spec.source)
        return [AskedQuery(field=field, text=text, server=server) for field, text in sent if text is not None]


def stands_at(review: DriftReview) -> str:
    """Which state a review is in: Pending, T0, its last judged look such as T0+6h, or its final phase."""
    status = review.status
    if status.phase in TERMINAL:
        return str(status.phase)
    judged = [each.name for each in status.checkpoints if each.verdict is not None]
    if judged:
        return f"T0+{judged[-1]}"
    return T0 if status.baseline is not None else str(Phase.PENDING)


def server_of(source: str) -> str:
    """The server that a snapshot names, without the digest of what it is sent."""
    return source.split(" (headers, Secrets: ", 1)[0]


def when(look: Looked) -> str:
    """A look as the report speaks of it: T0, or T0+6h."""
    return T0 if look.name == T0 else f"{T0}+{look.name}"


def facts_of(look: Looked | None) -> Facts | None:
    """What the cluster said of itself at a look; None where nothing was recorded."""
    return look.evidence.spec.facts if look else None


def unread(look: Looked | None, section: str) -> list[FactProblem]:
    """What of a section of facts could not be read at a look."""
    facts = facts_of(look)
    return [each for each in facts.problems if each.about.split("/")[0] == section] if facts else []


def checked(found: CheckResult | None) -> Cell:
    """What is said of an expectation, as tables show it; a dash where nothing is."""
    verdict = str(found.verdict) if found else "-"
    return Cell(text=verdict + ("" if found is None or found.counts else " (Shadow)"), tone=tone(verdict))


def told(finding: Finding, mode: Mode) -> str:
    """A verdict as tables show it."""
    return str(finding.verdict) + (" (Shadow)" if mode is Mode.SHADOW else "")
