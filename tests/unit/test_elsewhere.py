"""Numbers from elsewhere: how they are read, judged and counted."""

from hashlib import sha256
from typing import Any

import pytest

from driftreview.adapters.elsewhere import read_evidence
from driftreview.adapters.errors import ForbiddenError, NotFoundError
from driftreview.adapters.factreader import FactReader
from driftreview.api.elsewhere import Evidence, EvidenceFact, EvidenceFile
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.domain import elsewhere
from driftreview.domain.elsewhere import Content, EvidenceResult, file_of, judge_evidence, read_file
from driftreview.domain.expected import measured_only, unmeasured
from driftreview.domain.finding import Finding
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.junit import Suite, UnreadableError, read_junit
from driftreview.domain.result import CheckpointResult, SignalResult
from driftreview.domain.rows import evidence_rows
from tests import builders
from tests.builders import review

JUNIT = b'<testsuite time="0.3"><testcase name="a" time="0.1"/><testcase name="b"><failure/></testcase></testsuite>'
FILE = {"configMap": {"name": "tests", "key": "junit.xml"}, "format": "JUnit", "measure": "tests"}
# As the author of the first hand-written review would have set them.
WRITTEN_BY_HAND = [
    ({"name": "characterization-tests", "unit": "tests", "worse": "Lower", "baseline": 38, "current": 52},
     "Improved", "+37%", "38 tests", "52 tests"),
    ({"name": "characterization-runtime", "unit": "s", "margin": {"relative": "10%"}, "baseline": "0.28",
      "current": "0.30"},
     "Acceptable", "+7%", "280 ms", "300 ms"),
    ({"name": "unit-tests", "unit": "tests", "worse": "Lower", "baseline": 562, "current": 562},
     "Stable", "0%", "562 tests", "562 tests"),
    ({"name": "unit-runtime", "unit": "s", "margin": {"relative": "10%"}, "baseline": "2.8", "current": "2.65"},
     "Improved", "-5%", "2.8 s", "2.65 s"),
    ({"name": "success-rate", "unit": "%", "worse": "Lower", "baseline": 100, "current": 100},
     "Stable", "0%", "100%", "100%"),
]  # fmt: skip


def number(**fields: Any) -> Evidence:
    return Evidence.model_validate({"name": "tests", "baseline": 100, "current": 100} | fields)


def from_files(**fields: Any) -> Evidence:
    return Evidence.model_validate({"name": "tests", "from": {"current": FILE}} | fields)


def facts(value: str | None = None, *problems: FactProblem) -> Facts:
    return Facts(taken_at=builders.T0, evidence=[EvidenceFact(name="tests", value=value)], problems=list(problems))


def problem(reason: Reason) -> FactProblem:
    return FactProblem(about="evidence/tests", reason=reason, message="because")


def judged(evidence: Evidence, at_t0: Facts | None = None, now: Facts | None = None) -> EvidenceResult:
    (found,) = judge_evidence([evidence], at_t0, now)
    return found


