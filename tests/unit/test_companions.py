"""A signal's second query is frozen beside its series, block by block, and what it does not say is named."""

from collections.abc import Mapping, Sequence

import pytest

from driftreview.api.driftsnapshot import Problem, SignalEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.domain.companions import Companion
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.samples import Failed, NoData, QueryResult, TooMany, Window
from tests.builders import BLOCK, MINUTE, T0, answer, signal

WINDOW = Window(T0, T0 + 3 * BLOCK, MINUTE)
Row = Sequence[float | None]


def three(*levels: float | None) -> Row:
    """Three blocks of ten samples."""
    return [level for level in levels for _ in range(10)]


def rows(*values: Row, labels: Sequence[Mapping[str, str]] = ()) -> QueryResult:
    return answer(WINDOW, *values, labels=labels)


def frozen(declared: Signal, result: QueryResult, beside: QueryResult) -> SignalEvidence:
    return freeze(Measurement(declared, "q", result, Companion("beside", beside)), WINDOW, BLOCK)


BESIDE = signal(control="c")
PODS = signal(control="c", each="pod")


class TestControl:
    def test_its_medians_and_samples_stand_beside_the_signal_s(self) -> None:
        found = frozen(BESIDE, rows(three(1, 2, 3)), rows([*three(4, 5), *[None] * 8, 6.0, 9.0]))
        (series,) = found.series
        assert (found.query, found.control_query, found.per_query) == ("q", "beside", None)
        assert (series.values, series.samples) == ("1 2 3", 30)
        assert (series.control, series.control_samples) == ("4 5 7.5", 22)

    def test_series_are_paired_by_the_label(self) -> None:
        labels = [{"pod": "b", "x": "1"}, {"pod": "a", "x": "1"}]
        found = frozen(PODS, rows(three(1, 1, 1), three(2, 2, 2), labels=labels),
                       rows(three(20, 20, 20), three(10, 10, 10), labels=[{"pod": "a"}, {"pod": "b"}]))  # fmt: skip
        told = {series.labels["pod"]: (series.values, series.control) for series in found.series}
        assert told == {"a": ("2 2 2", "20 20 20"), "b": ("1 1 1", "10 10 10")}

    def test_one_series_without_the_label_serves_all(self) -> None:
        labels = [{"pod": "a"}, {"pod": "b"}]
        found = frozen(PODS, rows(three(1, 1, 1), three(2, 2, 2), labels=labels), rows(three(7, 8, 9)))
        assert [series.control for series in found.series] == ["7 8 9", "7 8 9"]

    def test_a_series_without_a_control_has_none_in_any_block(self) -> None:
        labels = [{"pod": "a"}, {"pod": "b"}]
        found = frozen(
            PODS, rows(three(1, 1, 1), three(2, 2, 2), labels=labels), rows(three(7, 8, 9), labels=labels[:1])
        )
        assert [series.control for series in found.series] == ["7 8 9", "- - -"]
        assert found.series[1].control_samples == 0

    @pytest.mark.parametrize(
        ("beside", "reason", "words"),
        [
            (NoData(Reason.EMPTY, "nothing came"), Reason.EMPTY, "the control: nothing came"),
            (Failed(Reason.TIMEOUT, "too slow", retryable=True), Reason.TIMEOUT, "the control: too slow"),
            (TooMany(({"a": "1"}, {"a": "2"})), Reason.SEVERAL_SERIES, "the control: the query returned 2 series but"),
            (rows(three(1, 1, 1), three(2, 2, 2), labels=[{"a": "1"}, {"a": "2"}]), Reason.SEVERAL_SERIES,
             "the control: the query returned 2 series but"),
        ],
    )  # fmt: skip
    def test_a_control_that_says_nothing_is_the_problem(self, beside: QueryResult, reason: Reason, words: str) -> None:
        found = frozen(BESIDE, rows(three(1, 2, 3)), beside)
        assert found.series == []
        assert isinstance(found.problem, Problem)
        assert found.problem.reason is reason
        assert found.problem.message.startswith(words)

    def test_what_the_signal_itself_lacks_is_said_first(self) -> None:
        found = frozen(BESIDE, NoData(Reason.ONLY_NAN, "NaN"), NoData(Reason.EMPTY, "nothing came"))
        assert found.problem == Problem(reason=Reason.ONLY_NAN, message="NaN")
        assert found.control_query == "beside"

    def test_a_second_query_that_was_not_asked_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="has control, which was not asked"):
            freeze(Measurement(BESIDE, "q", rows(three(1, 2, 3))), WINDOW, BLOCK)


class TestPer:
    def test_a_block_is_the_mean_over_the_mean_and_no_mean_of_quotients(self) -> None:
        errors: Row = [*[0.0] * 9, 10.0, *three(1, 2)]
        requests: Row = [*[1.0] * 9, 91.0, *three(4, 4)]
        found = frozen(signal(per="p"), rows(errors), rows(requests))
        (series,) = found.series
        assert (found.per_query, found.control_query) == ("beside", None)
        assert (series.values, series.per, series.samples) == ("0.1 0.25 0.5", "10 4 4", 30)
        assert (series.control, series.worst) == (None, None)

    def test_only_moments_count_at_which_both_have_a_sample(self) -> None:
        errors: Row = [*[1.0] * 5, *[None] * 5, *three(1, None)]
        requests: Row = [None, *[2.0] * 9, *three(4, 4)]
        (series,) = frozen(signal(per="p"), rows(errors), rows(requests)).series
        assert (series.values, series.per, series.samples) == ("0.5 0.25 -", "2 4 -", 14)

    @pytest.mark.parametrize(("least", "values"), [(None, "- 4 0.5"), ("0.25", "- 4 0.5"), ("0.26", "- - 0.5")])
    def test_a_block_without_traffic_has_no_value_but_its_traffic(self, least: str | None, values: str) -> None:
        (series,) = frozen(signal(per="p", min_traffic=least), rows(three(0, 1, 1)), rows(three(0, 0.25, 2))).series
        assert (series.values, series.per, series.samples) == (values, "0 0.25 2", 30)

    def test_a_quotient_that_no_float_holds_is_none(self) -> None:
        (series,) = frozen(signal(per="p"), rows(three(1e300, -1e300, 1)), rows(three(1e-300, 1e-300, 1))).series
        assert series.values == "- - 1"
        (series,) = frozen(signal(per="p"), rows(three(1.7e308, 1, 1)), rows(three(1.7e308, 1, 1))).series
        assert series.values == "1 1 1"

    def test_no_series_to_count_by_is_the_problem(self) -> None:
        found = frozen(signal(per="p"), rows(three(1, 1, 1)), NoData(Reason.EMPTY, "nothing came"))
        assert found.problem == Problem(reason=Reason.EMPTY, message="`per`: nothing came")
