"""The rows of tables A to D, with the numbers that the judge's specification publishes for them, in percent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from tests.bench.judge.methods import PLAIN
from tests.bench.judge.process import DAY, HOUR, MemoryScenario, Scenario
from tests.bench.judge.show import HELD, PROMOTED, ROLLED

Published = dict[str, str]
"""By the name of the column."""


@dataclass(frozen=True)
class Row:
    """Reviews of one scenario."""

    scenario: Scenario
    reviews: int
    """As many as the published numbers come from; with a week's baseline, those of rules on raw samples from 300."""
    published: Published = field(default_factory=dict)
    difference: bool = False
    """Whether the canary is judged against a stable release beside it, instead of its own past alone."""
    concurrent: bool = False


@dataclass(frozen=True)
class MemoryRow:
    """Programs of one kind: table D."""

    scenario: MemoryScenario
    published: Published
    reviews: int = 300


STABLE: Final = "stable at 48h"
OURS_STABLE: Final = "ours stable"
SAMPLED_COLUMNS: Final = (
    *("instant", "5 in a row", "5min mean", "1h mean", "mean since T0", "naive t"),
    *("Kay. any", "Kay. score", "Kay. ES1.05", "Kay. n=100"),
)


def _of_plain(rolled: str = "", held: str = "", promoted: str = "") -> Published:
    found = {f"{PLAIN} {ROLLED}": rolled, f"{PLAIN} {HELD}": held, f"{PLAIN} {PROMOTED}": promoted}
    return {name: text for name, text in found.items() if text}


def _a(scenario: Scenario, reviews: int, numbers: str) -> Row:
    sampled = numbers.split()
    published = dict(zip(SAMPLED_COLUMNS, sampled, strict=False)) | _of_plain(*sampled[len(SAMPLED_COLUMNS) :])
    return Row(scenario, reviews, published)


NULL: Final = tuple(Scenario(f"phi {phi}, 7 d", 1 + i, phi) for i, phi in enumerate((0.0, 0.5, 0.9)))
SLOW: Final = Scenario("slow, 7 d", 33, slow=True)


def _by_a_day(scenario: Scenario) -> Scenario:
    return replace(scenario, name=scenario.name.replace("7 d", "24 h"), baseline=DAY)


TABLE_A: Final = (
    _a(_by_a_day(NULL[0]), 1000, "100 100 99.6 0.7 0.1 76 3.9 1.3 0.1 4.0 0.0 0.3 99.7"),
    _a(_by_a_day(NULL[1]), 1000, "100 100 100 46 15 99 63 30 14 70 0.0 1.1 98.9"),
    _a(_by_a_day(NULL[2]), 1000, "100 100 100 99.9 87 100 100 96 86 99.8 0.1 1.4 48.5"),
    _a(NULL[0], 1000, "100 100 99.7 0.0 0.0 82 3.3 1.0 0.0 3.0 0.0 0.3 99.7"),
    _a(NULL[1], 1000, "100 100 100 42 14 100 71 33 13 66 0.0 0.2 99.8"),
    _a(NULL[2], 1000, "100 100 100 99.7 81 100 99 96 81 100 0.0 0.3 98.4"),
    _a(Scenario("spikes, 7 d", 31, spikes=True), 500, "100 100 100 100 93 100 100 98 86 100 0.0 1.4 95.8"),
    _a(Scenario("diurnal, 7 d", 32, diurnal=True), 500, "100 100 100 90 66 100 99 95 66 100 0.0 0.0 98.0"),
    _a(SLOW, 500, "100 100 100 100 91 100 100 98 91 100 0.8 5.0 17.6"),
    _a(_by_a_day(SLOW), 500, "100 100 100 100 95 100 100 99 95 100 6.2 22.0 4.0"),
)
_SHARED: Final = Scenario("frozen, slow and diurnal, 24 h", 51, baseline=DAY, slow=True, diurnal=True)
TABLE_B: Final = (
    Row(Scenario("1 h", 41, baseline=HOUR), 500, _of_plain("1.8", "8.0", "0.0")),
    Row(Scenario("6 h", 42, baseline=6 * HOUR), 500, _of_plain("0.6", "3.4", "0.0")),
    Row(_by_a_day(NULL[2]), 1000, _of_plain("0.1", "1.4", "48.5")),
    Row(NULL[2], 1000, _of_plain("0.0", "0.3", "98.4")),
    Row(Scenario("50 signals, 7 d", 43, signals=50), 200, _of_plain("0.0", "0.5", "94.0")),
    Row(Scenario("cv 0.05, 7 d", 13, cv=0.05), 500, _of_plain("0.0", "0.2", "99.8")),
    Row(Scenario("cv 0.20, 7 d", 23, cv=0.2), 500, _of_plain("0.0", "0.4", "3.8")),
    Row(_SHARED, 200, _of_plain("13.5"), concurrent=True),
    Row(replace(_SHARED, name="concurrent control"), 200, _of_plain("0"), difference=True, concurrent=True),
    Row(
        replace(_SHARED, name="concurrent control, +10%", shift=0.1),
        200,
        _of_plain("81", promoted="0"),
        difference=True,
        concurrent=True,
    ),
)

