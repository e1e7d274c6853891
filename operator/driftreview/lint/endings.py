"""What `policy.onWindowEnd: Rollback` does to a release that passed: said, as both answers surprise somebody."""

from __future__ import annotations

from collections.abc import Iterator

from driftreview.api.driftreview import DriftReview
from driftreview.api.policy import OnWindowEnd, PolicyMode
from driftreview.domain.consent import waits_for_people
from driftreview.lint.finding import Path

_PATH: Path = ("spec", "policy", "onWindowEnd")


def endings(review: DriftReview) -> Iterator[tuple[str, Path, str]]:
    """Word for what is said, path, message.

    Args:
        review: one that nobody refuses.
    """
    policy = review.spec.policy
    if policy.mode is not PolicyMode.ENFORCE or policy.on_window_end is not OnWindowEnd.ROLLBACK:
        return
    if waits_for_people(review):
        yield (
            "rolled-back-unapproved",
            _PATH,
            (
                "found Rollback where a promotion waits for people: a release that passed every look is rolled back at"
                " the last safe moment if an approval or a sign-off lacks then; with Notify it stays, and the review"
                " ends Decided"
            ),
        )
    if policy.freezes:
        yield (
            "kept-by-a-freeze",
            _PATH,
            (
                "found Rollback beside freezes: a release that passed and lacks nothing but a freeze's end at the last"
                " safe moment is neither rolled back nor promoted: the review ends Decided; whatever else is undecided"
                " then is rolled back, in a freeze too"
            ),
        )
