"""The report as a document: sections of a few kinds of blocks, each sentence with its evidence.

Its JSON is a published shape: `version` grows when a field changes or goes, not when one is added.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from driftreview.api.base import Model, Time
from driftreview.api.phases import Phase
from driftreview.api.verdicts import Recommendation

FORMAT: Final = 1
TO_COME: Final = "to come"
SINCE_T0: Final = "since T0"
_DUE: Final = "due, not judged yet"


class Tone(StrEnum):
    """What a cell or sentence is to the reader."""

    GOOD = "Good"
    BAD = "Bad"
    OPEN = "Open"
    """Not settled: suspect, unknown, waited for."""
    PLAIN = "Plain"


class Reference(Model):
    """Where something can be looked up: in a snapshot, or in the review itself."""

    snapshot: str = ""
    """Name of the DriftSnapshot; empty where it is the review."""
    hash: str = ""
    """Hash of that snapshot."""
    look: str = ""
    """T0 or the checkpoint's name."""
    signal: str = ""
    """Which signal of it."""
    check: str = ""
    """Which expectation, as section/name."""
    field: str = ""
    """Which field of the review, such as spec.window.checkpoints."""


References = Annotated[list[Reference], Field(min_length=1)]


class Sentence(Model):
    """One statement."""

    text: str
    tone: Tone = Tone.PLAIN
    evidence: References
    """What proves it."""
    command: str = ""
    """What to run for it in a shell, as it is; said after `text` and a colon."""


class AskedQuery(Model):
    """A query as it was sent."""

    field: str
    """Of the signal: query, control or per."""
    text: str
    server: str
    """Kind, name and address of the metric source."""


class Cell(Model):
    """One cell of a table, or one value."""

    text: str
    tone: Tone = Tone.PLAIN
    code: bool = False
    """Whether it is a name or hash rather than words."""
    queries: list[AskedQuery] = Field(default_factory=list)
    """What was asked for it."""


class Row(Model):
    """One row of a table."""

    cells: list[Cell]
    evidence: References


class Entries(Model):
    """Labels with values, as in a deployment's context."""

    form: Literal["Entries"] = "Entries"
    rows: list[Row]
    """Each of a label and a value."""


class Table(Model):
    """A table; the first cell of a row names it."""

    form: Literal["Table"] = "Table"
    title: str
    columns: list[str]
    rows: list[Row]
    folded: bool = False
    """Whether a reader may pass over it at first: superseded by a later look."""


class Sentences(Model):
    """Statements under a heading."""

    form: Literal["Sentences"] = "Sentences"
    title: str = ""
    items: list[Sentence]


class Plot(Model):
    """One series of a signal before and since T0. At most MOST_POINTS points a side: medians of neighbouring blocks."""

    signal: str
    series: str = ""
    """The value of the label `each`."""
    unit: str = ""
    verdict: str = ""
    tone: Tone = Tone.PLAIN
    baseline: list[float | None]
    current: list[float | None]
    low: float | None = None
    """Lower end of what is tolerated; None where that has no lower end."""
    high: float | None = None
    """Upper end of it; low and high are None where nothing is tolerated or judged by level."""
    since: str | None = None
    """From when on `current` is; absent where that is T0."""
    summary: str
    """The same in words, for who cannot see it."""
    evidence: References


class Plots(Model):
    """Small plots, one for each signal."""

    form: Literal["Plots"] = "Plots"
    title: str
    plots: list[Plot]


class Moment(Model):
    """One look on the way, past or to come."""

    name: str
    at: Time
    verdict: str = ""
    """Empty where it was not judged, or not yet."""
    tone: Tone = Tone.PLAIN


class Timeline(Model):
    """The looks, and until when the release can be rolled back."""

    form: Literal["Timeline"] = "Timeline"
    title: str
    start: Time
    """T0."""
    closes: Time
    """End of the rollback window with its grace."""
    last_safe: Time
    """After this no decision is waited for."""
    moments: list[Moment]
    as_of: Time
    ended: bool = False
    """Whether the review has, or does already what was decided: what was not looked at by then never is."""
    evidence: References

    def told(self, moment: Moment) -> str:
        """What is said of a look: its verdict, or why there is none."""
        unseen = "not judged" if self.ended else TO_COME if moment.at > self.as_of else _DUE
        return moment.verdict or unseen


Block = Annotated[Entries | Table | Sentences | Plots | Timeline, Field(discriminator="form")]


class Section(Model):
    """One section of the document."""

    id: str
    """For links and programs; it stays when the title changes."""
    title: str
    blocks: list[Block]


class Stand(Model):
    """What the head says of where the review stands."""

    label: str
    text: str
    tone: Tone = Tone.PLAIN


class Report(Model):
    """The whole document."""

    version: int = FORMAT
    name: str
    """Of the review."""
    namespace: str
    uid: str
    author: str = ""
    """Who answers for the release; empty where the review does not say."""
    phase: Phase
    about: str
    """The state it is of: Pending, Baselining, T0, T0+6h, or the final phase."""
    as_of: Time | None = None
    """The latest moment that anything in it is known of; None if there is none."""
    recommendation: Recommendation | None = None
    """None as long as there is none."""
    tone: Tone = Tone.PLAIN
    """Of the recommendation."""
    head: list[Stand] = Field(default_factory=list)
    """The recommendation; beside one that no look decided what the evidence says, and before one the last verdict."""
    sections: list[Section]
    way_back: str | None = None
    """A JSON patch of the target that takes the release back, where that is called for."""
    left_out: list[str] = Field(default_factory=list)
    """What there was no room for."""
