"""What is wrong with a spec that the schema and CEL cannot see: quantities cannot be compared there."""

from __future__ import annotations

from collections.abc import Iterator

from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Limits, Signal, Worse
from driftreview.api.values import parse_quantity


def contradictions(spec: DriftReviewSpec) -> Iterator[Problem]:
    """Say what in a spec could never work, or would silently be ignored."""
    declared = spec.baseline.from_ is BaselineFrom.DECLARED
    for index, signal in enumerate(spec.signals):
        if declared and signal.kind is Kind.LEVEL and (signal.margin or (signal.limits and signal.limits.baseline)):
            text = (
                f"spec.signals[{index}] (signal {signal.name}): with baseline.from: Declared nothing is measured at T0 "
                "that margin or limits.baseline could be held against; leave them out"
            )
            yield Problem(reason=Reason.INVALID_SPEC, message=text)
        for field, message in _of_signal(signal, signal.limits or Limits()):
            text = f"spec.signals[{index}].{field} (signal {signal.name}): {message}"
            yield Problem(reason=Reason.INVALID_SPEC, message=text)


def _of_signal(signal: Signal, limits: Limits) -> Iterator[tuple[str, str]]:
    if signal.kind in {Kind.INFO, Kind.GROWTH} and (limits.alert is not None or limits.baseline is not None):
        yield "limits", f"kind {signal.kind} knows no limits.alert or limits.baseline; leave them out"
    if signal.kind is Kind.LIMIT and limits.baseline is not None:
        yield "limits.baseline", "kind Limit has no baseline; leave it out"
    if limits.alert is not None and limits.baseline is not None:
        sign = -1 if signal.worse is Worse.LOWER else 1
        if sign * (parse_quantity(limits.baseline) - parse_quantity(limits.alert)) > 0:
            reach = f"a baseline may reach {limits.baseline} but beyond {limits.alert} is Degraded"
            yield "limits", f"{reach}: limits.baseline must not lie beyond limits.alert"