class TestJudging:
    @pytest.mark.parametrize(("declared", "verdict", "delta", "old", "new"), WRITTEN_BY_HAND)
    def test_the_table_that_was_written_by_hand_comes_out(
        self, declared: dict[str, Any], verdict: str, delta: str, old: str, new: str
    ) -> None:
        found = judged(Evidence.model_validate(declared)).finding
        assert (found.verdict, found.delta, found.baseline, found.current) == (verdict, delta, old, new)

    def test_its_rows_and_the_recommendation(self) -> None:
        declared = [Evidence.model_validate(each[0]) for each in WRITTEN_BY_HAND]
        result = CheckpointResult.of([good_signal()], evidence=judge_evidence(declared, None, None))
        assert result.verdict is Verdict.PASS
        assert [(each.verdict, each.delta) for each in evidence_rows(result)] == [each[1:3] for each in WRITTEN_BY_HAND]
        assert result.message == (
            "all enforced signals and numbers (6) pass; closest: evidence/characterization-runtime is Acceptable: "
            "300 ms against 280 ms (+7%), margin 10%"
        )

    @pytest.mark.parametrize(
        ("fields", "current", "verdict"),
        [
            ({}, "100", "Stable"),
            ({}, "101", "Degraded"),
            ({}, "99", "Improved"),
            ({"worse": "Lower"}, "99", "Degraded"),
            ({"worse": "Lower"}, "101", "Improved"),
            ({"worse": "Either"}, "99", "Degraded"),
            ({"worse": "Either", "margin": {"absolute": "1"}}, "99", "Acceptable"),
            ({"worse": "Either", "margin": {"absolute": "1"}}, "101.1", "Degraded"),
            ({"margin": {"relative": "5%"}}, "105", "Acceptable"),
            ({"margin": {"relative": "5%"}}, "105.1", "Degraded"),
            ({"margin": {"relative": "5%", "absolute": "7"}}, "107", "Acceptable"),
            ({"margin": {"relative": "9%", "absolute": "7"}}, "109", "Acceptable"),
            ({"baseline": 0, "margin": {"relative": "50%"}}, "1", "Degraded"),
            ({"baseline": 0, "margin": {"absolute": "1"}}, "1", "Acceptable"),
            ({"baseline": "-100", "margin": {"relative": "5%"}}, "-95", "Acceptable"),
            ({"baseline": "-100", "margin": {"relative": "5%"}}, "-94", "Degraded"),
        ],
    )
    def test_plain_margins(self, fields: dict[str, Any], current: str, verdict: str) -> None:
        assert judged(number(**fields, current=current)).finding.verdict == verdict

    def test_what_is_left_of_adding_up_is_no_difference(self) -> None:
        assert judged(from_files(), facts("0.3"), facts("0.300000000000001")).finding.verdict == "Stable"

    def test_the_sentence(self) -> None:
        given = number(current=120, unit="s", margin={"relative": "5%", "absolute": "2"}, source="make test")
        assert judged(given).sentence == (
            "evidence/tests is Degraded: 120 s against 100 s (+20%), margin 5% or 2 s; from make test"
        )

    @pytest.mark.parametrize(
        ("before", "after", "delta"),
        [(0, 0, "+0"), (0, 3, "+3"), (1000, 1001, "+0.1%"), (1, 10**6, "+99999900%"), ("0.001", 10**9, "+1e+14%")],
    )
    def test_how_a_difference_is_said(self, before: Any, after: Any, delta: str) -> None:
        assert judged(number(baseline=before, current=after)).finding.delta == delta


class TestCounting:
    @pytest.mark.parametrize(
        ("fields", "verdict"),
        [
            ({"current": 101}, Verdict.DRIFT),
            ({"current": 101, "mode": "Shadow"}, Verdict.PASS),
            ({"current": 101, "margin": {"relative": "5%"}}, Verdict.PASS),
            ({"current": None, "from": {"current": FILE}}, Verdict.INCONCLUSIVE),
            ({"current": None, "from": {"current": FILE}, "mode": "Shadow"}, Verdict.PASS),
            ({"current": None, "from": {"current": FILE}, "onMissing": "Ignore"}, Verdict.PASS),
            ({"current": None, "from": {"current": FILE}, "onMissing": "Fail"}, Verdict.DRIFT),
        ],
    )
    def test_it_counts_like_a_signal(self, fields: dict[str, Any], verdict: Verdict) -> None:
        found = judged(number(**fields), facts(), facts(None, problem(Reason.NOT_FOUND)))
        assert CheckpointResult.of([good_signal()], evidence=[found]).verdict is verdict

    @pytest.mark.parametrize("reason", [Reason.FORBIDDEN, Reason.REFUSED])
    def test_what_the_operator_may_not_read_never_counts_against_the_release(self, reason: Reason) -> None:
        found = judged(from_files(onMissing="Fail"), facts("1"), facts(None, problem(reason)))
        assert found.counts_as is SignalVerdict.MISSING

    def test_it_alone_is_judged_with_the_checkpoint_and_makes_it_drift(self) -> None:
        spec = review(evidence=[number(current=101).to_wire()]).spec
        values = builders.series(builders.around(1, 144))
        frozen = [builders.snapshot(builders.evidence("latency", values), checkpoint=name) for name in ("T0", "1h")]
        found = judge_checkpoint(spec, *frozen)
        assert (found.verdict, [each.counts_as for each in found.evidence]) == (Verdict.DRIFT, ["Degraded"])
        assert found.message.startswith("evidence/tests is Degraded: 101 against 100 (+1%), nothing worse is tolerated")

    def test_a_history_has_those_that_are_declared_and_many_t0s_have_none(self) -> None:
        declared, read = number(), from_files(name="read")
        spec = review(evidence=[declared.to_wire(), read.to_wire()]).spec
        assert measured_only(spec).evidence == [declared]
        assert measured_only(spec, many=True).evidence == []
        of_file = "spec.evidence[read], which is read from a ConfigMap, not from recordings"
        assert unmeasured(spec) == [of_file]
        of_one = "spec.evidence, whose numbers are of one release and not of every T0"
        assert unmeasured(spec, many=True) == [of_one, of_file]


