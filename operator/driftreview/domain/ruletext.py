"""What alert rules say: names, labels, and the sentences that reach who is on call.

Prometheus takes these texts for templates of Go: what people wrote is put in so that it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.signal import Kind, Mode, Severity, Signal, Worse
from driftreview.domain.display import quantity, spread
from driftreview.domain.margins import counted_in, tolerated
from driftreview.domain.ruleusual import Usual

SEVERITIES: Final = {Severity.CRITICAL: "P1", Severity.MAJOR: "P2", Severity.MINOR: "P3"}
"""How urgent an alert of a signal is; of one in mode Shadow it is never more than the last."""
_OPEN: Final = "{{"
_NUMBER: Final = '{{ printf "%.4g" $value }}'
_BYTES: Final = "{{ humanize1024 $value }}B"
_TEMPLATES: Final = {"s": "{{ humanizeDuration $value }}", "%": f"{_NUMBER}%"} | dict.fromkeys(
    ("By", "B", "bytes"), _BYTES
)
"""How a value is written, by its unit."""


def literal(text: str) -> str:
    """A text that a template leaves as it is."""
    return text.replace(_OPEN, '{{ "{{" }}')


def camel_names(names: Iterable[str]) -> dict[str, str]:
    """Names as alerts have them: OrderLatencyP99. Where two would be one, their parts are set apart by `_`."""
    found = {name: "".join(_parts(name)) for name in names}
    shared = list(found.values())
    return {name: "_".join(_parts(name)) if shared.count(short) > 1 else short for name, short in found.items()}


def _parts(name: str) -> list[str]:
    return [part.capitalize() for part in name.split("-")]


def severity(signal: Signal) -> str:
    """How urgent an alert of a signal is."""
    return SEVERITIES[Severity.MINOR if signal.mode is Mode.SHADOW else signal.severity]


def labels(review: DriftReview, signal: Signal) -> dict[str, str]:
    """What tells the alerts of a rule from others, beside its name and the label that the signal is judged by."""
    found = {
        "severity": severity(signal),
        "namespace": review.metadata.namespace,
        "target": review.spec.target.name,
        "signal": signal.name,
        "review": review.metadata.name,
    }
    return {name: text for name, text in found.items() if name != signal.each}


def spoken(review: DriftReview, signal: Signal, summary: str, sentences: Sequence[str]) -> dict[str, str]:
    """What is said of an alert: in a line, in full, and what to do."""
    which = f" {{{{ $labels.{signal.each} }}}}" if signal.each else ""
    target = review.spec.target.name
    origin = f"From review {review.metadata.namespace}/{review.metadata.name}."
    said = {
        "summary": f"{signal.name}{which} of {target}: {literal(summary)}",
        "description": " ".join((*sentences, origin)),
    }
    if signal.runbook:
        key = "runbook_url" if signal.runbook.startswith(("https://", "http://")) else "runbook"
        said[key] = literal(signal.runbook)
    return said


def of_limit(signal: Signal, bound: float) -> str:
    """That a limit is broken."""
    side = "under" if signal.worse is Worse.LOWER else "over"
    return f"{side} its limit of {quantity(bound, signal.unit)}{counted_in(signal)}"


def of_growth(signal: Signal, bound: float) -> str:
    """That something grows too fast."""
    verb = "falls" if signal.worse is Worse.LOWER else "grows"
    return f"{verb} by more than {quantity(abs(bound), signal.unit)} an hour"


def of_t0(review: DriftReview, signal: Signal) -> str:
    """That something is worse than it was at T0."""
    margin = tolerated(signal.margin, signal.unit) if signal.margin else ""
    how = {Worse.HIGHER: "higher", Worse.LOWER: "lower", Worse.EITHER: "higher or lower"}[signal.worse]
    before = "before the release" if review.spec.baseline.from_ is BaselineFrom.HISTORY else "at T0"
    return f"{how} than {before} by more than {margin}"


def now(signal: Signal, what: str) -> str:
    """The value of an alert as it fires."""
    if signal.unit in _TEMPLATES:
        return f"{what} {_TEMPLATES[signal.unit]}."
    return f"{what} {_NUMBER} {literal(signal.unit)}".rstrip() + "."


def then(review: DriftReview, signal: Signal, known: Sequence[Usual]) -> str:
    """What it was at T0."""
    t0 = review.status.t0
    moment = f" ({format_time(t0)})" if t0 else ""
    values = [each.value for each in known]
    was = spread(min(values), max(values), signal.unit)
    kind = "events a count on average" if signal.kind is Kind.EVENTS else "the median"
    return literal(f"At T0{moment} it was {was}, {kind} of the baseline.")
