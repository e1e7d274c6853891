"""Kind Presence: a heartbeat that is silent is a drift, but never one that could not be heard."""

from collections.abc import Sequence

import pytest

from driftreview.api.driftsnapshot import SignalEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import OnMissing
from driftreview.api.verdicts import SignalVerdict as V
from driftreview.api.verdicts import Verdict
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import CheckpointResult
from driftreview.domain.samples import Failed, NoData, QueryResult, Window
from driftreview.domain.scraping import Scraping
from tests.builders import BLOCK, HOUR, MINUTE, T0, answer, presence, signal, snapshot, spec

WINDOW = Window(T0, T0 + HOUR, MINUTE)
BEATS: list[float | None] = [1.0] * 60
ALIVE = answer(WINDOW, [5.0] * 60)
THERE = answer(WINDOW, BEATS)
NONE = NoData(Reason.EMPTY, "The query returned no series")


def beats(*gaps: tuple[int, int]) -> list[float | None]:
    """An hour of minutes, without those from the first to the second of each pair."""
    return [None if any(first <= i < last for first, last in gaps) else 1.0 for i in range(60)]


def seen(result: QueryResult, source: QueryResult = ALIVE, **fields: object) -> tuple[SignalEvidence, Scraping]:
    scraping = Scraping.of(source)
    return freeze(Measurement(presence(**fields), "up", result), WINDOW, BLOCK, scraping), scraping  # type: ignore[arg-type]


def judged(
    now: QueryResult,
    source: QueryResult = ALIVE,
    before: QueryResult | None = THERE,
    **fields: object,
) -> CheckpointResult:
    old, then = seen(before, **fields) if before else (None, Scraping.of(NONE))
    new, since = seen(now, source, **fields)
    return judge_checkpoint(
        spec([presence(**fields)], checkpoints=["1h"]),  # type: ignore[arg-type] # fields of a signal
        snapshot(*([old] if old else []), hours=1, scraping=then.evidence(WINDOW, BLOCK)),
        snapshot(new, checkpoint="1h", hours=1, scraping=since.evidence(WINDOW, BLOCK)),
    )


def verdict(values: Sequence[float | None], source: QueryResult = ALIVE, **fields: object) -> tuple[V, Reason | None]:
    found = judged(answer(WINDOW, values), source, **fields).results[0].finding
    return found.verdict, found.reason


class TestSilence:
    def test_a_sample_at_every_step_is_stable(self) -> None:
        assert verdict(BEATS) == (V.STABLE, None)
        assert judged(answer(WINDOW, BEATS)).message.endswith("a sample at every step, allowed is less than 5m")

    @pytest.mark.parametrize("at", [(0, 5), (55, 60), (20, 25), (0, 59)])
    def test_silent_for_as_long_as_for_is_degraded_wherever_it_lies(self, at: tuple[int, int]) -> None:
        assert verdict(beats(at)) == (V.DEGRADED, None)

    @pytest.mark.parametrize("at", [(0, 4), (55, 59), (59, 60), (20, 24)])
    def test_shorter_is_acceptable(self, at: tuple[int, int]) -> None:
        assert verdict(beats(at)) == (V.ACCEPTABLE, None)

    @pytest.mark.parametrize("since", [56, 58])
    def test_one_that_is_not_over_is_suspect_unless_it_was_as_long_before(self, since: int) -> None:
        now = answer(WINDOW, beats((since, 60)))
        found = judged(now).results[0].finding
        assert found.verdict is V.SUSPECT
        assert found.message.endswith("still, allowed is less than 5m; it is not over, and Degraded once it lasts 5m")
        before = judged(now, before=answer(WINDOW, beats((20, 20 + 60 - since))))
        assert before.results[0].finding.verdict is V.ACCEPTABLE

    def test_the_longest_silence_is_said(self) -> None:
        found = judged(answer(WINDOW, beats((10, 13), (30, 37)))).results[0].finding
        spell, allowed = "from 2026-07-31T12:30:00Z to 2026-07-31T12:37:00Z", "allowed is less than 5m"
        assert (found.current, found.message) == (
            "7m",
            f"no sample for 7m while the source was scraping, {spell}, 10m in all, 2 times, over since, {allowed}",
        )

    def test_one_that_goes_on_is_said_to(self) -> None:
        found = judged(answer(WINDOW, beats((30, 60)))).results[0].finding
        assert found.message.startswith(
            "no sample for 30m while the source was scraping, since 2026-07-31T12:30:00Z, still, allowed"
        )

    def test_what_the_source_missed_afterwards_does_not_end_it(self) -> None:
        source = answer(WINDOW, [5.0] * 50 + [None] * 10)
        found = judged(answer(WINDOW, beats((30, 60))), source, min_coverage="10%").results[0].finding
        assert "for 20m while the source was scraping, since 2026-07-31T12:30:00Z, still, allowed" in found.message

    def test_short_silences_that_add_up_to_too_much_are_missing(self) -> None:
        gaps = [(i, i + 2) for i in range(0, 60, 6)]
        assert verdict(beats(*gaps)) == (V.MISSING, Reason.TARGET_GAP)

    @pytest.mark.parametrize("reason", [Reason.EMPTY, Reason.ONLY_NAN])
    def test_no_sample_at_all_is_an_answer(self, reason: Reason) -> None:
        found = judged(NoData(reason, "nothing")).results[0].finding
        assert found.verdict is V.DEGRADED
        assert found.message == (
            "no sample for 1h while the source was scraping, since 2026-07-31T12:00:00Z or before, still, "
            "allowed is less than 5m"
        )

    def test_what_was_never_there_is_a_slip_in_the_query_and_no_drift(self) -> None:
        found = judged(NONE, before=NONE).results[0].finding
        assert (found.verdict, found.reason) == (V.MISSING, Reason.NEVER_SCRAPED)
        assert found.message.endswith("the source itself was scraping all the time; there was none at T0 either")

    def test_with_declared_limits_there_must_be_one_from_t0_on(self) -> None:
        assert judged(NONE, before=None).results[0].finding.verdict is V.DEGRADED

    def test_what_begins_after_t0_is_fine_unless_it_was_there_before(self) -> None:
        late = answer(WINDOW, beats((0, 30)))
        assert judged(late, before=NONE).results[0].finding.verdict is V.MISSING  # half of the window is not covered
        assert judged(late, before=NONE, min_coverage="40%").results[0].finding.verdict is V.STABLE
        assert judged(late, min_coverage="40%").results[0].finding.verdict is V.DEGRADED


