"""When a release is looked at, and until when it can be rolled back."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import Model, SaneTime, atomic, rules
from driftreview.api.values import DURATION, Duration, between, cel_seconds

_IN_TIME = f"{cel_seconds('c')} <= {cel_seconds('self.rollback')}"
_TOO_LATE = f"c.matches({DURATION.cel}) && !({_IN_TIME})"
_ALL_DURATIONS = f"self.all(c, c.matches({DURATION.cel}))"


class Window(Model):
    """When the release is looked at, and until when it can be rolled back. All times count from T0."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                DURATION.unless(f"self.checkpoints.all(c, {DURATION.unless(_IN_TIME, 'c')})", "self.rollback"),
                "a checkpoint lies after the rollback window: drop it, or raise window.rollback",
                f"'checkpoint ' + self.checkpoints.filter(c, {_TOO_LATE})[0] + ', rollback ' + self.rollback + ': '",
            ),
            (
                DURATION.unless(
                    f"2 * {cel_seconds('self.settle')} <= {cel_seconds('self.grace')}", "self.settle", "self.grace"
                ),
                (
                    "settle must be at most half of grace, or the last checkpoint is judged too late to act on it:"
                    " lower window.settle, or raise window.grace"
                ),
                "'settle ' + self.settle + ', grace ' + self.grace + ': '",
            ),
        )
    )

    t0: SaneTime | None = None
    """Start of the review; by default, when the target's current revision finished rolling out, plus warmup.
    A past time makes a retrospective review."""
    backdated: bool = False
    """Take t0 although the running revision was rolled out after it: a restored cluster, or backfilled metrics."""
    warmup: Duration = "10m"
    """Time after the rollout (and before T0) that belongs to neither side of the comparison."""
    settle: Duration = "2m"
    """How long to wait after a due time until its samples have arrived."""
    checkpoints: Annotated[
        list[Duration],
        Field(
            min_length=1,
            max_length=16,
            json_schema_extra=atomic()
            | rules(
                (
                    (
                        f"!{_ALL_DURATIONS} || [self.map(c, {cel_seconds('c')})].all(offsets,"
                        " offsets.isSorted() && offsets.all(a, offsets.exists_one(b, a == b)))"
                    ),
                    "checkpoints must be in ascending order and differ, such as [1h, 6h, 24h, 48h]",
                ),
                (
                    f"!{_ALL_DURATIONS} || self.all(c, {cel_seconds('c')} >= 60)",
                    "a checkpoint must be at least 1m after T0",
                    f"'checkpoint ' + self.filter(c, {cel_seconds('c')} < 60)[0] + ': '",
                ),
            ),
        ),
    ] = Field(default=["1h", "6h", "24h", "48h"])
    """Offsets from T0 at which the release is judged; the last one decides."""
    rollback: Duration = "48h"
    """How long a rollback is allowed."""
    grace: Duration = "30m"
    """How long after the rollback window a verdict on evidence from inside it may still be acted upon."""
    recovery: Annotated[Duration, between("0s", "24h")] = "1h"
    """How much of the time after a rollback, and after another warm-up, is judged to see whether it helped; 0s: none.
    Kinds Level, Growth and Events need six of the baseline's blocks, which are of at most 10m each."""
