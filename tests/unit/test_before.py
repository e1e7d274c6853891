"""What the baseline did as well is not of the release: going back would mend nothing."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.driftreview import BaselineFrom
from driftreview.api.driftsnapshot import EvidenceWindow, ScrapingEvidence, SeriesEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import OnMissing, Signal
from driftreview.api.verdicts import SignalVerdict as V
from driftreview.api.verdicts import Verdict
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.finding import Finding
from driftreview.domain.foresight import foresight
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import CheckpointResult
from driftreview.domain.samples import Window
from tests.builders import (
    BLOCK,
    HOUR,
    T0,
    answer,
    around,
    events,
    evidence,
    growth,
    limit,
    series,
    signal,
    snapshot,
    spec,
)

WEEK, LOOK = 1008, 144


def judged(
    declared: Signal, before: SeriesEvidence, now: SeriesEvidence | None, source: str = "History", silent: int = 0
) -> CheckpointResult:
    blocks = len(before.values.split())
    window = EvidenceWindow(start=T0 - blocks * BLOCK, end=T0, step="60s", block="600s")
    whole = ScrapingEvidence(silent=silent, stretches=int(silent > 0), throughout="24h")
    after = evidence(declared.name, *([now] if now else []), problem=None if now else Reason.EMPTY)
    return judge_checkpoint(
        spec([declared], ["24h"]).model_copy(update={"baseline": _baseline(source)}),
        snapshot(evidence(declared.name, before), window=window, scraping=whole),
        snapshot(after, checkpoint="24h", hours=24, scraping=ScrapingEvidence(throughout="24h")),
    )


def _baseline(source: str) -> Any:
    return spec([signal()]).baseline.model_copy(update={"from_": BaselineFrom(source)})


def test_a_baseline_that_says_it_has_samples_and_has_no_block_shows_no_silence() -> None:
    forged = series([], samples=60, expected=0)
    assert judged(signal(), forged, None).verdict is Verdict.INCONCLUSIVE


def found(*args: Any, **fields: Any) -> Finding:
    return judged(*args, **fields).results[0].finding


def named(declared: Signal, before: SeriesEvidence) -> list[str]:
    blocks = len(before.values.split())
    window = EvidenceWindow(start=T0 - blocks * BLOCK, end=T0, step="60s", block="600s")
    return foresight(spec([declared]), snapshot(evidence(declared.name, before), window=window)).broken


class TestSilentBefore:
    declared = signal(on_missing=OnMissing.FAIL)

    @pytest.mark.parametrize("hours", [1, 24, 84, 160])
    def test_what_was_silent_before_is_missing_and_said_since_when(self, hours: int) -> None:
        before = series([*around(100, WEEK - 6 * hours), *[None] * (6 * hours)])
        result = judged(self.declared, before, None)
        said = result.results[0].finding
        since = f"{T0 - hours * HOUR:%Y-%m-%dT%H:%M:%SZ}"
        assert (result.verdict, said.verdict, said.reason) == (Verdict.INCONCLUSIVE, V.MISSING, Reason.SILENT_BEFORE)
        assert said.message.endswith(f"silent before T0 already, since {since}: going back would mend nothing")
        assert named(self.declared, before) == [f"latency (silent since {since})"]

    def test_so_is_what_comes_back_late(self) -> None:
        before = series([*around(100, WEEK - 6), *[None] * 6])
        assert found(self.declared, before, series([*[None] * 60, *around(100, 84)])).reason is Reason.SILENT_BEFORE
        gone = series([*around(100, 84), *[None] * 60])
        assert judged(self.declared, before, gone).verdict is Verdict.DRIFT

    def test_a_gap_of_the_source_is_no_silence(self) -> None:
        before = series([*around(100, WEEK - 6), *[None] * 6])
        assert judged(self.declared, before, None, silent=60).verdict is Verdict.DRIFT
        assert judged(self.declared, before, None, silent=59).verdict is Verdict.INCONCLUSIVE

    def test_nor_is_that_of_the_release_itself(self) -> None:
        before = series([*around(100, WEEK - 6), *[None] * 6])
        assert judged(self.declared, before, None, "Snapshot").verdict is Verdict.DRIFT

    def test_of_several_series_each_counts_by_itself(self) -> None:
        declared = signal(each="pod", on_missing=OnMissing.FAIL)
        rows = {"a": around(100, WEEK), "b": [*around(100, WEEK - 6), *[None] * 6]}
        window = EvidenceWindow(start=T0 - WEEK * BLOCK, end=T0, step="60s", block="600s")
        before = snapshot(
            evidence("latency", *(series(row, labels={"pod": pod}) for pod, row in rows.items())), window=window
        )

        def without(*pods: str) -> CheckpointResult:
            left = [series(around(100, LOOK), labels={"pod": pod}) for pod in "ab" if pod not in pods]
            problem = None if left else Reason.EMPTY
            now = snapshot(evidence("latency", *left, problem=problem), checkpoint="24h", hours=24)
            return judge_checkpoint(spec([declared], ["24h"]), before, now)

        assert without("b").verdict is Verdict.INCONCLUSIVE
        assert "pod b: not one sample" in without("b").message
        assert without("a").verdict is Verdict.DRIFT
        assert without("a", "b").verdict is Verdict.DRIFT


def beyond(worst: float, minutes: int | None, blocks: int = LOOK) -> SeriesEvidence:
    lasted = None if minutes is None else f"{minutes}m"
    return series(around(50, blocks), worst=f"{worst}", longest_over=lasted)


class TestAsTheBaselineDid:
    queue = limit("300", name="queue", unit="", **{"for": "5m"})
    usual = beyond(500, 20, WEEK)

    @pytest.mark.parametrize(
        ("worst", "minutes", "verdict"),
        [
            (500, 20, V.SUSPECT),
            (590, 30, V.SUSPECT),
            (610, 20, V.DEGRADED),
            (500, 40, V.DEGRADED),
            (999, 4, V.ACCEPTABLE),
        ],
    )
    def test_a_limit_is_broken_as_before_in_time_and_in_size(self, worst: float, minutes: int, verdict: V) -> None:
        said = found(self.queue, self.usual, beyond(worst, minutes))
        assert said.verdict is verdict
        if verdict is V.SUSPECT:
            assert said.message.endswith("; as the baseline did: worst 500, beyond the limit for 20m")

    @pytest.mark.parametrize("before", [beyond(280, None, WEEK), beyond(500, 4, WEEK)])
    def test_a_baseline_that_kept_it_excuses_nothing(self, before: SeriesEvidence) -> None:
        assert found(self.queue, before, beyond(301, 5)).verdict is V.DEGRADED
        assert not named(self.queue, before)

    def test_nor_does_one_of_the_release_itself(self) -> None:
        assert found(self.queue, self.usual, beyond(500, 20), "Snapshot").verdict is V.DEGRADED

    def test_below_as_above(self) -> None:
        declared = limit("10", name="queue", unit="", worse="Lower")
        before = beyond(5, 0, WEEK)
        assert found(declared, before, beyond(3, 0)).verdict is V.SUSPECT
        assert found(declared, before, beyond(2, 0)).verdict is V.DEGRADED

    @pytest.mark.parametrize(("worst", "verdict"), [(12, V.SUSPECT), (18, V.SUSPECT), (19, V.DEGRADED)])
    def test_a_burst_as_every_night(self, worst: float, verdict: V) -> None:
        declared = events({"relative": "50%"}, limits={"alert": "10"})
        before = series([12 if at % 144 == 24 else 0.0 for at in range(WEEK)])
        now = series([12 if at == 24 else 0.0 for at in range(LOOK)], worst=f"{worst}")
        said = found(declared, before, now)
        assert said.verdict is verdict
        assert named(declared, before) == ["reconnects (12 in 5m)"]
        if verdict is V.SUSPECT:
            assert said.message.endswith("is beyond the limit 10; as the baseline did: 12 in 5m")

    def test_fewer_than_there_must_be_as_before(self) -> None:
        declared = events(limits={"alert": "10"}, worse="Lower")
        before = series([50.0] * WEEK, worst="6")
        assert found(declared, before, series([50.0] * LOOK, worst="4")).verdict is V.SUSPECT
        assert found(declared, before, series([50.0] * LOOK, worst="3")).verdict is V.DEGRADED

    @pytest.mark.parametrize(("slope", "verdict"), [(10, V.SUSPECT), (14, V.SUSPECT), (17, V.DEGRADED)])
    @pytest.mark.parametrize("restarts", [10 * WEEK, LOOK])
    def test_a_leak_as_all_week(self, slope: float, verdict: V, restarts: int) -> None:
        declared = growth("5")
        before = series([500 + 10 / 6 * (at % restarts) for at in range(WEEK)])
        reached = 500 + 10 / 6 * (WEEK % restarts)
        now = series([reached + slope / 6 * at for at in range(LOOK)])
        said = found(declared, before, now)
        assert said.verdict is verdict
        assert named(declared, before) == ["memory (grew 10 MB/h)"]
        if verdict is V.SUSPECT:
            assert said.message.endswith("; as the baseline did: it grew 10 MB/h")

    def test_a_level_that_was_beyond_its_limit(self) -> None:
        declared = signal(kind="Growth", unit="MB", limits={"per_hour": "50", "alert": "800"})
        before = series(around(900, WEEK))
        assert found(declared, before, series(around(920, LOOK))).verdict is V.SUSPECT
        assert found(declared, before, series(around(1000, LOOK))).verdict is V.DEGRADED
        assert found(declared, series(around(700, WEEK)), series(around(820, LOOK))).verdict is V.DEGRADED
        assert named(declared, before)[0].startswith("latency (at 9")

    def test_a_level_beyond_its_limit_is_named(self) -> None:
        assert named(signal(limits={"alert": "90"}), series([100.0] * WEEK)) == ["latency (100 s in its last 7d)"]
        assert not named(signal(limits={"alert": "110"}), series([100.0] * WEEK))
        assert not named(signal(kind="Info"), series([100.0] * (WEEK - 6) + [None] * 6))


class TestALimitBrokenSinceBeforeT0:
    """One stretch, however the windows cut it."""

    declared = limit("500", name="queue", unit="", **{"for": "5m"})

    def at(
        self, before: list[float], now: list[float], baseline: str = "History", declared: Signal | None = None
    ) -> Finding:
        """A day of minutes before T0, 10 minutes of rollout, and what is told since T0."""
        declared, looked = declared or self.declared, timedelta(minutes=len(now))
        old = Window(T0 - timedelta(minutes=10 + len(before)), T0 - timedelta(minutes=10), timedelta(minutes=1))
        new = Window(T0, T0 + looked, timedelta(minutes=1))
        frozen = [
            freeze(Measurement(declared, "up", answer(each, values)), each, BLOCK)
            for each, values in ((old, before), (new, now))
        ]
        shown = EvidenceWindow(start=old.start, end=old.end, step="60s", block="600s")
        name = f"{looked // HOUR}h"
        return (
            judge_checkpoint(
                spec([declared], [name]).model_copy(update={"baseline": _baseline(baseline)}),
                snapshot(frozen[0], window=shown),
                snapshot(frozen[1], checkpoint=name, hours=looked // HOUR),
            )
            .results[0]
            .finding
        )

    def row(self, *spans: tuple[int, int], minutes: int = 1440, high: float = 600.0) -> list[float]:
        return [high if any(a <= at < b for a, b in spans) else 100.0 for at in range(minutes)]

    @pytest.mark.parametrize("begun", [2, 10, 50, 600])
    @pytest.mark.parametrize("lasted", [60, 200, 360])
    def test_it_is_suspect_however_long_it_goes_on(self, begun: int, lasted: int) -> None:
        said = self.at(self.row((1440 - begun, 1440)), self.row((0, lasted), minutes=360))
        since = f"{T0 - timedelta(minutes=9 + begun):%Y-%m-%dT%H:%M:%SZ}"
        if lasted < 180:  # over for longer than the window had it
            assert said.verdict is V.ACCEPTABLE
            assert said.message.endswith(f"it was so before T0 already, since {since}")
            return
        assert said.verdict is V.SUSPECT
        assert "12:01:00Z or before" in said.message
        assert said.message.endswith(f"; it was so before T0 already, since {since}: going back would mend nothing")

    def test_where_an_earlier_one_was_longer_its_beginning_is_not_known(self) -> None:
        said = self.at(self.row((100, 130), (1430, 1440)), self.row((0, 60), minutes=60))
        assert said.message.endswith("; it was so before T0 already: going back would mend nothing")

    @pytest.mark.parametrize(
        ("before", "now"),
        [
            ([], [(0, 60)]),
            ([(1425, 1439)], [(0, 60)]),  # over before the release
            ([(1438, 1440)], [(1, 60)]),  # over when the window began
            ([(1420, 1440)], [(0, 10), (20, 60)]),  # a longer one since
            ([(1438, 1440)], [(0, 60), (70, 110)]),  # one of its own beside it
        ],
    )
    def test_another_one_is_of_the_release(self, before: list[tuple[int, int]], now: list[tuple[int, int]]) -> None:
        assert self.at(self.row(*before), self.row(*now, minutes=360)).verdict is V.DEGRADED

    def test_so_is_one_that_got_far_worse(self) -> None:
        before = self.row((1400, 1440))
        assert self.at(before, self.row((0, 60), minutes=60, high=649)).verdict is V.SUSPECT
        assert self.at(before, self.row((0, 60), minutes=60, high=651)).verdict is V.DEGRADED

    def test_and_what_a_baseline_of_the_release_itself_ended_in(self) -> None:
        before, now = self.row((1400, 1440)), self.row((0, 60), minutes=60)
        assert self.at(before, now, "Snapshot").verdict is V.DEGRADED

    def test_short_ones_beside_it_count_as_ever(self) -> None:
        now = self.row((0, 60), (70, 73), minutes=360)
        assert self.at(self.row((1400, 1440)), now).verdict is V.ACCEPTABLE
        strict = limit("500", name="queue", unit="")
        assert self.at(self.row((1438, 1440)), now, declared=strict).verdict is V.SUSPECT  # both did as much before
        assert self.at(self.row((1438, 1440)), self.row((0, 60), (70, 90)), declared=strict).verdict is V.DEGRADED

    @pytest.mark.parametrize(("minutes", "verdict"), [(1440, V.DEGRADED), (2880, V.SUSPECT)])
    def test_a_baseline_shorter_than_the_window_had_less_time_for_its_worst(self, minutes: int, verdict: V) -> None:
        now = self.row((800, 827), minutes=minutes, high=690)
        assert self.at(self.row((800, 812)), now).verdict is verdict

    @pytest.mark.parametrize("minutes", [1, 4, 5])
    @pytest.mark.parametrize("baseline", ["History", "Snapshot"])
    def test_one_that_is_not_over_when_the_window_ends_is_suspect(self, minutes: int, baseline: str) -> None:
        said = self.at(self.row(), self.row((360 - minutes, 360), minutes=360), baseline)
        assert said.verdict is V.SUSPECT
        assert said.message.endswith("still, limit 500 for 5m; it is not over, and Degraded once it lasts 5m")

    @pytest.mark.parametrize(
        ("before", "high", "verdict"),
        [
            ([(100, 103)], 600, V.ACCEPTABLE),  # as long before, give or take a step on either side
            ([(100, 103)], 649, V.ACCEPTABLE),
            ([(100, 103)], 651, V.SUSPECT),  # and as far
            ([(100, 101)], 600, V.SUSPECT),
        ],
    )
    def test_unless_the_baseline_did_as_much(self, before: list[tuple[int, int]], high: float, verdict: V) -> None:
        assert self.at(self.row(*before), self.row((355, 360), minutes=360, high=high)).verdict is verdict

    @given(st.integers(1, 5), st.integers(0, 4))
    def test_it_is_never_better_for_being_longer_or_not_over(self, minutes: int, more: int) -> None:
        order = [V.ACCEPTABLE, V.SUSPECT, V.DEGRADED]
        over, short, long = (
            order.index(self.at(self.row(), self.row((359 - lasted, end), minutes=360)).verdict)
            for lasted, end in ((minutes, 359), (minutes, 360), (minutes + more, 360))
        )
        assert over <= short <= long

    @pytest.mark.parametrize(
        ("every", "before", "verdict"),
        [
            (10, 0, V.SUSPECT),
            (10, 20, V.SUSPECT),  # half as often before
            (10, 14, V.ACCEPTABLE),
            (60, 0, V.ACCEPTABLE),  # no more than bursts
        ],
    )
    def test_many_short_ones_are_suspect_where_there_were_fewer(self, every: int, before: int, verdict: V) -> None:
        usual = [(at, at + 4) for at in range(0, 1440, before)] if before else []
        said = self.at(self.row(*usual), self.row(*((at, at + 4) for at in range(0, 360, every)), minutes=360))
        assert said.verdict is verdict
        assert ("that is 40% of all samples, in the baseline " in said.message) is (verdict is V.SUSPECT)
        assert self.at(self.row(), self.row((100, 104), minutes=360)).verdict is V.ACCEPTABLE

    @given(st.integers(1, 60), st.integers(6, 360), st.booleans())
    def test_what_is_older_is_never_worse_for_having_gone_on(self, begun: int, lasted: int, back: bool) -> None:  # noqa: FBT001 - drawn
        now = self.row((0, lasted), *([(350, 353)] if back and lasted < 340 else []), minutes=360)
        assert self.at(self.row((1440 - begun, 1440)), now).verdict in (V.SUSPECT, V.ACCEPTABLE)


LIMITS = {"alert": "200"}


class TestALevelThatWasBeyondItsAlertLimit:
    """Going back would not bring it under the limit again."""

    margins = pytest.mark.parametrize("margin", [{"relative": "10%"}, None])

    @margins
    @pytest.mark.parametrize("hours", [1, 3, 12, 24, 168])
    def test_it_is_suspect_at_most_while_it_is_no_worse_than_its_end(self, hours: int, margin: Any) -> None:
        declared = signal(margin=margin, limits=LIMITS)
        before = series([*around(80, WEEK - 6 * hours), *around(280, 6 * hours, 2)])
        said = found(declared, before, series(around(281, LOOK, 3)))
        assert said.verdict is V.SUSPECT
        assert " s is beyond the alert limit 200 s; as the baseline did: 2" in said.message
        assert " s in its last " in said.message
        assert "by chance" not in said.message
        assert " s in its last " in named(declared, before)[0]

    @margins
    @pytest.mark.parametrize("hours", [1, 24, 168])
    def test_what_is_surely_worse_is_degraded(self, hours: int, margin: Any) -> None:
        before = series([*around(80, WEEK - 6 * hours), *around(220, 6 * hours, 2)])
        said = found(signal(margin=margin, limits=LIMITS), before, series(around(280, LOOK, 3)))
        assert said.verdict is V.DEGRADED

    @margins
    @pytest.mark.parametrize(
        "before",
        [
            around(80, WEEK),
            [*around(80, WEEK - 1), 280.0],
            [*around(80, WEEK - 18), *around(280, 12), *around(80, 6)],  # over before the release
        ],
    )
    def test_a_baseline_that_ended_within_it_excuses_nothing(self, before: list[float], margin: Any) -> None:
        declared = signal(margin=margin, limits=LIMITS)
        assert found(declared, series(before), series(around(280, LOOK, 3))).verdict is V.DEGRADED
        assert not named(declared, series(before))

    def test_nor_does_one_of_the_release_itself(self) -> None:
        declared, before = signal(limits=LIMITS, margin=None), series(around(280, WEEK))
        assert found(declared, before, series(around(280, LOOK, 3)), "Snapshot").verdict is V.DEGRADED

    def test_one_beyond_its_own_limit_does(self) -> None:
        declared = signal(limits={"baseline": "150", "alert": "200"}, margin=None)
        said = found(declared, series(around(280, WEEK)), series(around(281, LOOK, 3)))
        assert said.verdict is V.SUSPECT
        assert "as the baseline did" in said.message

    @pytest.mark.parametrize(("now", "verdict"), [(60, V.SUSPECT), (52, V.SUSPECT), (30, V.DEGRADED)])
    def test_below_as_above(self, now: float, verdict: V) -> None:
        declared = signal(limits={"alert": "100"}, worse="Lower", margin={"relative": "90%"})
        before = series([*around(150, WEEK - 12), *around(60, 12, 2)])
        assert found(declared, before, series(around(now, LOOK, 3))).verdict is verdict
