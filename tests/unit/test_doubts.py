"""What a mean forgives is not promoted: bad at the end or in a part, gone by the end; no moving baseline is trusted."""

import math
import re
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.blocks import encode
from driftreview.domain.covariate import Covariate
from driftreview.domain.doubts import _by_the_worst, _by_the_worst_at_most
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.finding import Finding
from driftreview.domain.foresight import foresight
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.measured import Case, Grid
from driftreview.domain.measuring import measure
from driftreview.domain.samples import Window
from driftreview.domain.scraping import Scraping
from driftreview.domain.together import judge_together
from tests.builders import (
    BLOCK,
    MINUTE,
    T0,
    answer,
    events,
    evidence,
    growth,
    noise,
    review,
    series,
    side,
    signal,
    snapshot,
    spec,
)
from tests.builders import HOUR as AN_HOUR

V = SignalVerdict
GOOD = {V.STABLE, V.ACCEPTABLE, V.IMPROVED}
WEEK, LOOK, HOUR = 1008, 288, 6


def around(level: float, count: int, seed: int, share: float = 0.03) -> list[float]:
    return [level * math.exp(share * each) for each in noise(count, seed, 0.5)]


def found(declared: Signal, now: list[float | None], before: list[float] | None = None, seen: int = 144) -> Finding:
    case = Case.of(declared, side(before or around(100, WEEK, 1)), side(now))
    return judge_together([case], Grid(1 / 6, seen=seen, closes=48), 0.0125)[0]


def bad(times: float, first: int, last: int = LOOK, level: float = 100, seed: int = 2) -> list[float | None]:
    """Healthy but for some blocks."""
    return [each * (times if first <= at < last else 1) for at, each in enumerate(around(level, LOOK, seed))]


class TestTheEnd:
    @pytest.mark.parametrize(("times", "hours"), [(1.5, 8), (2, 4), (3, 2), (10, 1)])
    def test_what_is_bad_at_the_end_is_not_good(self, times: float, hours: int) -> None:
        said = found(signal(margin={"relative": "20%"}), bad(times, LOOK - hours * HOUR))
        assert said.verdict not in GOOD

    def test_the_sentence_tells_how_bad(self) -> None:
        said = found(signal(margin={"relative": "20%"}), bad(2, LOOK - HOUR))
        assert said.verdict is V.SUSPECT
        assert "; but +9" in said.message or "; but +10" in said.message
        assert "% in its last 6 blocks" in said.message

    def test_what_came_since_the_look_before_counts_by_itself(self) -> None:
        said = found(signal(margin={"relative": "20%"}), bad(1.4, 200, LOOK - HOUR), seen=200)
        assert said.verdict is V.SUSPECT
        assert "% since the look before" in said.message

    def test_lower_is_mirrored(self) -> None:
        said = found(signal(margin={"relative": "20%"}, worse="Lower"), bad(0.4, LOOK - 8 * HOUR))
        assert said.verdict not in GOOD

    @pytest.mark.parametrize("declared", [{"relative": "30%"}, {"absolute": "30"}])
    @pytest.mark.parametrize("up", [1.0, 1.08])
    def test_where_either_is_worse_the_end_may_be_on_the_other_side(self, declared: dict[str, str], up: float) -> None:
        row = [each and each * up for each in bad(0.05 / up, LOOK - HOUR)]
        said = found(signal(margin=declared, worse="Either"), row)
        assert said.verdict is V.SUSPECT
        assert "; but -9" in said.message

    def test_what_has_healed_is_good_again(self) -> None:
        assert found(signal(margin={"relative": "20%"}), bad(1.5, 20, 26)).verdict in GOOD

    def test_a_healthy_release_is_seldom_doubted(self) -> None:
        good = [found(signal(), bad(1, 0, seed=seed)).verdict in GOOD for seed in range(2, 102)]
        assert sum(good) >= 97

    def test_what_happens_nightly_is_nothing_new(self) -> None:
        def nightly(count: int, seed: int) -> list[float]:
            return [each * (2 if at % 144 >= 138 else 1) for at, each in enumerate(around(100, count, seed))]

        said = found(signal(margin={"relative": "20%"}), [*nightly(LOOK, 2)], nightly(WEEK, 1))
        assert said.verdict in GOOD


