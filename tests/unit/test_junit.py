"""JUnit's XML: what its many dialects say, and what strangers might put into it."""

import re
import time
from itertools import repeat

import pytest

from driftreview.api.elsewhere import Measure
from driftreview.domain.junit import UnreadableError, read_junit

PYTEST = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="5" time="0.300">
<testcase classname="tests.test_a" name="test_one" time="0.010" />
<testcase classname="tests.test_a" name="test_two" time="0.020"><system-out>failure</system-out></testcase>
<testcase classname="tests.test_b" name="test_bad" time="0.050"><failure message="no">trace</failure></testcase>
<testcase classname="tests.test_b" name="test_err" time="0.001"><error message="oh">trace</error></testcase>
<testcase classname="tests.test_b" name="test_not" time="0.000"><skipped message="later" /></testcase>
</testsuite></testsuites>"""
LAUGHS = b"""<!DOCTYPE lolz [<!ENTITY a "ha">%s]><testsuite><testcase name="&j;"/></testsuite>""" % b"".join(
    b'<!ENTITY %c "%s">' % (each, b"&%c;" % (each - 1) * 10) for each in range(ord("b"), ord("k"))
)


CASE = '<testcase name="a"/>'


def suite(*cases: str, head: str = "<testsuite>") -> bytes:
    return f"{head}{''.join(cases)}</testsuite>".encode()


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (Measure.TESTS, 5),
        (Measure.PASSED, 2),
        (Measure.FAILURES, 2),
        (Measure.SKIPPED, 1),
        (Measure.SUCCESS_RATE, 50),
        (Measure.RUNTIME, 0.3),
        (Measure.SLOWEST, 0.05),
    ],
)
def test_each_measure_of_what_pytest_writes(measure: Measure, value: float) -> None:
    assert read_junit(PYTEST).measured(measure) == pytest.approx(value)


def test_the_slowest_five_are_kept_in_order_and_of_the_same_time_by_name() -> None:
    cases = [
        f'<testcase classname="m" name="{name}" time="{seconds}"/>'
        for name, seconds in zip("fbcdea", "511141", strict=True)
    ]
    fact = read_junit(suite(*cases)).fact()
    assert [(each.name, each.seconds) for each in fact.slowest] == [
        ("m.f", "5"), ("m.e", "4"), ("m.a", "1"), ("m.b", "1"), ("m.c", "1"),
    ]  # fmt: skip
    assert (fact.tests, fact.failures, fact.skipped, fact.runtime) == (6, 0, 0, "13")


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (suite('<testcase name="a" time="1.5"/>', '<testcase name="b"/>'), 1.5),
        (suite('<testcase name="a" time="1"/>', head='<testsuite time="2">'), 2),
        (suite('<testcase name="a" time="1"/>', head='<testsuite time="1,234.5">'), 1234.5),
        (b'<testsuites><testsuite time="1"><testcase/></testsuite><testsuite time="2"/></testsuites>', 3),
        (b'<testsuites time="4"><testsuite time="1"><testcase/></testsuite><testsuite time="2"/></testsuites>', 4),
        (b'<testsuite time="4"><testsuite time="1"><testcase/></testsuite><testsuite time="2"/></testsuite>', 4),
        (b'<testsuite xmlns="urn:x" time="4"><testcase/></testsuite>', 4),
        (b'<?xml version="1.0" encoding="Windows-1252"?><testsuite time="4"><testcase name="\xe4"/></testsuite>', 4),
        ('<?xml version="1.0" encoding="utf-16"?><testsuite time="4"><testcase/></testsuite>'.encode("utf-16"), 4),
    ],
)
def test_the_runtime_is_that_of_the_outermost_suites_or_of_the_cases(content: bytes, seconds: float) -> None:
    assert read_junit(content).runtime == seconds


def test_a_case_counts_once_whatever_stands_in_it() -> None:
    found = read_junit(suite("<testcase><failure/><error/><skipped/></testcase>"))
    assert (found.tests, found.failures, found.skipped) == (1, 1, 0)


def test_of_tests_that_all_were_skipped_no_rate_is_made_up() -> None:
    with pytest.raises(UnreadableError, match="none of its 1 tests ran"):
        read_junit(suite("<testcase><skipped/></testcase>")).measured(Measure.SUCCESS_RATE)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            suite(CASE, head='<testsuite tests="5" failures="3" errors="1">'),
            "<testsuite> counts 4 failures and errors, and its test cases show 0",
        ),
        (
            suite(CASE, head='<testsuite name="s" tests="5">'),
            "contradicts itself: <testsuite> s counts 5 tests, and it has 1 test cases",
        ),
        (b'<testsuites failures="1"><testsuite><testcase/></testsuite></testsuites>', "<testsuites> counts 1 failures"),
        (
            b'<testsuites><testsuite errors="1"/><testsuite><testcase><error/></testcase></testsuite></testsuites>',
            "show 0",
        ),
        (suite(CASE, head='<testsuite failures="some">'), "failures of <testsuite> is 'some', not a number"),
        (suite("<error/>", CASE), "<error> stands in <testsuite>, in no test case"),
        (suite("<failure/>", CASE, head='<testsuite name="import">'), "<failure> stands in <testsuite> import"),
    ],
)
def test_a_file_that_says_more_than_its_cases_show_has_no_number(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=re.escape(why)):
        read_junit(content)


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        ("<testcase><properties><property name='a'/></properties><system-out>x</system-out></testcase>", (1, 0, 0)),
        ("<testcase><flakyError><stackTrace/></flakyError></testcase>", (1, 0, 0)),
        ("<testcase xmlns:q='urn:q'><q:failure/></testcase>", (1, 1, 0)),
        ("<testcase status='notrun' result='suppressed'/>", (1, 0, 1)),
        ("<testcase status='failed'/>", (1, 1, 0)),
        ("<testcase><rerunFailure/></testcase>", (1, 1, 0)),
        ("<testcase><flakyFailure/></testcase>", (1, 0, 0)),
        ("<testcase result='Failure'/>", (1, 1, 0)),
        ("<testcase status='run' result='completed'/>", (1, 0, 0)),
        ("<testcase status='error'><skipped/></testcase>", (1, 1, 0)),
    ],
)
def test_no_failure_of_a_case_is_lost(content: str, counts: tuple[int, int, int]) -> None:
    found = read_junit(suite(content))
    assert (found.tests, found.failures, found.skipped) == counts


@pytest.mark.parametrize(
    "content",
    [
        "<testcase><properties><failure/></properties></testcase>",
        "<testcase><system-out><error/></system-out></testcase>",
        "<testcase><flakyFailure><failure/></flakyFailure></testcase>",
        "<testcase><steps><failure/></steps></testcase>",
        "<testcase><Failure/></testcase>",
        "<testcase><warning/></testcase>",
        "<TestCase><failure/></TestCase>",
        "<x><testcase/></x>",
        "<properties><failure/></properties>",
        "<testcase status='broken'/>",
        "<testcase result='timedout'/>",
        "<testcase><testcase name='b'/></testcase>",
        "<testcase><testsuite/></testcase>",
    ],
)
def test_what_is_not_understood_is_no_pass(content: str) -> None:
    with pytest.raises(UnreadableError, match="nobody knows"):
        read_junit(suite(CASE, content))


@pytest.mark.parametrize(
    "content",
    [
        suite(
            "<testcase><error/></testcase>", head='<testsuite tests="2" errors="1">'
        ),  # pytest: passed, then taken down
        suite("<testcase><rerunFailure/><rerunFailure/></testcase>", head='<testsuite tests="1" failures="2">'),
        suite("<testcase/>", "<testcase/>", head='<testsuite tests="1">'),
        suite("<testcase><failure/></testcase>", head='<testsuite tests="" failures=" 0 ">'),
        suite("<testcase result='error'/>", head='<testsuite tests="1" errors="1">'),
    ],
)
def test_what_test_runners_count_differently_is_no_contradiction(content: bytes) -> None:
    assert read_junit(content).tests


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no whole XML document: no element found"),
        (PYTEST[:-5], "no whole XML document"),
        (b"<html><body>please log in</body></html>", "no test report: it begins with <html>"),
        (suite(), "no test case"),
        (b"not xml", "no whole XML document"),
        (suite('<testcase time="soon"/>'), "time of test .*'soon', not a number"),
        (suite('<testcase name="a" time="-1"/>'), "time of test a is '-1'"),
        (suite('<testcase time="nan"/>'), "not a number"),
        (suite('<testcase time="1e999"/>'), "not a number"),
        (suite("<testcase/>", head='<testsuite time="inf">'), "time of a suite"),
        (b'<?xml version="1.0" encoding="none"?><testsuite/>', "encoding|whole XML"),
        (b'<?xml version="1.0" encoding="unicode_escape"?><testsuite/>', "encoding that is not read, unicode_escape"),
        (b"<testsuite>" * 100, "more than 64 deep"),
        (b"<testsuite>&undefined;</testsuite>", "no whole XML document: undefined entity"),
    ],
)
def test_what_is_no_report_of_tests_is_said_to_be_none(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read_junit(content).fact()


@pytest.mark.parametrize(
    "content",
    [
        LAUGHS,
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><testsuite><testcase/></testsuite>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]><testsuite><testcase/></testsuite>',
        b'<!DOCTYPE a [<!ATTLIST testcase name CDATA "a">]><testsuite><testcase/></testsuite>',
        b"<!DOCTYPE testsuite><testsuite><testcase/></testsuite>",
    ],
)
def test_entities_are_never_put_in_nor_fetched(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="document type"):
        read_junit(content)


@pytest.mark.parametrize(
    "content",
    [
        suite(*repeat("<testcase/>", 95_000)),
        suite(f'<testcase name="{"x" * 2**20}"/>'),
        suite("<testcase " + " ".join(f'a{number}=""' for number in range(90_000)) + "/>"),
        suite("<testcase/>", f"<!--{'-' * 0}{'x' * 2**20}-->"),
    ],
)
def test_a_megabyte_of_anything_is_read_in_seconds(content: bytes) -> None:
    began = time.monotonic()
    assert len(read_junit(content).fact().to_wire()["slowest"][0]["name"]) <= 256
    assert time.monotonic() - began < 10


def test_what_a_terminal_would_obey_does_not_get_into_the_facts() -> None:
    (slow,) = read_junit(suite('<testcase name="a&#9;\u202eb" time="1"/>')).fact().slowest
    assert slow.name == "a\\t\\u202eb"
