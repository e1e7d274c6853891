"""Every verdict, and what a review recommends: words that programs match on, as `reasons`."""

from __future__ import annotations

from enum import StrEnum


class SignalVerdict(StrEnum):
    """What is said of one signal at one checkpoint."""

    IMPROVED = "Improved"
    """Better than the baseline by more than the margin."""
    STABLE = "Stable"
    """No difference that can be told from noise."""
    ACCEPTABLE = "Acceptable"
    """Worse, but inside the margin."""
    SUSPECT = "Suspect"
    """Worse by more than the margin, but it could still be noise."""
    DEGRADED = "Degraded"
    """Worse by more than the margin, surely; or over the alert limit."""
    INCONCLUSIVE = "Inconclusive"
    """There is data, but not enough, or nothing sound to hold it against."""
    MISSING = "Missing"
    """There is no data, or too little of the window is covered."""
    RECORDED = "Recorded"
    """Kind Info: written down, not judged."""


class CheckVerdict(StrEnum):
    """What is said of one declared expectation at one checkpoint."""

    HELD = "Held"
    """As it was declared."""
    BROKEN = "Broken"
    """Not as it was declared: the review holds for a person."""
    UNKNOWN = "Unknown"
    """It could not be found out."""


class Verdict(StrEnum):
    """What is said of a checkpoint."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    """Every enforced signal was judged, none is worse beyond its margin."""
    HOLD = "Hold"
    """An enforced signal is suspect, or a check is broken."""
    DRIFT = "Drift"
    """An enforced signal is degraded."""
    INCONCLUSIVE = "Inconclusive"
    """An enforced signal or a check could not be judged."""


class Recommendation(StrEnum):
    """What the review recommends."""

    APPROVE = "APPROVE"
    """Keep the judged revision."""
    REJECT = "REJECT"
    """Go back to the previous one."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """Neither can be said."""
