"""Every declared expectation of a review held against two frozen facts: the one list of its checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.facts import Facts
from driftreview.api.policy import ApprovedBy
from driftreview.api.reasons import CheckVerdict
from driftreview.api.signal import Mode
from driftreview.domain import alerts, contracts, elsewhere, flags, inventory, observability
from driftreview.domain.checks import CheckResult
from driftreview.domain.contracts import check_contract
from driftreview.domain.flags import check_flag

UNHURRIED: Final = frozenset({inventory.SECTION, observability.SECTION})
"""Sections of facts that no check depends on: a look does not wait until the source answers about them."""


def check_facts(spec: DriftReviewSpec, at_t0: Facts | None, now: Facts | None) -> tuple[CheckResult, ...]:
    """Hold every declared expectation against the facts, in the order of the spec; what is not known is Unknown."""
    if at_t0 is None or now is None:
        when = "at T0" if at_t0 is None else "at this look"
        message = f"nothing of the cluster was recorded {when}"
        return tuple(_declared(spec, message))
    found = [check_contract(each, at_t0, now) for each in spec.contracts]
    found += [check_flag(each, now) for each in spec.flags]
    if spec.alerts is not None:
        found += alerts.check_alerts(spec.alerts, at_t0, now)
    return tuple(found)


def unmet(spec: DriftReviewSpec, facts: Facts | None) -> list[str]:
    """What is not as expected at T0 already, each in a sentence."""
    checks = check_facts(spec, facts, facts)
    broken = [each.sentence for each in checks if each.counts and each.verdict is not CheckVerdict.HELD]
    return broken + elsewhere.without_baseline(spec.evidence, facts)


def unmeasured(spec: DriftReviewSpec) -> list[str]:
    """Which fields of a spec ask for what no samples tell: facts, and what people have to say."""
    asked = {
        contracts.SECTION: spec.contracts,
        flags.SECTION: spec.flags,
        elsewhere.SECTION: spec.evidence,
        alerts.SECTION: spec.alerts,
        "policy.approval": spec.policy.approval.type is ApprovedBy.MANUAL,
        "checklist": any(each.required for each in spec.checklist),
    }
    return [field for field, found in asked.items() if found]


def measured_only(spec: DriftReviewSpec) -> DriftReviewSpec:
    """A spec without what is judged by facts, for where there are none: history keeps samples only."""
    lists: dict[str, list[object]] = {each: [] for each in (contracts.SECTION, flags.SECTION, elsewhere.SECTION)}
    return spec.model_copy(update={**lists, alerts.SECTION: None})


def _declared(spec: DriftReviewSpec, message: str) -> Iterator[CheckResult]:
    """Each expectation, as of which nothing is known."""
    named = [(contracts.SECTION, each.name, each.mode) for each in spec.contracts]
    named += [(flags.SECTION, each.name, each.mode) for each in spec.flags]
    if spec.alerts is not None:
        named += [(alerts.SECTION, name, spec.alerts.mode) for name in alerts.declared(spec.alerts)]
    for section, name, mode in named:
        yield CheckResult(section, name, CheckVerdict.UNKNOWN, message, counts=mode is Mode.ENFORCE)
