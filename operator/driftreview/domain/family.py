"""One budget for a look: what is sure of any of its series, all of them taken into account.

What could make a series Degraded by chance is a *claim*, whatever the kind of its signal: a level or a rate of events
beyond its margin, a level beyond its alert limit, a slope beyond its limit per hour. Of each claim it is known how
probable as much would be, were it not so. Holm's method then says which claims hold, once for all enforced signals and
once for all shadow signals; and in the same way which series are worse at all, which is what Suspect needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from driftreview.api.signal import Mode
from driftreview.domain.tails import holm


class Bound(StrEnum):
    """What a series may be beyond: the field that says how far it may go."""

    MARGIN = "margin"
    ALERT = "limits.alert"
    PER_HOUR = "limits.perHour"


@dataclass(frozen=True)
class Claims:
    """What could be said of one series, as the probability of as much, were it not so."""

    mode: Mode
    beyond: Mapping[Bound, float] = field(default_factory=dict)
    """Of being beyond each bound it has."""
    worse: float | None = None
    """Of being worse at all; None where there is nothing that could be suspected."""


@dataclass(frozen=True)
class Sure:
    """What holds of one series."""

    beyond: frozenset[Bound] = frozenset()
    worse: bool = False


def hold(claims: Sequence[Claims], budget: float) -> list[Sure]:
    """Which claims about the series of a look hold.

    Args:
        claims: of every series, in any order.
        budget: probability at most that any claim about enforced signals holds that is wrong; the same for shadow ones.

    Returns:
        What holds of each series.
    """
    beyond, worse = set[tuple[int, Bound]](), set[int]()
    for mode in Mode:
        family = [index for index, each in enumerate(claims) if each.mode is mode]
        bounds = [(index, bound) for index in family for bound in claims[index].beyond]
        holds = holm([claims[index].beyond[bound] for index, bound in bounds], budget)
        beyond |= {bound for bound, is_sure in zip(bounds, holds, strict=True) if is_sure}
        tails = {index: tail for index in family if (tail := claims[index].worse) is not None}
        worse |= {index for index, is_sure in zip(tails, holm(list(tails.values()), budget), strict=True) if is_sure}
    return [
        Sure(frozenset(bound for bound in each.beyond if (index, bound) in beyond), index in worse)
        for index, each in enumerate(claims)
    ]
