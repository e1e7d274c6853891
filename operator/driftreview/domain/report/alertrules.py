"""Recommended alert rules: when each fires, how often it would have before the release, and what has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.signal import Kind
from driftreview.api.values import format_duration
from driftreview.domain.display import counted, small_percent
from driftreview.domain.recommended import About, RecommendedRule
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Block, Cell, Row, Sentence, Sentences, Table, Tone
from driftreview.domain.rulequality import Quality
from driftreview.domain.ruleusual import HEALTHY

_COLUMNS: Final = (
    "Recommended rule",
    "Severity",
    "Fires when",
    "On the baseline",
    "By chance in 48 healthy hours, at most",
)
_OFTEN: Final = 0.05
"""Chance of a false alarm in 48 healthy hours from which on it is told as a limitation."""


def blocks(material: Material) -> Iterator[Block]:
    """A row for each rule, and what has none; nothing where none are asked for."""
    if material.advised is None:
        return
    found, fared = material.advised
    if rows := [_row(material, rule, fared[rule.name]) for rule in found.rules]:
        yield Table(title="Recommended alert rules", columns=list(_COLUMNS), rows=rows)
    without = [
        Sentence(text=f"No recommended alert rule for {each.name}: {each.why}", evidence=[material.of_review("spec")])
        for each in found.without
    ]
    if without:
        yield Sentences(items=without)


def noisy(material: Material) -> Iterator[tuple[str, str, str]]:
    """Each rule that would have fired while all was well: the rule, how often, and what to do."""
    if material.advised is None:
        return
    found, by_name = material.advised
    for rule in found.rules:
        fared = by_name[rule.name]
        if fared is None:
            continue
        if fared.times:
            yield rule.signal.name, f"{rule.name} would have fired {_times(fared)}", _mend(rule)
        elif (fared.chance or 0.0) >= _OFTEN:
            chance, stretch = small_percent(fared.chance or 0.0), format_duration(HEALTHY)
            said = f"{rule.name} fires by chance alone in up to {chance} of healthy runs of {stretch}"
            yield rule.signal.name, said, _mend(rule)


def _row(material: Material, rule: RecommendedRule, fared: Quality | None) -> Row:
    before = Cell(text="not known", tone=Tone.OPEN)
    if fared is not None and fared.times is not None:
        before = Cell(text=_times(fared), tone=Tone.OPEN if fared.times else Tone.GOOD)
    chance = "-"
    if fared is not None and fared.chance is not None:
        chance = small_percent(fared.chance)
    cells = [Cell(text=rule.name), Cell(text=rule.labels["severity"]), Cell(text=rule.when), before, Cell(text=chance)]
    return Row(cells=cells, evidence=[material.ref(material.at_t0, signal=rule.signal.name)])


def _times(fared: Quality) -> str:
    length = format_duration(fared.length)
    if not fared.times:
        return f"never in {length}"
    return f"{counted(fared.times, 'time', 'times')} in {length}, {small_percent(fared.share or 0.0)} of it"


def _mend(rule: RecommendedRule) -> str:
    """What makes a rule quieter."""
    match rule.about:
        case About.WORSE:
            return "a wider margin in the next review"
        case About.GROWS:
            return "a higher limits.perHour in the next review"
        case About.ABSENT:
            return "a longer `for` in the next review"
    which = "lower" if rule.about is About.UNDER else "higher"
    longer = " or a longer `for`" if rule.signal.kind is Kind.LIMIT else ""
    return f"a {which} limits.alert{longer} in the next review"
