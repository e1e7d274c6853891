"""Reads a review from a file, and refuses what a cluster would: by the same reading as `driftreview lint`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from driftreview.api.driftreview import DriftReview
from driftreview.api.signalset import ClusterSignalSet, SignalSet
from driftreview.domain.display import printable
from driftreview.domain.signalsets import with_sets
from driftreview.domain.validate import contradictions
from driftreview.lint.finding import MOST_BYTES, Severity
from driftreview.lint.objects import Parsed, read
from driftreview.lint.sets import sets_of


class ReviewFileError(Exception):
    """There is no such review in the file, or it can never be judged."""


def read_review(paths: Sequence[Path], name: str | None) -> DriftReview:
    """The only review of some files, or the one of that name, with the signals of its sets in these files.

    Raises:
        ReviewFileError: names the file, the line, the field, what was found and what was expected.
    """
    objects: list[tuple[str, Parsed]] = []
    for path in paths:
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
        objects += ((shown, each) for each in contents.objects)
    names = ", ".join(dict.fromkeys(printable(str(path), None) for path in paths))
    shown, review = _chosen(names, objects, name)
    sets = sets_of(review, [each.model for _, each in objects if isinstance(each.model, SignalSet | ClusterSignalSet)])
    review = with_sets(review, sets)
    if problems := [each.message for each in (*sets.problems, *contradictions(review.spec, whole=not sets.problems))]:
        raise ReviewFileError(*(f"{shown}: {each}" for each in problems))
    return review


def _chosen(paths: str, objects: Sequence[tuple[str, Parsed]], name: str | None) -> tuple[str, DriftReview]:
    """The review, and the file it is in."""
    reviews = [(path, each.model) for path, each in objects if isinstance(each.model, DriftReview)]
    names = ", ".join(printable(each.metadata.name) for _, each in reviews)
    found = [each for each in reviews if name in (None, each[1].metadata.name)]
    if len(found) == 1:
        return found[0]
    if not reviews:
        raise ReviewFileError(f"{paths}: holds no document of kind DriftReview")
    if not found:
        raise ReviewFileError(f"{paths}: holds no DriftReview named {printable(name or '')}, but {names}")
    raise ReviewFileError(f"{paths}: holds {len(found)} DriftReviews ({names}): choose one with --name")
