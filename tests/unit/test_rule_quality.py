"""How often recommended alert rules would have fired on the baseline: counted at T0, or told by its blocks."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.base import Metadata
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftsnapshot import DriftSnapshot, SeriesEvidence
from driftreview.api.signal import Signal
from driftreview.api.spells import Firings
from driftreview.domain.coarser import Levels, first_look
from driftreview.domain.companions import Companion
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.firings import firings_in
from driftreview.domain.recommended import recommended
from driftreview.domain.report.build import report
from driftreview.domain.rulequality import Quality, quality
from driftreview.domain.samples import Samples, Series, Window
from driftreview.domain.scraping import Scraping
from driftreview.report.markdown import markdown
from tests.builders import BLOCK, HOUR, MINUTE, T0, events, evidence, growth, limit, presence, series, signal, snapshot
from tests.unit.test_recommended import started

WINDOW = Window(T0 - 24 * HOUR, T0, MINUTE)


def fared(declared: Signal, *at_t0: SeriesEvidence) -> Quality:
    frozen = snapshot(evidence(declared.name, *at_t0))
    found = quality(recommended(started(declared), frozen).rules[-1], frozen)
    assert found is not None
    return found


def counted(declared: Signal, values: list[float | None], **fields: Any) -> Firings | None:
    whole = [*values, *[0.0 if values[-1] is not None else 1.0] * (WINDOW.points - len(values))]
    result = Samples(WINDOW, (Series({}, whole),))
    measured = Measurement(declared, "x", result, **fields)
    scraping = Scraping(bytes([1]) * WINDOW.points)
    (one,) = freeze(measured, WINDOW, BLOCK, scraping, firings=True).series
    return one.firings


@pytest.mark.parametrize(
    ("text", "hold", "times", "seconds"),
    [
        ("---", 0, 0, 0),
        ("-x-", 0, 1, 60),
        ("-x-", 1, 0, 0),
        ("xxx-xx", 1, 2, 180),
        ("xxx-x", 2, 1, 60),
        ("x-x-x", 0, 3, 180),
    ],
)
def test_an_alert_fires_once_its_condition_held_long_enough(text: str, hold: int, times: int, seconds: int) -> None:
    found = firings_in([each == "x" for each in text], MINUTE, hold * MINUTE)
    assert (found.times, found.total) == (times, f"{seconds}s")


def test_raw_samples_are_counted_as_t0_is_frozen() -> None:
    over = limit("60", **{"for": "2m"})
    assert counted(over, [0, 61, 61, 61, 0, 61, 61, 0, 61, None, 61, 0]) == Firings(times=1, total="60s")
    assert counted(signal(limits={"alert": "60"}), [61] * 6 + [0]) == Firings(times=1, total="60s")
    assert counted(events(limits={"alert": "5"}), [6, 0, 7, 7, 0]) == Firings(times=2, total="180s")
    assert counted(presence("2m"), [1.0, None, None, None, None]) == Firings(times=1, total="120s")
    assert counted(signal(), [61, 0]) is None


def test_a_quotient_is_counted_where_there_is_traffic() -> None:
    declared = signal(per="y", minTraffic="1", limits={"alert": "1"})
    traffic = [2.0] * 10 + [0.5] * (WINDOW.points - 10)
    per = Companion("y", Samples(WINDOW, (Series({}, traffic),)))
    result = Samples(WINDOW, (Series({}, [9.0] * WINDOW.points),))
    (one,) = freeze(Measurement(declared, "x", result, per), WINDOW, BLOCK, firings=True).series
    assert one.firings == Firings(times=1, total="300s")


def test_it_is_counted_only_at_a_t0_that_rules_are_made_of() -> None:
    plain, asked = started(signal()), started(signal(), alerts={"rules": "Generate"})
    looks = [first_look(each.spec, T0, T0, MINUTE, "source") for each in (plain, asked)]
    assert [each.firings for each in looks] == [False, True]
    result = Samples(WINDOW, (Series({}, [9.0] * WINDOW.points),))
    declared = limit("1")
    frozen = [Levels(each).frozen(Measurement(declared, "x", result))[0].series[0] for each in looks]
    assert [each.firings is not None for each in frozen] == [False, True]


def test_what_was_counted_is_told_as_times_and_share() -> None:
    one = series([0.0] * 144, firings=Firings(times=3, total="864s"))
    assert fared(limit("60"), one) == Quality(3, 0.01, timedelta(days=1))


@pytest.mark.parametrize(("worst", "times"), [("59", 0), ("61", None)])
def test_without_counts_only_silence_is_known(worst: str, times: int | None) -> None:
    assert fared(signal(limits={"alert": "60"}), series([1.0] * 144, worst=worst)).times == times


def test_a_level_is_told_by_its_blocks() -> None:
    calm, high = [100.0] * 60, [120.0] * 24
    found = fared(signal(), series([*calm, *high, *calm]))
    assert found.times == 1
    assert found.share == pytest.approx((24 * 10 - 15) / 1440, abs=0.02)
    assert fared(signal(), series([100.0, 104.0] * 72)).times == 0
    assert fared(signal(), series([*calm, *[None] * 12, *calm, *calm[:12]])).times == 0


def test_growth_is_told_by_its_blocks() -> None:
    level = [100.0] * 60
    rising = [100.0 + 10 * step for step in range(24)]  # 60 an hour
    assert fared(growth("20"), series([*level, *rising, *[330.0] * 60])).times == 1
    assert fared(growth("20"), series([100.0 + step for step in range(144)])).times == 0


@pytest.mark.parametrize(("rate", "chance"), [(1.0, 0.77), (0.014, 0.0)])
def test_how_often_a_healthy_count_passes_its_limit_by_chance(rate: float, chance: float) -> None:
    found = fared(events(limits={"alert": "5"}), series([rate] * 144))
    assert found.chance == pytest.approx(chance, abs=0.01)


def test_more_events_than_at_t0_hardly_ever_come_by_chance() -> None:
    found = fared(events({"absolute": "200m"}), series([0.2] * 144))
    assert found.chance is not None
    assert found.chance < 0.05


def test_of_a_t0_without_samples_nothing_is_told() -> None:
    declared = started(limit("60"))
    frozen = snapshot(evidence("age"))
    assert quality(recommended(declared, frozen).rules[0], frozen) is None


def reported(declared: Signal, *at_t0: SeriesEvidence) -> str:
    """The report of a review at T0 with this one signal."""
    frozen = snapshot(evidence(declared.name, *at_t0))
    review = started(declared, alerts={"rules": "Generate"})
    ref = SnapshotRef(name="t0", hash=frozen.hash)
    review = review.model_copy(update={"status": review.status.model_copy(update={"baseline": ref})})
    return markdown(report(review, [DriftSnapshot(metadata=Metadata(name="t0"), spec=frozen)]))


def test_a_rule_that_would_have_fired_is_a_limitation_with_what_to_do() -> None:
    text = reported(limit("60", **{"for": "1m"}), series([0.0] * 144, firings=Firings(times=3, total="864s")))
    assert "| AgeOverLimit | P2 | over its limit of 60 s for 1m | ⚠️ 3 times in 24h, 1.00% of it | - |" in text
    assert "| the alert rule AgeOverLimit would have fired 3 times in 24h, 1.00% of it | Note |" in text
    assert "| it wakes people for nothing | a higher limits.alert or a longer \\`for\\` in the next review |" in text


def test_a_limit_that_healthy_counts_pass_by_chance_is_one_too() -> None:
    text = reported(events(limits={"alert": "5"}), series([1.0] * 144, worst="4"))
    assert "| ReconnectsOverLimit | P2 | over its limit of 5 in 5m | ✅ never in 24h | 77.0% |" in text
    assert "ReconnectsOverLimit fires by chance alone in up to 77.0% of healthy runs of 48h" in text


def test_a_quiet_rule_is_no_limitation_and_what_has_none_is_listed() -> None:
    text = reported(limit("60"), series([0.0] * 144, firings=Firings(times=0, total="0s")))
    assert "✅ never in 24h" in text
    assert "the alert rule" not in text
    assert "No recommended alert rule for age: kind Info" in reported(signal("age", kind="Info"), series([0.0] * 144))
