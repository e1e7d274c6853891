"""A covariate: what load explains is not put down to the release, and only what the baseline has seen is explained."""

import math

import numpy as np
import pytest

from driftreview.api.driftsnapshot import SignalEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.covariate import Covariate
from driftreview.domain.effect import estimate
from driftreview.domain.finding import Finding
from driftreview.domain.foresight import foresight
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.regression import Panel
from tests.builders import evidence, noise, review, series, side, signal, snapshot, spec

V = SignalVerdict
BEFORE, AFTER = 144, 36
FOLLOWER = signal("latency", covariate="requests")
REQUESTS = signal("requests", kind="Info", unit="")


def load(count: int, seed: int, level: float = 100.0) -> list[float]:
    """Requests per second that wander up and down by a third, for no reason of the day."""
    return [level * math.exp(0.3 * each) for each in noise(count, seed, 0.97)]


def latency(requests: list[float], seed: int, times: float = 1.0) -> list[float]:
    """What follows the square root of the load, with 1% of noise of its own."""
    own = noise(len(requests), seed)
    return [times * math.sqrt(each) * math.exp(0.01 * wobble) for each, wobble in zip(requests, own, strict=True)]


def look(
    before: list[SignalEvidence], after: list[SignalEvidence], declared: Signal = FOLLOWER, other: Signal = REQUESTS
) -> Finding:
    frozen = snapshot(*before), snapshot(*after, checkpoint="6h", hours=6)
    return judge_checkpoint(spec([declared, other]), *frozen).results[0].finding


def judged(busier: float, times: float = 1.0, seed: int = 1, *, with_covariate: bool = True) -> Finding:
    """A window with so many times the load, in which the service is so many times as slow."""
    old = load(BEFORE, seed)
    new = [busier * each for each in load(AFTER, seed + 1, float(np.median(old)))]
    return look(
        [evidence("latency", series(latency(old, 3))), evidence("requests", series(old))],
        [evidence("latency", series(latency(new, 4, times))), evidence("requests", series(new))],
        FOLLOWER if with_covariate else signal("latency"),
    )


class TestWhatLoadExplains:
    def test_more_load_is_no_drift_where_its_effect_is_known(self) -> None:
        assert judged(1.2).verdict in {V.STABLE, V.ACCEPTABLE}
        assert judged(1.2, with_covariate=False).verdict not in {V.STABLE, V.ACCEPTABLE}

    def test_what_it_does_not_explain_is_found_although_the_load_hides_it(self) -> None:
        assert judged(0.8, times=1.1).verdict is V.DEGRADED
        assert judged(0.8, times=1.1, with_covariate=False).verdict is not V.DEGRADED

    def test_the_sentence_tells_what_is_expected_at_this_load(self) -> None:
        found = judged(1.0, times=1.1)
        assert " given requests, +" in found.message
        assert found.estimate is not None
        assert found.estimate.estimate == pytest.approx(0.1, abs=0.01)

    @pytest.mark.parametrize("busier", [4.0, 0.2])
    @pytest.mark.parametrize("times", [0.5, 1.0, 2.0])
    def test_beyond_what_the_baseline_saw_nothing_is_known(self, busier: float, times: float) -> None:
        found = judged(busier, times)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.BEYOND_BASELINE)
        assert found.message.startswith("requests is ")
        assert "in the baseline: nothing is known of that" in found.message

    def test_the_alert_limit_holds_all_the_same(self) -> None:
        old, new = load(BEFORE, 1), [4 * each for each in load(AFTER, 2)]
        declared = signal("latency", covariate="requests", margin={"relative": "5%"}, limits={"alert": "15"})
        found = look(
            [evidence("latency", series(latency(old, 3))), evidence("requests", series(old))],
            [evidence("latency", series(latency(new, 4))), evidence("requests", series(new))],
            declared,
        )
        assert found.verdict is V.DEGRADED
        assert "beyond the alert limit" in found.message

    def test_a_load_that_never_changes_explains_nothing_and_harms_nothing(self) -> None:
        old, new = [100.0] * BEFORE, [100.0] * AFTER
        found, without = (
            look(
                [evidence("latency", series(latency(old, 3))), evidence("requests", series(old))],
                [evidence("latency", series(latency(new, 4, 1.1))), evidence("requests", series(new))],
                declared,
            )
            for declared in (FOLLOWER, signal("latency"))
        )
        assert found.verdict is without.verdict is V.DEGRADED
        assert found.estimate == without.estimate


