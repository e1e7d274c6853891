"""How often the plain judge is wrong about noise and right about drift, by simulation with fixed seeds.

Series of one sample a minute with a coefficient of variation of 10% and the memory phi, as block medians of ten
minutes; the baseline is 24 h. Rates are what these very seeds give; the bounds leave room for another platform's exp.
"""

import math
from collections.abc import Iterator
from statistics import median

import pytest

from driftreview.api.reasons import SignalVerdict
from driftreview.api.signal import Signal
from driftreview.domain.rules import SURE, Finding, Side, judge_growth, judge_level
from driftreview.domain.statistics import growth
from tests import builders
from tests.builders import noise, signal

RUNS = 150
BASELINE = 1440
ZERO_MARGIN = signal(margin={"relative": "0%"})
FIVE_PERCENT = signal(margin={"relative": "5%"})


def blocks(minutes: int, seed: int, phi: float, factor: float = 1.0) -> Side:
    samples = [100 * factor * math.exp(0.1 * each) for each in noise(minutes, seed, phi)]
    return Side(tuple(median(samples[i : i + 10]) for i in range(0, minutes, 10)), None, None)


def findings(declared: Signal, phi: float, minutes: int, factor: float = 1.0) -> Iterator[Finding]:
    for run in range(RUNS):
        yield judge_level(declared, blocks(BASELINE, 2 * run, phi), blocks(minutes, 2 * run + 1, phi, factor))


def rate(found: Iterator[Finding], *verdicts: SignalVerdict) -> float:
    return sum(1 for each in found if each.verdict in verdicts) / RUNS


@pytest.mark.parametrize("minutes", [60, 360, 1440])
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_noise_is_hardly_ever_surely_worse_even_without_any_margin(phi: float, minutes: int) -> None:
    # Measured for 60, 360, 1440 minutes: 1.3, 0, 0.7% at phi 0; 4, 0, 0% at 0.5; 2, 0, 0% at 0.9.
    assert rate(findings(ZERO_MARGIN, phi, minutes), SignalVerdict.DEGRADED) <= 0.06


@pytest.mark.parametrize("minutes", [60, 360])
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_noise_is_never_degraded_with_a_margin_of_five_percent(phi: float, minutes: int) -> None:
    # Measured: 0 of 150 each.
    assert rate(findings(FIVE_PERCENT, phi, minutes), SignalVerdict.DEGRADED) == 0


@pytest.mark.parametrize(("phi", "most"), [(0.0, 0.0), (0.5, 0.08), (0.9, 0.28)])
def test_noise_is_suspect_only_where_one_hour_is_too_short_for_its_memory(phi: float, most: float) -> None:
    # Measured at phi 0, 0.5, 0.9: 0, 5.3, 15.3%; after six hours 0, 0, 1.3%. A suspect look holds, it does not act.
    assert rate(findings(FIVE_PERCENT, phi, 60), SignalVerdict.SUSPECT) <= most
    assert rate(findings(FIVE_PERCENT, phi, 360), SignalVerdict.SUSPECT) <= most / 3


@pytest.mark.parametrize(("phi", "least"), [(0.0, 1.0), (0.5, 1.0), (0.9, 0.5)])
def test_a_quarter_worse_is_surely_found_after_six_hours(phi: float, least: float) -> None:
    # Measured: 100, 100, 91% at phi 0, 0.5, 0.9; the rest is suspect.
    assert rate(findings(FIVE_PERCENT, phi, 360, 1.25), SignalVerdict.DEGRADED) >= least


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_a_quarter_worse_never_passes_after_six_hours(phi: float) -> None:
    found = rate(findings(FIVE_PERCENT, phi, 360, 1.25), SignalVerdict.DEGRADED, SignalVerdict.SUSPECT)
    assert found == 1


@pytest.mark.parametrize(("minutes", "most"), [(60, 0.14), (360, 0.08), (1440, 0.08)])
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_what_is_worse_by_the_whole_margin_is_hardly_ever_affirmed(phi: float, minutes: int, most: float) -> None:
    # One-sided 5% is meant. Measured for 60, 360, 1440 minutes: 7.3, 6, 4% at phi 0; 9.3, 4.7, 6% at 0.5; 12, 4.7, 4%
    # at 0.9. An hour has six blocks, of which the spread is not well known; it is not the look that decides.
    passes = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED)
    assert rate(findings(FIVE_PERCENT, phi, minutes, 1.05), *passes) <= most


@pytest.mark.parametrize(("phi", "least"), [(0.0, 0.99), (0.5, 0.99), (0.9, 0.7)])
def test_a_day_without_a_change_is_affirmed(phi: float, least: float) -> None:
    # Measured: 100, 100, 74.7% at phi 0, 0.5, 0.9; the rest is inconclusive: a baseline of a day is short for that.
    assert rate(findings(FIVE_PERCENT, phi, 1440), SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE) >= least


@pytest.mark.xfail(reason="the spread of values that repeat is taken for zero where more than half of them are alike")
def test_a_coin_that_is_tossed_on_both_sides_has_not_drifted() -> None:
    # Measured: 28% degraded. Whole numbers with few values (replicas, reconnects of ten minutes) are of that kind.
    alarms = 0
    for run in range(RUNS):
        before, after = ([float(each > 0) for each in noise(count, run + count)] for count in (144, 36))
        alarms += _verdict(before, after) is SignalVerdict.DEGRADED
    assert alarms / RUNS <= 0.05


def _verdict(before: list[float], after: list[float]) -> SignalVerdict:
    return judge_level(FIVE_PERCENT, Side(tuple(before), None, None), Side(tuple(after), None, None)).verdict


@pytest.mark.parametrize("count", [12, 36, 144])
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_noise_is_hardly_ever_taken_for_growth(phi: float, count: int) -> None:
    # Phi of the block medians themselves, harder than that of samples. Measured false alarms of "grows at all":
    # 0, 0, 0% at phi 0; 0.7, 0.7, 0.7% at 0.5; 2, 2, 0% at 0.9.
    alarms = 0
    for run in range(RUNS):
        slope = growth(noise(count, run, phi), 1 / 6, SURE)
        alarms += slope is not None and slope.low > 0
    assert alarms / RUNS <= 0.035


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_forty_megabytes_an_hour_are_surely_over_twenty_after_six_hours(phi: float) -> None:
    # 200 MB with 2% noise, six hours of ten-minute medians. Measured: 100, 100, 99.3%.
    declared = builders.growth("20")
    found = 0
    for run in range(RUNS):
        samples = [200 + 40 * i / 60 + 4 * each for i, each in enumerate(noise(360, run, phi))]
        side = Side(tuple(median(samples[i : i + 10]) for i in range(0, 360, 10)), None, None)
        found += judge_growth(declared, side, 1 / 6).verdict is SignalVerdict.DEGRADED
    assert found / RUNS >= 0.97
