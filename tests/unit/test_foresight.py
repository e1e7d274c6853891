"""At T0 it is said which signals are too noisy for their margin, and that agrees with what the last look then says."""

import pytest

from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Side
from driftreview.domain.foresight import Foresight, foresight, too_noisy
from driftreview.domain.measured import Case, Grid
from driftreview.domain.together import judge_together
from tests.builders import around, events, evidence, review, series, signal, snapshot

GRID = Grid(1 / 6)


def side(count: int, share: float, seed: int = 1, centre: float = 100.0) -> Side:
    return Side(tuple(around(centre, count, seed, share=share)))


def fresh(declared: Signal, baseline: Side) -> Case:
    return Case.of(declared, baseline, Side(()))


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_a_quiet_signal_is_nothing_to_speak_of(share: float) -> None:
    assert too_noisy([fresh(signal(), side(144, share))], GRID, 288) == [None]


def test_a_noisy_one_is_told_with_the_change_that_could_be_ruled_out() -> None:
    (found,) = too_noisy([fresh(signal(), side(144, 0.5))], GRID, 288)
    assert found is not None
    assert found.startswith("its noise lets a change of ")
    assert found.endswith("% be ruled out at the last look, no smaller one")


def test_with_an_absolute_margin_the_change_is_told_in_the_unit() -> None:
    declared = signal(margin={"absolute": "1"}, unit="ms")
    (found,) = too_noisy([fresh(declared, side(144, 0.5))], GRID, 288)
    assert found is not None
    assert " ms be ruled out" in found


def test_the_order_is_kept_and_of_nothing_nothing_is_said() -> None:
    found = too_noisy([fresh(signal(), side(144, 0.5)), fresh(signal(), side(144, 0.01, 2))], GRID, 288)
    assert [each is None for each in found] == [False, True]
    assert too_noisy([], GRID, 288) == []


def test_a_constant_baseline_can_tell_everything() -> None:
    assert too_noisy([fresh(signal(), Side((each,) * 144)) for each in (100.0, 0.0)], GRID, 288) == [None, None]


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_what_is_said_at_t0_is_what_comes_at_the_last_look(share: float) -> None:
    """Of 40 healthy releases those with a quiet signal are affirmed nearly always, those with a noisy one seldom."""
    affirmed = 0
    for run in range(40):
        before, after = side(144, share, 2 * run), side(288, share, 2 * run + 1)
        (told,) = too_noisy([fresh(signal(), before)], GRID, 288)
        (found,) = judge_together([Case.of(signal(), before, after)], GRID, 0.0125)
        assert (told is not None) is (share > 0.1)
        affirmed += found.verdict in {SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED}
    assert affirmed >= 36 if share < 0.1 else affirmed <= 24


class TestInTheEvidence:
    def told(self, *signals: Signal, **spec: object) -> list[str]:
        wild = around(100, 144, share=0.6)
        found = [evidence(each.name, series(wild)) for each in signals]
        return foresight(review(signals=list(signals), **spec).spec, snapshot(*found)).vague

    def test_an_enforced_level_with_a_margin_is_named(self) -> None:
        (said,) = self.told(signal("latency"))
        assert said.startswith("latency (its noise lets a change of ")

    @pytest.mark.parametrize(
        "fields", [{"mode": "Shadow"}, {"kind": "Info"}, {"margin": None, "limits": {"alert": "1"}}]
    )
    def test_what_is_not_affirmed_anyway_is_not(self, fields: dict[str, object]) -> None:
        assert self.told(signal("latency", **fields), signal("other", margin={"relative": "900%"})) == []

    def test_of_several_series_the_first_is_named_once(self) -> None:
        wild = series(around(100, 144, share=0.6))
        both = [wild.model_copy(update={"labels": {"symbol": each}}) for each in ("btc", "eth")]
        declared = signal("latency", each="symbol")
        (said,) = foresight(review(signals=[declared]).spec, snapshot(evidence("latency", *both))).vague
        assert said.startswith("latency (symbol btc: its noise")

    def test_a_baseline_that_events_cannot_be_held_against_is_named(self) -> None:
        short = snapshot(evidence("reconnects", series([0.0] * 5)))
        (said,) = foresight(review(signals=[events()]).spec, short).useless
        assert said == "reconnects (the baseline has 5 blocks of samples, 6 are needed)"
        assert foresight(review(signals=[events(limits={"alert": "5"})]).spec, short).useless == []

    def test_of_events_the_mean_is_told(self) -> None:
        rare = snapshot(evidence("reconnects", series([*([0.0] * 140), *([0.5] * 4)])))
        assert foresight(review(signals=[events()]).spec, rare).measured == ["reconnects 0.0139 in 5m"]

    def test_nothing_measured_is_nothing_said(self) -> None:
        declared = review(signals=[signal()]).spec
        for frozen in (snapshot(), snapshot().model_copy(update={"window": None})):
            assert foresight(declared, frozen) == Foresight()

    @pytest.mark.parametrize("blocks", [[4.9e-324] * 504 + [0.08] * 504, [0.08] * 504 + [4.9e-324] * 504])
    def test_what_is_off_by_more_than_a_float_holds_is_told_in_short(self, blocks: list[float]) -> None:
        spread = [value * (1 + number % 7 / 100) for number, value in enumerate(blocks)]
        (said,) = foresight(review(signals=[signal("latency")]).spec, snapshot(evidence("latency", series(spread)))).odd
        assert said.startswith("latency (")
        assert len(said) < 200
        assert "inf" not in said


def test_it_is_found_out_once_of_the_same_baseline_and_anew_of_any_other() -> None:
    spec, frozen = review().spec, snapshot(evidence("latency", series(around(100, 144))))
    first = foresight(spec, frozen)
    assert foresight(review().spec, frozen.model_copy()) is first
    altered = frozen.model_copy(update={"signals": [evidence("latency", series(around(200, 144)))]})
    assert altered.hash == frozen.hash
    assert foresight(spec, altered).measured != first.measured
    assert foresight(review(signals=[signal(unit="ms")]).spec, frozen).measured != first.measured
