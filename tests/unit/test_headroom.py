"""Room for a rollout: what a quota, a disruption budget or an autoscaler around it leaves."""

from typing import Any

import pytest

from driftreview.api.configuration import AutoscalerFact
from driftreview.domain.headroom import (
    Budget,
    Quota,
    broken_budgets,
    budget_of,
    quota_of,
    tight_quotas,
    unfitting_scalers,
)
from driftreview.domain.rolling import Rolling

LABELS = {"metadata": {"labels": {"app": "web"}}}


def pod(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A pod template whose containers have these resources."""
    return {
        "spec": {
            "containers": [{"resources": each} for each in containers],
            "initContainers": [{"resources": each} for each in init],
        }
    }


class TestQuotas:
    def tight(self, hard: dict[str, str], used: dict[str, str], template: dict[str, Any], surge: int = 2) -> list[str]:
        return list(tight_quotas([Quota("q", hard, used, scoped=False)], template, Rolling(surge, 0)))

    def test_pods(self) -> None:
        assert self.tight({"pods": "5"}, {"pods": "4"}, pod({})) == [
            "ResourceQuota q has 1 of pods left, and the 2 pods that a rollback starts beside those that run may need 2"
        ]
        assert self.tight({"count/pods": "6"}, {"count/pods": "4"}, pod({})) == []

    @pytest.mark.parametrize("name", ["requests.memory", "memory"])
    def test_requests_of_all_containers_together(self, name: str) -> None:
        template = pod({"requests": {"memory": "100Mi"}}, {"limits": {"memory": "28Mi"}})
        (only,) = self.tight({name: "1Gi"}, {name: "800Mi"}, template)
        assert f"has 224 MiB of {name} left" in only
        assert only.endswith("may need 256 MiB")
        assert self.tight({name: "1Gi"}, {name: "768Mi"}, template) == []

    def test_limits(self) -> None:
        template = pod({"requests": {"cpu": "10m"}, "limits": {"cpu": "1"}})
        assert "1.5 of limits.cpu left" in self.tight({"limits.cpu": "2"}, {"limits.cpu": "500m"}, template)[0]

    def test_an_init_container_counts_where_it_needs_more_than_all_others(self) -> None:
        template = pod({"requests": {"cpu": "100m"}}, init=({"requests": {"cpu": "2"}},))
        assert "may need 4" in self.tight({"cpu": "3"}, {"cpu": "0"}, template)[0]

    def test_what_is_over_already_has_nothing_left(self) -> None:
        assert "has 0 of pods left" in self.tight({"pods": "1"}, {"pods": "4"}, pod({}))[0]

    def test_resources_that_the_pods_do_not_ask_for_do_not_count(self) -> None:
        assert self.tight({"requests.nvidia.com/gpu": "0"}, {"requests.nvidia.com/gpu": "0"}, pod({})) == []

    def test_a_rollout_that_starts_none_before_it_ends_one_needs_no_room(self) -> None:
        assert self.tight({"pods": "4"}, {"pods": "4"}, pod({}), surge=0) == []

    def test_one_with_scopes_may_be_about_other_pods(self) -> None:
        raw = {"metadata": {"name": "q"}, "spec": {"scopes": ["BestEffort"]}, "status": {"hard": {"pods": "0"}}}
        assert list(tight_quotas([quota_of(raw)], pod({}), Rolling(2, 0))) == []

    def test_one_that_was_not_counted_yet_is_said_to_be(self) -> None:
        raw = {"metadata": {"name": "q"}, "spec": {}, "status": {"hard": {"pods": "0"}}}
        assert list(tight_quotas([quota_of(raw)], pod({}), Rolling(2, 0))) == [
            "ResourceQuota q does not say yet how much of it is used"
        ]
        assert list(tight_quotas([quota_of({"metadata": {"name": "q"}})], pod({}), Rolling(2, 0))) == []


class TestBudgets:
    def test_one_that_allows_fewer_than_the_rollout_takes_away(self) -> None:
        budget = budget_of(
            {
                "metadata": {"name": "b"},
                "spec": {"selector": {"matchLabels": {"app": "web"}}},
                "status": {"disruptionsAllowed": 1},
            }
        )
        assert list(broken_budgets([budget], LABELS, Rolling(0, 2))) == [
            (
                "PodDisruptionBudget b allows 1 fewer now, and a rollback may take 2 pods away at once: rollouts ask "
                "no budget"
            )
        ]
        assert list(broken_budgets([budget], LABELS, Rolling(1, 1))) == []

    def test_one_of_other_pods_is_left_alone(self) -> None:
        others = Budget("b", {"matchLabels": {"app": "other"}}, 0)
        assert list(broken_budgets([others, Budget("none", {}, 0)], LABELS, Rolling(0, 2))) == []

    def test_one_that_does_not_say_allows_none(self) -> None:
        assert budget_of({"metadata": {"name": "b"}}) == Budget("b", {}, 0)


class TestAutoscalers:
    @pytest.mark.parametrize(("replicas", "fits"), [(1, False), (2, True), (5, True), (6, False), (0, True)])
    def test_the_pods_there_are_must_be_between_its_bounds(self, replicas: int, *, fits: bool) -> None:
        found = list(unfitting_scalers([AutoscalerFact(name="h", least=2, most=5)], replicas))
        assert (found == []) is fits
        if not fits:
            assert found[0].startswith(f"HorizontalPodAutoscaler h wants 2 to 5 pods, and {replicas} are wanted now")
