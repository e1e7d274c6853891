"""Every declared expectation of a review held against two frozen facts: the one list of its checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.facts import Facts
from driftreview.api.policy import ApprovedBy
from driftreview.api.signal import Mode
from driftreview.api.verdicts import CheckVerdict
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
    """What is not as expected at T0 already, each in a sentence; of what is in Shadow too, which says that."""
    amiss = [each for each in check_facts(spec, facts, facts) if each.is_amiss]
    broken = [each.sentence + ("" if each.counts else f" {elsewhere.NOT_COUNTED}") for each in amiss]
    return broken + elsewhere.without_baseline(spec.evidence, facts)


def unmeasured(spec: DriftReviewSpec, *, many: bool = False) -> list[str]:
    """What of a spec cannot be judged where there are samples alone, each with the reason.

    Args:
        spec: what is declared.
        many: whether releases are tried that never were, at many T0s: a declared number is of one release.
    """
    declared = [each for each in spec.evidence if elsewhere.is_declared(each)]
    asked: tuple[tuple[str, str, object], ...] = (
        (contracts.SECTION, "of which there are no recordings", spec.contracts),
        (flags.SECTION, "of which there are no recordings", spec.flags),
        (elsewhere.SECTION, "whose numbers are of one release and not of every T0", many and declared),
        *(
            (f"{elsewhere.SECTION}[{each.name}]", "which is read from a ConfigMap, not from recordings", True)
            for each in spec.evidence
            if each not in declared
        ),
        (alerts.SECTION, "of which there are no recordings", spec.alerts),
        ("policy.approval", "which people give", spec.policy.approval.type is ApprovedBy.MANUAL),
        ("checklist", "which people sign off", any(each.required for each in spec.checklist)),
    )
    return [f"spec.{field}, {why}" for field, why, found in asked if found]


def measured_only(spec: DriftReviewSpec, *, many: bool = False) -> DriftReviewSpec:
    """A spec without what `unmeasured` tells: history keeps samples only, and declared numbers need none."""
    numbers = [] if many else [each for each in spec.evidence if elsewhere.is_declared(each)]
    none: dict[str, list[object]] = {each: [] for each in (contracts.SECTION, flags.SECTION)}
    return spec.model_copy(update={**none, elsewhere.SECTION: numbers, alerts.SECTION: None})


def _declared(spec: DriftReviewSpec, message: str) -> Iterator[CheckResult]:
    """Each expectation, as of which nothing is known."""
    named = [(contracts.SECTION, each.name, each.mode) for each in spec.contracts]
    named += [(flags.SECTION, each.name, each.mode) for each in spec.flags]
    if spec.alerts is not None:
        named += [(alerts.SECTION, name, spec.alerts.mode) for name in alerts.declared(spec.alerts)]
    for section, name, mode in named:
        yield CheckResult(section, name, CheckVerdict.UNKNOWN, message, counts=mode is Mode.ENFORCE)
