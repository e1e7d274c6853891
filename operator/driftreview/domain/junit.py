"""JUnit's XML, as every test runner writes a little differently, read as what it is: a file from strangers.

A document type is refused outright: no test runner writes one, and entities are all it could be for (a thousand million
laughs, files of this machine). What is left is read in one pass, and nothing is kept but counts and the slowest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any, Final
from xml.parsers import expat

from driftreview.api.elsewhere import MOST_SLOWEST, Measure, SlowTest, SuiteFact
from driftreview.domain.display import printable, shorten

_NAME: Final = 256
_DEEPEST: Final = 64
"""Elements within each other: suites within suites, and a little more."""
_SUITES: Final = frozenset({"testsuites", "testsuite"})
_FAILED: Final = frozenset({"failure", "error"})
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

    @property
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


@dataclass
class _Reader:
    """Counts while the parser goes over the elements."""

    suite: Suite = field(default_factory=Suite)
    path: list[str] = field(default_factory=list)
    timed: int = 0
    """How many of the suites that we are in have a time."""
    outcomes: set[str] = field(default_factory=set)
    """Of the test case that we are in."""
    clocks: list[bool] = field(default_factory=list)
    """Whether each element that we are in is a suite with a time."""

    def begun(self, tag: str, attributes: dict[str, Any]) -> None:
        """An element begins."""
        tag = tag.rpartition(":")[2]
        if len(self.path) >= _DEEPEST:
            raise UnreadableError(f"its elements stand in each other more than {_DEEPEST} deep")
        if not self.path and tag not in _SUITES:
            raise UnreadableError(f"it is no test report: it begins with <{printable(tag, 40)}>, not <testsuites>")
        has_time = tag in _SUITES and bool(attributes.get("time", "").strip())
        if has_time and not self.timed:
            self.suite.suites.append(_seconds(attributes["time"], "a suite"))
        if tag == "testcase":
            name = ".".join(each for each in (attributes.get("classname", ""), attributes.get("name", "")) if each)
            self.suite.tests += 1
            self.suite.cases.append((_seconds(attributes.get("time", ""), f"test {printable(name)}"), name[:_NAME]))
            self.outcomes = set()
        elif self.path[-1:] == ["testcase"]:
            self.outcomes.add(tag)
        self.timed += has_time
        self.path.append(tag)
        self.clocks.append(has_time)

    def ended(self, _: str) -> None:
        """An element ends."""
        self.timed -= self.clocks.pop()
        if self.path.pop() == "testcase":
            self.suite.failures += bool(self.outcomes & _FAILED)
            self.suite.skipped += "skipped" in self.outcomes and not self.outcomes & _FAILED


def _seconds(text: str, whose: str) -> float:
    """A time: some write thousands with commas, some leave it out."""
    plain = text.strip().replace(",", "")
    if not plain:
        return 0.0
    if not _SECONDS.fullmatch(plain):
        raise UnreadableError(f"the time of {whose} is {printable(text, 40)!r}, not a number of seconds")
    return float(plain)
