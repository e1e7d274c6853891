"""Reads a review from a file, and refuses what the judge could make nothing of, as a cluster would."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.signal import Kind, Limits, Worse
from driftreview.api.values import parse_duration
from driftreview.domain.validate import contradictions


class ReviewFileError(Exception):
    """There is no such review in the file, or it can never be judged."""


def read_review(path: Path, name: str | None) -> DriftReview:
    """The only review of a file, or the one of that name.

    Raises:
        ReviewFileError: names the file, the field, what was found and what was expected.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewFileError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    except yaml.YAMLError as error:
        raise ReviewFileError(f"{path}: is no YAML: {' '.join(str(error).split())}") from None
    raw = _chosen(path, documents, name)
    try:
        review = DriftReview.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(str(part) for part in each['loc'])}: {each['msg']} (found {str(each['input'])[:100]!r})"
            for each in error.errors(include_url=False)
        ]
        raise ReviewFileError("\n".join(lines)) from None
    wrong = [*_unjudgeable(review.spec)]
    wrong = wrong or [each.message for each in contradictions(review.spec)]
    if wrong:
        raise ReviewFileError("\n".join(f"{path}: {each}" for each in wrong))
    return review


def _chosen(path: Path, documents: list[Any], name: str | None) -> dict[str, Any]:
    reviews = [each for each in documents if isinstance(each, dict) and each.get("kind") == DriftReview.__name__]
    names = [str((each.get("metadata") or {}).get("name", "")) for each in reviews]
    found = [each for each, its in zip(reviews, names, strict=True) if name in (None, its)]
    if len(found) == 1:
        return found[0]
    if not reviews:
        raise ReviewFileError(f"{path}: holds no document of kind DriftReview")
    if not found:
        raise ReviewFileError(f"{path}: holds no DriftReview named {name}, but {', '.join(names)}")
    raise ReviewFileError(f"{path}: holds {len(found)} DriftReviews ({', '.join(names)}): choose one with --name")


def _unjudgeable(spec: DriftReviewSpec) -> Iterator[str]:
    """What the API server's rules refuse and the judge relies on."""
    names = [each.name for each in spec.signals]
    for index, signal in enumerate(spec.signals):
        limits, where = signal.limits or Limits(), f"spec.signals[{index}]"
        if names.index(signal.name) < index:
            yield f"{where}.name: there are two signals named {signal.name}; rename one"
        if signal.kind is Kind.LEVEL and signal.margin is None and limits.alert is None:
            yield f"{where} (signal {signal.name}): kind Level needs margin or limits.alert, found neither"
        if signal.margin is not None and not (signal.margin.relative or signal.margin.absolute):
            yield f"{where}.margin (signal {signal.name}): is empty; set relative, absolute or both"
        if signal.kind is Kind.LIMIT and limits.alert is None:
            yield f"{where} (signal {signal.name}): kind Limit needs limits.alert, found none"
        if signal.kind is Kind.GROWTH and limits.per_hour is None:
            yield f"{where} (signal {signal.name}): kind Growth needs limits.perHour, found none"
        if signal.worse is Worse.EITHER and signal.limits is not None:
            yield f"{where} (signal {signal.name}): with worse: Either a limit has no side; leave limits out"
    offsets = [parse_duration(each) for each in spec.window.checkpoints]
    if any(later <= sooner for sooner, later in pairwise(offsets)):
        yield f"spec.window.checkpoints: found {', '.join(spec.window.checkpoints)}, expected them in ascending order"
