"""Whose gap it is: the source's own is told from the target's, and where neither is known that is said."""

from datetime import timedelta

import pytest

from driftreview.api.base import format_time
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, ScrapingEvidence, SeriesEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import OnMissing, Signal
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import SignalVerdict as V
from driftreview.api.verdicts import Verdict
from driftreview.domain.evidence import Look, Measurement, freeze, is_intact, take
from driftreview.domain.finding import Finding
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import CheckpointResult
from driftreview.domain.samples import Failed, NoData, Series, TooMany, Window
from driftreview.domain.scraping import Scraped, Scraping, gaps_of
from tests.builders import BLOCK, HOUR, MINUTE, T0, answer, around, evidence, review, series, signal, snapshot, spec
from tests.unit.test_evidence import JUDGED

WINDOW = Window(T0, T0 + HOUR, MINUTE)
EMPTY = NoData(Reason.EMPTY, "The query returned no series; check its metric names")


def up(*runs: tuple[int, float | None]) -> Scraping:
    return Scraping.of(answer(WINDOW, [value for count, value in runs for _ in range(count)]))


class TestEvidence:
    def test_it_says_when_the_source_was_silent_and_for_how_long(self) -> None:
        found = up((8, 2.0), (3, None), (20, 1.0), (15, None), (14, 2.0)).evidence(WINDOW, BLOCK)
        assert (found.silent, found.stretches, found.blocks) == (18, 2, "0-1 3-4")
        assert (found.silent_from, found.silent_until) == (T0 + 31 * MINUTE, T0 + 46 * MINUTE)
        assert (found.throughout, found.problem) == ("1200s", None)

    def test_a_source_without_gaps(self) -> None:
        found = up((60, 3.0)).evidence(WINDOW, BLOCK)
        assert found == ScrapingEvidence(throughout="3600s")

    @pytest.mark.parametrize("days", [11, 12, 14, 28])
    def test_weeks_without_a_gap_are_frozen_and_read_back(self, days: int) -> None:
        points = days * 24 * 60 * 2
        window = Window(T0, T0 + timedelta(days=days), MINUTE / 2)
        alive, heard = Scraping(bytes([1] * points)), Scraping(bytes(points))
        frozen = snapshot(hours=24 * days, scraping=alive.evidence(window, BLOCK))
        read = Scraped.of(DriftSnapshotSpec.model_validate(frozen.to_wire()))
        assert read is not None
        assert read.throughout == timedelta(days=days)
        assert heard.evidence(window, BLOCK).throughout == "0s"
        gone = gaps_of(Series({}, [None] * points), window, alive)
        assert [parse_duration(each) for each in (gone.first, gone.first_scraped)] == [timedelta(days=days)] * 2

    def test_what_is_known_of_it_is_read_back(self) -> None:
        frozen = snapshot(hours=1, scraping=up((10, None), (50, 1.0)).evidence(WINDOW, BLOCK))
        read = Scraped.of(DriftSnapshotSpec.model_validate(frozen.to_wire()))
        assert read == Scraped(60, 10, (T0, T0 + 10 * MINUTE), timedelta(minutes=50))
        assert read.sentence == "the source itself scraped nothing from 2026-07-31T12:00:00Z to 2026-07-31T12:10:00Z"

    @pytest.mark.parametrize(
        ("result", "reason"),
        [
            (EMPTY, Reason.EMPTY),
            (NoData(Reason.ONLY_NAN, "NaN"), Reason.ONLY_NAN),
            (Failed(Reason.QUERY_INVALID, "no", retryable=False), Reason.QUERY_INVALID),
            (TooMany(({"a": "1"},)), Reason.SEVERAL_SERIES),
        ],
    )
    def test_where_the_source_does_not_say_nothing_is_known(self, result: object, reason: Reason) -> None:
        found = Scraping.of(result)  # type: ignore[arg-type] # one of several types
        assert found.failure is None
        made = found.evidence(WINDOW, BLOCK)
        assert made.problem is not None
        assert made.problem.reason is reason
        assert Scraped.of(snapshot(scraping=made)) is None

    def test_what_may_be_answered_later_is_a_failure(self) -> None:
        down = Failed(Reason.UNREACHABLE, "refused", retryable=True)
        assert Scraping.of(down).failure == down

    def test_gaps_everywhere_are_those_of_a_step_that_is_too_fine(self) -> None:
        every_third = Scraping.of(answer(WINDOW, [1.0, None, None] * 20))
        assert Scraped.of(snapshot(hours=1, scraping=every_third.evidence(WINDOW, BLOCK))) is None

    def test_it_is_sealed_with_the_snapshot(self) -> None:
        frozen = [freeze(Measurement(signal(), "up", answer(WINDOW, [1.0] * 60)), WINDOW, BLOCK)]
        look = Look("1h", WINDOW, BLOCK, "MetricSource/prometheus")
        taken = take(review(), look, frozen, JUDGED, None, up((60, 1.0)))
        assert taken.scraping is not None
        assert is_intact(taken, taken.hash)
        assert not is_intact(taken.model_copy(update={"scraping": None}), taken.hash)


def silent(steps: int, of: int = 360) -> ScrapingEvidence:
    """What a source says that was silent for so many of six hours' minutes, at the beginning."""
    if not steps:
        return ScrapingEvidence(throughout=f"{of * 60}s")
    return ScrapingEvidence(
        silent=steps, stretches=1, silent_from=T0, silent_until=T0 + steps * MINUTE, throughout=f"{(of - steps) * 60}s"
    )


NO_UP = ScrapingEvidence(problem=Problem(reason=Reason.EMPTY, message="the source has no `up`"))
WHOLE = ScrapingEvidence(throughout="86400s")


