"""Kind Growth: the slope against its limit, the level it must not reach, and the sentences."""

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import GOOD, Estimate, Finding, Measure
from driftreview.domain.measured import Case, Grid
from driftreview.domain.together import judge_together
from tests.builders import growth, judge_series, noise, side, signal

V = SignalVerdict
TEN_MINUTES = 1 / 6
NONE = "nothing was measured"


def grown(
    per_hour: float, declared: Signal, blocks: int = 36, spread: float = 4, start: float = 200, budget: float = 0.0125
) -> Finding:
    values = [start + per_hour * i * TEN_MINUTES + spread * each for i, each in enumerate(noise(blocks, 3))]
    return judge_series(declared, NONE, side(values), budget)


@pytest.mark.parametrize(
    ("per_hour", "verdict"), [(40, V.DEGRADED), (10, V.ACCEPTABLE), (0, V.STABLE), (-40, V.STABLE)]
)
def test_growth_is_held_against_the_limit_per_hour(per_hour: float, verdict: SignalVerdict) -> None:
    assert grown(per_hour, growth("20")).verdict is verdict


def test_over_the_limit_but_not_surely_is_suspect() -> None:
    found = grown(21, growth("20"))
    assert found.verdict is V.SUSPECT
    assert re.fullmatch(r"grows .*, limit 20 MB/h; by chance [1-9]\d?\.\d+%, allowed 1.25%", found.message)


def test_how_likely_chance_is_stands_before_what_it_leads_to() -> None:
    found = grown(40, growth("20", limits={"perHour": "20", "alert": "5000"}))
    assert found.verdict is V.DEGRADED
    assert ", limit 20 MB/h; by chance less than 0.01%, allowed 1.25%; at this rate 5000 MB is" in found.message


def test_suspect_at_two_looks_is_still_suspect() -> None:
    values = [200 + 20.3 * i * TEN_MINUTES + 4 * each for i, each in enumerate(noise(72, 3))]
    case = Case.of(growth("20"), NONE, side(values))
    assert judge_together([case], Grid(TEN_MINUTES, seen=36), 0.0125)[0].verdict is V.SUSPECT


def test_what_the_noise_hides_is_inconclusive() -> None:
    found = grown(5, growth("20"), blocks=12, spread=30)
    assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
    assert found.message.endswith(", limit 20 MB/h: the noise leaves it open")


def test_an_hour_is_never_sure() -> None:
    assert grown(4000, growth("20"), blocks=6).verdict is not V.DEGRADED


def test_few_blocks_are_said_to_be_few() -> None:
    found = grown(40, growth("20"), blocks=5)
    assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
    assert found.message == "5 blocks do not tell growth from noise yet, limit 20 MB/h"


def test_shrinking_is_the_growth_of_what_gets_worse_downwards() -> None:
    found = grown(-40, growth("20", worse="Lower"))
    assert found.verdict is V.DEGRADED
    assert found.current.startswith("-")
    assert "limit -20 MB/h" in found.message
    assert grown(40, growth("20", worse="Lower")).verdict is V.STABLE


def test_what_does_not_grow_at_all_is_within_a_limit_of_nothing() -> None:
    assert judge_series(growth("0"), NONE, side([200.0] * 36)).verdict is V.STABLE


@pytest.mark.parametrize("limit", ["6", "0.6", "6000000"])
def test_growth_on_the_limit_is_not_beyond_it(limit: str) -> None:
    straight = [float(limit) * i / 6 for i in range(36)]
    assert judge_series(growth(limit), NONE, side(straight)).verdict is V.ACCEPTABLE


@pytest.mark.parametrize("values", [[None] * 36, [-1.7e308] * 18 + [1.7e308] * 18])
def test_nothing_and_the_incomputable_are_inconclusive(values: list[float | None]) -> None:
    assert judge_series(growth("20"), NONE, side(values)).verdict is V.INCONCLUSIVE


def test_a_sawtooth_of_a_garbage_collector_is_no_growth() -> None:
    values = [200 + (i * 7) % 45 + each for i, each in enumerate(noise(144, 1))]
    assert judge_series(growth("20"), NONE, side(values)).verdict is V.STABLE


