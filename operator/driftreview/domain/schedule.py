"""When things are due. Computed once from T0, then stored; nothing here depends on now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count, takewhile
from typing import Final

from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.api.window import Window as WindowSpec
from driftreview.domain.samples import Window

LONGEST_BLOCK: Final = timedelta(minutes=10)
BLOCKS_PER_LOOK: Final = 6
_GUARDED: Final = ((6, 6), (3, 3), (1, 1))
"""Of the guards, which have how many times as many blocks."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Due:
    """One checkpoint and when its window ends."""

    name: str
    at: datetime
    guard: bool = False
    """Whether the guards look then, between the checkpoints."""


def whole_seconds(moment: datetime) -> datetime:
    """Kubernetes stores times in whole seconds: cut the rest off, so that what is stored is what was computed."""
    return moment.replace(microsecond=0)


def checkpoints(window: WindowSpec, t0: datetime) -> tuple[Due, ...]:
    """All due times of a review."""
    return tuple(Due(offset, t0 + parse_duration(offset)) for offset in window.checkpoints)


def closes_at(window: WindowSpec, t0: datetime) -> datetime:
    """After this nothing is rolled back any more: the end of the rollback window plus its grace."""
    return t0 + parse_duration(window.rollback) + parse_duration(window.grace)


def last_safe_moment(window: WindowSpec, t0: datetime, status: DriftReviewStatus) -> datetime:
    """Undecided then, the review follows `policy.onWindowEnd`: what is left is for carrying it out.

    That is half of the grace; or a quarter of it and as long as the target's own rollout took, if that is longer: or
    those of all workloads that ship together, which are taken back one after the other.
    """
    every = [status.target, *(each.target for each in status.members)]
    took = sum((parse_duration(each.rollout_took) for each in every if each is not None), timedelta(0))
    grace = parse_duration(window.grace)
    return max(t0, closes_at(window, t0) - max(grace / 2, grace / 4 + took))


def look_share(index: int, declared: int, added: int) -> float:
    """Which share of the false-alarm budget a look has: an even one of those declared.

    What people add to them shares that of the last declared look: each takes half of what is left, the last one all of
    it. So the shares come to one, and that of a look does not depend on looks that are added after it was judged.

    Args:
        index: of the look.
        declared: how many looks the spec declares.
        added: how many people added.
    """
    after = index - (declared - 1)
    return 1 / declared if after < 0 else 1 / (declared * 2 ** min(after + 1, added))


