"""Reads a review from a file, and refuses what a cluster would: by the same reading as `driftreview lint`."""

from __future__ import annotations

from pathlib import Path

from driftreview.api.driftreview import DriftReview
from driftreview.domain.display import printable
from driftreview.domain.validate import contradictions
from driftreview.lint.finding import MOST_BYTES, Severity
from driftreview.lint.objects import Parsed, read


class ReviewFileError(Exception):
    """There is no such review in the file, or it can never be judged."""


def read_review(path: Path, name: str | None) -> DriftReview:
    """The only review of a file, or the one of that name.

    Raises:
        ReviewFileError: names the file, the line, the field, what was found and what was expected.
    """
    shown = printable(str(path), None)
    try:
        with path.open("rb") as file:
            contents = read(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise ReviewFileError(f"{shown}: cannot be read: {error.strerror}; check the path") from None
    wrong = [each for each in contents.findings if each.severity is Severity.ERROR]
    if wrong:
        lines = (f"{shown}:{each.place.line}:{each.place.column}: {each.text}" for each in wrong)
        raise ReviewFileError(*lines)
    review = _chosen(shown, contents.objects, name)
    if problems := [each.message for each in contradictions(review.spec)]:
        raise ReviewFileError(*(f"{shown}: {each}" for each in problems))
    return review


def _chosen(path: str, objects: list[Parsed], name: str | None) -> DriftReview:
    reviews = [each.model for each in objects if isinstance(each.model, DriftReview)]
    names = ", ".join(printable(each.metadata.name) for each in reviews)
    found = [each for each in reviews if name in (None, each.metadata.name)]
    if len(found) == 1:
        return found[0]
    if not reviews:
        raise ReviewFileError(f"{path}: holds no document of kind DriftReview")
    if not found:
        raise ReviewFileError(f"{path}: holds no DriftReview named {printable(name or '')}, but {names}")
    raise ReviewFileError(f"{path}: holds {len(found)} DriftReviews ({names}): choose one with --name")
