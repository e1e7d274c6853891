"""JUnit's XML, as every test runner writes a little differently, read as what it is: a file from strangers.

A document type is refused outright: no test runner writes one, and entities are all it could be for (a thousand million
laughs, files of this machine). What is left is read in one pass, and nothing is kept but counts and the slowest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest
from typing import Any, Final
from xml.parsers import expat

from driftreview.api.elsewhere import MOST_SLOWEST, Measure, SlowTest, SuiteFact
from driftreview.domain.display import printable, shorten

_NAME: Final = 256
_DEEPEST: Final = 64
"""Elements within each other: suites within suites, and a little more."""
_SUITES: Final = frozenset({"testsuites", "testsuite"})
_COUNTED: Final = _SUITES | {"testcase"}
"""What stands in suites and nowhere else."""
_FAILED: Final = frozenset({"failure", "error", "rerunFailure", "rerunError"})
"""What stands in a case that failed; one that was right in the end has flakyFailure instead."""
_FLAKY: Final = frozenset({"flakyFailure", "flakyError"})
_OUTCOMES: Final = _FAILED | _FLAKY | {"skipped"}
_BESIDE: Final = frozenset({"system-out", "system-err", "properties", "property", "attachments"})
"""What else stands in a case, and says nothing of how it went."""
_SPELLED: Final = {each.lower(): each for each in (*_COUNTED, *_OUTCOMES)}
"""Elements that are counted: one of these in another spelling is none that anybody knows."""
_FAILED_SAID: Final = frozenset({"fail", "failed", "failure", "error", "errored"})
"""What the attributes `status` and `result` of a test case call it."""
_PASSED_SAID: Final = frozenset({"run", "ok", "pass", "passed", "success", "successful", "succeeded", "completed"})
_SKIPPED_SAID: Final = frozenset({"notrun", "skip", "skipped", "disabled", "ignored", "suppressed", "pending"})
_ENCODING: Final = re.compile(
    r"utf-?(8|16)|utf-16[bl]e|(us-)?ascii|latin-?1|iso-8859-\d+|(windows-|cp)125\d", re.IGNORECASE | re.ASCII
)
_COUNT: Final = re.compile("[0-9]{1,9}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,12}([.][0-9]{0,20})?([eE][-+]?[0-9]{1,2})?", re.ASCII)


class UnreadableError(Exception):
    """A file is not what it should be; the message says why."""


@dataclass
class Suite:
    """What a JUnit file says."""

    tests: int = 0
    failures: int = 0
    skipped: int = 0
    cases: list[tuple[float, str]] = field(default_factory=list)
    """Seconds and name of each test case."""
    suites: list[float] = field(default_factory=list)
    """Seconds of the outermost suites that have a time."""

    @property
    def runtime(self) -> float:
        """Seconds: a suite's own time includes its fixtures."""
        return sum(self.suites) if self.suites else sum(seconds for seconds, _ in self.cases)

    @cached_property
    def slowest(self) -> list[tuple[float, str]]:
        """The slowest test cases; of the same time the first by name."""
        return nlargest(MOST_SLOWEST, sorted(self.cases, key=lambda case: case[1]), key=lambda case: case[0])

    def measured(self, measure: Measure) -> float:
        """One of its numbers.

        Raises:
            UnreadableError: there is no such number.
        """
        passed, ran = self.tests - self.failures - self.skipped, self.tests - self.skipped
        match measure:
            case Measure.SUCCESS_RATE:
                if not ran:
                    raise UnreadableError(f"none of its {self.tests} tests ran, so that none could succeed")
                return 100 * passed / ran
            case Measure.RUNTIME:
                return self.runtime
            case Measure.SLOWEST:
                return self.slowest[0][0]
        counts = {Measure.TESTS: self.tests, Measure.PASSED: passed, Measure.FAILURES: self.failures}
        return float(counts.get(measure, self.skipped))

    def fact(self) -> SuiteFact:
        """As it is frozen."""
        return SuiteFact(
            tests=self.tests,
            failures=self.failures,
            skipped=self.skipped,
            runtime=written(self.runtime),
            slowest=[
                SlowTest(name=shorten(printable(name, None), _NAME), seconds=written(seconds))
                for seconds, name in self.slowest
            ],
        )


def written(value: float) -> str:
    """A number as facts write it."""
    return f"{value + 0.0:.12g}"


def read_junit(content: bytes) -> Suite:
    """Read a JUnit file.

    Args:
        content: its bytes, at most the megabyte of a ConfigMap.

    Raises:
        UnreadableError: it is no XML, has a document type, or is no report of tests.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refused
    parser.EntityDeclHandler = _refused
    parser.XmlDeclHandler = _known
    parser.StartElementHandler, parser.EndElementHandler = reader.begun, reader.ended
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableError(f"it is no whole XML document: {error}") from error
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        raise UnreadableError(f"it is written in an encoding that cannot be read: {error}") from error
    if not reader.suite.tests:
        raise UnreadableError("it has no test case")
    return reader.suite


def _refused(*_: object) -> None:
    raise UnreadableError("it has a document type (<!DOCTYPE …>), which no test report needs and may not have")


def _known(_: str, encoding: str | None, __: int) -> None:
    """Of Python's codecs only those for text are used: others decode anything, and warn of it."""
    if encoding is not None and not _ENCODING.fullmatch(encoding):
        name = printable(encoding, 40)
        raise UnreadableError(f"it is written in an encoding that is not read, {name}: write it in UTF-8")


