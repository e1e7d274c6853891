"""What a review has of its signal sets, what keeps it from starting, and how they stay what they were at T0."""

from typing import Any, cast

import pytest

from driftreview.adapters.errors import NotFoundError
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.adapters.signalsets import SignalSets
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot, DriftSnapshotSpec, Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.signalset import SetSignal, SignalSetSpec
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import Observed, Settle
from driftreview.domain.evidence import Look, hash_of, spec_hash, take
from driftreview.domain.plan import plan
from driftreview.domain.recheck import Looked, differences
from driftreview.domain.report.build import report
from driftreview.domain.signalsets import Sets, as_at_t0, is_pinned, pin, pin_name, resolved_sets, with_sets
from driftreview.domain.starting import is_accepted
from driftreview.domain.validate import contradictions
from driftreview.report.files import files
from tests.builders import BLOCK, HOUR, T0, review, revision, target

OWN = {"name": "own", "query": "own", "margin": {"relative": "5%"}}


def signal(name: str = "latency", query: str = 'x{job="${job}"}', **fields: Any) -> dict[str, Any]:
    return {"name": name, "query": query, "margin": {"relative": "5%"}} | fields


def a_set(*signals: dict[str, Any], **variables: str | None) -> SignalSetSpec:
    declared = [{"name": name, "default": default} for name, default in ({"job": "web"} | variables).items()]
    return SignalSetSpec.model_validate({"signals": list(signals) or [signal()], "variables": declared})


def using(*refs: dict[str, Any], **spec: Any) -> DriftReview:
    raw = {"signals": [OWN]} | spec | {"signalSetRefs": [{"name": "http"} | each for each in refs]}
    raw["signals"] = [Signal.model_validate(each) for each in raw["signals"]]
    return review(**raw)


def found(subject: DriftReview, *sets: SignalSetSpec | Problem) -> Sets:
    return resolved_sets(subject.spec, sets)


def said(sets: Sets) -> list[tuple[str, str]]:
    return [(each.reason, each.message) for each in sets.problems]


def accepted(subject: DriftReview, sets: Sets) -> DriftReview:
    """As stored once it was accepted, with the signals of its sets."""
    status = subject.status.model_copy(update={"signal_sets": list(sets.used)})
    return with_sets(subject.model_copy(update={"status": status}), sets)


class Stored:
    """A cluster that has these objects, by plural and name."""

    def __init__(self, *known: tuple[str, str]) -> None:
        self.known = known

    def get(self, kind: Kind, name: str, _: str) -> dict[str, Any]:
        if (kind.plural, name) not in self.known:
            raise NotFoundError(f"{kind.plural}/{name}")
        return {"metadata": {"name": name}, "spec": {"signals": [signal()]}}


@pytest.mark.parametrize(
    ("known", "kind", "instead"),
    [
        ((), "SignalSet", "in namespace 'shop'; create it or correct kind and name"),
        ((("clustersignalsets", "http"),), "SignalSet",
         "in namespace 'shop'; there is a ClusterSignalSet of that name: if it is meant, write kind: ClusterSignalSet"),
        ((("signalsets", "http"),), "ClusterSignalSet",
         "'http'; there is a SignalSet of that name: if it is meant, write kind: SignalSet"),
    ],
)  # fmt: skip
def test_where_a_set_of_the_other_kind_has_the_name_that_is_said(
    known: tuple[tuple[str, str], ...], kind: str, instead: str
) -> None:
    (problem,) = SignalSets(cast("Cluster", Stored(*known))).find(using({"kind": kind}))
    assert isinstance(problem, Problem)
    assert problem.message.startswith(f"spec.signalSetRefs[0]: there is no {kind} 'http'")
    assert problem.message.endswith(instead)


def at_t0(subject: DriftReview) -> DriftSnapshotSpec:
    return pin(subject, revision("new"))


