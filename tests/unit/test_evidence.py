"""Evidence: frozen once, the same bytes for the same inputs, and any change to it seen."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, RevisionEvidence, SeriesEvidence, SignalEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.evidence import (
    MAX_BYTES,
    MOST_STORED,
    T0,
    Look,
    Measurement,
    canonical,
    content_hash,
    freeze,
    hash_of,
    is_intact,
    snapshot_name,
    take,
)
from driftreview.domain.genuine import is_of
from driftreview.domain.query import Asked
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples, TooMany, Window
from driftreview.domain.shape import MAX_SERIES, shape_problem
from tests import builders
from tests.builders import BLOCK, HOUR, MINUTE, answer, limit, review, revision, signal, template

WINDOW = Window(builders.T0, builders.T0 + HOUR, MINUTE)
LOOK = Look("1h", WINDOW, BLOCK, "ClusterMetricSource/prometheus", previous_hash="sha256:before")
JUDGED = RevisionEvidence(**revision("new").model_dump())
PREVIOUS = RevisionEvidence(**revision("old").model_dump(), template=template("old"))
STARTED = DriftReviewStatus(judged=revision("new"), previous=revision("old"))
RELEASE = review(STARTED)
ASKED = [Asked("up")] * len(RELEASE.spec.signals)


def taken(look: Look = LOOK, *results: QueryResult, previous: RevisionEvidence | None = None) -> DriftSnapshotSpec:
    asked = results or (answer(WINDOW, [1.0] * 60),)
    measured = [Measurement(signal(), "up", each) for each in asked]
    return take(RELEASE, look, frozen(measured, look), JUDGED, previous)


def frozen(measured: Sequence[Measurement], look: Look) -> list[SignalEvidence]:
    return [freeze(each, look.window, look.block) for each in measured if look.window is not None]


class TestHash:
    def test_canonical_json_has_one_spelling(self) -> None:
        assert canonical({"b": 1, "a": {"d": "µ", "c": None}}) == '{"a":{"c":null,"d":"µ"},"b":1}'.encode()

    def test_what_is_no_json_has_no_hash(self) -> None:
        with pytest.raises(ValueError, match="not JSON compliant"):
            canonical({"a": float("nan")})

    def test_the_same_inputs_give_the_same_bytes(self) -> None:
        assert canonical(taken().to_wire()) == canonical(taken().to_wire())

    def test_the_hash_is_known(self) -> None:
        # Auditors recompute it: a change of this value is a change of the format.
        assert content_hash({"a": [1, "x"], "b": None}) == (
            "sha256:854ef06dc57f5dfed10206344ab2d02e0b6c84b0e19436703a5afd0f1f9f2687"
        )

    def test_a_sealed_snapshot_is_intact(self) -> None:
        assert is_intact(taken(), taken().hash)
        assert hash_of(taken()) == taken().hash

    def test_another_sealed_snapshot_is_not_the_one_that_was_sealed(self) -> None:
        other = taken(LOOK, answer(WINDOW, [2.0] * 60))
        assert is_intact(other, other.hash)
        assert not is_intact(other, taken().hash)

    @pytest.mark.parametrize(
        "change",
        [
            {"checkpoint": "2h"},
            {"source": "elsewhere"},
            {"previous_hash": ""},
            {"signals": []},
            {"judged": PREVIOUS},
            {"previous": PREVIOUS},
            {"window": None},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_changed_field_is_seen(self, change: dict[str, Any]) -> None:
        assert not is_intact(taken().model_copy(update=change), taken().hash)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("values", "1 1 1 1 1 2"), ("samples", 59), ("expected", 61), ("worst", "0"), ("labels", {"a": "b"})],
    )
    def test_a_changed_sample_is_seen(self, field: str, value: object) -> None:
        spec = taken()
        series = spec.signals[0].series[0].model_copy(update={field: value})
        signals = [spec.signals[0].model_copy(update={"series": [series]})]
        assert not is_intact(spec.model_copy(update={"signals": signals}), spec.hash)

    def test_a_changed_problem_is_seen(self) -> None:
        spec = taken(LOOK, NoData(Reason.EMPTY, "nothing"))
        problem = Problem(reason=Reason.EMPTY, message="something")
        signals = [spec.signals[0].model_copy(update={"problem": problem})]
        assert not is_intact(spec.model_copy(update={"signals": signals}), spec.hash)

    def test_a_changed_template_is_seen(self) -> None:
        spec = taken(LOOK, previous=PREVIOUS)
        other = PREVIOUS.model_copy(update={"template": template("evil")})
        assert not is_intact(spec.model_copy(update={"previous": other}), spec.hash)


class TestRoundTrip:
    def stored(self, spec: DriftSnapshotSpec) -> dict[str, Any]:
        return dict(json.loads(json.dumps(spec.to_wire())))

    def test_a_snapshot_comes_back_from_the_api_server_intact(self) -> None:
        spec = taken(LOOK, answer(WINDOW, [0.1, None, *[3.0] * 58]), previous=PREVIOUS)
        back = DriftSnapshotSpec.model_validate(self.stored(spec))
        assert back == spec
        assert is_intact(back, spec.hash)

    def test_numbers_that_come_back_in_another_spelling_change_nothing(self) -> None:
        # Go knows one kind of number in unstructured JSON: what is 3 may come back as 3.0.
        whole = json.loads(json.dumps(taken(LOOK, previous=PREVIOUS).to_wire()), parse_int=float)
        assert is_intact(DriftSnapshotSpec.model_validate(whole), taken(LOOK, previous=PREVIOUS).hash)

    def test_the_order_of_keys_changes_nothing(self) -> None:
        back = self.stored(taken())
        assert is_intact(DriftSnapshotSpec.model_validate(dict(reversed(back.items()))), taken().hash)

    def test_a_template_keeps_its_numbers_and_unknown_fields(self) -> None:
        odd = template("old") | {"future": {"ratio": 1.0, "count": 1, "big": 2**60, "none": None, "text": "1e3"}}
        kept = RevisionEvidence(**revision("old").model_dump(), template=odd)
        spec = taken(LOOK, previous=kept)
        back = DriftSnapshotSpec.model_validate(self.stored(spec))
        assert back.previous is not None
        assert json.dumps(back.previous.template, sort_keys=True) == json.dumps(odd, sort_keys=True)
        assert is_intact(back, spec.hash)

    def test_fields_of_a_newer_version_are_left_aside(self) -> None:
        assert DriftSnapshotSpec.model_validate(self.stored(taken()) | {"novelty": 1}) == taken()


class TestIsOf:
    """After a crash a snapshot is found by its name; one that somebody else put there must not be judged."""

    def found(self, look: Look = LOOK, previous: RevisionEvidence | None = None, **change: Any) -> bool:
        spec = taken(look, previous=previous).model_copy(update={**change, "hash": ""})
        spec = spec.model_copy(update={"hash": hash_of(spec)})
        return is_of(spec, RELEASE, look, JUDGED.template_hash, ASKED)

    def test_our_own_is_taken(self) -> None:
        assert self.found()

    def test_our_own_of_t0_is_taken(self) -> None:
        assert self.found(Look(T0, WINDOW, BLOCK, "x"), PREVIOUS)

    def test_our_own_is_taken_where_there_was_nothing_to_go_back_to(self) -> None:
        look = Look(T0, WINDOW, BLOCK, "x")
        fresh = review(DriftReviewStatus(judged=revision("new")))
        assert is_of(taken(look), fresh, look, JUDGED.template_hash, ASKED)

    def test_our_own_is_taken_where_the_previous_template_was_gone_already(self) -> None:
        assert self.found(Look(T0, WINDOW, BLOCK, "x"), PREVIOUS.model_copy(update={"template": {}}))

    def test_our_own_without_a_window_is_taken(self) -> None:
        look = Look(T0, None, BLOCK, "x")
        assert self.found(look, PREVIOUS)
        assert taken(look, previous=PREVIOUS).signals == []

    def test_a_broken_one_is_refused(self) -> None:
        spec = taken().model_copy(update={"source": "elsewhere"})
        assert not is_of(spec, RELEASE, LOOK, JUDGED.template_hash, ASKED)

    @pytest.mark.parametrize(
        "change",
        [
            {"review_ref": {"name": "release", "uid": "another"}},
            {"checkpoint": "2h"},
            {"previous_hash": "sha256:another"},
            {"window": None},
            {"signals": []},
            {"judged": PREVIOUS},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_foreign_one_is_refused(self, change: dict[str, Any]) -> None:
        spec = DriftSnapshotSpec.model_validate(taken().model_dump() | {"hash": ""} | change)
        spec = spec.model_copy(update={"hash": hash_of(spec)})
        assert not is_of(spec, RELEASE, LOOK, JUDGED.template_hash, ASKED)

    def test_another_window_is_refused(self) -> None:
        longer = Look("1h", Window(builders.T0, builders.T0 + 2 * HOUR, MINUTE), BLOCK, "x", LOOK.previous_hash)
        assert not is_of(taken(), RELEASE, longer, JUDGED.template_hash, ASKED)

    def test_other_blocks_are_refused(self) -> None:
        assert not is_of(
            taken(), RELEASE, Look("1h", WINDOW, MINUTE, "x", LOOK.previous_hash), JUDGED.template_hash, ["up"]
        )

    @pytest.mark.parametrize(
        "planted",
        [
            None,
            PREVIOUS.model_copy(update={"template": template("evil")}),
            RevisionEvidence(**revision("evil").model_dump(), template=template("evil")),
            PREVIOUS.model_copy(update={"uid": "another"}),
        ],
        ids=["none", "template", "revision", "uid"],
    )
    def test_a_planted_template_is_never_rolled_back_to(self, planted: RevisionEvidence | None) -> None:
        assert not self.found(Look(T0, WINDOW, BLOCK, "x"), planted)

    def test_a_checkpoint_holds_no_template(self) -> None:
        assert not self.found(LOOK, PREVIOUS)


class TestFreeze:
    def frozen(self, result: QueryResult, declared: Signal | None = None) -> Any:
        return freeze(Measurement(declared or signal(), "up{}", result), WINDOW, BLOCK)

    def test_samples_become_block_medians(self) -> None:
        frozen = self.frozen(answer(WINDOW, [float(i // 10) for i in range(60)]))
        assert frozen.series[0].values == "0 1 2 3 4 5"
        assert (frozen.series[0].samples, frozen.series[0].expected) == (60, 60)
        assert (frozen.name, frozen.query, frozen.unit, frozen.problem) == ("latency", "up{}", "s", None)

    def test_gaps_are_counted_and_empty_blocks_marked(self) -> None:
        frozen = self.frozen(answer(WINDOW, [None] * 10 + [1.0] * 45 + [None] * 5))
        assert frozen.series[0].values == "- 1 1 1 1 1"
        assert frozen.series[0].samples == 45

    def test_the_worst_sample_is_kept_by_direction(self) -> None:
        result = answer(WINDOW, [5.0] * 58 + [1.0, 9.0])
        assert self.frozen(result).series[0].worst == "9"
        assert self.frozen(result, signal(worse="Lower")).series[0].worst == "1"

    @pytest.mark.parametrize(("worse", "over"), [("Higher", "180s"), ("Lower", None)])
    def test_a_limit_keeps_its_longest_stretch(self, worse: str, over: str | None) -> None:
        result = answer(WINDOW, [70.0] * 56 + [80.0] * 4)
        frozen = self.frozen(result, limit("75", worse=worse) if worse == "Higher" else limit("70", worse=worse))
        assert frozen.series[0].longest_over == over

    def test_only_a_limit_keeps_a_stretch(self) -> None:
        frozen = self.frozen(answer(WINDOW, [200.0] * 60), signal(limits={"alert": "150"}))
        assert frozen.series[0].longest_over is None

    @pytest.mark.parametrize("reason", [Reason.EMPTY, Reason.ONLY_NAN, Reason.ONLY_INFINITE])
    def test_no_data_is_a_problem_with_its_reason(self, reason: Reason) -> None:
        frozen = self.frozen(NoData(reason, "no series"))
        assert (frozen.series, frozen.problem.reason, frozen.problem.message) == ([], reason, "no series")

    def test_a_failure_is_a_problem_with_its_reason(self) -> None:
        frozen = self.frozen(Failed(Reason.UNREACHABLE, "x" * 5000, retryable=True))
        assert frozen.problem.reason is Reason.UNREACHABLE
        assert len(frozen.problem.message) == 1024

    def test_each_keeps_the_one_label_and_its_order_does_not_depend_on_the_servers(self) -> None:
        labels = [{"symbol": "eth", "pod": "1"}, {"symbol": "btc", "pod": "2"}]
        forwards = answer(WINDOW, [1.0] * 60, [2.0] * 60, labels=labels)
        backwards = answer(WINDOW, [2.0] * 60, [1.0] * 60, labels=labels[::-1])
        declared = signal(each="symbol")
        assert self.frozen(forwards, declared) == self.frozen(backwards, declared)
        assert [list(each.labels) for each in self.frozen(forwards, declared).series] == [["symbol"], ["symbol"]]

    def test_without_each_no_label_is_kept(self) -> None:
        assert self.frozen(answer(WINDOW, [1.0] * 60, labels=[{"pod": "1"}])).series[0].labels == {}


class TestShape:
    def test_one_series_is_what_a_signal_is(self) -> None:
        assert shape_problem(signal(), []) is None
        assert shape_problem(signal(), [{"pod": "1"}]) is None

    def test_several_series_need_each_and_the_message_offers_the_labels(self) -> None:
        found = shape_problem(signal(), [{"zone": "1", "app": "x"}, {"zone": "2", "app": "x"}])
        assert found is not None
        assert found.reason is Reason.SEVERAL_SERIES
        assert found.message.endswith("the label that tells them apart (zone)")

    @pytest.mark.parametrize(
        ("names", "advice"),
        [
            (("instance", "pod"), "sum(...) or max(...) for the worst pod; what"),
            (("pod", "zone"), "sum by (zone) (...); "),
        ],
    )
    def test_where_pods_tell_them_apart_each_is_not_offered(self, names: tuple[str, ...], advice: str) -> None:
        found = shape_problem(signal(), [dict.fromkeys(names, value) for value in "12"])
        assert found is not None
        assert advice in found.message
        assert f"({', '.join(names)}) names pods" in found.message

    def test_series_that_nothing_tells_apart_are_said_so(self) -> None:
        found = shape_problem(signal(), [{"app": "x"}, {"app": "x"}])
        assert found is not None
        assert found.message.endswith("(none)")

    @pytest.mark.parametrize("labels", [[{}], [{"a": "1"}, {}], [{"a": "1"}, {"a": "1", "b": "2"}]])
    def test_each_series_has_its_own_value_of_the_label(self, labels: list[dict[str, str]]) -> None:
        found = shape_problem(signal(each="a"), labels)
        assert found is not None
        assert found.reason is Reason.EACH_LABEL_MISSING

    @pytest.mark.parametrize(("count", "fits"), [(MAX_SERIES, True), (MAX_SERIES + 1, False)])
    def test_series_have_a_bound(self, count: int, *, fits: bool) -> None:
        found = shape_problem(signal(each="a"), [{"a": str(i)} for i in range(count)])
        assert (found is None) is fits

    @pytest.mark.parametrize("declared", [signal(each="a"), signal()])
    def test_more_than_may_be_judged_are_the_same_problem_with_and_without_their_samples(
        self, declared: Signal
    ) -> None:
        labels = tuple({"a": str(i)} for i in range(MAX_SERIES + 1))
        whole = answer(WINDOW, *[[1.0] * WINDOW.points] * len(labels), labels=labels)
        frozen = [freeze(Measurement(declared, "up", each), WINDOW, BLOCK) for each in (whole, TooMany(labels))]
        assert frozen[0] == frozen[1]
        assert frozen[0].problem is not None

    @pytest.mark.parametrize(
        ("value", "fits"), [("x" * 256, True), ("x" * 257, False), ("😀" * 64, True), ("😀" * 65, False)]
    )
    def test_a_long_label_is_a_problem_not_a_crash(self, value: str, *, fits: bool) -> None:
        result = answer(WINDOW, [1.0] * 60, labels=[{"a": value}])
        frozen = freeze(Measurement(signal(each="a"), "up", result), WINDOW, BLOCK)
        assert (frozen.problem is None) is fits
        if frozen.problem is not None:
            assert frozen.problem.reason is Reason.ANSWER_TOO_LARGE
            assert "longer than 256 bytes" in frozen.problem.message

    def test_ten_thousand_series_are_refused_in_no_time(self) -> None:
        labels = [{f"label_{n}": str(i) for n in range(20)} for i in range(10_000)]
        found = shape_problem(signal(), labels)
        assert found is not None
        assert found.reason is Reason.SEVERAL_SERIES

    def test_long_label_names_still_make_a_message_that_fits(self) -> None:
        found = shape_problem(signal(), [{"x" * 3000: "1"}, {"x" * 3000: "2"}])
        assert found is not None
        assert len(found.message) == 1024


class TestSize:
    def test_a_series_too_long_for_its_field_is_a_problem_not_a_crash(self) -> None:
        long = Window(builders.T0, builders.T0 + timedelta(seconds=20_000), timedelta(seconds=1))
        result = Samples(long, answer(long, [1.23456789e-200] * 20_000).series)
        frozen = freeze(Measurement(signal(), "up", result), long, timedelta(seconds=1))
        assert frozen.problem is not None
        assert frozen.problem.reason is Reason.ANSWER_TOO_LARGE

    def test_a_long_series_of_short_numbers_fits(self) -> None:
        long = Window(builders.T0, builders.T0 + timedelta(seconds=20_000), timedelta(seconds=1))
        frozen = freeze(Measurement(signal(), "up", answer(long, [1.0] * 20_000)), long, timedelta(seconds=1))
        assert frozen.problem is None

    def test_what_does_not_fit_into_one_object_is_said_to_be_too_large(self) -> None:
        month = Window(builders.T0, builders.T0 + timedelta(days=30), 10 * MINUTE)
        labels = [{"a": str(i)} for i in range(MAX_SERIES)]
        result = answer(month, *[[-1.23456789e-200] * month.points] * MAX_SERIES, labels=labels)
        asked = [Measurement(signal(each="a"), "up", result), Measurement(signal("second", each="a"), "up", result)]
        look = Look("1h", month, 10 * MINUTE, "x")
        spec = take(RELEASE, look, frozen(asked, look), JUDGED)
        problems = [None if each.problem is None else each.problem.reason for each in spec.signals]
        assert problems == [Reason.ANSWER_TOO_LARGE, Reason.ANSWER_TOO_LARGE]
        assert len(canonical(spec.to_wire())) < 5000

    def test_what_comes_first_keeps_its_room(self) -> None:
        month = Window(builders.T0, builders.T0 + timedelta(days=28), 10 * MINUTE)
        values = [1.23456789e-5] * month.points
        asked = [Measurement(signal(f"s{i}"), "up", answer(month, values)) for i in range(30)]
        look = Look("1h", month, 10 * MINUTE, "x")
        spec = take(RELEASE, look, frozen(asked, look), JUDGED)
        kept = [each.problem is None for each in spec.signals]
        assert kept == sorted(kept, reverse=True)
        assert 10 < sum(kept) < 30
        assert MAX_BYTES < len(canonical(spec.to_wire())) <= MOST_STORED

    def large(self, count: int = 25) -> list[SignalEvidence]:
        values = SeriesEvidence(values="1 " * 30_000, samples=1, expected=60)
        return [SignalEvidence(name=f"s{number}", query="up", series=[values]) for number in range(count)]

    def with_template(self, size: int, letter: str = "x") -> RevisionEvidence:
        whole = template("old") | {"env": letter * size}
        return PREVIOUS.model_copy(update={"template": whole, "template_hash": content_hash(whole)})

    def test_samples_give_way_to_the_template_that_a_rollback_puts_back(self) -> None:
        look = Look(T0, WINDOW, BLOCK, "x")
        without, spec = (
            take(RELEASE, look, self.large(), JUDGED, each) for each in (None, self.with_template(900_000))
        )
        kept, fewer = (sum(each.problem is None for each in one.signals) for one in (without, spec))
        assert spec.previous is not None
        assert len(spec.previous.template["env"]) == 900_000
        assert kept > fewer > 5
        said = {each.problem.message for each in spec.signals if each.problem}
        assert all(
            "bytes of evidence do not fit beside the others: a snapshot has room for 14" in each for each in said
        )

    @pytest.mark.parametrize(("size", "letter"), [(1_100_000, "x"), (200_000, "<"), (600_000, '"')])
    def test_a_template_that_leaves_no_room_for_samples_is_left_out(self, size: int, letter: str) -> None:
        look = Look(T0, WINDOW, BLOCK, "x")
        spec = take(RELEASE, look, self.large(2), JUDGED, self.with_template(size, letter))
        assert spec.previous is not None
        assert (spec.previous.name, spec.previous.template) == ("web-old", {})
        assert [each.problem for each in spec.signals] == [None, None]

    def test_a_template_that_is_kept_fits_into_its_field(self) -> None:
        for size in (990_000, 999_000, 1_000_000):
            spec = take(RELEASE, Look(T0, None, BLOCK, "x"), [], JUDGED, self.with_template(size))
            assert spec.previous is not None
            assert len(spec.previous.to_wire()["template"]) <= 1_000_000


class TestChain:
    def test_every_look_holds_the_hash_of_the_one_before(self) -> None:
        first = taken(Look(T0, WINDOW, BLOCK, "x"), previous=PREVIOUS)
        second = taken(Look("1h", WINDOW, BLOCK, "x", first.hash))
        third = taken(Look("2h", WINDOW, BLOCK, "x", second.hash))
        assert [each.previous_hash for each in (first, second, third)] == ["", first.hash, second.hash]
        altered = first.model_copy(update={"source": "y", "hash": ""})
        assert hash_of(altered) != second.previous_hash

    def test_a_name_tells_review_uid_and_checkpoint(self) -> None:
        assert snapshot_name("release", "0123456789", T0) == "release-01234567-t0"
        assert snapshot_name("release", "0123456789", "1h30m") == "release-01234567-1h30m"

    def test_the_longest_name_is_a_name(self) -> None:
        name = snapshot_name("a" * 199 + "." + "b" * 53, "0123456789", "9999d")
        assert len(name) <= 253
        assert ".-" not in name
