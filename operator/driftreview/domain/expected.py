"""Every declared expectation of a review held against two frozen facts: the one list of its checks."""

from __future__ import annotations

from collections.abc import Iterator

from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.facts import Facts
from driftreview.api.reasons import CheckVerdict
from driftreview.domain import contracts, elsewhere
from driftreview.domain.checks import CheckResult
from driftreview.domain.contracts import check_contract


def check_facts(spec: DriftReviewSpec, at_t0: Facts | None, now: Facts | None) -> tuple[CheckResult, ...]:
    """Hold every declared expectation against the facts, in the order of the spec; what is not known is Unknown."""
    if at_t0 is None or now is None:
        when = "at T0" if at_t0 is None else "at this look"
        message = f"nothing of the cluster was recorded {when}"
        return tuple(CheckResult(*each, CheckVerdict.UNKNOWN, message) for each in _declared(spec))
    return tuple(check_contract(each, at_t0, now) for each in spec.contracts)


def measured_only(spec: DriftReviewSpec) -> DriftReviewSpec:
    """A spec without what is judged by facts, for where there are none: history keeps samples only."""
    return spec.model_copy(update={contracts.SECTION: [], elsewhere.SECTION: []})


def _declared(spec: DriftReviewSpec) -> Iterator[tuple[str, str]]:
    """Section and name of each expectation."""
    yield from ((contracts.SECTION, each.name) for each in spec.contracts)
