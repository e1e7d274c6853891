"""What `driftreview replay -o json` prints: documented in docs/replay.md, versioned by API_VERSION."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.api.act import ActType
from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.signal import Kind
from driftreview.api.values import exact_duration, parse_percent
from driftreview.domain.advice import advice
from driftreview.domain.conclusion import act_for
from driftreview.domain.elsewhere import EvidenceResult
from driftreview.domain.expected import unmeasured
from driftreview.domain.foresight import foresight
from driftreview.domain.outcome import Outcome, Rates, act, detected
from driftreview.domain.replay import Replay, ReplayedCheckpoint
from driftreview.domain.result import SeriesResult, SignalResult
from driftreview.domain.samples import Window
from driftreview.domain.sweep import independent

API_VERSION: Final = "driftreview.dev/replay/v1"
_ACTS: Final = {None: "Hold", ActType.PROMOTE: "Promote", ActType.ROLL_BACK: "Rollback"}
NO_FAULT: Final = "none"


@dataclass(frozen=True)
class Swept:
    """Everything a sweep found."""

    every: timedelta
    whole: Window
    """The grid of the data."""
    outcomes: Mapping[str, Sequence[Outcome]]
    """Of all T0s, by what was put in; NO_FAULT first."""

    @property
    def healthy(self) -> Sequence[Outcome]:
        """The outcomes without a fault."""
        return self.outcomes[NO_FAULT]

    @property
    def t0s(self) -> list[datetime]:
        """All T0s."""
        return [each.t0 for each in self.healthy]


def of_replay(review: DriftReview, found: Replay, step: timedelta, outcomes: Mapping[str, Sequence[Outcome]]) -> Any:
    """The document about one T0; `outcomes` of what was put in, as in `Swept`."""
    foreseen = foresight(review.spec, found.baseline)
    window = found.baseline.window
    return {
        "apiVersion": API_VERSION,
        "kind": "Replay",
        "review": review.metadata.name,
        "recommendation": found.recommendation,
        "action": _ACTS[act_for(review.spec.policy, found.recommendation) if found.decided_at else None],
        "reason": found.reason,
        "message": found.message,
        "decidedAt": found.decided_at,
        "t0": format_time(found.t0),
        "resolution": exact_duration(step),
        "baseline": window and {"start": format_time(window.start), "end": format_time(window.end)},
        "notComparable": foreseen.useless,
        "tooNoisy": foreseen.vague,
        "irregular": foreseen.odd,
        "badAlready": foreseen.broken,
        "leftOut": unmeasured(review.spec),
        "checkpoints": [_checkpoint(each) for each in found.checkpoints],
        "power": power(review, outcomes),
    }


def _checkpoint(each: ReplayedCheckpoint) -> dict[str, Any]:
    found = each.result
    return {
        "at": each.name,
        "due": format_time(each.due),
        "verdict": found and found.verdict,
        "message": found.message if found else "not yet judgeable: the data end before this window",
        "signals": [_row(result, one) for result in found.results for one in result.series] if found else [],
        "evidence": [_number(one) for one in found.evidence] if found else [],
    }


def _row(result: SignalResult, one: SeriesResult) -> dict[str, Any]:
    finding, numbers = one.finding, one.finding.estimate
    return {
        "name": result.signal.name,
        "series": one.key or None,
        "verdict": finding.verdict,
        "counts": result.as_counted(finding),
        "baseline": numbers and numbers.baseline,
        "current": numbers and numbers.current,
        "measure": numbers and numbers.measure,
        "estimate": numbers and numbers.estimate,
        "lower": numbers and numbers.lower,
        "upper": numbers and numbers.upper,
        "margin": numbers and numbers.margin,
        "coverage": one.coverage,
        "reason": finding.reason,
        "message": finding.message,
    }


def _number(of: EvidenceResult) -> dict[str, Any]:
    finding, numbers = of.finding, of.finding.estimate
    return {
        "name": of.evidence.name,
        "verdict": finding.verdict,
        "counts": of.counts_as,
        "baseline": numbers and numbers.baseline,
        "current": numbers and numbers.current,
        "margin": numbers and numbers.margin,
        "message": finding.message,
    }


def power(review: DriftReview, outcomes: Mapping[str, Sequence[Outcome]]) -> list[dict[str, Any]]:
    """Which share of T0s had a drift by each checkpoint, and which was promoted all the same, by what was put in."""
    names = review.spec.window.checkpoints
    return [
        {
            "fault": fault,
            "detected": [
                {"at": name, "rate": detected(found, index) / len(found) if _reached(found, index) else None}
                for index, name in enumerate(names)
            ],
            "promoted": Rates.of(review.spec, [each.verdicts for each in found]).promoted / len(found),
        }
        for fault, found in outcomes.items()
        if len(outcomes) > 1
    ]


def _reached(found: Sequence[Outcome], checkpoint: int) -> bool:
    return any(len(each.verdicts) > checkpoint for each in found)


def of_sweep(review: DriftReview, swept: Swept) -> Any:
    """The document about many T0s."""
    spec = review.spec
    return {
        "apiVersion": API_VERSION,
        "kind": "Sweep",
        "review": review.metadata.name,
        "every": exact_duration(swept.every),
        "resolution": exact_duration(swept.whole.step),
        "first": format_time(swept.t0s[0]),
        "last": format_time(swept.t0s[-1]),
        "t0s": len(swept.t0s),
        "independent": round(independent(spec, swept.t0s, swept.whole.step), 2),
        "falseAlarmBudget": parse_percent(spec.policy.false_alarm_budget),
        "leftOut": unmeasured(spec, many=True),
        "onInconclusive": spec.policy.on_inconclusive,
        **_shares(Rates.of(spec, [each.verdicts for each in swept.healthy])),
        "rolledBackAt": [
            format_time(each.t0) for each in swept.healthy if act(spec, each.verdicts) is ActType.ROLL_BACK
        ],
        "signals": [
            {"name": signal.name, "mode": signal.mode}
            | _shares(Rates.of(spec, [each.signals[index].verdicts for each in swept.healthy]))
            for index, signal in enumerate(spec.signals)
            if signal.kind is not Kind.INFO
        ],
        "power": power(review, swept.outcomes),
        "advice": list(advice(spec, swept.healthy, swept.whole.end - swept.whole.start)),
    }


def _shares(rates: Rates) -> dict[str, float]:
    return {
        "falseRollback": rates.rolled_back / rates.t0s,
        "held": rates.held / rates.t0s,
        "inconclusive": rates.inconclusive / rates.t0s,
        "promoted": rates.promoted / rates.t0s,
    }