class TestWhatAReviewHas:
    def test_the_signals_of_a_set_stand_behind_its_own_with_the_values_put_in(self) -> None:
        subject = using({"variables": {"job": 'a"b'}})
        whole = with_sets(subject, found(subject, a_set())).spec.signals
        assert [(each.name, each.query) for each in whole] == [("own", "own"), ("latency", 'x{job="a\\"b"}')]

    def test_a_default_stands_in_where_nothing_is_given(self) -> None:
        subject = using({})
        assert found(subject, a_set()).signals[0].query == 'x{job="web"}'

    def test_what_the_review_itself_gives_is_left_to_it(self) -> None:
        subject = using({})
        query = 'x{job="${job}", pod=~"${pods}", plain="$${job}"} # ${job}'
        assert found(subject, a_set(signal(query=query))).signals[0].query == (
            'x{job="web", pod=~"${pods}", plain="$${job}"} '
        )

    def test_a_variable_of_the_review_is_none_of_the_set(self) -> None:
        subject = using({}, variables={"job": "other"})
        assert found(subject, a_set()).signals[0].query == 'x{job="web"}'

    def test_a_set_is_used_twice_by_a_prefix_each_with_its_own_covariate(self) -> None:
        spec = a_set(signal("rate"), signal("latency", covariate="rate"), signal("errors", covariate="own"))
        subject = using({"prefix": "a"}, {"prefix": "b"})
        signals = found(subject, spec, spec).signals
        assert [(each.name, each.covariate) for each in signals] == [
            ("a-rate", None), ("a-latency", "a-rate"), ("a-errors", "own"),
            ("b-rate", None), ("b-latency", "b-rate"), ("b-errors", "own"),
        ]  # fmt: skip

    def test_nothing_else_of_a_signal_changes(self) -> None:
        declared = signal(
            each="symbol", severity="Critical", runbook="call", unit="s", section="Web", minCoverage="50%"
        )
        subject = using({"prefix": "a"})
        (whole,) = found(subject, a_set(declared)).signals
        same = {"name", "query"}
        assert whole.model_dump(exclude=same) == Signal.model_validate(declared).model_dump(exclude=same)

    def test_the_status_names_each_set_by_the_hash_of_all_that_it_says(self) -> None:
        subject = using({})
        one, other = (found(subject, each).used[0] for each in (a_set(), a_set(signal(runbook="call"))))
        assert (one.kind, one.name, one.prefix) == ("SignalSet", "http", None)
        assert one.hash != other.hash
        assert one.signals_hash != other.signals_hash