def test_a_baseline_that_remembers_long_makes_a_short_window_less_sure() -> None:
    values = side([200 + 40 * i * TEN_MINUTES + 8 * each for i, each in enumerate(noise(30, 3))])
    slow, calm = (side([200 + 8 * each for each in noise(144, 4, phi)]) for phi in (0.9, 0.0))
    assert judge_series(growth("20"), calm, values, 0.0125).verdict is V.DEGRADED
    assert judge_series(growth("20"), slow, values, 0.0125).verdict is not V.DEGRADED


def test_the_numbers_are_those_of_the_sentence() -> None:
    straight = [100 + i for i in range(36)]
    found = judge_series(growth("20"), NONE, side(straight))
    assert found.message == "grows 6 MB/h (between 6 MB/h and 6 MB/h), limit 20 MB/h"
    assert found.estimate == Estimate(Measure.PER_HOUR, 6, 6, 6, 20, 6)


class TestTheLevelItMustNotReach:
    declared = growth(limits={"perHour": "20", "alert": "500"})

    def test_it_is_foretold_when_it_will_be(self) -> None:
        # 500 are 300 more than 200, at 10 an hour 30 hours.
        assert grown(10, self.declared, spread=0.01).message.endswith("; at this rate 500 MB is reached at T0+30h")
        assert "T0+13d" in grown(1, self.declared, spread=0.01).message

    def test_it_counts_from_t0_where_the_window_begins_later(self) -> None:
        case = Case.of(self.declared, NONE, side([200 + 10 * i * TEN_MINUTES for i in range(36)]))
        (found,) = judge_together([case], Grid(TEN_MINUTES, since=6), 0.05)
        assert "T0+36h" in found.message

    @pytest.mark.parametrize("per_hour", [0.0, -10.0, 0.01])
    def test_what_does_not_grow_or_takes_years_is_not_foretold(self, per_hour: float) -> None:
        assert "T0+" not in grown(per_hour, self.declared, spread=0.0001).message

    def test_what_may_be_noise_is_not_foretold(self) -> None:
        assert "T0+" not in grown(2, self.declared, blocks=12, spread=30).message

    def test_what_is_there_is_degraded_however_slowly_it_came(self) -> None:
        found = grown(1, self.declared, start=501, spread=0.01)
        assert found.verdict is V.DEGRADED
        assert found.message.endswith("; it is beyond 500 MB already: 504 MB for 6h since T0+0s, still")
        assert grown(0, self.declared, start=501, spread=0.01, blocks=6).verdict is V.DEGRADED

    def test_being_there_for_less_than_six_blocks_is_not_enough(self) -> None:
        values = [*([200.0] * 31), *([600.0] * 5)]
        assert judge_series(self.declared, NONE, side(values)).verdict is not V.DEGRADED

    def beyond(self, blocks: int, before: int = 0, after: int = 20) -> Finding:
        """Of a window, and of its baseline: some blocks far beyond, between as many calm ones."""
        usual, now = (
            side([200.0] * 100 + [high] * many + [200 + each for each in noise(after, 2)])
            for many, high in ((before, 590.0), (blocks, 600.0))
        )
        return judge_series(self.declared, usual, now)

    def test_having_been_there_for_as_long_is_suspect(self) -> None:
        found = self.beyond(6)
        assert found.verdict is V.SUSPECT
        told = "it was beyond 500 MB: 600 MB for 1h from T0+16h40m to T0+17h40m, over since"
        assert found.message.endswith(f"; but {told}")
        found = self.beyond(5)
        assert found.verdict in GOOD
        assert "; it was beyond 500 MB: 600 MB for 50m from T0+16h40m to T0+17h30m, over since" in found.message

    def test_unless_the_baseline_was(self) -> None:
        assert self.beyond(6, before=6).verdict in GOOD
        assert self.beyond(6, before=2).verdict is V.SUSPECT

    @given(st.integers(0, 8), st.integers(0, 8))
    def test_the_sentence_tells_it_once_whenever_it_was(self, blocks: int, after: int) -> None:
        assert self.beyond(blocks, after=after).message.count("600 MB for ") == int(blocks > 0)

    def test_a_rate_of_late_is_told_beside_it(self) -> None:
        values = [200 + each + max(0, at - 240) * 10.0 for at, each in enumerate(noise(288, 4))]
        found = judge_series(self.declared, side([200 + each for each in noise(1008, 5)]), side(values))
        assert found.verdict is V.DEGRADED
        assert re.search(
            r"; it is beyond 500 MB already: \d+ MB for 3h since T0\+45h, still; but 60.* MB/h in", found.message
        )

    def test_downwards_it_is_the_same(self) -> None:
        declared = growth(limits={"perHour": "20", "alert": "100"}, worse="Lower")
        assert "at this rate 100 MB is reached at T0+10h" in grown(-10, declared, spread=0.01).message
        assert grown(0, declared, start=99, spread=0.01).verdict is V.DEGRADED


