"""Numbers from elsewhere: read from a file, and held against each other by a plain margin."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, TypeVar, cast

from driftreview.api.elsewhere import Evidence, EvidenceFact, EvidenceFile, FileFormat
from driftreview.api.elsewhere import Measure as Measured
from driftreview.api.facts import Facts
from driftreview.api.jsontext import read_json
from driftreview.api.reasons import Reason
from driftreview.api.signal import Margin, Mode, Worse
from driftreview.api.values import parse_percent, parse_quantity
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.checks import problem_with
from driftreview.domain.display import change, difference, printable, quantity
from driftreview.domain.finding import Estimate, Finding, Measure
from driftreview.domain.junit import UnreadableError, read_junit, written
from driftreview.domain.margins import tolerated

_T = TypeVar("_T")
SECTION: Final = "evidence"
NOT_COUNTED: Final = "(Shadow: not counted)"
"""What is said of an expectation or a number that no verdict heeds."""
_SAME: Final = 1e-9
"""Share of the larger number below which two are the same: what is left of adding up seconds."""
_WHOLE: Final = 0.01
"""Changes from here on are said in whole percent, as people write them."""
_NUMBER: Final = re.compile(r"[-+]?([0-9]{1,40}([.][0-9]{0,40})?|[.][0-9]{1,40})([eE][-+]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True)
class EvidenceResult:
    """What is said of one number from elsewhere at one checkpoint."""

    evidence: Evidence
    finding: Finding
    runbook: str = ""
    """Evidence has none; a signal has."""

    @property
    def counts_as(self) -> SignalVerdict | None:
        """The verdict as the checkpoint counts it; None where it does not count."""
        return None if self.evidence.mode is Mode.SHADOW else self.finding.counted(self.evidence.on_missing)

    @property
    def is_ignored(self) -> bool:
        """Whether it would count, had `onMissing` not said otherwise."""
        return self.evidence.mode is not Mode.SHADOW and self.counts_as is None

    @property
    def worse(self) -> Worse:
        """In which direction it gets worse."""
        return self.evidence.worse

    @property
    def name(self) -> str:
        """What sentences call it."""
        return f"{SECTION}/{self.evidence.name}"

    @property
    def sentence(self) -> str:
        """Why, in one sentence."""
        return f"{self.name} is {self.finding.verdict}: {self.finding.message}"


def file_of(evidence: Evidence, *, at_t0: bool) -> EvidenceFile | None:
    """The file to be read at a look: at T0 what is compared with, later what is compared; None where both are known."""
    declared = evidence.from_
    if declared is None:
        return None
    if not at_t0:
        return declared.current
    return declared.baseline or (declared.current if evidence.baseline is None else None)


def is_declared(evidence: Evidence) -> bool:
    """Whether both numbers stand in the spec, so that no file is read."""
    return evidence.baseline is not None and evidence.current is not None


@dataclass(frozen=True)
class Content:
    """What a file holds, parsed no more than once, however many numbers are read from it."""

    raw: bytes
    _parsed: dict[Callable[[bytes], Any], Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def hash(self) -> str:
        """What `sha256sum` says of it."""
        return f"sha256:{sha256(self.raw).hexdigest()}"

    def parsed(self, parse: Callable[[bytes], _T]) -> _T:
        """What a parser makes of it.

        Raises:
            UnreadableError: it makes nothing of it, also when it is asked again.
        """
        if parse not in self._parsed:
            try:
                self._parsed[parse] = parse(self.raw)
            except UnreadableError as error:
                self._parsed[parse] = error
        found = self._parsed[parse]
        if isinstance(found, UnreadableError):
            raise UnreadableError(*found.args)
        return cast(_T, found)


def read_file(name: str, file: EvidenceFile, content: Content) -> EvidenceFact:
    """The number in a file, with the file's hash.

    Raises:
        UnreadableError: it holds no such number.
    """
    suite = None
    if file.format is FileFormat.JUNIT:
        suite = content.parsed(read_junit)
        value = suite.measured(file.measure or Measured.TESTS)
    elif file.format is FileFormat.JSON:
        value = _pointed_at(content.parsed(_document), file.pointer or "")
    else:
        value = content.parsed(_plain)
    return EvidenceFact(
        name=name, hash=content.hash, value=written(value), suite=None if suite is None else suite.fact()
    )


def judge_evidence(declared: Sequence[Evidence], at_t0: Facts | None, now: Facts | None) -> tuple[EvidenceResult, ...]:
    """Judge every number from elsewhere, in the order of the spec; one that is not known is Missing."""
    return tuple(EvidenceResult(each, _judged(each, at_t0, now)) for each in declared)


def without_baseline(declared: Sequence[Evidence], at_t0: Facts | None) -> list[str]:
    """Numbers that have nothing to be compared with, each in a sentence: no later look mends that."""
    known = [(each, number_of(each, at_t0, at_t0=True)) for each in declared]
    return [
        f"{SECTION}/{each.name}: {found[1]}" + (f" {NOT_COUNTED}" if each.mode is Mode.SHADOW else "")
        for each, found in known
        if not isinstance(found, float)
    ]


def _judged(evidence: Evidence, at_t0: Facts | None, now: Facts | None) -> Finding:
    before, after = number_of(evidence, at_t0, at_t0=True), number_of(evidence, now, at_t0=False)
    if isinstance(before, float) and isinstance(after, float):
        return _compared(evidence, before, after)
    old, new = (quantity(each, evidence.unit) if isinstance(each, float) else "" for each in (before, after))
    reason, message = next(each for each in (before, after) if not isinstance(each, float))
    return Finding(SignalVerdict.MISSING, reason, message, old, new)


def _compared(evidence: Evidence, before: float, after: float) -> Finding:
    sides = {Worse.HIGHER: after - before, Worse.LOWER: before - after, Worse.EITHER: abs(after - before)}
    worse, near = sides[evidence.worse], _SAME * max(abs(before), abs(after))
    difference, room = after - before, _let_through(evidence.margin, before)
    if abs(worse) <= near:
        verdict = SignalVerdict.STABLE
    elif worse < 0:
        verdict = SignalVerdict.IMPROVED
    else:
        inside = worse <= room + near
        verdict = SignalVerdict.ACCEPTABLE if inside else SignalVerdict.DEGRADED
    delta = "0%" if verdict is SignalVerdict.STABLE and before else _delta(before, after, evidence.unit)
    old, new = (quantity(each, evidence.unit) for each in (before, after))
    message = f"{new} against {old} ({delta}), {tolerance(evidence)}"
    source = f"; from {printable(evidence.source, 60)}" if evidence.source else ""
    estimate = Estimate(Measure.DIFFERENCE, difference, difference, difference, room, after, before)
    known = math.isfinite(difference) and math.isfinite(room)
    return Finding(verdict, None, message + source, old, new, delta, estimate if known else None)


def _delta(before: float, after: float, unit: str) -> str:
    if unit == "%":
        return difference(before, after, unit)
    share = (after - before) / abs(before) if before else 0.0
    is_plain = _WHOLE <= abs(share) < math.inf and abs(share) < 1 / _SAME
    return f"{share:+.0%}" if is_plain else change(before, after, unit)


def _let_through(margin: Margin | None, before: float) -> float:
    """How much worse is let through, in the unit."""
    if margin is None:
        return 0.0
    relative = parse_percent(margin.relative) * abs(before) if margin.relative is not None else 0.0
    return max(relative, parse_quantity(margin.absolute) if margin.absolute is not None else 0.0)


def tolerance(evidence: Evidence) -> str:
    """How much worse is let through, in words."""
    return (
        "nothing worse is tolerated"
        if evidence.margin is None
        else f"margin {tolerated(evidence.margin, evidence.unit)}"
    )


def number_of(evidence: Evidence, facts: Facts | None, *, at_t0: bool) -> float | tuple[Reason, str]:
    """The number of one side, or why there is none.

    Args:
        evidence: which.
        facts: those of T0 or of the look.
        at_t0: which of the two sides.
    """
    declared, when = (evidence.baseline, "at T0") if at_t0 else (evidence.current, "now")
    if declared is not None:
        return parse_quantity(declared)
    if facts is None:
        return Reason.EMPTY, f"nothing of the cluster was recorded {when}"
    if problem := problem_with(facts, SECTION, evidence.name):
        return problem.reason, f"there is no number {when}: {problem.message}"
    found = next((each.value for each in facts.evidence if each.name == evidence.name), None)
    value = float(found) if found is not None and _NUMBER.fullmatch(found) else math.nan
    return value if math.isfinite(value) else (Reason.EMPTY, f"no number was frozen {when}")


def _plain(content: bytes) -> float:
    text = content.decode(errors="replace").strip()
    if not _NUMBER.fullmatch(text):
        raise UnreadableError(f"it must hold a number and nothing else, and begins with {printable(text, 40)!r}")
    return _finite(float(text), printable(text, 40))


def _document(content: bytes) -> Any:
    try:
        return read_json(content)
    except ValueError as error:
        raise UnreadableError(f"it is no JSON: {printable(str(error))}") from error


def _pointed_at(found: Any, pointer: str) -> float:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and re.fullmatch("0|[1-9][0-9]{0,7}", key) and int(key) < len(found):
            found = found[int(key)]
        else:
            raise UnreadableError(f"it has nothing at {pointer}: there is no {printable(key, 40)!r}")
    if isinstance(found, bool) or not isinstance(found, int | float):
        kind = {str: "text", bool: "true or false", dict: "an object", list: "a list"}.get(type(found), "null")
        raise UnreadableError(f"what it has at {pointer or 'its root'} is {kind}, not a number")
    try:
        return _finite(float(found), pointer)
    except OverflowError as error:
        raise UnreadableError(f"the number at {pointer} is too large") from error


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise UnreadableError(f"the number {what} is too large")
    return value