class TestWhatKeepsItFromStarting:
    @pytest.mark.parametrize(
        ("ref", "spec", "reason", "message"),
        [
            ({}, a_set(job=None), Reason.VARIABLE_UNKNOWN,
             "spec.signalSetRefs[0].variables: SignalSet 'http' needs a value for job, and there is none: add job"),
            ({"variables": {"jbo": "a"}}, a_set(), Reason.VARIABLE_UNKNOWN,
             "spec.signalSetRefs[0].variables.jbo: SignalSet 'http' has no such variable; did you mean job?"),
            ({}, a_set(signal(query="x + ${own}")), Reason.VARIABLE_UNKNOWN,
             ("spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0].query (signal latency): ${own} is no variable "
             "of the set: declare it in its spec.variables")),
            ({"variables": {"job": "a b"}}, a_set(signal(query="x[${job}]")), Reason.QUERY_INVALID,
             ("spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0].query (signal latency): ${job} stands outside "
             "of quotes, where its value 'a b' would change the query; quote it")),
            ({"variables": {"job": "a$"}}, a_set(signal(query='x{a="${job}{pods}"}')), Reason.QUERY_INVALID,
             ("spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0].query (signal latency): would use a variable "
             "that a value makes up; leave `$` out of values")),
            ({"variables": {"job": "a" * 1024}}, a_set(signal(query="${job}" * 5)), Reason.QUERY_INVALID,
             ("spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0].query (signal latency): is 5120 characters "
             "long with the set's variables put in, 4096 at most")),
            ({"prefix": "abc"}, a_set(signal("a" * 60)), Reason.INVALID_SPEC,
             f"spec.signalSetRefs[0].prefix: makes abc-{'a' * 60}, 64 characters long, 63 at most: take a shorter one"),
            ({}, a_set(signal("own")), Reason.INVALID_SPEC,
             ("spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0] is named own, and so is spec.signals[0]: give "
             "the set a prefix")),
        ],
    )  # fmt: skip
    def test_is_said_with_its_field_and_what_to_do(
        self, ref: dict[str, Any], spec: SignalSetSpec, reason: Reason, message: str
    ) -> None:
        assert said(found(using(ref), spec)) == [(reason, message)]

    def test_two_sets_with_a_signal_of_one_name(self) -> None:
        assert said(found(using({}, {"name": "grpc"}), a_set(), a_set())) == [
            (Reason.INVALID_SPEC, ("spec.signalSetRefs[1]: SignalSet 'grpc': spec.signals[0] is named latency, and so "
             "is spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0]: give the set a prefix")),
        ]  # fmt: skip

    def test_more_signals_than_a_review_may_have(self) -> None:
        many = [a_set(*(signal(f"{letter}{number}") for number in range(25))) for letter in "ab"]
        assert said(found(using({}, {"name": "grpc"}), *many)) == [
            (Reason.INVALID_SPEC, ("spec.signalSetRefs: 1 signals of its own and 50 of its sets make 51, 50 at most: "
             "leave some out, or split the review")),
        ]  # fmt: skip
        assert not found(using({}, {"name": "grpc"}, signals=[]), *many).problems

    def test_a_set_that_is_not_there_is_said_and_the_others_are_looked_at(self) -> None:
        gone = Problem(reason=Reason.SIGNAL_SET_NOT_FOUND, message="there is none")
        sets = found(using({}, {"name": "grpc"}), gone, a_set(job=None))
        assert [each.reason for each in sets.problems] == [Reason.SIGNAL_SET_NOT_FOUND, Reason.VARIABLE_UNKNOWN]
        assert sets.used == ()

    @pytest.mark.parametrize(
        ("changes", "baseline", "message"),
        [
            ({"mode": "Shadow"}, "History", "at least one must have mode Enforce"),
            ({"kind": "Info", "margin": None}, "History", "at least one must have mode Enforce"),
            (
                {},
                "Declared",
                "spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0] (signal latency): with baseline",
            ),
            ({"covariate": "rps"}, "History", "spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0].covariate"),
        ],
    )
    def test_what_the_api_server_says_of_its_own_signals_holds_for_all(
        self, changes: dict[str, Any], baseline: str, message: str
    ) -> None:
        subject = using({}, signals=[], baseline={"from": baseline})
        whole = with_sets(subject, found(subject, a_set(signal(**changes))))
        assert any(message in each.message for each in contradictions(whole.spec))
        unknown = [each.message for each in contradictions(whole.spec, whole=False)]
        assert any(message in each for each in unknown) is (baseline == "Declared")


class TestAcceptance:
    def step(self, subject: DriftReview, sets: Sets) -> DriftReviewStatus:
        action = plan(subject, Observed(target(), sets.problems, sets=sets), T0 - HOUR)
        assert isinstance(action, Settle)
        return action.status

    def test_a_review_that_lacks_a_set_goes_on_by_itself_once_it_is_there(self) -> None:
        gone = Problem(reason=Reason.SIGNAL_SET_NOT_FOUND, message="spec.signalSetRefs[0]: there is none")
        subject = using({})
        status = self.step(subject, found(subject, gone))
        assert status.conditions[0].reason == Reason.SIGNAL_SET_NOT_FOUND
        assert status.signal_sets is None
        sets = found(subject, a_set())
        status = self.step(subject.model_copy(update={"status": status}), sets)
        assert (status.conditions[0].reason, status.signal_sets) == (Reason.ACCEPTED, list(sets.used))

    def test_a_set_that_is_edited_before_t0_has_the_review_accepted_anew(self) -> None:
        subject = using({})
        sets, edited = found(subject, a_set()), found(subject, a_set(signal(query="y")))
        stored = subject.model_copy(update={"status": self.step(subject, sets)})
        assert is_accepted(stored, sets)
        assert not is_accepted(stored, edited)
        assert self.step(stored, edited).signal_sets == list(edited.used)


