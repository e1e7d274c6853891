"""Writes alert rules once T0 is frozen, between the steps of reviews as reports are: never in the way of a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from driftreview.adapters.errors import (
    ChangedError,
    ClusterError,
    ForbiddenError,
    NameTakenError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.ruleobjects import RuleObjects
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.recommended import recommended
from driftreview.domain.rulewriting import rules_name, rules_owed, rules_refused, rules_written
from driftreview.report.rulefiles import FILE, prometheus_rule, rules_file
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.loop import AbandonedError

RETRY: Final = timedelta(minutes=1)
"""Until rules are tried again that the API server did not answer."""
REFUSED: Final = timedelta(minutes=10)
"""The same where it refused them: somebody must mend it first."""
_REASONS: Final = {ForbiddenError: Reason.FORBIDDEN, NameTakenError: Reason.NAME_TAKEN}


@dataclass(frozen=True)
class RuleWriter:
    """Writes the alert rules of one review when they are owed."""

    reviews: Reviews
    objects: RuleObjects
    baseline: Callable[[DriftReview], DriftSnapshotSpec | None]
    """The T0 evidence of a review, if it is still what was frozen."""
    clock: Callable[[], datetime]
    refused: dict[str, datetime] = field(default_factory=dict)
    """By UID of a review, when what was refused is tried again."""

    def after(self, raw: Mapping[str, Any], again: datetime | None) -> tuple[Mapping[str, Any], datetime | None]:
        """Write the rules of a review whose turn is over, if they are owed and nothing else is to be done.

        Args:
            raw: the review as last stored.
            again: when it wants to be looked at next; None: on a change.

        Returns:
            The review as stored now, and when to look at it next.
        """
        now = self.clock()
        if (again is not None and again <= now) or self.refused.get(raw["metadata"]["uid"], now) > now:
            return raw, again
        try:
            review = DriftReview.model_validate(raw)
        except ValidationError:
            return raw, again
        about = rules_owed(review) if review.metadata.deletion_timestamp is None else None
        if about is None:
            return raw, again
        where = {"review": review.metadata.full_name}
        try:
            status = self._written(review, about)
            return (raw if status is review.status else self.reviews.write_status(review, status)), again
        except (ChangedError, NotFoundError, UnavailableError) as error:
            LOGGER.debug("the alert rules are tried again: %s", error, extra=where)
            return raw, min(again or now + RETRY, now + RETRY)
        except ClusterError as error:  # not even that they were not written can be said
            self.refused[review.metadata.uid] = now + REFUSED
            LOGGER.warning("the alert rules could not be spoken of: %s", error, extra=where)
        return raw, again

    def forget(self, uid: str) -> None:
        """A review is over or gone."""
        self.refused.pop(uid, None)

    def _written(self, review: DriftReview, about: str) -> DriftReviewStatus:
        """Write them; the status says whether they are there now."""
        at_t0 = self.baseline(review)
        if at_t0 is None:  # which the next look finds as well, and says
            return self._refused(review, about, Reason.EVIDENCE_ALTERED, "the T0 evidence is not what was frozen")
        try:
            found = recommended(review, at_t0)
            rule = prometheus_rule(review, found, rules_name(review.metadata.name))
            where = self.objects.write(review, rule, {FILE: rules_file(review, found)})
        except (ChangedError, NotFoundError, UnavailableError, AbandonedError):
            raise
        except RefusedError as error:
            return self._refused(review, about, _REASONS.get(type(error), Reason.REFUSED), str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, no decision waits for alert rules
            LOGGER.exception("the alert rules could not be made", extra={"review": review.metadata.full_name})
            why = f"the operator failed ({type(error).__name__}); see its log"
            return self._refused(review, about, Reason.INTERNAL_ERROR, why)
        LOGGER.info("%s: alert rules written: %s", about, where, extra={"review": review.metadata.full_name})
        return rules_written(review, about, found, where, self.clock())

    def _refused(self, review: DriftReview, about: str, reason: Reason, why: str) -> DriftReviewStatus:
        now = self.clock()
        self.refused[review.metadata.uid] = now + REFUSED
        LOGGER.warning("%s: alert rules not written: %s", about, why, extra={"review": review.metadata.full_name})
        return rules_refused(review, about, reason, why, now)