class TestMissing:
    @pytest.mark.parametrize(
        ("at_t0", "now", "why"),
        [
            (None, facts("1"), "nothing of the cluster was recorded at T0"),
            (facts("1"), None, "nothing of the cluster was recorded now"),
            (facts("1"), facts(), "no number was frozen now"),
            (facts("nan"), facts("1"), "no number was frozen at T0"),
            (facts("1e999"), facts("1"), "no number was frozen at T0"),
            (facts(None, problem(Reason.NOT_FOUND)), facts("1"), "there is no number at T0: because"),
            (facts("1"), facts("1", problem(Reason.NOT_FOUND)), "there is no number now: because"),
        ],
    )
    def test_what_is_not_known_never_looks_good(self, at_t0: Facts | None, now: Facts | None, why: str) -> None:
        found = judged(from_files(), at_t0, now).finding
        assert (found.verdict, found.message) == (SignalVerdict.MISSING, why)

    def test_the_side_that_is_known_is_shown(self) -> None:
        assert judged(from_files(unit="s"), facts("1"), facts()).finding.baseline == "1 s"


class Cluster:
    """Stands for the API server."""

    def __init__(self, **maps: Any) -> None:
        self.maps, self.asked = maps, list[str]()

    def keep(self, _: object, name: str, __: str, reduce: Any) -> Any:
        self.asked.append(name)
        found = self.maps.get(name, NotFoundError("no"))
        if isinstance(found, Exception):
            raise found
        return reduce(found)


class TestReading:
    def read(self, evidence: Evidence, *, at_t0: bool = False, **maps: Any) -> tuple[list[EvidenceFact], list[Reason]]:
        reader = FactReader(Cluster(**maps), "shop")  # type: ignore[arg-type] # stands for it
        return read_evidence(reader, [evidence], at_t0=at_t0), [each.reason for each in reader.problems]

    def test_a_junit_file_with_its_hash_and_the_whole_of_it(self) -> None:
        (fact,), problems = self.read(from_files(), tests={"data": {"junit.xml": JUNIT.decode()}})
        assert fact.to_wire() == {
            "name": "tests",
            "hash": f"sha256:{sha256(JUNIT).hexdigest()}",
            "value": "2",
            "suite": {
                "tests": 2,
                "failures": 1,
                "skipped": 0,
                "runtime": "0.3",
                "slowest": [{"name": "a", "seconds": "0.1"}, {"name": "b", "seconds": "0"}],
            },
        }
        assert not problems

    def test_a_map_is_read_once_and_a_file_parsed_once_whatever_rests_on_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster, parsed = Cluster(tests={"data": {"junit.xml": "<html/>", "a": "1"}}), list[bytes]()

        def parse(content: bytes) -> Suite:
            parsed.append(content)
            return read_junit(content)

        monkeypatch.setattr(elsewhere, "read_junit", parse)
        other = FILE | {"configMap": {"name": "tests", "key": "a"}, "format": "Number"}
        del other["measure"]
        plain = number(name="z", current=None, **{"from": {"current": other}})
        reader = FactReader(cluster, "shop")  # type: ignore[arg-type] # stands for it
        declared = [from_files(name="a"), plain, from_files(name="b")]
        found = read_evidence(reader, declared, at_t0=False)
        assert [(each.name, each.value) for each in found] == [("a", None), ("z", "1"), ("b", None)]
        assert [each.about for each in reader.problems] == ["evidence/a", "evidence/b"]
        assert (cluster.asked, len(parsed)) == (["tests"], 1)

    def test_each_number_of_a_map_that_may_not_be_read_says_so(self) -> None:
        reader = FactReader(Cluster(tests=ForbiddenError("no")), "shop")  # type: ignore[arg-type] # stands for it
        read_evidence(reader, [from_files(name=name) for name in "ab"], at_t0=False)
        assert [(each.about, each.reason) for each in reader.problems] == [
            ("evidence/a", Reason.FORBIDDEN), ("evidence/b", Reason.FORBIDDEN),
        ]  # fmt: skip

    def test_binary_data_is_the_same_file(self) -> None:
        plain, _ = self.read(from_files(), tests={"data": {"junit.xml": "<testsuite><testcase/></testsuite>"}})
        encoded = "PHRlc3RzdWl0ZT48dGVzdGNhc2UvPjwvdGVzdHN1aXRlPg=="
        assert self.read(from_files(), tests={"binaryData": {"junit.xml": encoded}})[0] == plain

    @pytest.mark.parametrize(
        ("maps", "reason", "hashed"),
        [
            ({}, Reason.NOT_FOUND, False),
            ({"tests": {}}, Reason.NOT_FOUND, False),
            ({"tests": {"data": {"other": ""}}}, Reason.NOT_FOUND, False),
            ({"tests": ForbiddenError("no")}, Reason.FORBIDDEN, False),
            ({"tests": {"data": {"junit.xml": "<html/>"}}}, Reason.WRONG_RESULT_TYPE, True),
        ],
    )
    def test_why_there_is_no_number(self, maps: Any, reason: Reason, hashed: bool) -> None:  # noqa: FBT001 - a row
        (fact,), problems = self.read(from_files(), **maps)
        assert (fact.value, fact.hash is not None, problems) == (None, hashed, [reason])

    def test_at_t0_what_is_compared_with_is_read_and_later_what_is_compared(self) -> None:
        other = FILE | {"measure": "passed"}
        both = from_files(**{"from": {"baseline": other, "current": FILE}})
        declared, nothing = from_files(baseline=3), number()
        assert [each and each.measure for each in (file_of(both, at_t0=True), file_of(both, at_t0=False))] == [
            "passed", "tests",
        ]  # fmt: skip
        assert file_of(from_files(), at_t0=True) == file_of(from_files(), at_t0=False)
        assert file_of(declared, at_t0=True) is None
        assert file_of(nothing, at_t0=True) is file_of(nothing, at_t0=False) is None