def found(
    now: SeriesEvidence | None,
    scraping: ScrapingEvidence | None,
    at_t0: ScrapingEvidence | None = WHOLE,
    declared: Signal | None = None,
    before_samples: int = 1440,
) -> CheckpointResult:
    after = evidence("latency", *([now] if now else []), problem=None if now else Reason.EMPTY)
    return judge_checkpoint(
        spec([declared or signal()]),
        snapshot(evidence("latency", series(around(100, 144), samples=before_samples)), scraping=at_t0),
        snapshot(after, checkpoint="6h", hours=6, scraping=scraping),
    )


def finding(*args: object, **fields: object) -> Finding:
    return found(*args, **fields).results[0].finding  # type: ignore[arg-type] # handed on


def thin(first: int) -> SeriesEvidence:
    """Six hours without the first so many blocks."""
    return series([*[None] * first, *around(100, 36 - first, 2)], expected=360)


class TestReasons:
    def test_too_few_samples_while_the_source_was_scraping_are_a_gap_of_the_target(self) -> None:
        said = finding(thin(6), silent(0))
        assert (said.verdict, said.reason) == (V.MISSING, Reason.TARGET_GAP)
        assert said.message == (
            "300 of 360 samples (83%) are there, 90% are needed, none in the first 6 of 36 blocks; "
            "the source itself was scraping all the time"
        )

    @pytest.mark.parametrize("there", [6, 18, 32])
    def test_since_when_none_came_is_said(self, there: int) -> None:
        values, steps = [*around(100, there, 2), *[None] * (36 - there)], 10 * (36 - there)
        gone = series(values, expected=360).model_copy(update={"silent": steps})
        since = f", none since {format_time(T0 + 10 * there * MINUTE)}; the source itself was scraping all the time"
        assert finding(gone, silent(0)).message.endswith(f"are there, 90% are needed{since}")
        assert "none since" in finding(gone, silent(steps)).message
        back = gone.model_copy(update={"values": gone.values[:-1] + "100", "silent": 0})
        assert "since" not in finding(back, silent(0)).message

    def test_a_gap_of_the_source_says_from_when_to_when(self) -> None:
        said = finding(thin(6), silent(60))
        assert (said.verdict, said.reason) == (V.MISSING, Reason.SOURCE_GAP)
        assert said.message == (
            "300 of 360 samples (83%) are there, 90% are needed; "
            "the source itself scraped nothing from 2026-07-31T12:00:00Z to 2026-07-31T13:00:00Z"
        )

    def test_the_source_s_gap_is_no_excuse_where_more_is_missing(self) -> None:
        late = finding(thin(12), silent(60))
        assert late.reason is Reason.TARGET_GAP
        assert late.message.endswith("blocks; the source itself scraped nothing at 60 of 360 steps only")
        assert finding(thin(9), silent(60)).reason is Reason.SOURCE_GAP

    @pytest.mark.parametrize("scraping", [None, NO_UP])
    def test_where_it_is_not_known_whose_gap_it_is_none_is_named(self, scraping: ScrapingEvidence | None) -> None:
        assert finding(thin(6), scraping, None).reason is Reason.LOW_COVERAGE

    def test_no_sample_at_all_though_the_source_was_scraping(self) -> None:
        said = finding(None, silent(0))
        assert (said.verdict, said.reason) == (V.MISSING, Reason.NEVER_SCRAPED)
        assert said.message == "because of Empty; the source itself was scraping all the time"

    def test_no_sample_at_all_as_the_source_was_silent(self) -> None:
        assert finding(None, silent(350)).reason is Reason.SOURCE_GAP
        # At T0 there was `up`, so a window without any is a silent source.
        assert finding(None, NO_UP).reason is Reason.SOURCE_GAP
        assert finding(None, NO_UP, NO_UP).reason is Reason.EMPTY
        assert finding(None, None).reason is Reason.EMPTY

    def test_what_is_evenly_thin_is_put_down_to_the_resolution(self) -> None:
        said = finding(series(around(100, 36, 2), samples=180), silent(0), before_samples=720)
        assert said.reason is Reason.TARGET_GAP
        whole = finding(series(around(100, 36, 2), samples=180), silent(0))
        assert whole.message.endswith("90% are needed; the source itself was scraping all the time")
        assert said.message.endswith(": spec.resolution of the source may be finer than its scrape interval")

    def test_a_vanished_series_is_told_from_a_silent_source(self) -> None:
        declared = signal(each="pod")
        pods = [series(around(100, 144, i), labels={"pod": pod}) for i, pod in enumerate("ab")]
        before = snapshot(evidence("latency", *pods), scraping=WHOLE)
        left = evidence("latency", series(around(100, 36, 3), labels={"pod": "a"}))
        after = snapshot(left, checkpoint="6h", hours=6, scraping=silent(0))
        said = judge_checkpoint(spec([declared]), before, after).results[0].finding
        assert (said.verdict, said.reason) == (V.MISSING, Reason.NEVER_SCRAPED)

    @pytest.mark.parametrize(
        ("scraping", "verdict"),
        [(silent(0), Verdict.DRIFT), (silent(60), Verdict.INCONCLUSIVE), (None, Verdict.DRIFT)],
    )
    def test_a_gap_of_the_source_never_counts_against_the_release(
        self, scraping: ScrapingEvidence | None, verdict: Verdict
    ) -> None:
        assert found(thin(6), scraping, declared=signal(on_missing=OnMissing.FAIL)).verdict is verdict

    def test_enough_samples_are_enough_whatever_the_source_says(self) -> None:
        for scraping in (silent(0), silent(300), NO_UP, None):
            assert found(thin(2), scraping).verdict is Verdict.PASS
