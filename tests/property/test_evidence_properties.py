"""Evidence survives whatever carries it, and nothing in it can be changed unseen."""

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.driftsnapshot import (
    MAX_VALUES,
    DriftSnapshotSpec,
    RevisionEvidence,
    SeriesEvidence,
    SignalEvidence,
)
from driftreview.api.reasons import Reason
from driftreview.domain.blocks import block_medians, decode, encode
from driftreview.domain.companions import Companion
from driftreview.domain.evidence import (
    MOST_STORED,
    Look,
    Measurement,
    canonical,
    content_hash,
    freeze,
    hash_of,
    is_intact,
    take,
)
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples, Series, Window
from driftreview.domain.scraping import Scraping
from driftreview.domain.shape import MAX_SERIES
from tests.builders import BLOCK, HOUR, MINUTE, T0, limit, presence, review, revision, signal

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SAMPLES = st.none() | FINITE
# No surrogates: what came over HTTP as UTF-8 holds none.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
WINDOW = Window(T0, T0 + HOUR, MINUTE)
SIGNALS = [
    signal("level"),
    signal("pods", each="pod"),
    limit("60", name="limit"),
    signal("beside", each="pod", control="up"),
    signal("ratio", each="pod", per="up", min_traffic="1"),
    presence(each="pod"),
]
REASONS = st.sampled_from([Reason.EMPTY, Reason.ONLY_NAN, Reason.UNREACHABLE, Reason.PARTIAL_ANSWER])


@st.composite
def results(draw: st.DrawFn) -> QueryResult:
    match draw(st.integers(0, 3)):
        case 0:
            return NoData(draw(REASONS), draw(TEXT))
        case 1:
            return Failed(draw(REASONS), draw(TEXT), retryable=draw(st.booleans()))
        case _:
            pods = draw(st.lists(TEXT, min_size=1, max_size=3))
            few = draw(st.lists(SAMPLES, min_size=1, max_size=8))
            values = tuple(few[i % len(few)] for i in range(WINDOW.points))
            return Samples(WINDOW, tuple(Series({"pod": pod}, values) for pod in pods))


@st.composite
def snapshots(draw: st.DrawFn) -> DriftSnapshotSpec:
    beside = [Companion(draw(TEXT), draw(results())) if each.companion else None for each in SIGNALS]
    asked = [Measurement(each, draw(TEXT), draw(results()), also) for each, also in zip(SIGNALS, beside, strict=True)]
    scraping = Scraping.of(draw(results()))
    template = draw(st.dictionaries(TEXT, JSON, max_size=4))
    previous = RevisionEvidence(**revision("old").model_dump(), template=template)
    look = Look("1h", WINDOW, BLOCK, draw(TEXT), draw(TEXT))
    frozen = [freeze(each, WINDOW, BLOCK, scraping) for each in asked]
    return take(review(), look, frozen, RevisionEvidence(**revision("new").model_dump()), previous, scraping)