class TestAfterT0:
    def test_the_review_of_t0_is_made_again_from_its_evidence(self) -> None:
        subject = using({"prefix": "a", "variables": {"job": "x"}}, {"kind": "ClusterSignalSet", "name": "grpc"})
        whole = accepted(subject, found(subject, a_set(), a_set(signal("errors", severity="Minor"))))
        frozen = DriftSnapshotSpec.model_validate(at_t0(whole).to_wire())
        assert frozen.hash == hash_of(frozen)
        assert is_pinned(whole, frozen)
        again = as_at_t0(whole.model_copy(update={"spec": subject.spec}), frozen)
        assert again == whole == as_at_t0(again, frozen)
        assert spec_hash(again.spec) == spec_hash(whole.spec) != spec_hash(subject.spec)

    def test_a_review_without_sets_is_left_as_it_is_and_so_is_its_evidence(self) -> None:
        plain = review()
        look = Look("T0", None, BLOCK, "")
        frozen = take(plain, look, [], at_t0(plain).judged)
        assert "signalSets" not in frozen.to_wire()
        assert "signalSets" not in plain.status.to_wire()
        assert as_at_t0(plain, frozen) == plain
        assert is_pinned(plain, frozen)

    def test_only_t0_holds_them(self) -> None:
        whole = accepted(using({}), found(using({}), a_set()))
        judged = at_t0(whole).judged
        assert take(whole, Look("T0", None, BLOCK, ""), [], judged).signal_sets == at_t0(whole).signal_sets
        assert take(whole, Look("1h", None, BLOCK, ""), [], judged).signal_sets is None

    @pytest.mark.parametrize(
        "change", [{"signals": "[]"}, {"hash": "sha256:0"}, {"name": "other"}, {"signals_hash": "sha256:0"}]
    )
    def test_other_sets_than_those_of_the_status_are_not_taken(self, change: dict[str, str]) -> None:
        whole = accepted(using({}), found(using({}), a_set()))
        frozen = at_t0(whole)
        assert frozen.signal_sets is not None
        forged = frozen.model_copy(update={"signal_sets": [frozen.signal_sets[0].model_copy(update=change)]})
        assert not is_pinned(whole, forged)
        assert not is_pinned(
            whole.model_copy(update={"metadata": whole.metadata.model_copy(update={"uid": "9"})}), frozen
        )

    def test_the_name_of_what_holds_them_until_t0_is_made_of_what_they_are(self) -> None:
        one = accepted(using({}), found(using({}), a_set()))
        other = accepted(using({}), found(using({}), a_set(signal(query="y"))))
        assert pin_name(one) == pin_name(one) != pin_name(other)
        assert "-signals-" in pin_name(one)

    def test_what_the_status_says_of_them_is_held_against_the_evidence(self) -> None:
        whole = accepted(using({}), found(using({}), a_set()))
        frozen = at_t0(whole).model_copy(update={"checkpoint": "T0"})
        look = Looked("T0", DriftSnapshot(spec=frozen))
        ref = SnapshotRef(name="a", hash=frozen.hash)
        status = whole.status.model_copy(update={"signal_sets": None, "baseline": ref})
        bare = whole.model_copy(update={"status": status})
        paths = [each.path for each in differences(bare, [look], [], [], None)]
        assert "status.signalSets" in paths

    def test_the_report_names_them(self) -> None:
        whole = accepted(using({"prefix": "a"}), found(using({"prefix": "a"}), a_set()))
        text = "".join(files(report(whole, [])).values())
        assert whole.status.signal_sets is not None
        assert f"SignalSet http, prefix a ({whole.status.signal_sets[0].hash[7:19]})" in text


def test_where_a_signal_stands_is_never_written() -> None:
    (one,) = found(using({}), a_set()).signals
    assert isinstance(one, SetSignal)
    assert not {"ref", "number"} & one.model_dump().keys()