class TestHealed:
    """What began badly and is good by now is not rolled back at that look."""

    @staticmethod
    def began(times: float, bad_blocks: int, blocks: int = 6) -> Finding:
        row = around(100, blocks, 2, 0.01)
        return found(signal(), [each * (times if at < bad_blocks else 1) for at, each in enumerate(row)], seen=0)

    def test_a_cold_start_of_twenty_minutes_is_suspect(self) -> None:
        said = self.began(1.5, 2)
        assert said.verdict is V.SUSPECT
        assert said.message.count("in its last 2 blocks: it may have healed") == 1

    def test_what_is_still_bad_is_degraded(self) -> None:
        assert self.began(1.5, 6).verdict is V.DEGRADED
        assert self.began(1.5, 30, 36).verdict is V.DEGRADED

    @staticmethod
    def at_the_first_look(shape: list[float], *, days: int = 7, **fields: Any) -> list[Finding]:
        """What is said of noisy releases after an hour."""
        declared = signal(**fields)
        return [
            found(
                declared,
                [each * times for each, times in zip(around(100, HOUR, seed), shape, strict=True)],
                around(100, 144 * days, seed + 100),
                seen=0,
            )
            for seed in range(20)
        ]

    @pytest.mark.parametrize("days", [1, 7])
    @pytest.mark.parametrize("margin", ["5%", "20%"])
    @pytest.mark.parametrize("shape", [[5, 5, 1, 1, 1, 1], [1.5, 1.5, 1.5, 1, 1, 1], [3.8, 2.4, 1.7, 1.35, 1.18, 1.09]])
    def test_a_noisy_end_is_back_as_well(self, shape: list[float], margin: str, days: int) -> None:
        said = self.at_the_first_look(shape, days=days, margin={"relative": margin})
        assert sum(each.verdict is V.DEGRADED for each in said) <= 1

    @pytest.mark.parametrize("shape", [[1.5] * HOUR, [2.0] * HOUR, [4, 3, 2, 2, 2, 2], [1, 1, 2, 2, 2, 2]])
    def test_what_stays_bad_is_rolled_back_after_an_hour(self, shape: list[float]) -> None:
        said = self.at_the_first_look(shape, margin={"relative": "10%"})
        assert sum(each.verdict is V.DEGRADED for each in said) >= 18

    def test_an_alert_limit_waits_as_well(self) -> None:
        for shape, verdict in (([5, 5, 1, 1, 1, 1], V.SUSPECT), ([5] * HOUR, V.DEGRADED)):
            said = self.at_the_first_look(shape, margin=None, limits={"alert": "150"})
            assert {each.verdict for each in said} == {verdict}
            assert all("in its last 2 blocks: it may have healed" in each.message for each in said) is (
                verdict is V.SUSPECT
            )

    def test_lower_is_mirrored(self) -> None:
        said = self.at_the_first_look([0.2, 0.2, 1, 1, 1, 1], worse="Lower")
        assert V.DEGRADED not in {each.verdict for each in said}

    @pytest.mark.parametrize("blocks", [6, 36, 144])
    def test_a_steady_window_is_seldom_taken_for_healing(self, blocks: int) -> None:
        said = [found(signal(), [*around(112, blocks, seed, 0.01)], seen=0).message for seed in range(100)]
        assert sum("may have healed" in each for each in said) <= 3