@st.composite
def heavy(draw: st.DrawFn) -> DriftSnapshotSpec:
    """A snapshot of as much as can be measured, and more."""
    letters = st.sampled_from(["x", "<", '"', "\\", "é", "\u2028", "😀"])
    lengths = st.integers(0, MAX_VALUES // 7)
    signals = []
    for number in range(draw(st.integers(1, 50))):
        letter, count = draw(letters), draw(st.integers(0, MAX_SERIES))
        values = "-1e-30 " * (draw(lengths) // draw(st.sampled_from([1, 10, 1000])))
        labels = {"each": letter * (256 // len(letter.encode()))}
        series = [SeriesEvidence(labels=labels, values=values, samples=1, expected=1)] * count
        query = letter * draw(st.sampled_from([10, 3000]))
        signals.append(SignalEvidence(name=f"s{number}", query=query, unit=letter * 32, series=series))
    size = draw(st.sampled_from([0, 1, 100_000, 900_000, 1_500_000]))
    template = {"spec": draw(letters) * size} if size else {}
    previous = RevisionEvidence(**revision("old").model_dump(), template=template)
    look = Look("T0", WINDOW, BLOCK, draw(letters) * 1024)
    return take(review(), look, signals, RevisionEvidence(**revision("new").model_dump()), previous)


@settings(max_examples=25, deadline=None)
@given(heavy())
def test_whatever_was_measured_the_api_server_can_store_it(spec: DriftSnapshotSpec) -> None:
    text = json.dumps(spec.to_wire(), ensure_ascii=False)
    stored = len(text.encode()) + 5 * sum(map(text.count, "<>&"))  # as Go writes it
    assert len(canonical(spec.to_wire())) <= MOST_STORED
    assert stored < 1.45e6
    assert is_intact(spec, spec.hash)
    for each in spec.signals:
        assert each.problem is None or (each.problem.reason is Reason.ANSWER_TOO_LARGE and not each.series)


def go(value: Any) -> Any:
    """As a Go program may hand JSON on: every number a float, keys in another order."""
    return json.loads(json.dumps(value), parse_int=float, object_pairs_hook=lambda pairs: dict(reversed(pairs)))


@given(snapshots())
def test_a_snapshot_comes_back_intact_through_json_and_go(spec: DriftSnapshotSpec) -> None:
    for carried in (json.loads(json.dumps(spec.to_wire())), go(spec.to_wire())):
        back = DriftSnapshotSpec.model_validate(carried)
        assert is_intact(back, spec.hash)
        assert canonical(back.to_wire()) == canonical(spec.to_wire())


@given(snapshots(), st.data())
def test_any_change_of_any_value_is_seen(spec: DriftSnapshotSpec, data: st.DataObject) -> None:
    wire = spec.to_wire()
    places = [place for place in _leaves(wire) if place[-1] != "hash"]
    place = data.draw(st.sampled_from(places))
    *path, last = place
    part = wire
    for key in path:
        part = part[key]
    old = part[last]
    part[last] = old + 1 if isinstance(old, int) else _other(place, old)
    try:
        changed = DriftSnapshotSpec.model_validate(wire)
    except ValueError:
        return  # refused before its hash is looked at
    assert hash_of(changed) != spec.hash
    assert not is_intact(changed, spec.hash)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in _leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in _leaves(each, (*path, index))]
    return [path]


def _other(place: tuple[Any, ...], old: str) -> str:
    if place[-1] in {"start", "end"}:
        return old.replace("2026", "2027")
    if place[-1] == "template":
        return '{"planted":1}'
    return old + "1"


@given(JSON)
def test_the_hash_of_a_value_does_not_depend_on_how_it_is_written(value: Any) -> None:
    spaced = json.loads(json.dumps(value, indent=2, ensure_ascii=True))
    assert content_hash(spaced) == content_hash(value)


@given(st.lists(SAMPLES, max_size=50))
def test_medians_are_read_as_written_to_nine_digits(values: list[float | None]) -> None:
    read = decode(encode(values))
    assert len(read) == len(values)
    for found, given_value in zip(read, values, strict=True):
        assert (found is None) is (given_value is None)
        if found is not None and given_value is not None:
            assert math.isclose(found, given_value, rel_tol=1e-8, abs_tol=1e-300)
    assert encode(read) == encode(values), "what was read is written the same again"
    assert all(len(token) <= 16 for token in encode(values).split())


@given(st.lists(SAMPLES, min_size=1, max_size=60), st.integers(1, 12))
def test_every_sample_is_in_one_block_and_every_block_within_its_samples(values: list[float | None], size: int) -> None:
    medians = block_medians(Series({}, tuple(values)), MINUTE, size * MINUTE)
    assert len(medians) == -(-len(values) // size)
    for index, median in enumerate(medians):
        present = [value for value in values[index * size : (index + 1) * size] if value is not None]
        assert (median is None) is (not present)
        if median is not None:
            assert min(present) <= median <= max(present)
