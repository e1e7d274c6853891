"""What was beyond its limit or silent when the last look ended, be it allowed or not: it may be going on right now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from driftreview.api.driftsnapshot import SeriesEvidence
from driftreview.api.signal import Signal
from driftreview.api.spells import Spells
from driftreview.api.values import parse_duration
from driftreview.domain.display import printable
from driftreview.domain.report.material import Material, when
from driftreview.domain.report.model import Sentence, Tone
from driftreview.domain.spells import when as at


def still(material: Material) -> Iterator[Sentence]:
    """Each series that was so at the very end, with since when."""
    look = material.last
    window = look.evidence.spec.window if look else None
    if look is None or window is None:
        return
    for measured in look.evidence.spec.signals:
        signal = material.signal(measured.name)
        for series in measured.series if signal is not None else ():
            for what, spells in _spells(series, parse_duration(window.step)):
                if signal is not None and spells is not None and spells.still:
                    text = f"Look at {_named(signal, series)} now: {what} at the end of {when(look)}{at(spells)}"
                    refs = [material.ref(look, signal=signal.name), material.ref(material.at_t0, signal=signal.name)]
                    yield Sentence(text=text, tone=Tone.OPEN, evidence=refs)


def _spells(series: SeriesEvidence, step: timedelta) -> Iterator[tuple[str, Spells | None]]:
    """When it was so; of a silence of one step the next sample may be on its way."""
    yield "beyond its limit", series.over
    if series.gaps is not None and parse_duration(series.gaps.last_scraped) > step:
        yield "silent while the source was scraping", series.gaps.silent_scraped


def _named(signal: Signal, series: SeriesEvidence) -> str:
    key = series.labels.get(signal.each or "", "")
    return f"{signal.name} ({signal.each} {printable(key)})" if signal.each else signal.name
