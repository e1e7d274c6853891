"""Checks: what is said of a declared expectation about facts, and what that makes of a checkpoint's verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driftreview.api.facts import FactProblem, Facts
from driftreview.api.verdicts import CheckVerdict, Verdict


@dataclass(frozen=True)
class CheckResult:
    """What is said of one declared expectation."""

    section: str
    """The field that declares it, such as flags."""
    name: str
    """Its name there."""
    verdict: CheckVerdict
    message: str
    """What was expected, what was found, and what to do, in one sentence."""
    counts: bool = True
    """Whether the checkpoint's verdict heeds it."""
    proves: bool = True
    """Whether that it holds says anything: no alert is new where none can fire."""

    @property
    def named(self) -> str:
        """Which, and how it is."""
        return f"{self.section}/{self.name} is {self.verdict}"

    @property
    def sentence(self) -> str:
        """The same, with why."""
        return f"{self.named}: {self.message}"

    @property
    def is_amiss(self) -> bool:
        """Whether it is broken, or not known to hold."""
        return self.verdict is not CheckVerdict.HELD


def with_checks(verdict: Verdict, checks: Sequence[CheckResult]) -> Verdict:
    """A checkpoint's verdict with its checks: one that is broken holds, one that is unknown never lets pass."""
    found = {each.verdict for each in checks if each.counts}
    if verdict is not Verdict.DRIFT and CheckVerdict.BROKEN in found:
        return Verdict.HOLD
    if verdict is Verdict.PASS and CheckVerdict.UNKNOWN in found:
        return Verdict.INCONCLUSIVE
    return verdict


def deciding_check(verdict: Verdict, checks: Sequence[CheckResult]) -> CheckResult | None:
    """The first check that makes a verdict what it is."""
    wanted = {Verdict.HOLD: CheckVerdict.BROKEN, Verdict.INCONCLUSIVE: CheckVerdict.UNKNOWN}.get(verdict)
    return next((each for each in checks if each.counts and each.verdict is wanted), None)


def problem_with(facts: Facts, section: str, name: str) -> FactProblem | None:
    """Why something is not known."""
    about = f"{section}/{name}"
    return next((each for each in facts.problems if each.about == about), None)
