"""Values are put into a query so that none can change what the query means."""

import re
import time

import pytest

from driftreview.api.reasons import Reason
from driftreview.domain.query import (
    QueryProblem,
    check,
    pods_of_revision,
    pods_of_target,
    regex_literal,
    resolve,
    stood_in_for,
)

VARIABLES = {"namespace": "shop", "pods": r"web\.v2-7d9c-[a-z0-9]{5}", "window": "5m", "odd": 'a"b\\c\nd', "tick": "`"}


@pytest.mark.parametrize(
    ("query", "resolved"),
    [
        ('up{namespace="${namespace}"}', 'up{namespace="shop"}'),
        ("up{namespace='${namespace}'}", "up{namespace='shop'}"),
        ("up{namespace=`${namespace}`}", "up{namespace=`shop`}"),
        ('up{pod=~"${pods}"}', 'up{pod=~"web\\\\.v2-7d9c-[a-z0-9]{5}"}'),
        ("up{pod=~`${pods}`}", r"up{pod=~`web\.v2-7d9c-[a-z0-9]{5}`}"),
        ("rate(x[${window}])", "rate(x[5m])"),
        ('x{a="${odd}"}', r'x{a="a\"b\\c\nd"}'),
        ("x{a='${odd}'}", "x{a='a\"b\\\\c\\nd'}"),
        ('x{a="${tick}\'"}', 'x{a="`\'"}'),
        ("x{a=\"'${namespace}'\"}", "x{a=\"'shop'\"}"),
        (r'x{a="\"${namespace}"}', r'x{a="\"shop"}'),
        (r'x{a="\\"} + ${window}', r'x{a="\\"} + 5m'),
        (r"x{a=`\`} + ${window}", r"x{a=`\`} + 5m"),
        ('x{a="$${namespace}"}', 'x{a="${namespace}"}'),
        ('x{a="$$${namespace}"}', 'x{a="$${namespace}"}'),
        ("x{a=~`.+$`}", "x{a=~`.+$`}"),
        ("x # ${nothing} in a \"comment\ny{a='${namespace}'}", "x \ny{a='shop'}"),
        ("x # ${nothing}", "x "),
        ('x{a="# ${namespace}"}', 'x{a="# shop"}'),
        ("x", "x"),
    ],
)
def test_a_variable_is_put_in_as_its_place_demands(query: str, resolved: str) -> None:
    assert resolve(query, VARIABLES) == resolved


def test_a_value_is_put_in_once() -> None:
    assert resolve('x{a="${a}"}', {"a": "${b}", "b": "no"}) == 'x{a="${b}"}'


@pytest.mark.parametrize("name", ["nothing", "", "Namespace", " namespace", "a b"])
def test_an_unknown_variable_refuses_the_query_and_names_the_known_ones(name: str) -> None:
    found = resolve(f'x{{a="${{{name}}}"}}', VARIABLES)
    assert isinstance(found, QueryProblem)
    assert found.reason is Reason.VARIABLE_UNKNOWN
    assert found.message.startswith(f"${{{name}}} is not defined")
    assert "; known are namespace, odd, pods, tick, window (" in found.message


@pytest.mark.parametrize(
    ("name", "meant"), [("pod", "pods"), ("namespaces", "namespace"), ("Namespace", "namespace"), ("windows", "window")]
)
def test_an_unknown_variable_is_answered_with_the_one_that_was_meant(name: str, meant: str) -> None:
    found = resolve(f'x{{a="${{{name}}}"}}', VARIABLES)
    assert isinstance(found, QueryProblem)
    assert found.message.startswith(f"${{{name}}} is not defined; known are ")
    assert found.message.endswith(f"; did you mean ${{{meant}}}?")


