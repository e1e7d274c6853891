"""What a workload is given of a release: all that the release is, and nothing by which others find its pods."""

from typing import Any

import pytest

from driftreview.api.status import ContainerImage
from driftreview.domain.giving import is_template, selected_by, shared, with_images, with_template
from driftreview.domain.revisions import HASH_LABEL

Raw = dict[str, Any]


def template(labels: Raw, *images: str, **spec: Any) -> Raw:
    containers = [{"name": image.partition(":")[0], "image": image} for image in images]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}


STABLE = template(
    {"app": "web", "track": "stable", "version": "1"}, "web:1", "proxy:1", terminationGracePeriodSeconds=9
)
CANARY = template({"app": "web", "track": "canary", "version": "2"}, "web:2", hostNetwork=True)
TRACKS = frozenset({"app", "track"})


def workload(selector: Raw) -> Raw:
    return {"spec": {"selector": selector}}


class TestATemplate:
    def test_is_taken_whole_with_the_labels_of_the_release_but_for_those_that_select(self) -> None:
        given = with_template(STABLE, CANARY, TRACKS)
        assert given["spec"] == CANARY["spec"]
        assert given["metadata"]["labels"] == {"app": "web", "track": "stable", "version": "2"}

    def test_loses_a_label_by_which_the_canary_alone_selects(self) -> None:
        own = template({"app": "web"}, "web:1")
        assert with_template(own, CANARY, TRACKS)["metadata"]["labels"] == {"app": "web", "version": "2"}

    def test_brings_its_annotations(self) -> None:
        noted = CANARY | {"metadata": CANARY["metadata"] | {"annotations": {"restarted": "now"}}}
        assert with_template(STABLE, noted, TRACKS)["metadata"]["annotations"] == {"restarted": "now"}

    def test_given_twice_is_the_same(self) -> None:
        once = with_template(STABLE, CANARY, TRACKS)
        assert with_template(once, CANARY, TRACKS) == once
        assert is_template(once, once)
        assert not is_template(STABLE, once)

    def test_that_a_replica_set_marked_is_the_same(self) -> None:
        once = with_template(STABLE, CANARY, TRACKS)
        labels = once["metadata"]["labels"] | {HASH_LABEL: "abc"}
        assert is_template(once | {"metadata": {**once["metadata"], "labels": labels}}, once)

    def test_is_not_changed_in_place(self) -> None:
        with_template(STABLE, CANARY, TRACKS)
        assert STABLE["metadata"]["labels"]["version"] == "1"


class TestImages:
    NEW = (ContainerImage(container="web", image="web:2"), ContainerImage(container="cache", image="cache:2"))

    def test_go_to_the_containers_of_their_names_and_nowhere_else(self) -> None:
        given = with_images(STABLE, self.NEW)
        assert [each["image"] for each in given["spec"]["containers"]] == ["web:2", "proxy:1"]
        assert {**given["spec"], "containers": None} == {**STABLE["spec"], "containers": None}
        assert given["metadata"] == STABLE["metadata"]

    def test_given_twice_are_the_same(self) -> None:
        once = with_images(STABLE, self.NEW)
        assert with_images(once, self.NEW) == once

    def test_are_told_by_which_containers_both_have(self) -> None:
        assert shared(STABLE, self.NEW) == ["web"]
        assert shared(template({}, "db:1"), self.NEW) == []


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ({"matchLabels": {"app": "web"}}, {"app"}),
        ({"matchExpressions": [{"key": "track", "operator": "Exists"}]}, {"track"}),
        ({"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, {"app", "b"}),
        ({}, set()),
    ],
)  # fmt: skip
def test_a_workload_selects_its_pods_by_labels_and_expressions(selector: Raw, labels: set[str]) -> None:
    assert selected_by(workload(selector)) == labels