class TestSilentBefore:
    """What was silent when the baseline ended is not silent because of the release."""

    gone = NONE

    @pytest.mark.parametrize("policy", [OnMissing.HOLD, OnMissing.FAIL])
    @pytest.mark.parametrize("since", [0, 30, 55])
    def test_what_stays_silent_is_missing_and_since_when_is_said(self, since: int, policy: OnMissing) -> None:
        before = answer(WINDOW, beats((max(since, 1), 60)))
        result = judged(NONE, before=before, on_missing=policy)
        said = result.results[0].finding
        assert (result.verdict, said.verdict, said.reason) == (Verdict.INCONCLUSIVE, V.MISSING, Reason.SILENT_BEFORE)
        assert said.message == (
            "not one sample in this window; it was silent before T0 already, since "
            f"2026-07-31T12:{max(since, 1):02}:00Z: going back would mend nothing"
        )

    @pytest.mark.parametrize("since", [56, 59])
    def test_a_shorter_one_is_if_there_was_none_as_long_before_it(self, since: int) -> None:
        said = judged(NONE, before=answer(WINDOW, beats((10, 10 + 59 - since), (since, 60)))).results[0].finding
        assert (said.verdict, said.reason) == (V.MISSING, Reason.SILENT_BEFORE)
        assert f"since 2026-07-31T12:{since}:00Z" in said.message
        usual = answer(WINDOW, beats((10, 10 + 60 - since), (since, 60)))
        assert judged(NONE, before=usual).verdict is Verdict.DRIFT

    def test_nor_is_one_of_the_source(self) -> None:
        old, then = seen(answer(WINDOW, beats((50, 60))), answer(WINDOW, [5.0] * 50 + [None] * 10))
        new, since = seen(NONE)
        frozen = (
            snapshot(old, hours=1, scraping=then.evidence(WINDOW, BLOCK)),
            snapshot(new, checkpoint="1h", hours=1, scraping=since.evidence(WINDOW, BLOCK)),
        )
        assert judge_checkpoint(spec([presence()], ["1h"]), *frozen).verdict is Verdict.DRIFT

    def test_what_comes_back_and_falls_silent_again_is_degraded(self) -> None:
        before = answer(WINDOW, beats((53, 60)))
        assert judged(answer(WINDOW, beats((0, 6))), before=before).verdict is Verdict.PASS
        assert judged(answer(WINDOW, beats((0, 6), (20, 40))), before=before).verdict is Verdict.DRIFT

    def test_a_new_one_is_judged_from_its_first_sample_on_if_its_end_is_there(self) -> None:
        def at(first: int, hours: int = 24) -> V:
            window = Window(T0, T0 + hours * HOUR, MINUTE)
            values = [None if minute < first else 1.0 for minute in range(window.points)]
            scraping = Scraping.of(answer(window, [5.0] * window.points))
            frozen = freeze(Measurement(presence(), "up", answer(window, values)), window, BLOCK, scraping)
            old, then = seen(NONE)
            return (
                judge_checkpoint(
                    spec([presence()], ["24h"]),
                    snapshot(old, hours=1, scraping=then.evidence(WINDOW, BLOCK)),
                    snapshot(frozen, checkpoint="24h", hours=hours, scraping=scraping.evidence(window, BLOCK)),
                )
                .results[0]
                .finding.verdict
            )

        assert at(600) is V.STABLE
        assert at(24 * 60 - 60) is V.STABLE
        assert at(24 * 60 - 1) is V.MISSING


