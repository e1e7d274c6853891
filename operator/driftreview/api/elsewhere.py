"""Evidence from elsewhere: numbers that no metric source has, declared or read from a file in a ConfigMap."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from driftreview.api.base import ConfigMapKey, Identifier, Model, Pattern, ShortText, atomic, rules
from driftreview.api.checkpoint import Hash
from driftreview.api.signal import Margin, Mode, OnMissing, Severity, Worse
from driftreview.api.values import Quantity

MOST_SLOWEST: Final = 5


class FileFormat(StrEnum):
    """What a file holds."""

    JUNIT = "JUnit"
    """The XML that test runners write."""
    JSON = "JSON"
    """A JSON document with the number in it."""
    NUMBER = "Number"
    """The number and nothing else."""


class Measure(StrEnum):
    """What is read from a JUnit file."""

    TESTS = "tests"
    """How many test cases it has, skipped ones too."""
    PASSED = "passed"
    """Of these, those that ran and did not fail."""
    FAILURES = "failures"
    """Those with a failure or an error."""
    SKIPPED = "skipped"
    """Those that did not run."""
    SUCCESS_RATE = "successRate"
    """Passed of those that ran, in percent: 0 to 100."""
    RUNTIME = "runtime"
    """Seconds of the outermost suites; of the test cases where no suite has a time."""
    SLOWEST = "slowest"
    """Seconds of the slowest test case."""


class EvidenceFile(Model):
    """A file, and which number of it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(self.format == 'JUnit') == has(self.measure)",
                "measure is what to read of format: JUnit, and needed there",
            ),
            (
                "(self.format == 'JSON') == has(self.pointer)",
                "pointer is where to read in format: JSON, and needed there",
            ),
        )
    )

    config_map: ConfigMapKey
    """Where the file is."""
    format: FileFormat
    """JUnit, JSON or Number."""
    measure: Measure | None = None
    """Format JUnit: which of its numbers."""
    pointer: (
        Annotated[
            str,
            Field(max_length=256),
            Pattern("^(/([^/~]|~[01])*)*$", "must be a JSON Pointer such as /totals/percent_covered"),
        ]
        | None
    ) = None
    """Format JSON: where the number stands, as a JSON Pointer (RFC 6901)."""


class EvidenceFrom(Model):
    """The files the numbers are read from."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.baseline) || has(self.current)", "set from.baseline, from.current or both"),
        )
    )

    baseline: EvidenceFile | None = None
    """Read at T0."""
    current: EvidenceFile | None = None
    """Read at each look; without any baseline also at T0, which then is the baseline."""


_CURRENT_FILE: Final = "(has(self.from) && has(self.from.current))"
_BASELINE_FILE: Final = "(has(self.from) && has(self.from.baseline))"


class Evidence(Model):
    """A number from elsewhere, such as how many tests there are, before and after. No statistics: one number each."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (f"has(self.current) != {_CURRENT_FILE}", "set exactly one of current and from.current"),
            (f"!(has(self.baseline) && {_BASELINE_FILE})", "baseline and from.baseline exclude each other: drop one"),
            (
                f"has(self.baseline) || {_BASELINE_FILE} || {_CURRENT_FILE}",
                "there is nothing to compare with: set baseline or from.baseline",
            ),
        )
    )

    name: Identifier
    """Its name in this review."""
    section: Annotated[str, Field(max_length=64)] = ""
    """Where the report shows it."""
    baseline: Quantity | None = None
    """The number before; by default what from.baseline, or else from.current, says at T0."""
    current: Quantity | None = None
    """The number now, where it is not read from a file."""
    unit: Annotated[
        str, Field(max_length=32), Pattern("^[^\\x00-\\x1f\\x7f]*$", "must be printable text, such as s, tests or %")
    ] = ""
    """Unit of both, such as s, tests or %."""
    worse: Worse = Worse.HIGHER
    """In which direction it gets worse."""
    margin: Margin | None = None
    """How much worse than the baseline is tolerated; by default nothing is."""
    severity: Severity = Severity.MAJOR
    """How bad it is when degraded."""
    mode: Mode = Mode.ENFORCE
    """Shadow: judged and shown, but never counted."""
    on_missing: OnMissing = OnMissing.HOLD
    """What it means when there is no number: Hold the promotion, Fail (counts as Degraded), or Ignore it."""
    source: ShortText = ""
    """Where the numbers come from, for people: a command, a build."""
    from_: EvidenceFrom | None = Field(default=None, alias="from")
    """The files that they are read from."""


class SlowTest(Model):
    """One of the slowest test cases."""

    name: Annotated[str, Field(max_length=256)]
    """Its class and name."""
    seconds: Annotated[str, Field(max_length=40)]
    """How long it took."""


class SuiteFact(Model):
    """What a JUnit file says as a whole."""

    tests: Annotated[int, Field(ge=0)]
    """Test cases."""
    failures: Annotated[int, Field(ge=0)]
    """Those with a failure or an error."""
    skipped: Annotated[int, Field(ge=0)]
    """Those that did not run."""
    runtime: Annotated[str, Field(max_length=40)]
    """Seconds."""
    slowest: Annotated[list[SlowTest], Field(max_length=MOST_SLOWEST, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """The slowest test cases, the slowest first."""


class EvidenceFact(Model):
    """A number as a file had it."""

    name: Identifier
    """The evidence it is for."""
    hash: Hash | None = None
    """SHA-256 of the file's bytes; absent where it was not there."""
    value: Annotated[str, Field(max_length=40)] | None = None
    """The number, 12 significant digits; absent where there is none, see `problems`."""
    suite: SuiteFact | None = None
    """Format JUnit: the whole of it."""