def json_file(pointer: str) -> EvidenceFile:
    return EvidenceFile.model_validate({"configMap": FILE["configMap"], "format": "JSON", "pointer": pointer})


NUMBER = EvidenceFile.model_validate({"configMap": FILE["configMap"], "format": "Number"})
DOCUMENT = b'{"a": [1, {"b/c": 2.5, "~": -3, "": 4}], "t": "5", "n": null, "y": true, "big": 1e400, "long": %s}' % (
    b"9" * 400
)


@pytest.mark.parametrize(("pointer", "value"), [("/a/0", "1"), ("/a/1/b~1c", "2.5"), ("/a/1/~0", "-3"), ("/a/1/", "4")])
def test_a_json_pointer_finds_a_number(pointer: str, value: str) -> None:
    assert read_file("x", json_file(pointer), Content(DOCUMENT)).value == value


@pytest.mark.parametrize(
    ("pointer", "why"),
    [
        ("", "root is an object"),
        ("/a", "is a list"),
        ("/t", "is text"),
        ("/n", "is null"),
        ("/y", "true or false"),
        ("/big", "too large"),
        ("/long", "too large"),
        ("/a/2", "there is no '2'"),
        ("/a/01", "there is no '01'"),
        ("/a/-", "there is no '-'"),
        ("/t/0", "there is no '0'"),
        ("/missing", "there is no 'missing'"),
    ],
)
def test_where_a_json_pointer_finds_none(pointer: str, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read_file("x", json_file(pointer), Content(DOCUMENT))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN", b'{"a": Infinity}', b"9" * 5000, b"<html>"]
)
def test_what_is_no_json_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="it is no JSON"):
        read_file("x", json_file(""), Content(content))


@pytest.mark.parametrize(("text", "value"), [("87.5\n", "87.5"), (" -1e3 ", "-1000"), ("562", "562"), (".5", "0.5")])
def test_a_file_may_be_the_number_itself(text: str, value: str) -> None:
    assert read_file("x", NUMBER, Content(text.encode())).value == value


@pytest.mark.parametrize("text", ["", "87%", "1 2", "nan", "inf", "1_000", "٣", "0x10", "1e999", "\x1b[2J"])
def test_what_is_no_number_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableError) as found:
        read_file("x", NUMBER, Content(text.encode()))
    assert str(found.value).isprintable()


def good_signal() -> SignalResult:
    return SignalResult(Signal.model_validate(builders.signal()), Finding(SignalVerdict.STABLE, None, "as before"))
