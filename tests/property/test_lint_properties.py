"""Lint has an answer for every file, and none but a good one for what the models accept."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.crd import RESOURCES
from driftreview.lint.check import lint
from driftreview.lint.expressions import parts
from driftreview.lint.finding import Severity
from driftreview.lint.objects import read
from driftreview.lint.shapes import drops, never_silent
from tests.integration.crd_samples import SPECS, Raw, made
from tests.support.changes import changed

TEXTS = [
    yaml.safe_dump(made(kind, spec), sort_keys=False, default_flow_style=flow)
    for kind, specs in SPECS.items()
    for spec in specs
    for flow in (False, True)
]
PIECES = st.sampled_from([
    *"\t\n {}[]\"'#%\\\x00|>~\x85\ufeff\ud800é", "- ", ": ", "? ", "&a ", "*a", "<<: ", "!!int ", "---\n",
    "9" * 400, "1e999", ".nan", "spec", "kind", "${pods}",
])  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A sample with pieces cut out and put in."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 20)))
        text = text[:start] + draw(PIECES) + text[end:]
    return text.encode("utf-8", "surrogatepass")


@given(spoilt() | st.binary(max_size=200))
@settings(deadline=None, max_examples=300)
def test_lint_has_an_answer_for_every_file(data: bytes) -> None:
    for finding in lint([("a.yaml", data), ("b.yaml", data)]).findings:
        assert finding.text.isprintable()
        assert finding.place.line >= 1
        assert finding.place.column >= 1
        assert finding.place.line <= data.count(b"\n") + data.count(b"\r") + data.count(b"\x85") + 2


@given(changed())
@settings(deadline=None, max_examples=300)
def test_lint_has_an_answer_for_every_object(document: Raw) -> None:
    data = yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")
    contents = read(data)
    wrong = [each for each in contents.findings if each.severity is Severity.ERROR]
    assert [each.model is None for each in contents.objects] in ([bool(wrong)], [])
    assert not [each for each in wrong if each.check == "model"], "the schema lets through what the model refuses"


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_what_a_model_writes_has_no_error(data: st.DataObject) -> None:
    kinds = {resource.kind: resource.model for resource in RESOURCES}
    kind = data.draw(st.sampled_from([kind for kind in SPECS if kind != "DriftSnapshot"]))
    spec = data.draw(st.sampled_from(SPECS[kind]))
    needed = {"target", "metrics", "signals", "url", "author", "reviewRef", "by", "type", "item", "for"}
    optional = [name for name in spec if name not in needed]
    kept = data.draw(st.sets(st.sampled_from(optional))) if optional else set()
    chosen = {name: value for name, value in spec.items() if name not in optional or name in kept}
    wire = kinds[kind].model_validate(made(kind, chosen)).to_wire()
    wire = {"kind": kind, "apiVersion": made(kind, {})["apiVersion"], **wire, "metadata": {"name": "a"}}
    wire.pop("status", None)
    assert [each.text for each in read(yaml.safe_dump(wire).encode()).findings] == []


LEAVES = st.sampled_from(
    ["up", "x", "1", "vector(1)", "x > 0", "rate(x[5m])", "time()", "sum by (zone) (x)", "absent(up)"]
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds("{0}({1})".format, st.sampled_from(["", "-", "max", "max by (zone) "]), inner)
        | st.builds(
            "({1}) {0} ({2})".format, st.sampled_from(["or", "and", "unless", "/", "*", "==", "> bool"]), inner, inner
        )
    ),
    max_leaves=6,
)


@given(QUERIES)
@settings(deadline=None)
def test_what_a_condition_filters_may_fall_silent_and_each_has_the_labels_that_it_is_grouped_by(query: str) -> None:
    for part in parts(query, {}):
        if not part.within:
            never_silent(part.it)
    for text, expected in ((f"({query}) > 5", ""), (f"({query}) unless on () x", "")):
        assert [never_silent(part.it) for part in parts(text, {}) if not part.within] in ([expected], [])
    (whole,) = [part.it for part in parts(f"max by (zone) ({query})", {}) if not part.within] or [None]
    assert whole is None or not drops(whole, "zone")
    (whole,) = [part.it for part in parts(f"max by (pod) ({query})", {}) if not part.within] or [None]
    assert whole is None or drops(whole, "zone")
