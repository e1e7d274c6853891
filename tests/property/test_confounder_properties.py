"""Confounders: the same both ways, none where nothing changed, and none of what was not known."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.base import Model
from driftreview.api.configuration import (
    AutoscalerFact,
    ConfigurationFact,
    DeploymentFact,
    NodeFact,
    ReferenceFact,
    RunningImage,
)
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.inventory import InventoryFact, ServiceFact, ServiceKind, ServiceStatus
from driftreview.api.reasons import Reason
from driftreview.domain.confounders import confounders
from tests.builders import T0


def made(model: type[Model], **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Models of these parts; hypothesis' own `builds` would fill in what is left out."""
    return st.fixed_dictionaries(parts).map(lambda given: model(**given))


NAMES = st.sampled_from("abc")
MOMENTS = st.integers(0, 7200).map(lambda seconds: T0 + timedelta(seconds=seconds))
HASHES = st.none() | st.sampled_from(["sha256:1", "sha256:2"])
REFERENCES = st.lists(
    made(ReferenceFact, name=NAMES, hash=HASHES, changed_at=st.none() | MOMENTS), unique_by=lambda each: each.name
)
DEPLOYMENTS = made(
    DeploymentFact,
    version=st.sampled_from(["", "1", "2"]),
    generation=st.just(1),
    desired=st.integers(0, 3),
    images=st.lists(st.sampled_from(["x", "y"]), max_size=2).map(
        lambda digests: [RunningImage(container="web", image="web", digests=digests)]
    ),
)
CONFIGURATIONS = made(
    ConfigurationFact,
    config_maps=REFERENCES,
    secrets=REFERENCES,
    kubernetes=st.sampled_from(["", "v1", "v2"]),
    nodes=st.lists(made(NodeFact, name=NAMES, kubelet=st.sampled_from(["", "v1"])), unique_by=lambda n: n.name),
    autoscalers=st.lists(made(AutoscalerFact, name=st.just("a"), least=st.just(1), most=st.integers(1, 3)), max_size=1),
)
SERVICES = made(
    ServiceFact,
    kind=st.sampled_from(ServiceKind),
    name=NAMES,
    judged=st.booleans(),
    status=st.sampled_from(ServiceStatus),
    desired=st.integers(0, 2),
)
INVENTORIES = made(
    InventoryFact,
    services=st.lists(SERVICES, max_size=4, unique_by=lambda each: (each.kind, each.name)),
    left_out=st.sampled_from(["", "more"]),
)
ABOUTS = ["deployment/images", "configuration/kubernetes", "configuration/kubelets", "inventory/pods",
          "configuration/horizontalpodautoscalers", "inventory/deployments",
          *(f"configuration/{kind}/{name}" for kind in ("configmaps", "secrets") for name in "abc")]  # fmt: skip
PROBLEMS = st.lists(
    made(
        FactProblem,
        about=st.sampled_from(ABOUTS),
        reason=st.sampled_from([Reason.FORBIDDEN, Reason.NOT_FOUND]),
        message=st.just(""),
    ),
    max_size=3,
)
FACTS = made(
    Facts,
    taken_at=MOMENTS,
    deployment=st.none() | DEPLOYMENTS,
    configuration=st.none() | CONFIGURATIONS,
    inventory=st.none() | INVENTORIES,
    problems=PROBLEMS,
)


@given(FACTS, FACTS)
def test_the_other_way_round_they_are_the_same(one: Facts, other: Facts) -> None:
    there = [(each.what, each.before, each.after) for each in confounders(one, other)]
    back = [(each.what, each.after, each.before) for each in confounders(other, one)]
    assert there == back
    assert [what for what, _, _ in there] == sorted({what for what, _, _ in there})
    assert all(before != after for _, before, after in there)


@given(FACTS, MOMENTS, PROBLEMS)
def test_where_nothing_changed_there_are_none(facts: Facts, later: object, problems: list[FactProblem]) -> None:
    assert confounders(facts, facts.model_copy(update={"taken_at": later, "problems": problems})) == ()


@given(FACTS, FACTS)
def test_none_is_of_what_could_not_be_read_and_each_has_a_time_between_the_looks(one: Facts, other: Facts) -> None:
    unread = {each.about.partition("/")[2] for facts in (one, other) for each in facts.problems
              if each.reason is not Reason.NOT_FOUND}  # fmt: skip
    for each in confounders(one, other):
        assert each.what not in unread
        assert each.at == other.taken_at or one.taken_at < each.at < other.taken_at