class TestOneBudget:
    """Holm over the claims of all kinds."""

    def degraded_from(self, *cases: Case) -> float:
        """The budget from which on the first case is Degraded, by bisection."""
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            is_degraded = judge_together(cases, Grid(TEN_MINUTES), middle)[0].verdict is V.DEGRADED
            low, high = (low, middle) if is_degraded else (middle, high)
        return high

    def leaking(self, per_hour: float = 23, **fields: str) -> Case:
        values = [200 + per_hour * i * TEN_MINUTES + 4 * each for i, each in enumerate(noise(36, 3))]
        return Case.of(growth("20", **fields), NONE, side(values))

    def level(self, **fields: str) -> Case:
        before, now = (side([100 + each for each in noise(count, seed)]) for count, seed in ((144, 1), (36, 2)))
        return Case.of(signal("far", margin={"relative": "5000%"}, **fields), before, now)

    def test_growth_shares_it_with_levels_of_its_mode_only(self) -> None:
        alone = self.degraded_from(self.leaking())
        assert self.degraded_from(self.leaking(), self.level(), self.level()) == pytest.approx(3 * alone, rel=1e-6)
        assert self.degraded_from(self.leaking(), self.level(mode="Shadow")) == pytest.approx(alone, rel=1e-6)

    def test_levels_share_it_with_growth(self) -> None:
        before, now = (side([level + each for each in noise(count, 9)]) for level, count in ((100, 144), (101, 36)))
        border = Case.of(signal(margin={"relative": "0%"}), before, now)
        flat = self.leaking(per_hour=0)
        assert self.degraded_from(border, flat, flat) == pytest.approx(3 * self.degraded_from(border), rel=1e-6)


