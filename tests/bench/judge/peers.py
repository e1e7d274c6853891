"""What others compare a release with its past by, as rules on raw samples.

Judge's specification, section 3.1, has all but PipeCD's. Worse is higher. A rule says which signals fail at a look;
what follows from that is the `Peer`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from scipy.special import stdtr
from scipy.stats import mannwhitneyu

from tests.bench.judge.process import Bools, Floats

LIMIT: Final = 1.05
"""Of the baseline's mean."""
IN_A_ROW: Final = 5
ALPHA: Final = 0.05


@dataclass(frozen=True, eq=False)
class Review:
    """Raw samples around T0, evenly spaced."""

    samples: Floats
    """(signals, before + after)."""
    before: int
    """Samples before T0."""
    hour: int = 60
    """Samples in an hour."""

    @property
    def baseline(self) -> Floats:
        """(signals, before)."""
        return self.samples[:, : self.before]

    def canary(self, look: int) -> Floats:
        """Since T0, up to a look that many samples later: (signals, look)."""
        return self.samples[:, self.before : self.before + look]


Rule: TypeAlias = Callable[[Review, int], Bools]
"""Which signals fail at a look, given in samples after T0: (signals,)."""


@dataclass(frozen=True)
class Peer:
    """A rule and what its failures mean; by default any of them is a rollback."""

    fails: Rule
    stop_score: float = 99.99
    """A look is a rollback when not more than this share of the signals passes, in percent; by default if any fails."""
    pass_score: float = 0.0
    """The last look is a rollback also when a smaller share than this passes."""

    def rolled_back(self, review: Review, looks: tuple[int, ...]) -> Bools:
        """By each look, for good: (looks,)."""
        scores = np.array([100 * (1 - self.fails(review, look).mean()) for look in looks])
        stopped = scores <= self.stop_score
        stopped[-1] |= scores[-1] < self.pass_score
        return np.logical_or.accumulate(stopped)


def _limit(review: Review) -> Floats:
    return LIMIT * np.asarray(review.baseline.mean(1))


def _last(review: Review, look: int, samples: int) -> Floats:
    return np.asarray(review.canary(look)[:, -samples:].mean(1))


def instant(review: Review, look: int) -> Bools:
    """The last sample is above the limit."""
    return _last(review, look, 1) > _limit(review)


def in_a_row(review: Review, look: int) -> Bools:
    """Five samples running are above the limit, anywhere since T0."""
    above = np.cumsum(review.canary(look) > _limit(review)[:, None], axis=1)
    above = np.concatenate([np.zeros((len(above), 1), above.dtype), above], axis=1)
    return np.asarray((above[:, IN_A_ROW:] - above[:, :-IN_A_ROW] == IN_A_ROW).any(1))


def five_minutes(review: Review, look: int) -> Bools:
    """The mean of the last five minutes is above the limit."""
    return _last(review, look, max(1, review.hour // 12)) > _limit(review)


def one_hour(review: Review, look: int) -> Bools:
    """The mean of the last hour is above the limit."""
    return _last(review, look, review.hour) > _limit(review)


def since_t0(review: Review, look: int) -> Bools:
    """The mean since T0 is above the limit."""
    return _last(review, look, look) > _limit(review)


def welch(review: Review, look: int) -> Bools:
    """Welch's t-test, one-sided, of all samples since T0 against the baseline's, as if each were independent."""
    mine, theirs = review.canary(look), review.baseline
    own, other = (side.var(1, ddof=1) / side.shape[1] for side in (mine, theirs))
    with np.errstate(divide="ignore", invalid="ignore"):  # two constants: unlike they fail, alike they pass
        freedom = (own + other) ** 2 / (own**2 / (mine.shape[1] - 1) + other**2 / (theirs.shape[1] - 1))
        distance = (theirs.mean(1) - mine.mean(1)) / np.sqrt(own + other)
    return np.asarray(stdtr(np.nan_to_num(freedom, nan=1.0), distance) < ALPHA)


def pipecd(review: Review, look: int) -> Bools:
    """PipeCD's: Mann-Whitney at 5%, one-sided, of the last hour against the same elapsed time of the baseline.

    `pkg/app/piped/executor/analysis/metrics_analyzer.go` at a644fbc: strategy PREVIOUS, deviation HIGH, interval one
    hour. Here the earlier deployment is taken to have begun with the baseline, which starts again when it is over.
    PipeCD looks at every interval and fails when failures are more than a limit, zero by default; a rule here looks at
    the checkpoints only, which is in its favour.
    """
    hour = min(review.hour, look, review.before)
    then = np.arange(look - hour, look) % review.before
    last = review.canary(look)[:, -hour:]
    found = mannwhitneyu(last, review.baseline[:, then], alternative="greater", axis=1, method="asymptotic")
    return np.asarray(found.pvalue <= ALPHA)


PEERS: Final = {
    "instant": Peer(instant),
    "5 in a row": Peer(in_a_row),
    "5min mean": Peer(five_minutes),
    "1h mean": Peer(one_hour),
    "mean since T0": Peer(since_t0),
    "naive t": Peer(welch),
    "PipeCD": Peer(pipecd),
}