class TestAsTheBaselineDid:
    @pytest.mark.parametrize(("minutes", "verdict"), [(8, V.SUSPECT), (12, V.SUSPECT), (13, V.DEGRADED)])
    def test_a_silence_as_long_as_before_is_suspect(self, minutes: int, verdict: V) -> None:
        before = answer(WINDOW, beats((10, 18)))
        said = judged(answer(WINDOW, beats((20, 20 + minutes))), before=before).results[0].finding
        assert said.verdict is verdict
        if verdict is V.SUSPECT:
            assert said.message.endswith("allowed is less than 5m; as the baseline did: 8m at most")

    def test_what_kept_the_rule_excuses_nothing(self) -> None:
        before = answer(WINDOW, beats((10, 14)))
        assert judged(answer(WINDOW, beats((20, 25))), before=before).verdict is Verdict.DRIFT


class TestSource:
    def gap(self, first: int, last: int) -> QueryResult:
        return answer(WINDOW, [None if first <= i < last else 5.0 for i in range(60)])

    def test_a_silent_source_says_nothing_about_the_target(self) -> None:
        values = beats((20, 30))
        assert verdict(values, self.gap(20, 30)) == (V.MISSING, Reason.SOURCE_GAP)
        assert verdict(values, self.gap(20, 25)) == (V.DEGRADED, None)
        assert verdict(values, self.gap(22, 27)) == (V.MISSING, Reason.SOURCE_GAP)
        found = judged(answer(WINDOW, values), self.gap(20, 30)).results[0].finding
        assert found.message == (
            "no sample for 10m, from 2026-07-31T12:20:00Z to 2026-07-31T12:30:00Z, over since, allowed is less than 5m"
            "; the source itself scraped nothing from 2026-07-31T12:20:00Z to 2026-07-31T12:30:00Z"
        )

    def test_a_short_gap_of_the_source_is_no_more_than_a_short_silence(self) -> None:
        assert verdict(beats((20, 24)), self.gap(20, 24)) == (V.ACCEPTABLE, None)

    def test_a_gap_of_the_source_ends_no_review_if_there_were_samples_before_and_after(self) -> None:
        # Prometheus was restarted: of six minutes nothing is known, of the rest of the window all.
        found = judged(answer(WINDOW, beats((20, 26))), self.gap(20, 26)).results[0].finding
        assert (found.verdict, found.current) == (V.ACCEPTABLE, "6m")
        assert found.message.endswith("2026-07-31T12:26:00Z; there were samples before and after")

    @pytest.mark.parametrize(
        ("silent", "gap"),
        [
            ((54, 60), (54, 60)),  # nor after it
            ((49, 55), (54, 60)),  # the source may be silent still
            ((18, 24), (18, 19)),  # the target was silent for as long as it may be, or longer
            ((17, 29), (21, 25)),  # and here for four minutes on either side of the gap
            ((50, 60), (50, 57)),  # the source was back, and the target was not heard since
        ],
    )
    def test_a_silence_that_is_not_only_the_source_s_is_not_excused(
        self, silent: tuple[int, int], gap: tuple[int, int]
    ) -> None:
        for least in ("90%", "50%"):
            assert verdict(beats(silent), self.gap(*gap), min_coverage=least)[0] in (V.MISSING, V.DEGRADED)

    @pytest.mark.parametrize(
        ("then", "gone", "verdict"),
        [
            (beats(), (0, 6), V.ACCEPTABLE),
            (beats((10, 13), (57, 60)), (0, 9), V.ACCEPTABLE),  # the target came back three minutes after the source
            (beats(), (0, 10), V.ACCEPTABLE),
            (beats(), (0, 11), V.DEGRADED),
            (None, (0, 6), V.MISSING),
        ],
    )
    def test_one_that_a_window_begins_with_is_if_the_baseline_ended_with_samples(
        self, then: list[float | None] | None, gone: tuple[int, int], verdict: V
    ) -> None:
        before = None if then is None else answer(WINDOW, then)
        found = judged(answer(WINDOW, beats(gone)), self.gap(0, 6), before, min_coverage="50%").results[0].finding
        assert found.verdict is verdict

    def test_nor_does_it_end_that_of_a_new_series_which_was_heard_before_it(self) -> None:
        for silence, gap, expected in (
            (((0, 10), (30, 36)), (30, 36), V.ACCEPTABLE),
            (((0, 10), (30, 36)), (30, 31), V.DEGRADED),
            (((0, 10), (54, 60)), (54, 60), V.MISSING),
        ):
            found = judged(answer(WINDOW, beats(*silence)), self.gap(*gap), before=NONE, min_coverage="50%")
            assert found.results[0].finding.verdict is expected, (silence, gap)

    @pytest.mark.parametrize("on_missing", [OnMissing.HOLD, OnMissing.FAIL])
    def test_a_source_that_was_silent_all_the_time_fails_nobody(self, on_missing: OnMissing) -> None:
        found = judged(NONE, NONE, on_missing=on_missing)
        assert (found.verdict, found.results[0].finding.reason) == (Verdict.INCONCLUSIVE, Reason.SOURCE_GAP)

    def test_where_nothing_is_known_of_the_source_a_silence_is_missing_and_on_missing_decides(self) -> None:
        for on_missing, expected in ((OnMissing.HOLD, Verdict.INCONCLUSIVE), (OnMissing.FAIL, Verdict.DRIFT)):
            down = Failed(Reason.QUERY_INVALID, "not allowed", retryable=False)
            found = judged(answer(WINDOW, beats((20, 30))), down, on_missing=on_missing)
            assert (found.verdict, found.results[0].finding.reason) == (expected, Reason.LOW_COVERAGE)
            assert found.results[0].finding.message.endswith(
                "whether the source was scraping then is not known: not allowed"
            )

    def test_a_source_that_answers_with_an_error_is_missing(self) -> None:
        found = judged(Failed(Reason.TIMEOUT, "too slow", retryable=True), on_missing=OnMissing.FAIL)
        assert (found.verdict, found.results[0].finding.reason) == (Verdict.INCONCLUSIVE, Reason.TIMEOUT)