class TestRestarts:
    @staticmethod
    def restarted(per_hour: float, every: int, blocks: int) -> list[float | None]:
        """Grows, and falls back every so many blocks."""
        return [1000 + per_hour * (i % every) * TEN_MINUTES + 4 * each for i, each in enumerate(noise(blocks, 3))]

    @pytest.mark.parametrize(
        ("every", "said"),
        [(72, "between 3 sudden falls, as of restarts"), (144, "before and after a sudden fall, as of")],
    )
    def test_a_leak_that_is_restarted_is_suspect(self, every: int, said: str) -> None:
        found = judge_series(
            growth("20"), side(self.restarted(0, 72, 144)), side(self.restarted(40, every, 288)), 0.0125
        )
        assert found.verdict is V.SUSPECT
        assert said in found.message
        assert "but 4" in found.message or "but 39" in found.message

    def test_what_shrinks_and_jumps_back_is_the_same_downwards(self) -> None:
        now = [3000 - (value or 0.0) for value in self.restarted(40, 72, 288)]
        found = judge_series(growth("20", worse="Lower"), NONE, side(now), 0.0125)
        assert found.verdict is V.SUSPECT

    def test_not_if_the_baseline_did_so_too(self) -> None:
        both = side(self.restarted(40, 72, 288))
        assert judge_series(growth("20"), both, both, 0.0125).verdict is V.STABLE

    def test_nor_below_the_limit_or_between_falls_that_are_often(self) -> None:
        for per_hour, every in ((10, 72), (100, 12)):
            now = side(self.restarted(per_hour, every, 288))
            assert judge_series(growth("20"), NONE, now, 0.0125).verdict is V.STABLE

    @pytest.mark.parametrize("every", [6, 9, 12])
    def test_often_as_never_before_is_no_longer_good(self, every: int) -> None:
        before, now = side(self.restarted(0, 72, 1008)), side(self.restarted(200, every, 288))
        found = judge_series(growth("20"), before, now, 0.0125)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert "times, as its baseline never did, perhaps as of restarts" in found.message

    def test_two_pods_whose_restarts_alternate(self) -> None:
        one, other = self.restarted(200, 24, 300), self.restarted(200, 24, 300)
        mean = [((a or 0.0) + (b or 0.0)) / 2 for a, b in zip(one[:288], other[10:298], strict=True)]
        found = judge_series(growth("20"), side(self.restarted(0, 72, 1008)), side(mean), 0.0125)
        assert found.verdict in {V.INCONCLUSIVE, V.SUSPECT}

    def test_a_garbage_collector_that_the_baseline_has_too_is_stable(self) -> None:
        before, now = side(self.restarted(200, 12, 1008)), side(self.restarted(200, 12, 288))
        assert judge_series(growth("20"), before, now, 0.0125).verdict is V.STABLE

    def test_what_chance_leaves_open_between_falls_is_said(self) -> None:
        noisy = [1000 + 40 * each for each in noise(1008, 5, 0.7)]
        now = [1000 + 25 * (i % 96) * TEN_MINUTES + 40 * each for i, each in enumerate(noise(288, 6, 0.7))]
        found = judge_series(growth("20"), side(noisy), side(now), 1e-9)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert found.message.endswith("sudden falls, perhaps as of restarts: chance leaves it open")


class TestFillingUp:
    """What is not yet where its baseline was may only be filling up again."""

    @staticmethod
    def judged(
        start: float, per_hour: float, before: list[float | None] | None = None, blocks: int = 36, **fields: Any
    ) -> Finding:
        old = [1000 + 10 * each for each in noise(144, 1, 0.3)] if before is None else before
        now = [start + per_hour * i * TEN_MINUTES + 2 * each for i, each in enumerate(noise(blocks, 3))]
        return judge_series(growth("20", **fields), side(old) if old else NONE, side(now))

    def test_it_is_suspect_below_and_degraded_beyond(self) -> None:
        said = [self.judged(start, 60).verdict for start in (400, 600, 700, 900, 2000)]
        assert said == [V.SUSPECT, V.SUSPECT, V.DEGRADED, V.DEGRADED, V.DEGRADED]

    def test_a_leak_is_found_as_soon_as_it_is_beyond(self) -> None:
        said = [self.judged(400, 40, blocks=6 * hours).verdict for hours in (6, 12, 18, 24)]
        assert said == [V.SUSPECT, V.SUSPECT, V.DEGRADED, V.DEGRADED]

    def test_the_sentence_says_when_it_will_be(self) -> None:
        said = self.judged(400, 60, [1000.0] * 144).message
        assert said.endswith(
            "but 753 MB is less than the 1000 MB that its baseline was at; at this rate it is there at T0+10h"
        )

    def test_a_peak_is_nothing_that_the_baseline_was_at(self) -> None:
        peaks: list[float | None] = [500.0] * 144
        peaks[70:72] = [5000.0] * 2
        assert self.judged(400, 60, peaks, 150).verdict is V.DEGRADED
        peaks[70:76] = [5000.0] * 6
        assert self.judged(400, 60, peaks, 150).verdict is V.SUSPECT

    @pytest.mark.parametrize("before", [[], [1000.0] * 5, [1000.0, None] * 72])
    def test_without_an_hour_of_baseline_nothing_is_known(self, before: list[float | None]) -> None:
        assert self.judged(400, 60, before).verdict is V.DEGRADED

    def test_the_level_that_it_must_not_reach_is_none_to_fill_up_to(self) -> None:
        limits = {"perHour": "20", "alert": "700"}
        assert self.judged(400, 60, limits=limits).verdict is V.SUSPECT
        assert self.judged(800, 60, limits=limits).verdict is V.DEGRADED

    def test_lower_is_mirrored(self) -> None:
        for start, verdict in ((2000, V.SUSPECT), (1100, V.DEGRADED)):
            assert self.judged(start, -60, worse="Lower").verdict is verdict


