"""What follows a rollback, as parts of a status: whether it helped, and whether what was taken away returned."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict

from driftreview.api.base import Model, Time, rules
from driftreview.api.checkpoint import Sentence, SnapshotRef


class RecoveryVerdict(StrEnum):
    """What is said of the time after a rollback."""

    RECOVERED = "Recovered"
    """Every enforced signal was judged, and none is worse than at T0 beyond its margin."""
    NOT_RECOVERED = "NotRecovered"
    """An enforced signal is still degraded."""
    UNKNOWN = "Unknown"
    """It could not be judged."""


class Recovery(Model):
    """The look at the time after a rollback. Nothing is decided by it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.due == oldSelf.due", "the due time is written once"),
            (
                "!has(oldSelf.verdict) || (has(self.verdict) && self.verdict == oldSelf.verdict)",
                "the recovery is judged once",
            ),
        )
    )

    due: Time
    """When its window ends; fixed when the rollback was done."""
    judged_at: Time | None = None
    """When it was judged, or given up."""
    verdict: RecoveryVerdict | None = None
    """What is said of it."""
    message: Sentence | None = None
    """Why, in a sentence."""
    snapshot: SnapshotRef | None = None
    """Its evidence; absent where none was gathered."""


class Aftermath(Model):
    """Until when, and how, what a rollback took away stays away."""

    returned_at: Time | None = None
    """When the rejected pod template was first seen to run again."""
    ended_at: Time | None = None
    """When the target was looked at for the last time; absent while it is looked at."""