SHIFTS: Final = (0.025, 0.05, 0.1, 0.25, 0.5)
LEAKS: Final = (0.001, 0.002, 0.005, 0.01, 0.02)
_CERTAIN: Final = "100/100/100/100"
_FOUND: Final = {  # by phi and shift: rolled back by each look, held, promoted
    (0.0, 0.025): ("0/0/0/0", "2.8", "97.2"),
    (0.0, 0.05): ("0/19/37/50", "76", "3.6"),
    (0.0, 0.1): ("26/99.8/100/100", "", "0"),
    (0.0, 0.25): (_CERTAIN, "", "0"),
    (0.0, 0.5): (_CERTAIN, "", "0"),
    (0.5, 0.025): ("0/0/0/0", "2.2", "97.8"),
    (0.5, 0.05): ("0/4/33/44", "74", "2.4"),
    (0.5, 0.1): ("7/77/100/100", "", "0"),
    (0.5, 0.25): ("99/100/100/100", "", "0"),
    (0.5, 0.5): (_CERTAIN, "", "0"),
    (0.9, 0.025): ("0/0/0.2/0.6", "2.2", "71.6"),
    (0.9, 0.05): ("0/0.4/4/36", "60", "1.8"),
    (0.9, 0.1): ("0/5/63/100", "100", "0"),
    (0.9, 0.25): ("26/99/100/100", "100", "0"),
    (0.9, 0.5): ("95/100/100/100", "", "0"),
}
_LEAKED: Final = {
    0.001: ("0/0/0/0", "0.6", "72.4"),
    0.002: ("0/0/0/0.8", "40", "2.0"),
    0.005: ("0/0/0.2/95", "100", "0"),
    0.01: ("0/0/76/100", "", "0"),
    0.02: ("0/0.2/100/100", "", "0"),
}
_FOUND_BY_A_DAY: Final = {
    0.05: ("", "", "2.0"),
    0.1: ("1/6/46/98", "", ""),
    0.25: ("24/95/100/100", "", ""),
    0.5: ("97/100/100/100", "", ""),
}


def _shifted(phi: float, shift: float) -> Scenario:
    number = 101 + 5 * (0.0, 0.5, 0.9).index(phi) + SHIFTS.index(shift)
    return Scenario(f"phi {phi}, +{100 * shift:g}%, 7 d", number, phi, shift=shift)


TABLE_C: Final = (
    *(Row(_shifted(phi, shift), 500, _of_plain(*found)) for (phi, shift), found in _FOUND.items()),
    *(
        Row(Scenario(f"phi 0.9, leak {100 * leak:g}%/h, 7 d", 116 + i, leak=leak), 500, _of_plain(*_LEAKED[leak]))
        for i, leak in enumerate(LEAKS)
    ),
    *(Row(_by_a_day(_shifted(0.9, shift)), 500, _of_plain(*found)) for shift, found in _FOUND_BY_A_DAY.items()),
)

_RULES: Final = ("two-point", "deriv 1h", "OLS", "MK + Sen", "suspect", "confirmed", STABLE)


def _d(scenario: MemoryScenario, numbers: str) -> MemoryRow:
    return MemoryRow(scenario, dict(zip(_RULES, numbers.split(), strict=False)))


TABLE_D: Final = (
    _d(
        MemoryScenario("0", 200),
        "20/20/20/20 23/39/53/68 23/23/23/23 6/6/6/6 0/0/0/0 0/0/0/0 100",
    ),
    _d(
        MemoryScenario("10 MB/h", 201, 10),
        "33/34/34/34 38/60/73/82 38/38/38/38 10/10/10/10 0/0/0/0 0/0/0/0 100",
    ),
    _d(
        MemoryScenario("20 MB/h", 202, 20),
        "49/66/75/78 49/75/88/96 49/75/87/94 18/57/74/88 0/45/71/84 0/0/0.7/0.7 4",
    ),
    _d(
        MemoryScenario("25 MB/h", 203, 25),
        "62/91/100/100 63/83/93/97 63/99/100/100 25/96/100/100 0/83/100/100 0/2/100/100 0",
    ),
    _d(
        MemoryScenario("40 MB/h", 204, 40),
        "76/100/100/100 74/95/99/100 74/100/100/100 33/100/100/100 0/95/100/100 0/67/100/100 0",
    ),
    _d(
        MemoryScenario("100 MB/h", 205, 100),
        f"{_CERTAIN} {_CERTAIN} {_CERTAIN} 87/100/100/100 0/99/100/100 0/99/100/100 0",
    ),
    _d(
        MemoryScenario("0, sawtooth", 210, sawtooth=True),
        "27/27/27/27 22/39/56/64 22/22/22/22 4/4/4/4 0/0/0/0 0/0/0/0 100",
    ),
    _d(MemoryScenario("40 MB/h, sawtooth", 211, 40, sawtooth=True), ""),
    _d(
        MemoryScenario("0, warming up", 212, warm=True),
        "75/83/83/83 75/83/88/91 75/87/87/87 38/68/68/68 0/13/13/13 0/0/0/0 100",
    ),
)
