"""Signal sets as the operator uses them: read until T0, and from then on as they were there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.bundle.contents import write
from driftreview.bundle.verify import prove
from driftreview.domain.evidence import is_intact
from driftreview.domain.recheck import differences, looked
from driftreview.domain.signalsets import is_pinned
from lab.install import OperatorProcess
from tests.support.cluster import Raw
from tests.support.stage import Stage, ago, condition, steady, stepping, verdicts, wire

pytestmark = pytest.mark.integration
QUERY = 'latency_ms{replica="${replica}"}'


def a_set(*signals: Raw, kind: str = "SignalSet", name: str = "web") -> Raw:
    return {
        "apiVersion": "driftreview.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"variables": [{"name": "replica", "default": "a"}], "signals": list(signals)},
    }


@pytest.fixture
def shared(stage: Stage) -> Iterator[str]:
    """A set for all namespaces, under a name of the test's own."""
    name = f"shared-{stage.namespace}"
    stage.api.create(a_set(steady("shared") | {"query": QUERY}, kind="ClusterSignalSet", name=name))
    yield name
    stage.api.delete("ClusterSignalSet", name)


def evidence(stage: Stage, name: str) -> DriftSnapshot:
    return DriftSnapshot.model_validate(stage.api.get("DriftSnapshot", name, stage.namespace))


def test_a_review_is_judged_by_its_own_signals_and_those_of_its_sets(
    stage: Stage, operator: OperatorProcess, shared: str
) -> None:
    assert operator
    stage.release("1", "2")
    stage.api.create(a_set(stepping(ago(minutes=29), name="worse")), stage.namespace)
    refs = [
        {"name": "web", "prefix": "web"},
        {"kind": "ClusterSignalSet", "name": shared, "variables": {"replica": "b"}},
    ]
    stage.review(signalSetRefs=refs)
    status = stage.ended(40)
    assert (status["phase"], verdicts(status)[0]) == ("RolledBack", "Drift")
    assert [(each["kind"], each["name"], each.get("prefix")) for each in status["signalSets"]] == [
        ("SignalSet", "web", "web"),
        ("ClusterSignalSet", shared, None),
    ]
    found = list(stage.api.list("DriftSnapshot", stage.namespace))
    snapshots = [DriftSnapshot.model_validate(each) for each in found]
    review = DriftReview.model_validate(stage.read())
    looks = looked(review, snapshots)
    assert not list(differences(review, looks, [], [], None))
    asked = {each.name: each.query for each in looks[0].evidence.spec.signals}
    assert set(asked) == {"latency", "web-worse", "shared"}
    assert asked["shared"] == 'latency_ms{replica="b"}'
    assert is_pinned(review, looks[0].evidence.spec)
    packed = write(stage.read(), [each for each in found if each["spec"]["checkpoint"] != "signals"])
    assert prove(packed).judged == len(looks) - 1


def test_an_unknown_set_is_said_and_the_review_goes_on_once_it_is_there(
    stage: Stage, operator: OperatorProcess
) -> None:
    assert operator
    stage.release("1", "2")
    stage.review(signals=[], signalSetRefs=[{"name": "web"}])
    assert stage.refused("SignalSetNotFound") == (
        f"spec.signalSetRefs[0]: there is no SignalSet 'web' in namespace '{stage.namespace}'; create it or correct "
        "kind and name"
    )
    stage.api.create(a_set(steady() | {"query": "${other}"}), stage.namespace)
    assert "${other} is no variable of the set" in stage.refused("VariableUnknown")
    stage.api.merge("SignalSet", "web", stage.namespace, {"spec": {"signals": [steady() | {"mode": "Shadow"}]}})
    assert "at least one must have mode Enforce" in stage.refused("InvalidSpec")
    stage.api.merge("SignalSet", "web", stage.namespace, {"spec": {"signals": [steady() | {"query": "latency_ms"}]}})
    assert "SignalSet 'web': spec.signals[0].query (signal latency): " in stage.refused("SeveralSeries")
    stage.api.merge("SignalSet", "web", stage.namespace, {"spec": {"signals": [steady()]}})
    assert stage.ended(40)["phase"] == "Promoted"


@pytest.mark.parametrize("what", ["edited", "deleted"])
def test_what_becomes_of_a_set_after_t0_changes_nothing(stage: Stage, operator: OperatorProcess, what: str) -> None:
    assert operator
    stage.release("1", "2")
    stage.api.create(a_set(steady("kept")), stage.namespace)
    stage.source(resolution="10s")
    # A minute after T0 the baseline is complete, some seconds later the look is due: the set is long another then.
    window = {"t0": wire(ago(seconds=45)), "checkpoints": ["2m"], "backdated": True}
    baseline = {"from": "Snapshot", "length": "1m"}
    stage.review(source=False, window=window, baseline=baseline, signals=[], signalSetRefs=[{"name": "web"}])
    status = stage.until(lambda found: found.get("t0"), "it has started")
    assert not status.get("baseline")
    if what == "deleted":
        stage.api.delete("SignalSet", "web", stage.namespace)
    else:
        edited = [stepping(ago(minutes=1), name="other")]
        stage.api.merge("SignalSet", "web", stage.namespace, {"spec": {"signals": edited}})
    after = stage.until(lambda found: found.get("baseline"), "the baseline is frozen", 60)
    assert after["signalSets"] == status["signalSets"]
    frozen = evidence(stage, after["baseline"]["name"]).spec
    assert is_intact(frozen, after["baseline"]["hash"])
    assert [each.name for each in frozen.signals] == ["kept"]
    judged = stage.until(lambda found: found["checkpoints"][0].get("verdict"), "the look is judged", 120)
    assert [each["name"] for each in judged["checkpoints"][0]["signals"]] == ["kept"]


def test_a_set_that_is_edited_before_t0_counts_as_it_is_then(stage: Stage, operator: OperatorProcess) -> None:
    assert operator
    stage.release("1", "2")
    stage.api.create(a_set(steady("old")), stage.namespace)
    soon = wire(ago(seconds=0) + timedelta(seconds=25))
    stage.review(signals=[], signalSetRefs=[{"name": "web"}], window={"t0": soon, "backdated": None})
    first = stage.until(lambda found: condition(found, "Accepted").get("status") == "True", "it is accepted")
    stage.api.merge("SignalSet", "web", stage.namespace, {"spec": {"signals": [steady("new")]}})
    status = stage.until(lambda found: found.get("baseline"), "the baseline is frozen", 90)
    assert status["signalSets"] != first["signalSets"]
    assert [each.name for each in evidence(stage, status["baseline"]["name"]).spec.signals] == ["new"]


def test_sets_that_are_gone_between_t0_and_its_evidence_fail_the_review(
    stage: Stage, operator: OperatorProcess
) -> None:
    assert operator
    stage.release("1", "2")
    stage.api.create(a_set(steady("kept")), stage.namespace)
    stage.source(resolution="10s")
    window = {"t0": wire(ago(seconds=50)), "checkpoints": ["2m"], "backdated": True}
    stage.review(
        source=False, window=window, baseline={"from": "Snapshot", "length": "1m"}, signals=[],
        signalSetRefs=[{"name": "web"}],
    )  # fmt: skip
    stage.until(lambda found: found.get("t0"), "it has started")
    (held,) = stage.api.list("DriftSnapshot", stage.namespace)
    stage.api.delete("DriftSnapshot", held["metadata"]["name"], stage.namespace)
    ended = stage.ended(60)
    assert (ended["phase"], held["spec"]["checkpoint"]) == ("Failed", "signals")
    assert held["metadata"]["name"] in ended["summary"]