def test_a_variable_like_no_other_is_answered_without_a_guess() -> None:
    found = resolve('x{a="${zone}"}', VARIABLES)
    assert isinstance(found, QueryProblem)
    assert "mean" not in found.message


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('up{pod="${pods}"}', 'pod="…" takes for plain text: write pod=~"${pods}"'),
        ('up{pod!="${pods}"}', 'pod!="…" takes for plain text: write pod!~"${pods}"'),
        ("up{namespace=\"${namespace}\", pod = '${pods}'}", "write pod=~'${pods}'"),
        ("up{pod=`${pods}`}", "write pod=~`${pods}`"),
        ('up{pod=# the pods\n"${pods}"}', 'write pod=~"${pods}"'),
        ('up{pod="a ${namespace} ${pods}"}', 'write pod=~"${pods}"'),
        ('up{pod=~"${pods}"} - on (pod) down{kubernetes_pod_name="${pods}"}', 'write kubernetes_pod_name=~"${pods}"'),
    ],
)
def test_a_regular_expression_compared_as_text_is_refused_with_the_fix(query: str, says: str) -> None:
    found = resolve(query, VARIABLES)
    assert isinstance(found, QueryProblem)
    assert found.reason is Reason.QUERY_INVALID
    assert "${pods} is a regular expression" in found.message
    assert says in found.message


@pytest.mark.parametrize(
    ("query", "behind"),
    [
        ("up", None),
        ("sum(x) or y", None),
        ('100 * (sum(rate(x{a="b"}[5m])) or vector(0)) / sum(rate(x[5m]))', 'sum(rate(x{a="b"}[5m]))'),
        ("rate(x[5m]) or on() vector(0)", "rate(x{}[5m])"),
        ("min_over_time((x or vector(1))[5m:1m])", "x{}"),
        ("clamp_min(x or vector(0), 1)", "x{}"),
        ('-(x{a="b"} or vector(0))', 'x{a="b"}'),
        ('x{a=~"b\\\\.c"} or vector(0)', None),  # the parser would write the backslash bare
        ('x{a=~`b"`} or vector(0)', None),
    ],
)
def test_what_a_number_stands_in_for_is_found(query: str, behind: str | None) -> None:
    assert check(query) is None
    assert stood_in_for(query) == behind


def test_a_hostile_name_before_a_regular_expression_costs_no_time() -> None:
    began = time.process_time()
    for name in ("a" * 2000, "a " * 1000, " " * 2000):
        assert isinstance(resolve(f'{name}"{"${pods}" * 290}', {"pods": "x"}), str)
        assert isinstance(resolve(f'{name}="{"${pods}" * 290}', {"pods": "x"}), QueryProblem | str)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "query",
    [
        'up{pod=~"${pods}"}',
        'up{pod!~"${pods}"}',
        "up{pod =~ `${pods}`}",
        'up{namespace="${namespace}",pod=~"${pods}|x"}',
        'label_replace(up, "is", "x", "pod", "${pods}")',
        "x{a=\"pod='$${pods}'\"}",
        'up{pod=~"x=\'${pods}"}',
        '# pod="${pods}"\nup',
    ],
)
def test_a_regular_expression_where_one_is_matched_is_let_through(query: str) -> None:
    assert isinstance(resolve(query, VARIABLES), str)


@pytest.mark.parametrize("value", ["a b", "x)", "1 or up", '"', "", "a,b", "x{}", "a\n", "-1", "é"])
def test_outside_of_quotes_only_a_word_is_let_through(value: str) -> None:
    found = resolve("rate(${a})", {"a": value})
    assert isinstance(found, QueryProblem)
    assert found.reason is Reason.QUERY_INVALID
    assert "quote it" in found.message


def test_a_raw_string_ends_at_its_backtick_whatever_stands_before_it() -> None:
    assert isinstance(resolve(r"x{a=`\`} + ${a}", {"a": "1 or up"}), QueryProblem)


def test_a_query_of_countless_operations_is_refused() -> None:
    found = check(" + ".join(["x"] * 2000))
    assert found is not None
    assert "record parts of it with a rule" in found.message


@pytest.mark.parametrize("value", ["up", "5m", "0.95", "namespace:errors:rate5m", "1e3"])
def test_words_numbers_and_durations_stand_bare(value: str) -> None:
    assert resolve("x ${a} y", {"a": value}) == f"x {value} y"


def test_a_backtick_has_no_place_in_a_raw_string() -> None:
    found = resolve("x{a=`${tick}`}", VARIABLES)
    assert isinstance(found, QueryProblem)
    assert "double quotes" in found.message


