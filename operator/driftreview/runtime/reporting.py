"""Writes reports between the steps of reviews: after everything that decides or acts, and never in its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from driftreview.adapters.reports import Reports
from driftreview.adapters.reviews import Reviews
from driftreview.api.approval import DriftApproval
from driftreview.api.base import Metadata
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.naming import evidence_names
from driftreview.domain.report.build import report
from driftreview.domain.reporting import owed, report_refused, report_written
from driftreview.report.files import fitting
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.loop import AbandonedError, alive

RETRY: Final = timedelta(minutes=1)
"""Until a report is tried again that the API server did not answer."""
_REASONS: Final = {ForbiddenError: Reason.FORBIDDEN, NameTakenError: Reason.NAME_TAKEN}


@dataclass(frozen=True)
class Reporter:
    """Writes the report of one review when there is something new to report."""

    reviews: Reviews
    reports: Reports
    people: Callable[[DriftReview], tuple[DriftApproval, ...]]
    """What people did about a review, as far as it was seen."""
    clock: Callable[[], datetime]

    def after(self, raw: Mapping[str, Any], again: datetime | None) -> datetime | None:
        """Write the report of a review whose turn is over, if one is due and nothing else is.

        Args:
            raw: the review as last stored.
            again: when it wants to be looked at next; None: on a change.

        Returns:
            When to look at it next.
        """
        now = self.clock()
        if again is not None and again <= now:
            return again
        try:
            review = DriftReview.model_validate(raw)
        except ValidationError:
            return again
        about = owed(review) if review.metadata.deletion_timestamp is None else None
        if about is None:
            return again
        try:
            self.reviews.write_status(review, self._written(review, about))
        except (ChangedError, NotFoundError, UnavailableError) as error:
            LOGGER.debug("the report is tried again: %s", error, extra={"review": review.metadata.full_name})
            return min(again or now + RETRY, now + RETRY)
        except ClusterError as error:  # not even that it was not written can be said
            LOGGER.warning("the report could not be spoken of: %s", error, extra={"review": review.metadata.full_name})
        return again

    def _written(self, review: DriftReview, about: str) -> DriftReviewStatus:
        """Write it; the status says whether it is there now."""
        try:
            files = fitting(report(review, self._snapshots(review), self.people(review)))
            self.reports.write(review, files)
        except (ChangedError, NotFoundError, UnavailableError, AbandonedError):
            raise
        except RefusedError as error:
            reason = _REASONS.get(type(error), Reason.REFUSED)
            return report_refused(review, about, reason, str(error), self.clock())
        except Exception as error:  # noqa: BLE001 - whatever it is, no decision waits for a report
            LOGGER.exception("the report of %s could not be made", about, extra={"review": review.metadata.full_name})
            why = f"the operator failed ({type(error).__name__}); see its log"
            return report_refused(review, about, Reason.INTERNAL_ERROR, why, self.clock())
        LOGGER.info("report of %s written", about, extra={"review": review.metadata.full_name})
        return report_written(review, about, files, self.clock())

    def _snapshots(self, review: DriftReview) -> list[DriftSnapshot]:
        """The evidence that the review rests on; what is gone is left out, and the report says so."""
        found = []
        for name in evidence_names(review):
            spec = self.reviews.snapshot(review.metadata.namespace, name)
            if spec is not None:
                found.append(DriftSnapshot(metadata=Metadata(name=name), spec=spec))
            alive()
        return found
