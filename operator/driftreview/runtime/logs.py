"""Structured logs: one JSON object a line, or text for a terminal."""

from __future__ import annotations

import logging
import sys
from typing import Final

from pythonjsonlogger.json import JsonFormatter

from driftreview.api.phases import ConditionType, Phase
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.status import condition
from driftreview.domain.steps import is_half_back
from driftreview.domain.wayback import turned
from driftreview.runtime.settings import LogFormat, LogLevel

LOGGER: Final = logging.getLogger("driftreview")


def configure(log_format: LogFormat, level: LogLevel) -> None:
    """Send everything to standard error, ours and the libraries'."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format is LogFormat.JSON:
        fields = "%(asctime)s %(levelname)s %(name)s %(message)s"
        names = {"asctime": "time", "levelname": "level", "name": "logger"}
        handler.setFormatter(JsonFormatter(fields, rename_fields=names))
    else:
        handler.setFormatter(_TextFormatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("urllib3").setLevel(logging.ERROR)


class _TextFormatter(logging.Formatter):
    """Text, with the review a line is about in front."""

    def format(self, record: logging.LogRecord) -> str:
        review = getattr(record, "review", None)
        about = f"  [{review}]" if review else ""
        head, newline, trace = super().format(record).partition("\n")
        if not record.exc_info:  # one line is one event: only a traceback may have more
            head, newline, trace = head + newline + trace, "", ""
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in head) + about + newline + trace


def tell(review: str, before: DriftReviewStatus, now: DriftReviewStatus) -> None:
    """Log where a review has got to, and what somebody must mend, when that is new."""
    if now.phase != before.phase or now.decision != before.decision:
        left = now.phase is Phase.SUPERSEDED and (is_half_back(now.act) or now.not_back)
        level = logging.WARNING if left else logging.INFO
        LOGGER.log(level, "%s: %s", now.phase, now.summary, extra={"review": review})
    if (way := turned(before, now)) is not None:
        level, what = (logging.INFO, "possible") if way.status == "True" else (logging.WARNING, "not possible")
        LOGGER.log(level, "rollback %s: %s: %s", what, way.reason, way.message, extra={"review": review})
    told = (
        (ConditionType.STALLED, "True"),
        (ConditionType.DECISION_DUE, "True"),
        (ConditionType.NEW_REVISION_REFUSED, "False"),
        (ConditionType.STAYS_BACK, "False"),
        (ConditionType.RECOVERED, "False"),
    )
    for kind, truth in told:
        known, found = (condition(each, kind) for each in (before, now))
        same = (
            known is not None and found is not None and (known.reason, known.message) == (found.reason, found.message)
        )
        if found is not None and found.status == truth and not same:
            LOGGER.warning("%s: %s", found.reason, found.message, extra={"review": review})