class TestTheEnd:
    """A window of two days forgives what grows in its last hours."""

    @staticmethod
    def ending(
        per_hour: float, hours: float, seed: int = 2, spread: float = 20, blocks: int = 288
    ) -> list[float | None]:
        begins = blocks - 6 * hours
        return [
            1000 + per_hour * max(i - begins, 0) * TEN_MINUTES + spread * each
            for i, each in enumerate(noise(blocks, seed, 0.5))
        ]

    def judged(self, now: list[float | None], before: list[float | None] | None = None) -> Finding:
        case = Case.of(growth("20"), side(before or self.ending(0, 0, 1, blocks=1008)), side(now))
        return judge_together([case], Grid(TEN_MINUTES, 6, seen=144), 0.0125)[0]

    @pytest.mark.parametrize(("per_hour", "hours"), [(40, 8), (60, 6), (100, 4), (2000, 3), (2000, 1.5)])
    def test_what_leaks_of_late_is_suspect(self, per_hour: float, hours: float) -> None:
        for seed in range(2, 7):
            found = self.judged(self.ending(per_hour, hours, seed))
            assert found.verdict is V.SUSPECT
            assert found.reason is None

    def test_the_sentence_says_how_fast_and_since_when(self) -> None:
        found = self.judged(self.ending(100, 6, spread=0.01))
        assert found.message.endswith("limit 20 MB/h; but 100 MB/h in the last 6h")

    def test_a_jump_that_the_limit_does_not_explain(self) -> None:
        # 48 hours at 20 MB/h are 960 MB.
        more, less = ([1000 + at % 2 * 1e-3 + jump * (at >= 282) for at in range(288)] for jump in (1200, 700))
        assert "its last hour is 1200 MB beyond all but its last quarter" in self.judged([*more]).message
        assert self.judged([*less]).verdict is V.STABLE

    def test_what_shrinks_is_mirrored(self) -> None:
        before, now = ([3000 - (value or 0.0) for value in row] for row in (self.ending(0, 0, 1), self.ending(100, 4)))
        case = Case.of(growth("20", worse="Lower"), side(before), side(now))
        found = judge_together([case], Grid(TEN_MINUTES, 6, seen=144), 0.0125)[0]
        assert found.verdict is V.SUSPECT
        assert "; but -" in found.message

    def test_what_has_healed_is_good_again(self) -> None:
        now = self.ending(0, 0)
        now[100:124] = [(value or 0.0) + 20 * nth for nth, value in enumerate(now[100:124])]
        assert self.judged(now).verdict in {V.STABLE, V.ACCEPTABLE}

    def test_a_wave_of_every_day_is_nothing_new(self) -> None:
        def wave(blocks: int, phase: int, seed: int) -> list[float | None]:
            turns = (2 * math.pi * (i + phase) / 144 for i in range(blocks))
            return [1000 + 80 * math.sin(at) + 10 * each for at, each in zip(turns, noise(blocks, seed), strict=True)]

        for phase in range(0, 144, 12):
            case = Case.of(growth("20"), side(wave(1008, phase, 1)), side(wave(288, phase, 2)))
            assert judge_together([case], Grid(TEN_MINUTES, seen=144), 0.0125)[0].verdict is V.STABLE

    def test_nor_without_a_baseline_that_the_day_before_shows(self) -> None:
        now = [1000 + 80 * math.sin(2 * math.pi * i / 144 - 1) + each for i, each in enumerate(noise(288, 3))]
        case = Case.of(growth("20"), NONE, side(now))
        assert judge_together([case], Grid(TEN_MINUTES, seen=144), 0.0125)[0].verdict is V.STABLE

    def test_a_healthy_release_is_seldom_doubted(self) -> None:
        held = sum("; but" in self.judged(self.ending(0, 0, seed)).message for seed in range(2, 62))
        assert held <= 1
