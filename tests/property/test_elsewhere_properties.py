"""What holds of any number from elsewhere."""

import contextlib
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.elsewhere import Evidence, EvidenceFact, EvidenceFile, FileFormat
from driftreview.api.facts import Facts
from driftreview.api.signal import Worse
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.domain.elsewhere import Content, judge_evidence, read_file
from driftreview.domain.finding import Finding
from driftreview.domain.junit import UnreadableError
from driftreview.domain.result import CheckpointResult
from tests import builders

RANK = [SignalVerdict.IMPROVED, SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.DEGRADED]
AMOUNTS = st.integers(-(10**6), 10**6)
FILES = st.builds(
    lambda kind: EvidenceFile.model_validate(
        {"configMap": {"name": "a", "key": "b"}, "format": kind}
        | {FileFormat.JUNIT: {"measure": "successRate"}, FileFormat.JSON: {"pointer": "/a"}}.get(kind, {})
    ),
    st.sampled_from(FileFormat),
)
PIECES = st.sampled_from(
    ["<testsuite>", "</testsuite>", "<testcase/>", '<testcase time="', '"/>', "<!DOCTYPE a>", "&a;", "1", '{"a":', "}"]
)
CONTENTS = st.binary(max_size=60) | st.lists(PIECES, max_size=12).map(lambda parts: "".join(parts).encode())


def verdict(before: float, after: float, **fields: Any) -> SignalVerdict:
    declared = Evidence.model_validate({"name": "a", "baseline": before, "current": after} | fields)
    return judged(declared).verdict


def judged(declared: Evidence, at_t0: Facts | None = None, now: Facts | None = None) -> Finding:
    (found,) = judge_evidence([declared], at_t0, now)
    return found.finding


@given(AMOUNTS, AMOUNTS, st.integers(0, 200), st.sampled_from(Worse), st.integers(-12, 12))
def test_the_unit_does_not_matter(before: int, after: int, percent: int, worse: Worse, power: int) -> None:
    margin = {"relative": f"{percent}%"}
    scaled = [f"{each}e{power}" for each in (before, after)]
    given_ = {"name": "a", "margin": margin, "worse": worse}
    one = judged(Evidence.model_validate(given_ | {"baseline": before, "current": after}))
    other = judged(Evidence.model_validate(given_ | {"baseline": scaled[0], "current": scaled[1]}))
    assert one.verdict is other.verdict


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 200))
def test_worse_is_never_judged_better(before: int, one: int, other: int, percent: int) -> None:
    margin = {"relative": f"{percent}%"}
    better, worse = sorted((one, other))
    assert RANK.index(verdict(before, better, margin=margin)) <= RANK.index(verdict(before, worse, margin=margin))


@given(AMOUNTS, AMOUNTS, st.integers(0, 200))
def test_higher_and_lower_mirror_each_other(before: int, after: int, percent: int) -> None:
    margin = {"relative": f"{percent}%"}
    assert verdict(before, after, margin=margin) is verdict(-before, -after, margin=margin, worse="Lower")


@given(FILES, CONTENTS)
def test_any_file_gives_a_number_or_a_reason(file: EvidenceFile, content: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        fact = read_file("a", file, Content(content))
        assert read_file("a", file, Content(content)) == fact
        declared = Evidence.model_validate({"name": "a", "from": {"current": file.to_wire()}})
        frozen = Facts(taken_at=builders.T0, evidence=[EvidenceFact.model_validate(fact.to_wire())])
        assert judged(declared, frozen, frozen).verdict is SignalVerdict.STABLE


@given(st.text(alphabet="0123456789.eE+-_ nainf%٣", max_size=12))
def test_a_frozen_text_that_is_no_number_never_passes(value: str) -> None:
    declared = Evidence.model_validate({"name": "a", "baseline": 1, "from": {"current": FILE}})
    facts = Facts(taken_at=builders.T0, evidence=[EvidenceFact(name="a", value=value)])
    (found,) = judge_evidence([declared], facts, facts)
    if not re.fullmatch("[-+]?[0-9]*[.]?[0-9]*([eE][-+]?[0-9]+)?", value, re.ASCII):
        assert found.finding.verdict is SignalVerdict.MISSING
        assert CheckpointResult.of([], evidence=[found]).verdict is Verdict.INCONCLUSIVE


FILE = {"configMap": {"name": "a", "key": "b"}, "format": "Number"}