def test_a_query_too_long_for_its_evidence_is_refused() -> None:
    found = resolve('x{a="${a}"} or ' * 20 + "x", {"a": "y" * 1024})
    assert isinstance(found, QueryProblem)
    assert "8192 at most" in found.message


@pytest.mark.parametrize("query", ["up", "rate(x[5m])", "1", "time() - max by (a) (x)", "x > 1 and on (a) y", "x # y"])
def test_promql_with_numbers_for_an_answer_is_accepted(query: str) -> None:
    assert check(query) is None


@pytest.mark.parametrize(
    "query", [r"x{a=~`\d+\.\d+`}", r"x{a=`\`}", 'x{a=\'`\',b="\\"`"}', 'x{a=`"`}', "x{a=`\n`}", "x # `\n + y{a=`\\`}"]
)
def test_a_backslash_in_a_raw_string_is_a_backslash(query: str) -> None:
    assert check(query) is None


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("rate(x[5m]", "is not PromQL: "),
        ("", "is not PromQL: "),
        ("nosuch(x)", "is not PromQL: "),
        ("x[5m]", "range vector"),
        ("rate(x[5m])[1h:]", "range vector"),
        ('"text"', "is a string"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_a_word(query: str, says: str) -> None:
    found = check(query)
    assert found is not None
    assert found.reason is Reason.QUERY_INVALID
    assert says in found.message
    assert "\n" not in found.message


@pytest.mark.parametrize("text", ["web", "web.v2", "a+b", "a(b)|c", "[x]{2}", "^$", "\\d", "a-b", ""])
def test_a_literal_matches_itself_and_nothing_else(text: str) -> None:
    pattern = re.compile(regex_literal(text))
    assert pattern.fullmatch(text)
    for other in (text + "x", text.replace(".", "x"), text.replace("\\d", "1"), "x"):
        assert (pattern.fullmatch(other) is not None) == (other == text)


class TestPods:
    @pytest.mark.parametrize("pod", ["web-5b5f4696fc-x2x4z", "web-5b5f4696fc-abcde"])
    def test_of_a_revision(self, pod: str) -> None:
        assert re.fullmatch(pods_of_revision("web-5b5f4696fc"), pod)

    @pytest.mark.parametrize(
        "pod", ["web-85dc98b745-x2x4z", "web-5b5f4696fc", "web-5b5f4696fc-x2x4z-1", "xweb-5b5f4696fc-x2x4z"]
    )
    def test_of_no_other_revision(self, pod: str) -> None:
        assert not re.fullmatch(pods_of_revision("web-5b5f4696fc"), pod)

    @pytest.mark.parametrize("pod", ["web-5b5f4696fc-x2x4z", "web-85dc98b745-x2x4z", "web-6d4-abcde"])
    def test_of_every_revision(self, pod: str) -> None:
        assert re.fullmatch(pods_of_target("web"), pod)

    @pytest.mark.parametrize(
        "pod",
        [
            "web-api-5b5f4696fc-x2x4z",  # of a Deployment web-api
            "web-api-x2x4z",  # of a DaemonSet web-api
            "web-0",  # of a StatefulSet web
            "web-x2x4z",  # of a Job or DaemonSet web
            "other-5b5f4696fc-x2x4z",
        ],
    )
    def test_of_no_other_workload(self, pod: str) -> None:
        assert not re.fullmatch(pods_of_target("web"), pod)

    @pytest.mark.parametrize("length", [40, 45, 46, 47, 48, 56, 57, 58, 60, 100, 200])
    @pytest.mark.parametrize("hashed", ["5b5f4696fc", "6d4f8"])
    def test_of_a_name_so_long_that_the_api_server_cuts_it(self, length: int, hashed: str) -> None:
        deployment = "d" * length
        replica_set = f"{deployment}-{hashed}"
        pod = f"{replica_set}-"[:58] + "x2x4z"  # what metadata.generateName makes of it
        assert re.fullmatch(pods_of_revision(replica_set), pod)
        assert re.fullmatch(pods_of_target(deployment), pod)

    def test_dots_in_a_name_are_dots(self) -> None:
        assert not re.fullmatch(pods_of_target("web.v2"), "webxv2-5b5f4696fc-x2x4z")