@dataclass
class _Open:
    """An element that we are in."""

    tag: str
    label: str
    """How a message names it."""
    has_time: bool
    """Whether it is a suite with a time."""
    claims: tuple[int, int]
    """Tests, and failures with errors, that a suite says it has."""
    cases: int = 0
    """Test cases in it so far."""
    failures: int = 0
    """What went wrong in it so far, reruns included."""
    outcomes: set[str] = field(default_factory=set)
    """Of a test case."""


@dataclass
class _Reader:
    """Counts while the parser goes over the elements."""

    suite: Suite = field(default_factory=Suite)
    path: list[_Open] = field(default_factory=list)
    timed: int = 0
    """How many of the suites that we are in have a time."""

    def begun(self, tag: str, attributes: dict[str, Any]) -> None:
        """An element begins."""
        tag, label = tag.rpartition(":")[2], printable(attributes.get("name", ""), 60)
        if len(self.path) >= _DEEPEST:
            raise UnreadableError(f"its elements stand in each other more than {_DEEPEST} deep")
        if _SPELLED.get(tag.lower(), tag) != tag:
            raise UnreadableError(f"<{printable(tag, 40)}> is not <{_SPELLED[tag.lower()]}>: nobody knows what it says")
        if not self.path and tag not in _SUITES:
            raise UnreadableError(f"it is no test report: it begins with <{printable(tag, 40)}>, not <testsuites>")
        opened = _Open(tag, f"<{tag}> {label}".rstrip(), has_time=False, claims=(0, 0))
        if tag in _COUNTED and self.path and self.path[-1].tag not in _SUITES:
            raise UnreadableError(f"<{tag}> stands in {self.path[-1].label}: nobody knows how to count it")
        if tag in _SUITES:
            opened.has_time = bool(attributes.get("time", "").strip())
            tests, failures, errors = (_count(attributes, each, opened) for each in ("tests", "failures", "errors"))
            opened.claims = (tests, failures + errors)
            if opened.has_time and not self.timed:
                self.suite.suites.append(_seconds(attributes["time"], "a suite"))
            self.timed += opened.has_time
        elif tag == "testcase":
            self._case(opened, attributes)
        else:
            self._inside(tag)
        self.path.append(opened)

    def _inside(self, tag: str) -> None:
        """What stands in a test case says how it went; the same anywhere else says nothing that could be counted."""
        parent = self.path[-1]
        if parent.tag == "testcase":
            if tag not in _OUTCOMES | _BESIDE:
                raise UnreadableError(f"nobody knows what <{printable(tag, 40)}> says of {parent.label}")
            parent.outcomes.add(tag)
            parent.failures += tag in _FAILED
        elif tag in _OUTCOMES:
            why = "in no test case" if parent.tag in _SUITES else "not in a test case itself"
            raise UnreadableError(f"<{tag}> stands in {parent.label}, {why}: nobody knows which tests it is about")

    def _case(self, opened: _Open, attributes: dict[str, Any]) -> None:
        name = ".".join(each for each in (attributes.get("classname", ""), attributes.get("name", "")) if each)
        self.suite.tests += 1
        self.suite.cases.append((_seconds(attributes.get("time", ""), f"test {printable(name)}"), name[:_NAME]))
        opened.cases = 1
        for attribute in ("status", "result"):
            plain = attributes.get(attribute, "").strip().lower()
            if plain in _FAILED_SAID:
                opened.outcomes.add("failure")
            elif plain in _SKIPPED_SAID:
                opened.outcomes.add("skipped")
            elif plain and plain not in _PASSED_SAID:
                text = f"the {attribute} of {opened.label} is {printable(plain, 40)!r}: nobody knows whether it passed"
                raise UnreadableError(text)

    def ended(self, _: str) -> None:
        """An element ends."""
        ended = self.path.pop()
        self.timed -= ended.has_time
        if ended.tag == "testcase":
            has_failed = bool(ended.outcomes & _FAILED)
            ended.failures = max(ended.failures, has_failed)
            self.suite.failures += has_failed
            self.suite.skipped += "skipped" in ended.outcomes and not has_failed
        _hold_together(ended)
        if self.path:
            self.path[-1].cases += ended.cases
            self.path[-1].failures += ended.failures


def _hold_together(ended: _Open) -> None:
    """Refuse a suite that counts more than its cases show: what it left out may be what failed.

    One that counts less is no contradiction: some write a case for each part of a test. pytest counts a test that
    passed and went wrong while it was taken down twice.
    """
    tests, failures = ended.claims
    if failures > ended.failures:
        found, counted = f"its test cases show {ended.failures}", f"{failures} failures and errors"
    elif tests > ended.cases + ended.failures:
        found, counted = f"it has {ended.cases} test cases", f"{tests} tests"
    else:
        return
    raise UnreadableError(f"it contradicts itself: {ended.label} counts {counted}, and {found}")


def _count(attributes: dict[str, Any], name: str, suite: _Open) -> int:
    """What a suite says it has; nothing where it does not say."""
    plain = attributes.get(name, "").strip().replace(",", "")
    if plain and not _COUNT.fullmatch(plain):
        raise UnreadableError(f"{name} of {suite.label} is {printable(plain, 40)!r}, not a number")
    return int(plain or 0)


def _seconds(text: str, whose: str) -> float:
    """A time: some write thousands with commas, some leave it out."""
    plain = text.strip().replace(",", "")
    if not plain:
        return 0.0
    if not _SECONDS.fullmatch(plain):
        raise UnreadableError(f"the time of {whose} is {printable(text, 40)!r}, not a number of seconds")
    return float(plain)