class TestEach:
    labels = ({"venue": "a"}, {"venue": "b"})

    def answers(self, *rows: Sequence[float | None], venues: str) -> QueryResult:
        return answer(WINDOW, *rows, labels=[{"venue": each} for each in venues])

    def test_each_series_is_judged_by_itself(self) -> None:
        both = self.answers(BEATS, BEATS, venues="ab")
        found = judged(self.answers(BEATS, beats((10, 20)), venues="ab"), before=both, each="venue")
        assert [(each.key, each.finding.verdict) for each in found.results[0].series] == [
            ("a", V.STABLE), ("b", V.DEGRADED),
        ]  # fmt: skip
        assert found.results[0].finding.message.startswith("venue b: no sample for 10m")

    def test_one_that_vanished_is_degraded_and_one_that_is_new_is_fine(self) -> None:
        both = self.answers(BEATS, BEATS, venues="ab")
        found = judged(self.answers(BEATS, BEATS, venues="bc"), before=both, each="venue")
        assert [(each.key, each.finding.verdict) for each in found.results[0].series] == [
            ("a", V.DEGRADED), ("b", V.STABLE), ("c", V.STABLE),
        ]  # fmt: skip
        assert found.results[0].series[0].coverage is None

    def test_all_that_vanished_are_degraded(self) -> None:
        found = judged(NONE, before=self.answers(BEATS, BEATS, venues="ab"), each="venue")
        assert [each.finding.verdict for each in found.results[0].series] == [V.DEGRADED, V.DEGRADED]

    def test_where_there_was_never_any_it_is_missing(self) -> None:
        found = judged(NONE, before=NONE, each="venue").results[0].finding
        assert (found.verdict, found.reason) == (V.MISSING, Reason.NEVER_SCRAPED)


def test_gaps_are_frozen_with_the_series_of_this_kind_only() -> None:
    frozen, _ = seen(answer(WINDOW, beats((0, 3), (20, 30))), answer(WINDOW, [None] * 25 + [1.0] * 35))
    gaps = frozen.series[0].gaps
    assert gaps is not None
    assert (gaps.longest, gaps.longest_scraped, gaps.first, gaps.first_scraped) == ("600s", "300s", "180s", "0s")
    assert freeze(Measurement(signal(), "up", answer(WINDOW, BEATS)), WINDOW, BLOCK).series[0].gaps is None