class TestByHand:
    def test_the_step_is_that_of_least_squares_with_the_covariate(self) -> None:
        values, follows = np.array(noise(140 + AFTER, 1)), np.array(noise(140 + AFTER, 2))
        values += 0.7 * follows
        values[140:] += 2
        at = np.arange(140 + AFTER) >= 140
        since = at * (follows - follows[140:].mean())  # how it is followed is learnt of the baseline alone
        design = np.stack([np.ones(140 + AFTER), follows, since, at], axis=1)
        expected = np.linalg.lstsq(design, values)[0][-1]
        found = estimate(Panel(values[None], 140, 0, 1 / 6, follows[None]))
        assert found.step[0] == pytest.approx(expected)

    def test_neighbours_without_one_are_not_touched(self) -> None:
        values, follows = np.array([noise(140 + AFTER, seed) for seed in (1, 2)]), np.zeros((2, 140 + AFTER))
        follows[0] = noise(140 + AFTER, 3)
        found, without = (estimate(Panel(values, 140, 0, 1 / 6, each)) for each in (follows, None))
        assert found.step[1] == pytest.approx(without.step[1])
        assert found.step[0] != pytest.approx(without.step[0])


class TestGaps:
    OLD, NEW = load(BEFORE, 1), load(AFTER, 2)

    def found(self, before: SignalEvidence | None, after: SignalEvidence | None) -> Finding:
        return look(
            [evidence("latency", series(latency(self.OLD, 3))), *([before] if before else [])],
            [evidence("latency", series(latency(self.NEW, 4))), *([after] if after else [])],
        )

    def test_without_it_now_the_follower_is_missing(self) -> None:
        old = evidence("requests", series(self.OLD))
        found = self.found(old, evidence("requests", problem=Reason.TIMEOUT))
        assert (found.verdict, found.reason) == (V.MISSING, Reason.TIMEOUT)
        assert found.message == "its covariate requests: because of Timeout"
        assert self.found(old, None).verdict is V.MISSING
        assert self.found(old, evidence("requests")).verdict is V.MISSING
        thin = self.found(old, evidence("requests", series([None] * 20 + self.NEW[20:])))
        assert (thin.verdict, thin.reason) == (V.MISSING, Reason.LOW_COVERAGE)

    def test_without_it_at_t0_nothing_can_be_said(self) -> None:
        new = evidence("requests", series(self.NEW))
        for old in (
            None,
            evidence("requests", problem=Reason.TIMEOUT),
            evidence("requests", series(self.OLD, samples=9)),
        ):
            found = self.found(old, new)
            assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.BASELINE_MISSING)
            assert "its covariate requests" in found.message

    def test_where_it_has_a_hole_its_follower_has_one_too(self) -> None:
        values, holes = latency(self.OLD, 3), [*self.OLD]
        wild, holed = [*values], [*map(float, holes)]
        wild[10] = 1e6
        broken: list[float | None] = [*holed]
        broken[10] = None
        old = look(
            [evidence("latency", series(wild)), evidence("requests", series(broken))],
            [evidence("latency", series(latency(self.NEW, 4))), evidence("requests", series(self.NEW))],
        )
        blank: list[float | None] = [*values]
        blank[10] = None
        new = look(
            [evidence("latency", series(blank)), evidence("requests", series(broken))],
            [evidence("latency", series(latency(self.NEW, 4))), evidence("requests", series(self.NEW))],
        )
        assert (old.verdict, old.estimate) == (new.verdict, new.estimate)

    def test_too_few_blocks_of_it_are_told(self) -> None:
        short = Covariate(REQUESTS, side([1.0] * 3 + [None] * 9), side([1.0] * 9)).unfit()
        assert short is not None
        assert short.message == "requests in the baseline has 3 blocks of samples, 6 are needed"
        short = Covariate(REQUESTS, side([1.0] * 9), side([1.0] * 3)).unfit()
        assert short is not None
        assert short.message == "requests in this window has 3 blocks of samples, 6 are needed"