class TestStandingStill:
    """A number that does not change any more is none that is measured."""

    @pytest.mark.parametrize("level", [100.0, 99.0, 0.0])
    def test_what_varied_and_stands_still_is_open(self, level: float) -> None:
        row: list[float | None] = [*around(100, LOOK, 2)]
        row[-24:] = [level] * 24
        said = found(signal(margin={"absolute": "200"}), row)
        assert (said.verdict, said.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert "its last 24 blocks are all the same, 1 at most in the baseline: is it still measured?" in said.message

    def test_what_stood_still_in_the_baseline_too_may(self) -> None:
        coarse = [float(round(each)) for each in around(100, WEEK, 1, 0.005)]
        assert found(signal(), [100.0] * LOOK, coarse).verdict in GOOD

    def test_whole_numbers_have_a_value_for_longer_by_accident(self) -> None:
        coarse = [float(at % 7 // 3) for at in range(WEEK)]  # three of a kind at most
        assert found(signal(margin={"absolute": "9"}), [*coarse[: LOOK - 6], *[2.0] * 6], coarse).verdict in GOOD
        assert (
            found(signal(margin={"absolute": "9"}), [*coarse[: LOOK - 9], *[2.0] * 9], coarse).verdict is V.INCONCLUSIVE
        )

    @staticmethod
    def stuck(declared: Signal, values: list[float], *, at: float, **beside: list[float]) -> Finding:
        """What is said of a week and two days, all of what is beside it standing still, or else the values."""
        stopped = {name: [*row[:WEEK], *[at] * LOOK] for name, row in (beside or {"values": values}).items()}
        rows = {"values": values} | stopped
        old, new = (
            evidence(
                declared.name,
                series(
                    rows["values"][part], **{name: encode(row[part]) for name, row in rows.items() if name != "values"}
                ),
            )
            for part in (slice(WEEK), slice(WEEK, None))
        )
        frozen = snapshot(old), snapshot(new, checkpoint="48h", hours=48)
        return judge_checkpoint(spec([declared], ["48h"]), *frozen).results[0].finding

    def test_so_it_is_with_what_is_beside_it(self) -> None:
        row, other = around(100, WEEK + LOOK, 1), around(80, WEEK + LOOK, 2)
        slower = [*row[:WEEK], *(1.3 * each for each in row[WEEK:])]
        beside = self.stuck(signal(control="up"), slower, at=104, control=other)
        counted = self.stuck(signal(per="up"), row, at=110, per=other)
        assert beside.verdict is counted.verdict is V.INCONCLUSIVE
        assert "; but the last 288 blocks of its control are all the same, 1 at most in the" in beside.message
        assert "; but the last 288 blocks of what it is counted per are all the same" in counted.message

    def test_a_live_control_does_not_move_what_stands_still(self) -> None:
        other = encode(around(80, LOOK, 2))
        old = evidence(
            "latency", series(around(100, WEEK, 1), control=encode(around(80, WEEK, 3)), control_samples=10080)
        )
        new = evidence("latency", series([100.0] * LOOK, control=other, control_samples=10 * LOOK))
        frozen = snapshot(old), snapshot(new, checkpoint="48h", hours=48)
        said = judge_checkpoint(spec([signal(control="up")], ["48h"]), *frozen).results[0].finding
        assert "; but its last 288 blocks are all the same" in said.message

    def test_so_it_is_with_a_covariate(self) -> None:
        load = around(100, WEEK, 3, 0.3)
        covariate = Covariate(signal("load", kind="Info"), side(load), side([110.0] * LOOK))
        follows = [value**0.5 for value in load]
        case = Case.of(signal(margin={"relative": "50%"}), side(follows), side(around(10, LOOK, 4)), covariate)
        said = judge_together([case], Grid(1 / 6, closes=48), 0.0125)[0]
        assert said.verdict is V.INCONCLUSIVE
        assert "; but the last 288 blocks of its covariate load are all the same" in said.message

    @pytest.mark.parametrize(
        "declared",
        [
            signal(limits={"alert": "300"}),
            growth("5"),
            events({"relative": "50%"}, worse="Lower"),
            events({"relative": "50%"}, worse="Higher"),
            events({"absolute": "50"}, limits={"alert": "500"}),
        ],
    )
    def test_so_it_is_with_any_kind(self, declared: Signal) -> None:
        said = self.stuck(declared, around(100, WEEK + LOOK, 1), at=100)
        assert (said.verdict, said.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert "; but its last 288 blocks are all the same, 1 at most in the baseline: is it still meas" in said.message

    def test_none_of_what_had_better_not_happen_is_fine(self) -> None:
        assert self.stuck(events(), around(100, WEEK + LOOK, 1), at=0).verdict is V.IMPROVED


class TestTheSentence:
    def test_what_the_baseline_did_itself_is_no_noise(self) -> None:
        risen = around(100, WEEK, 1, 0.01)
        risen[:500] = [each * 0.85 for each in risen[:500]]
        said = found(signal(), [*around(112, LOOK, 2, 0.01)], risen)
        assert said.verdict is V.INCONCLUSIVE
        assert "margin 5%: the baseline did as much by itself; " in said.message

    def test_what_chance_may_have_done_is_not_put_down_to_the_baseline(self) -> None:
        case = Case.of(signal(), side(around(100, WEEK, 1)), side(around(112, 18, 2)))
        said = judge_together([case], Grid(1 / 6, closes=48), 1e-14)[0]
        assert said.verdict is V.INCONCLUSIVE
        assert "margin 5%: chance leaves it open; " in said.message
        assert "; by chance 0.03%, allowed less than 0.01%; " in said.message

    def test_blocks_that_are_missing_are_told(self) -> None:
        row: list[float | None] = [*around(100, LOOK, 2)]
        row[50:60] = [None] * 10
        assert "; 278 of 288 blocks worth " in found(signal(), row).message


class TestAPartOfIt:
    @pytest.mark.parametrize("declared", [signal(margin={"absolute": "500m"}, unit="%")])
    @pytest.mark.parametrize(("first", "last"), [(240, 288), (216, 288), (18, 24), (100, 130)])
    def test_an_outage_is_not_averaged_away(self, declared: Signal, first: int, last: int) -> None:
        errors = [100.0 if first <= at < last else each for at, each in enumerate(around(0.05, LOOK, 2))]
        assert found(declared, [*errors], around(0.05, WEEK, 1)).verdict not in GOOD

    def test_nor_with_a_limit_or_a_share(self) -> None:
        errors: list[float | None] = [100.0 if at % 12 < 2 else each for at, each in enumerate(around(0.05, LOOK, 2))]
        both = signal(margin={"relative": "900%"}, limits={"alert": "5"}, unit="%")
        assert found(both, errors, around(0.05, WEEK, 1)).verdict not in GOOD
        assert found(signal(margin={"relative": "900%"}, unit="%"), errors, around(0.05, WEEK, 1)).verdict not in GOOD

    @pytest.mark.parametrize("margin", ["30%", "50%"])
    @pytest.mark.parametrize("worse", ["Lower", "Either"])
    def test_an_outage_is_no_better_than_a_near_one(self, margin: str, worse: str) -> None:
        verdicts = []
        for left in (1.0, 0.01, 0.0, -5.0):
            row = [left if 180 <= at < 198 else each for at, each in enumerate(around(100, LOOK, 2))]
            verdicts.append(found(signal(margin={"relative": margin}, worse=worse), [*row]).verdict)
        assert not GOOD.intersection(verdicts)

    def test_nor_does_one_excuse_a_drift(self) -> None:
        row = bad(0.2, 0)
        row[1::2] = around(100, LOOK, 2)[1::2]
        for left in (20.0, 0.0):
            row[144] = left
            assert found(signal(margin={"relative": "50%"}, worse="Lower"), row).verdict is V.DEGRADED

    def test_a_short_one_is_forgiven(self) -> None:
        row = bad(0.0, 100, 101)
        assert found(signal(margin={"relative": "30%"}, worse="Lower"), row).verdict in GOOD


class TestGoneByTheEnd:
    def judged(self, values: list[float | None], **fields: int) -> Finding:
        old, new = evidence("latency", series(around(100, 144, 1))), evidence("latency", series(values, **fields))
        frozen = snapshot(old), snapshot(new, checkpoint="48h", hours=48)
        return judge_checkpoint(spec([signal()], ["48h"]), *frozen).results[0].finding

    @pytest.mark.parametrize("blocks", [1, 4, 24])
    def test_no_samples_at_the_end_are_missing(self, blocks: int) -> None:
        said = self.judged([*around(100, LOOK - blocks, 2), *[None] * blocks])
        assert said.verdict is V.MISSING
        which = "the last block has" if blocks == 1 else f"the last {blocks} of 288 blocks have"
        assert said.message == f"{which} no samples, 90% of the end are needed"

    @pytest.mark.parametrize(("there", "verdicts"), [(60, GOOD), (54, GOOD), (53, {V.MISSING}), (2, {V.MISSING})])
    def test_the_end_is_covered_by_samples_and_not_by_blocks(self, there: int, verdicts: Collection[V]) -> None:
        said = self.judged([*around(100, LOOK, 2)], ending=there, samples=2820 + there)
        assert said.verdict in verdicts

    def test_a_block_of_a_single_sample_is_none(self) -> None:
        window = Window(T0, T0 + 48 * AN_HOUR, MINUTE)
        values = [each if at < 2600 or at % 40 == 39 else None for at, each in enumerate(around(100, 2880, 2))]
        frozen = freeze(Measurement(signal(), "up", answer(window, values)), window, BLOCK)
        assert frozen.series[0].ending == 2
        now = snapshot(frozen, checkpoint="48h", hours=48)
        before = snapshot(evidence("latency", series(around(100, 144, 1))))
        said = judge_checkpoint(spec([signal()], ["48h"]), before, now).results[0].finding
        assert said.message == "2 of 60 samples are there in the last 6 blocks, two thirds of the end are needed"

    def looked_at(self, gone: Collection[int], coverage: str = "90%") -> Finding:
        """At the last of 48 hours, without these of the last hour's minutes."""
        window = Window(T0, T0 + 48 * AN_HOUR, MINUTE)
        values = [None if at - 2820 in gone else each for at, each in enumerate(around(100, 2880, 2))]
        declared = signal(min_coverage=coverage)
        frozen = freeze(Measurement(declared, "up", answer(window, values)), window, BLOCK)
        now, before = (
            snapshot(frozen, checkpoint="48h", hours=48),
            snapshot(evidence("latency", series(around(100, 144, 1)))),
        )
        return judge_checkpoint(spec([declared], ["48h"]), before, now).results[0].finding

    @pytest.mark.parametrize(
        ("gone", "verdicts"),
        [
            (range(7), GOOD),
            (range(45, 52), GOOD),  # and back for eight minutes
            (range(20), GOOD),
            (range(54, 60), GOOD),  # as much as the window itself can spare
            (range(53, 60), {V.MISSING}),  # it may be gone by now
            (range(21), {V.MISSING}),
            (range(30, 59), {V.MISSING}),
            (range(1, 60, 2), {V.MISSING}),
        ],
    )
    def test_a_short_gap_it_came_back_from_is_one_like_any_other(self, gone: range, verdicts: Collection[V]) -> None:
        assert self.looked_at(gone).verdict in verdicts

    def test_why_it_is_not_covered_is_said(self) -> None:
        assert self.looked_at(range(53, 60)).message == (
            "none of the last 7 samples is there, since 2026-08-02T11:53:00Z, 90% of the end are needed"
        )
        assert self.looked_at(range(21)).message == (
            "39 of 60 samples are there in the last 6 blocks, two thirds of the end are needed"
        )

    @pytest.mark.parametrize(
        ("gap", "reason", "told"),
        [
            ((0, 0), Reason.TARGET_GAP, "the source itself was scraping all the time"),
            ((0, 1), Reason.TARGET_GAP, "the source itself scraped nothing at 1 of 2880 steps only"),
            ((2868, 2880), Reason.SOURCE_GAP, "the source itself scraped nothing from {since} to 2026-08-02T12:00:00Z"),
        ],
    )
    def test_since_when_and_whose_gap_it_is(self, gap: tuple[int, int], reason: Reason, told: str) -> None:
        window = Window(T0, T0 + 48 * AN_HOUR, MINUTE)
        values = [*around(100, 2868, 2), *[None] * 12]
        scraping = Scraping.of(answer(window, [None if gap[0] <= at < gap[1] else 5.0 for at in range(2880)]))
        frozen = freeze(Measurement(signal(), "up", answer(window, values)), window, BLOCK)
        now = snapshot(frozen, checkpoint="48h", hours=48, scraping=scraping.evidence(window, BLOCK))
        before = snapshot(evidence("latency", series(around(100, 144, 1))))
        said = judge_checkpoint(spec([signal()], ["48h"]), before, now).results[0].finding
        since = "2026-08-02T11:48:00Z"
        assert (said.reason, said.message) == (
            reason,
            f"the last block has no samples, since {since}, 90% of the end are needed; {told.format(since=since)}",
        )

    @pytest.mark.parametrize("gone", [range(30), range(30, 60)])
    def test_who_declares_less_coverage_needs_no_more_of_the_end(self, gone: range) -> None:
        assert self.looked_at(gone, "50%").verdict in GOOD

    @pytest.mark.parametrize("first", range(0, 60, 7))
    def test_one_sample_less_of_the_end_is_never_better(self, first: int) -> None:
        missing = [self.looked_at(range(first, last)).verdict is V.MISSING for last in range(first, 61, 3)]
        assert missing == sorted(missing)


class TestASteadyWindow:
    """Worse by most of its margin, so that an hour of noise is beyond it time and again."""

    declared = signal(margin={"relative": "10%"})

    def at(self, end: float, seed: int = 2) -> Finding:
        now = around(107, LOOK, seed, 0.04)
        return found(self.declared, [*now[:-6], *(end * each for each in now[-6:])], around(100, WEEK, 1, 0.04))

    def test_an_hour_of_noise_at_its_end_is_no_news(self) -> None:
        assert sum(self.at(1.0, seed).verdict not in GOOD for seed in range(20)) <= 1

    def test_one_that_got_worse_is(self) -> None:
        said = self.at(1.2)
        assert said.verdict is V.SUSPECT
        assert "% in its last 6 blocks: " in said.message

    def test_of_many_as_bad_the_mean_is_told(self) -> None:
        now = [each * (1.25 if at % 6 < 2 else 1) for at, each in enumerate(around(100, LOOK, 2))]
        now[-6:] = [1.2 * each for each in now[-6:]]
        said = found(self.declared, now, around(100, WEEK, 1, 0.04)).message
        assert "as bad" not in said
        assert re.search(r" in its last 6 blocks: 1\d\d s on average; ", said)


def moved(times: float, days: int, hours: int) -> list[float]:
    """A baseline whose last hours are so many times as high."""
    before = around(100, 144 * days, 1)
    return [*before[: -hours * HOUR], *(times * each for each in before[-hours * HOUR :])]


class TestAMovingBaseline:
    @pytest.mark.parametrize(("days", "hours"), [(1, 2), (3, 2), (3, 6), (7, 2), (7, 24), (14, 3)])
    def test_a_change_shortly_before_its_end_leaves_it_open(self, days: int, hours: int) -> None:
        for times, direction, level in ((1.2, "rose", 120), (1 / 1.2, "fell", 100)):
            said = found(signal(margin={"relative": "10%"}), [*around(level, LOOK, 2)], moved(times, days, hours))
            assert said.verdict is V.INCONCLUSIVE
            assert f"its baseline {direction} shortly before its end" in said.message

    @pytest.mark.parametrize(("days", "hours"), [(7, 2), (14, 3)])
    def test_what_is_no_worse_than_the_better_level_is_good(self, days: int, hours: int) -> None:
        for times, level in ((1.2, 100), (1 / 1.2, 83)):
            for worse, expected in (("Higher", {V.STABLE, V.IMPROVED}), ("Either", {V.INCONCLUSIVE})):
                declared = signal(margin={"relative": "10%"}, worse=worse)
                assert found(declared, [*around(level, LOOK, 2)], moved(times, days, hours)).verdict in expected

    def test_what_is_worse_than_either_level_is_found_all_the_same(self) -> None:
        before = around(100, WEEK, 1)
        before[-18:] = [1.2 * each for each in before[-18:]]
        assert found(signal(), [*around(200, LOOK, 2)], before).verdict is V.DEGRADED

    @pytest.mark.parametrize(("days", "hours"), [(1, 1), (7, 1), (7, 3), (7, 6), (7, 10)])
    @pytest.mark.parametrize("blocks", [6, 36, LOOK])
    def test_an_incident_that_is_older_than_the_release_is_not_laid_to_it(
        self, days: int, hours: int, blocks: int
    ) -> None:
        before = moved(2, days, hours)
        said = found(signal(margin={"relative": "10%"}), [*around(200, blocks, 2)], before, blocks // 2)
        assert said.verdict is V.INCONCLUSIVE
        assert f"against its last {hours}h, +9" in said.message or f"against its last {hours}h, +1" in said.message
        assert found(signal(), [*around(300, blocks, 2)], before, blocks // 2).verdict is V.DEGRADED

    @pytest.mark.parametrize("minutes", [10, 20, 50])
    @pytest.mark.parametrize("times", [1.5, 10])
    def test_nor_is_one_of_minutes(self, minutes: int, times: float) -> None:
        old, last = around(100, WEEK, 1), minutes // 10
        before = [*old[:-last], *(times * each for each in old[-last:])]
        declared = signal(margin={"relative": "10%"})
        for blocks in (6, LOOK):
            said = found(declared, [*around(100 * times, blocks, 2)], before)
            assert said.verdict is V.INCONCLUSIVE
            assert f"% against its last {minutes}m, +" in said.message
            assert found(declared, [*around(250 * times, blocks, 2)], before).verdict is V.DEGRADED
        assert found(declared, [*around(100, LOOK, 2)], before).verdict in GOOD  # it is over

    def test_a_burst_as_many_before_it_is_none(self) -> None:
        before = [2 * each if at % 100 in {3, 7} else each for at, each in enumerate(around(100, WEEK, 1))]
        assert "shortly before" not in found(signal(), [*around(100, LOOK, 2)], before).message

    @pytest.mark.parametrize("times", [2, 0.5])
    def test_so_it_is_where_either_is_worse(self, times: float) -> None:
        declared, before = signal(margin={"relative": "10%"}, worse="Either"), moved(times, 7, 3)
        said = found(declared, [*around(100 * times, LOOK, 2)], before)
        assert said.verdict is V.INCONCLUSIVE
        assert "against its last 3h, " in said.message
        assert found(declared, [*around(100, LOOK, 2)], before).verdict is V.INCONCLUSIVE  # off its last hours
        assert found(declared, [*around(100 * times**2, LOOK, 2)], before).verdict is V.DEGRADED

    def test_what_has_healed_to_the_worse_level_is_not_rolled_back(self) -> None:
        values = [each * (3 if at < 4 else 2) for at, each in enumerate(around(100, 12, 2))]
        assert found(signal(margin={"relative": "10%"}), [*values], moved(2, 7, 3), 0).verdict is not V.DEGRADED

    def test_it_is_said_at_t0(self) -> None:
        frozen = snapshot(evidence("latency", series(moved(2, 7, 3))))
        (said,) = foresight(review(signals=[signal()]).spec, frozen).odd
        assert "rose by " in said
        assert "% in its last 3h, which may go on" in said

    def test_once_it_is_over_the_release_is_good(self) -> None:
        assert found(signal(margin={"relative": "10%"}), [*around(100, LOOK, 2)], moved(2, 7, 5)).verdict in GOOD

    @pytest.mark.parametrize("times", [1.2, 1 / 1.2])
    def test_what_is_said_to_be_good_is(self, times: float) -> None:
        before = moved(times, 7, 24)
        for level in (80, 90, 95, 100, 104, 107, 112):
            said = found(signal(margin={"relative": "10%"}), [*around(level, LOOK, 2)], before)
            delta, good = (
                float(re.search(pattern, said.message)[1])  # type: ignore[index] # there is always one
                for pattern in (r", ([+-][\d.]+)% \(", r"good up to ([+-][\d.]+)%")
            )
            assert (delta <= good + 0.2) == (said.verdict in GOOD), said.message

    @pytest.mark.parametrize("days", [1, 7])
    def test_noise_alone_seldom_moves(self, days: int) -> None:
        moved = [
            "shortly before its end" in found(signal(), [*around(100, 36, 2)], around(100, 144 * days, seed)).message
            for seed in range(100)
        ]
        assert sum(moved) <= 2


class TestSuspectTwice:
    def test_the_sentence_says_that_it_is_the_second_time(self) -> None:
        before = [100 * math.exp(0.1 * each) for each in noise(WEEK, 1, 0.8)]
        for seed in range(2, 40):
            now = [107 * math.exp(0.1 * each) for each in noise(LOOK, seed, 0.8)]
            said = found(signal(), [*now], before)
            if said.verdict is V.DEGRADED and "surely worse at the look before too" in said.message:
                assert "Degraded from" not in said.message
                assert "allowed" not in said.message
                return
        pytest.fail("no release was suspect twice")


class TestPlanted:
    def test_one_block_does_not_open_the_range_of_a_covariate(self) -> None:
        load = [100 + 0.1 * each for each in noise(WEEK, 1)]
        load[500] = 200
        said = Covariate(signal("load", kind="Info"), side(load), side([195.0] * 36)).unfit()
        assert said is not None
        assert said.reason is Reason.BEYOND_BASELINE

    @pytest.mark.parametrize("value", [1.7e308, -45.0, 2e12])
    def test_what_is_no_number_of_events_is_told_as_such(self, value: float) -> None:
        declared = signal("boom", **{"kind": "Events", "for": "10m", "margin": {"relative": "50%"}})
        frozen = snapshot(evidence("boom", series([value] * 144)))
        now = snapshot(evidence("boom", series([value] * 36)), checkpoint="6h", hours=6)
        said = judge_checkpoint(spec([declared]), frozen, now).results[0].finding
        assert (said.verdict, said.reason) == (V.INCONCLUSIVE, Reason.NOT_COUNTABLE)
        assert foresight(review(signals=[declared]).spec, frozen).measured


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=50))
def test_no_part_is_worse_than_the_range_tells_quickly(values: list[float]) -> None:
    each = measure([Case(signal(), side(around(100, WEEK, 1)), side(values))], Grid(1 / 6))[0]
    assert _by_the_worst(each.scale.of_all(each.case.now)) <= _by_the_worst_at_most(each) + 1e-12