def block_length(spec: DriftReviewSpec, step: timedelta) -> timedelta:
    """Length of one block: 10 minutes, or less where the first look is too early for six such blocks.

    A whole number of steps, and at least one. The same for the baseline and every checkpoint of a review.
    """
    longest = min(LONGEST_BLOCK, parse_duration(spec.window.checkpoints[0]) / BLOCKS_PER_LOOK)
    if spec.baseline.from_ is BaselineFrom.SNAPSHOT:
        longest = min(longest, parse_duration(spec.baseline.length) / BLOCKS_PER_LOOK)
    return max(step, longest // step * step)


def block_lengths(spec: DriftReviewSpec, step: timedelta) -> tuple[timedelta, ...]:
    """The blocks that a review may have, the finest first: `block_length`, and 2, 3, 6, 12, 24... times as much.

    Longer ones are for evidence that would not fit; the last look and the baseline have six of each.
    """
    block, shortest = block_length(spec, step), looked_at(spec, spec.window.checkpoints[-1])
    if spec.baseline.from_ is not BaselineFrom.DECLARED:
        shortest = min(shortest, parse_duration(spec.baseline.length))
    factors = chain((2,), (3 * 2**power for power in count()))
    return (block, *takewhile(lambda each: BLOCKS_PER_LOOK * each <= shortest, (block * each for each in factors)))


def looked_at(spec: DriftReviewSpec, checkpoint: str) -> timedelta:
    """How much time a checkpoint looks at."""
    skipped = spec.baseline.length if spec.baseline.from_ is BaselineFrom.SNAPSHOT else "0s"
    return parse_duration(checkpoint) - parse_duration(skipped)


def fit(start: datetime, end: datetime, step: timedelta, block: timedelta) -> Window | None:
    """The part of a stretch of time that whole blocks fill, counted back from its end; None if not even one fits.

    The grid is that of whole steps since 1970: query frontends (Thanos, Mimir) move a range to it, and cache by it. Its
    samples all lie after `start` and not after `end`.
    """
    start, end = _on_grid(start, step), _on_grid(end, step)
    blocks = (end - start) // block
    return Window(end - blocks * block, end, step) if blocks > 0 else None


def _on_grid(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % step


def baseline_window(
    spec: DriftReviewSpec, t0: datetime, history_ends_at: datetime, step: timedelta, block: timedelta | None = None
) -> Window | None:
    """What the release is compared with: None for `Declared`, where nothing is measured."""
    length = parse_duration(spec.baseline.length)
    block = block or block_length(spec, step)
    match spec.baseline.from_:
        case BaselineFrom.HISTORY:
            return fit(history_ends_at - length, history_ends_at, step, block)
        case BaselineFrom.SNAPSHOT:
            return fit(t0, t0 + length, step, block)
        case BaselineFrom.DECLARED:
            return None


def checkpoint_window(
    spec: DriftReviewSpec, t0: datetime, due: datetime, step: timedelta, block: timedelta | None = None
) -> Window | None:
    """What a checkpoint looks at: everything since T0, and with a Snapshot baseline everything since its end.

    Where not even one block fits, the whole of it: a part of one is enough for kinds Limit and Presence.
    """
    start = looks_begin(spec, t0)
    return fit(start, due, step, block or block_length(spec, step)) or fit(start, due, step, step)


def looks_begin(spec: DriftReviewSpec, t0: datetime) -> datetime:
    """Where the time begins that looks are at: T0, or where a Snapshot baseline ends."""
    is_own = spec.baseline.from_ is BaselineFrom.SNAPSHOT
    return t0 + parse_duration(spec.baseline.length) if is_own else t0


def guarded_every(spec: DriftReviewSpec) -> timedelta:
    """Distance of two guards.

    Raises:
        ValueError: the review has none.
    """
    if spec.guards is None:
        raise ValueError("the review has no guards")
    return parse_duration(spec.guards.every)


def shortest_guard(spec: DriftReviewSpec) -> timedelta:
    """What a guard looks at, at least, however the samples lie: a block is at least half of the longest it may be."""
    longest = min(LONGEST_BLOCK, parse_duration(spec.window.checkpoints[0]) / BLOCKS_PER_LOOK)
    return max(BLOCKS_PER_LOOK * longest / 2, guarded_every(spec))


def guard_window(
    spec: DriftReviewSpec, t0: datetime, due: datetime, step: timedelta, block: timedelta
) -> Window | None:
    """What a guard looks at: the time before it, at every third and every sixth guard more of it.

    As with a checkpoint, the whole of it where not even one block fits.
    """
    every = guarded_every(spec)
    number = (due - t0) // every
    times = next(times for stride, times in _GUARDED if number % stride == 0)
    start = max(looks_begin(spec, t0), due - max(times * BLOCKS_PER_LOOK * block, every))
    return fit(start, due, step, block) or fit(start, due, step, step)


def recovery_due(window: WindowSpec, rolled_back_at: datetime) -> datetime:
    """When the time after a rollback is judged: what its pods' start does belongs to no side, as after any rollout."""
    return rolled_back_at + parse_duration(window.warmup) + parse_duration(window.recovery)


def recovery_window(spec: DriftReviewSpec, due: datetime, step: timedelta, block: timedelta) -> Window | None:
    """What is looked at after a rollback; where not even one block fits, the whole of it as with a checkpoint."""
    start = due - parse_duration(spec.window.recovery)
    return fit(start, due, step, block) or fit(start, due, step, step)