class TestWhatTheReleaseDoes:
    """A covariate must not explain away what the release does, nor hide it by being away."""

    OLD = load(BEFORE, 1)

    @staticmethod
    def found(
        before: tuple[list[float | None], list[float | None]],
        after: tuple[list[float | None], list[float | None]],
        coverage: str = "90%",
    ) -> Finding:
        follower = signal("latency", covariate="requests", min_coverage=coverage)
        followed = signal("requests", kind="Info", unit="", min_coverage=coverage)
        sides = [
            [evidence(name, series(row)) for name, row in zip(("latency", "requests"), rows, strict=True)]
            for rows in (before, after)
        ]
        return look(sides[0], sides[1], follower, followed)

    def test_what_both_do_only_since_t0_explains_nothing(self) -> None:
        calm: list[float] = [100 * math.exp(0.02 * each) for each in noise(BEFORE, 5)]
        busy = [300.0 if index % 2 else 100.0 for index in range(AFTER)]
        slow = [value * (2 if each > 200 else 1) for value, each in zip(around(AFTER, 6), busy, strict=True)]
        said = self.found(([*around(BEFORE, 7)], [*calm]), ([*slow], [*busy]))
        assert said.verdict in {V.INCONCLUSIVE, V.SUSPECT, V.DEGRADED}

    def test_no_block_in_common_is_missing(self) -> None:
        new = load(AFTER, 2)
        own, other = (
            [value if index % 2 == odd else None for index, value in enumerate(row)]
            for row, odd in ((latency(new, 4, 9.0), 0), (new, 1))
        )
        said = self.found(([*latency(self.OLD, 3)], [*self.OLD]), (own, other), "40%")
        assert (said.verdict, said.reason) == (V.MISSING, Reason.LOW_COVERAGE)
        assert said.message == "0 of 36 blocks have its covariate requests as well, and 0 of the last 6"

    def test_none_in_common_in_the_baseline_is_no_baseline(self) -> None:
        old = latency(self.OLD, 3)
        own, other = (
            [value if index % 2 == odd else None for index, value in enumerate(row)]
            for row, odd in ((old, 0), (self.OLD, 1))
        )
        new = load(AFTER, 2)
        said = self.found((own, other), ([*latency(new, 4)], [*new]), "40%")
        assert (said.verdict, said.reason) == (V.INCONCLUSIVE, Reason.BASELINE_MISSING)

    def test_one_that_stops_hides_nothing(self) -> None:
        new = load(288, 2)
        row: list[float | None] = [*new]
        row[-10:] = [None] * 10
        said = self.found(([*latency(self.OLD, 3)], [*self.OLD]), ([*latency(new, 4)], row))
        assert said.verdict is V.MISSING
        assert said.message == "278 of 288 blocks have its covariate requests as well, and 0 of the last 6"


def around(count: int, seed: int) -> list[float]:
    return [10 * math.exp(0.01 * each) for each in noise(count, seed)]


class TestEach:
    def both(self, times: float) -> list[Finding]:
        """Two symbols with loads of their own; one of both is slower."""
        declared = signal("latency", covariate="requests", each="symbol")
        other = signal("requests", kind="Info", each="symbol", unit="")
        loads = {"btc": (load(BEFORE, 1), load(AFTER, 2)), "eth": (load(BEFORE, 5, 10), load(AFTER, 6, 10))}
        sides = []
        for nth in (0, 1):
            latencies = [latency(each[nth], 7, times if nth and name == "eth" else 1) for name, each in loads.items()]
            labels = [{"labels": {"symbol": name}} for name in loads]
            sides.append(
                [
                    evidence("latency", *(series(row, **label) for row, label in zip(latencies, labels, strict=True))),
                    evidence("requests", *(series(loads[name][nth], labels={"symbol": name}) for name in loads)),
                ]
            )
        frozen = snapshot(*sides[0]), snapshot(*sides[1], checkpoint="6h", hours=6)
        found = judge_checkpoint(spec([declared, other]), *frozen).results[0]
        return [each.finding for each in found.series]

    def test_each_series_follows_its_own(self) -> None:
        assert [each.verdict for each in self.both(1.2)] == [V.STABLE, V.DEGRADED]

    def test_one_series_may_be_followed_by_all(self) -> None:
        old, new = load(BEFORE, 1), load(AFTER, 2)
        declared = signal("latency", covariate="requests", each="symbol")
        found = look(
            [evidence("latency", series(latency(old, 3), labels={"symbol": "btc"})), evidence("requests", series(old))],
            [evidence("latency", series(latency(new, 4), labels={"symbol": "btc"})), evidence("requests", series(new))],
            declared,
        )
        assert found.verdict in {V.STABLE, V.ACCEPTABLE}
        assert found.message.startswith("symbol btc: ")


class TestAtT0:
    def test_a_covariate_that_was_not_measured_is_told(self) -> None:
        frozen = snapshot(evidence("latency", series(latency(load(BEFORE, 1), 3))))
        told = foresight(review(signals=[FOLLOWER, REQUESTS]).spec, frozen)
        assert told.useless == ["latency (at T0: its covariate requests: there is no evidence of it)"]

    def test_what_load_explains_is_no_noise(self) -> None:
        old = [each * 3 for each in load(BEFORE, 1)]
        frozen = snapshot(evidence("latency", series(latency(old, 3))), evidence("requests", series(old)))
        with_it = foresight(review(signals=[FOLLOWER, REQUESTS]).spec, frozen)
        without = foresight(review(signals=[signal("latency"), REQUESTS]).spec, frozen)
        assert with_it.vague == []
        assert without.vague[0].startswith("latency (its noise lets a change of ")
