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
    allowed: Mapping[Bound, float] = field(default_factory=dict)
    """Probability by chance at most, at which the claim on each bound holds, the others of the look being what they
    are: the more of them hold, the more is left for it."""
    share: float = 1.0
    """Its even share of the look's budget, whatever holds: for what is asked besides the claims."""


def hold(claims: Sequence[Claims], budget: float) -> list[Sure]:
    """Which claims about the series of a look hold.

    Args:
        claims: of every series, in any order.
        budget: probability at most that any claim about enforced signals holds that is wrong; the same for shadow ones.

    Returns:
        What holds of each series.
    """
    worse, share, allowed = set[int](), dict[Mode, float](), [dict[Bound, float]() for _ in claims]
    for mode in Mode:
        family = [index for index, each in enumerate(claims) if each.mode is mode]
        bounds = [(index, bound) for index in family for bound in claims[index].beyond]
        share[mode] = budget / max(len(bounds), 1)
        steps = holm([claims[index].beyond[bound] for index, bound in bounds], budget)
        for (index, bound), step in zip(bounds, steps, strict=True):
            allowed[index][bound] = step
        tails = {index: tail for index in family if (tail := claims[index].worse) is not None}
        steps = holm(list(tails.values()), budget)
        worse |= {index for (index, tail), step in zip(tails.items(), steps, strict=True) if tail <= step}
    return [
        Sure(
            frozenset(bound for bound, tail in each.beyond.items() if tail <= allowed[index][bound]),
            index in worse,
            allowed[index],
            share[each.mode],
        )
        for index, each in enumerate(claims)
    ]
