"""What is different from kind to kind: StatefulSets and DaemonSets as raw objects, and their ControllerRevisions."""

import copy
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.base import format_time
from driftreview.api.reasons import Reason
from driftreview.api.status import Revision
from driftreview.api.target import Target, TargetKind
from driftreview.domain.controllerrevisions import controller_revision, listed
from driftreview.domain.evidence import canonical
from driftreview.domain.kinds import KINDS, as_kubectl_says, pods_of, subjects
from driftreview.domain.patches import rollback_patch
from driftreview.domain.pods import PodsOf, blocking
from driftreview.domain.revisions import Listed, pin, template_hash
from driftreview.domain.viewing import choose, slim, view
from driftreview.domain.workload import HOLDING_BACK, Rollout, TargetView
from tests.builders import MINUTE, T0, template

Raw = dict[str, Any]
STATEFUL, DAEMON = KINDS[TargetKind.STATEFUL_SET], KINDS[TargetKind.DAEMON_SET]
REVISED = pytest.mark.parametrize("kind", [TargetKind.STATEFUL_SET, TargetKind.DAEMON_SET])
DONE = T0 - 10 * MINUTE


def raw(kind: TargetKind, version: str = "new", *, spec: Raw | None = None, **status: Any) -> Raw:
    """A workload whose rollout is over, three pods of it."""
    counts: Mapping[str, Any] = {
        TargetKind.STATEFUL_SET: dict.fromkeys(
            ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), 3
        ),
        TargetKind.DAEMON_SET: dict.fromkeys(
            (
                "desiredNumberScheduled",
                "currentNumberScheduled",
                "numberReady",
                "updatedNumberScheduled",
                "numberAvailable",
            ),
            3,
        ),
    }[kind]
    replicas = {"replicas": 3} if kind is TargetKind.STATEFUL_SET else {}
    managers = [
        {"manager": "kubectl", "time": format_time(T0 - 15 * MINUTE), "fieldsV1": {"f:spec": {"f:template": {}}}},
        {"manager": "controller", "time": format_time(DONE), "subresource": "status", "fieldsV1": {"f:status": {}}},
    ]
    return {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "target-uid",
            "generation": 7,
            "resourceVersion": "1234",
            "managedFields": managers,
        },
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template(version)} | replicas | (spec or {}),
        "status": {"observedGeneration": 7, **counts, **status},
    }


def strategy(kind: str = "RollingUpdate", **rolling: Any) -> Raw:
    return {"updateStrategy": {"type": kind} | ({"rollingUpdate": rolling} if rolling else {})}


def revision(version: str, number: int, began: datetime = T0 - 13 * MINUTE, **metadata: Any) -> Raw:
    """A ControllerRevision of it, as its controller writes one."""
    held = copy.deepcopy(template(version)) | {"$patch": "replace"}
    held["metadata"]["creationTimestamp"] = None
    numbered = {"time": format_time(began), "fieldsV1": {"f:data": {}, "f:revision": {}}}
    given: Raw = {
        "name": f"web-{version}",
        "uid": f"cr-{version}",
        "resourceVersion": f"{number}",
        "creationTimestamp": format_time(T0 - timedelta(days=2)),
        "ownerReferences": [{"controller": True, "uid": "target-uid"}],
        "managedFields": [numbered],
    }
    return {"metadata": given | metadata, "data": {"spec": {"template": held}}, "revision": number}


def look(kind: TargetKind, of: Raw, *found: Raw) -> TargetView:
    """What is seen of a workload that has these ControllerRevisions."""
    target, known, own = slim(of), {}, list[Listed]()
    for each in found:
        stored, seen = controller_revision(each), listed("target-uid", each["metadata"])
        if stored is not None and seen is not None:
            known[seen.uid] = stored.revision
            own.append(Listed(seen.name, seen.uid, seen.version, stored.number, seen.born, seen.began))
    choice = choose(KINDS[kind], target, own, known)
    assert choice.missing is None
    return view(KINDS[kind], target, choice, known)


def test_every_kind_that_a_review_may_name_has_rules() -> None:
    assert set(KINDS) == set(TargetKind)
    assert [as_kubectl_says(Target(kind=kind, name="web")) for kind in KINDS] == [
        "deployment/web", "statefulset/web", "daemonset/web"
    ]  # fmt: skip


class TestRolloutStatus:
    """As `kubectl rollout status` tells it, but that a partition ends no rollout."""

    @REVISED
    def test_all_pods_updated_and_available_is_complete(self, kind: TargetKind) -> None:
        assert KINDS[kind].rollout(raw(kind)) == (Rollout.COMPLETE, "3 pods are updated and available")

    @REVISED
    def test_a_spec_that_was_not_seen_yet_says_nothing(self, kind: TargetKind) -> None:
        for status in ({"observedGeneration": 6}, {"observedGeneration": 0}):
            rollout, said = KINDS[kind].rollout(raw(kind, **status))
            assert (rollout, said) == (Rollout.PROGRESSING, "its controller has not seen the new spec yet")
        assert KINDS[kind].rollout(raw(kind) | {"status": {}})[0] is Rollout.PROGRESSING

    @pytest.mark.parametrize(
        ("kind", "status", "message"),
        [
            (TargetKind.STATEFUL_SET, {"updatedReplicas": 1}, "1 of 3 pods are updated"),
            (TargetKind.STATEFUL_SET, {"replicas": 5}, "2 old pods are still there"),
            (TargetKind.STATEFUL_SET, {"availableReplicas": 2}, "2 of 3 updated pods are available"),
            (TargetKind.DAEMON_SET, {"updatedNumberScheduled": 1}, "1 of 3 pods are updated"),
            (TargetKind.DAEMON_SET, {"currentNumberScheduled": 4}, "1 old pods are still there"),
            (TargetKind.DAEMON_SET, {"numberAvailable": 2}, "2 of 3 updated pods are available"),
        ],
    )
    def test_what_is_missing_is_said(self, kind: TargetKind, status: Raw, message: str) -> None:
        assert KINDS[kind].rollout(raw(kind, **status)) == (Rollout.PROGRESSING, message)

    @pytest.mark.parametrize(
        ("kind", "counted"),
        [(TargetKind.STATEFUL_SET, "updatedReplicas"), (TargetKind.DAEMON_SET, "updatedNumberScheduled")],
    )
    def test_one_whose_pods_people_delete_waits_for_them(self, kind: TargetKind, counted: str) -> None:
        by_hand = raw(kind, spec=strategy("OnDelete"), **{counted: 1})
        rollout, said = KINDS[kind].rollout(by_hand)
        assert rollout is Rollout.PAUSED
        assert said.startswith("1 of 3 pods are updated; its updateStrategy is OnDelete, by which a pod takes")
        held = KINDS[kind].held(by_hand)
        assert held is not None
        assert held.remedy == (
            f"kubectl patch {KINDS[kind].word}/web -n shop "
            """-p '{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}'"""
        )
        unseen = raw(kind, spec=strategy("OnDelete"), observedGeneration=6, **{counted: 1})
        assert KINDS[kind].rollout(unseen)[0] is Rollout.PROGRESSING

    @REVISED
    def test_one_whose_pods_were_all_deleted_is_complete_and_still_held(self, kind: TargetKind) -> None:
        by_hand = raw(kind, spec=strategy("OnDelete"))
        held = KINDS[kind].held(by_hand)
        assert KINDS[kind].rollout(by_hand)[0] is Rollout.COMPLETE
        assert held is not None
        assert held.reason is Reason.UPDATE_ON_DELETE
        assert held.reason in HOLDING_BACK

    @pytest.mark.parametrize(
        ("partition", "status", "rollout"),
        [
            (2, {"updatedReplicas": 0}, Rollout.PROGRESSING),
            (2, {"updatedReplicas": 1, "availableReplicas": 2}, Rollout.PROGRESSING),
            (2, {"updatedReplicas": 1}, Rollout.PAUSED),
            (3, {"updatedReplicas": 0}, Rollout.PAUSED),
            (9, {"updatedReplicas": 0}, Rollout.PAUSED),
            (9, {"updatedReplicas": 0, "observedGeneration": 6}, Rollout.PROGRESSING),
            (2, {"replicas": 4}, Rollout.PROGRESSING),
            (2, {}, Rollout.COMPLETE),
        ],
    )
    def test_a_partition_ends_a_rollout_before_it_is_complete(
        self, partition: int, status: Raw, rollout: Rollout
    ) -> None:
        part = raw(TargetKind.STATEFUL_SET, spec=strategy(partition=partition), **status)
        held = STATEFUL.held(part)
        assert STATEFUL.rollout(part)[0] is rollout
        assert held is not None
        assert held.reason is Reason.UPDATE_PARTITIONED
        assert held.message.startswith(f"updateStrategy.rollingUpdate.partition is {partition}, by which ")
        assert f"{min(partition, 3)} of 3 pods keep" in held.message
        assert held.remedy.endswith("""-p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'""")

    @pytest.mark.parametrize("spec", [{}, strategy(), strategy(partition=0), strategy(partition=2) | {"replicas": 0}])
    def test_without_a_partition_that_keeps_a_pod_nothing_is_held(self, spec: Raw) -> None:
        assert STATEFUL.held(raw(TargetKind.STATEFUL_SET, spec=spec)) is None

    def test_one_pod_is_wanted_where_nothing_is_said_and_none_where_no_node_wants_one(self) -> None:
        bare = raw(TargetKind.STATEFUL_SET)
        del bare["spec"]["replicas"]
        assert STATEFUL.counts(bare).wanted == 1
        assert DAEMON.counts(raw(TargetKind.DAEMON_SET) | {"status": {}}).wanted == 0


class TestPace:
    @pytest.mark.parametrize(
        ("kind", "rolling", "at_once"),
        [
            (TargetKind.STATEFUL_SET, {}, 1),
            (TargetKind.STATEFUL_SET, {"partition": 1}, 1),
            (TargetKind.STATEFUL_SET, {"maxUnavailable": 2}, 2),
            (TargetKind.STATEFUL_SET, {"maxUnavailable": "50%"}, 1),
            (TargetKind.STATEFUL_SET, {"maxUnavailable": "1%"}, 1),
            (TargetKind.DAEMON_SET, {}, 1),
            (TargetKind.DAEMON_SET, {"maxUnavailable": "50%", "maxSurge": 0}, 2),
            (TargetKind.DAEMON_SET, {"maxUnavailable": 0, "maxSurge": 3}, 3),
        ],
    )
    def test_so_many_pods_are_replaced_at_a_time(self, kind: TargetKind, rolling: Raw, at_once: int) -> None:
        seen = look(kind, raw(kind, spec=strategy(**rolling)), revision("new", 2))
        assert (seen.pace.at_once, seen.deadline_seconds) == (at_once, 600)

    def test_none_are_of_a_workload_without_pods_but_it_is_asked_all_the_same(self) -> None:
        nowhere = raw(TargetKind.DAEMON_SET, spec=strategy(maxUnavailable="10%"), desiredNumberScheduled=0)
        assert DAEMON.pace(nowhere).at_once == 1


class TestBlocked:
    @pytest.mark.parametrize(
        ("spec", "status", "may"),
        [
            ({}, {"updatedReplicas": 2, "readyReplicas": 2}, True),
            ({"podManagementPolicy": "OrderedReady"}, {"updatedReplicas": 0, "readyReplicas": 0}, True),
            ({"podManagementPolicy": "Parallel"}, {"updatedReplicas": 2, "readyReplicas": 2}, False),
            (strategy("OnDelete"), {"updatedReplicas": 2, "readyReplicas": 2}, False),
            ({}, {"updatedReplicas": 2}, False),
            ({}, {"readyReplicas": 2}, False),
        ],
    )
    def test_an_ordered_rollout_may_wait_for_a_pod_that_it_is_to_replace(
        self, spec: Raw, status: Raw, *, may: bool
    ) -> None:
        assert STATEFUL.may_block(raw(TargetKind.STATEFUL_SET, spec=spec, **status)) is may

    def test_other_kinds_replace_it(self) -> None:
        assert not DAEMON.may_block(raw(TargetKind.DAEMON_SET, updatedNumberScheduled=0, numberReady=0))
        assert not KINDS[TargetKind.DEPLOYMENT].may_block(raw(TargetKind.STATEFUL_SET, updatedReplicas=0))

    @pytest.mark.parametrize(
        ("metadata", "ready", "name"),
        [
            ({}, "False", "web-0"),
            ({}, None, "web-0"),
            ({}, "True", None),
            ({"deletionTimestamp": "2026-07-31T12:00:00Z"}, "False", None),
            ({"ownerReferences": [{"uid": "another"}]}, "False", None),
        ],
    )
    def test_it_is_one_of_its_own_that_is_not_ready(self, metadata: Raw, ready: str | None, name: str | None) -> None:
        own = {"name": "web-0", "ownerReferences": [{"uid": "target-uid"}]} | metadata
        conditions = [{"type": "Ready", "status": ready}] if ready else None
        assert blocking({"metadata": own, "status": {"conditions": conditions}}, "target-uid") == name


class TestControllerRevisions:
    def test_what_it_holds_is_the_template_of_the_workload(self) -> None:
        stored = controller_revision(revision("new", 2))
        assert stored is not None
        assert stored.template == template("new")
        assert stored.revision.template_hash == template_hash(raw(TargetKind.STATEFUL_SET)["spec"]["template"])
        assert (stored.revision.name, stored.revision.uid, stored.number) == ("web-new", "cr-new", 2)
        assert [each.image for each in stored.revision.images] == ["registry/web:new"]
        assert pin(stored.revision, stored).template == template("new")

    @pytest.mark.parametrize(
        "data",
        [
            None,
            {},
            {"spec": None},
            {"spec": {"template": []}},
            {"spec": {"template": {"spec": {"containers": []}}}},
            {"spec": {"template": {"spec": {"containers": ["web"]}}}},
            {"spec": {"template": {"spec": {"containers": [{"name": None}]}}}},
        ],
    )
    def test_what_holds_no_template_is_none(self, data: Any) -> None:
        assert controller_revision(revision("new", 2) | {"data": data}) is None

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["spec", "template", "containers", "name", "metadata"]), inner)
            ),
            max_leaves=8,
        )
    )
    def test_whatever_somebody_wrote_into_one_fails_nothing(self, data: Any) -> None:
        found = controller_revision(revision("new", 2) | {"data": data})
        assert found is None or canonical(found.template)

    def test_it_began_when_its_controller_last_numbered_it(self) -> None:
        labelled = {"time": format_time(T0), "fieldsV1": {"f:metadata": {"f:labels": {}}}}
        again = revision("old", 3, T0 - 5 * MINUTE)["metadata"]
        again["managedFields"].append(labelled)
        found = listed("target-uid", again)
        assert found is not None
        assert (found.began, found.born) == (T0 - 5 * MINUTE, T0 - timedelta(days=2))
        nothing = listed("target-uid", revision("old", 3, managedFields=None)["metadata"])
        assert nothing is not None
        assert nothing.began is None
        assert listed("another-uid", again) is None


@REVISED
class TestView:
    def test_what_runs_and_what_ran_before_are_found_by_number(self, kind: TargetKind) -> None:
        seen = look(
            kind, raw(kind), revision("new", 9), revision("older", 7, T0 - timedelta(days=2)),
            revision("old", 8, T0 - timedelta(days=1)), revision("foreign", 8, ownerReferences=[]),
        )  # fmt: skip
        assert seen.current is not None
        assert seen.previous is not None
        assert (seen.current.name, seen.previous.name) == ("web-new", "web-old")
        assert (seen.uid, seen.generation, seen.replicas) == ("target-uid", 7, 3)
        assert seen.template_hash == seen.current.template_hash

    def test_nothing_tells_when_it_finished_but_by_when_it_had(self, kind: TargetKind) -> None:
        seen = look(kind, raw(kind), revision("new", 2))
        assert not seen.records_end
        assert (seen.rollout_started_at, seen.rolled_out_at) == (T0 - 13 * MINUTE, DONE)
        nothing = raw(kind)
        nothing["metadata"]["managedFields"] = []
        assert look(kind, nothing, revision("new", 2)).rolled_out_at is None

    def test_while_it_goes_on_it_has_not_finished(self, kind: TargetKind) -> None:
        seen = look(kind, raw(kind, observedGeneration=6), revision("new", 2))
        assert (seen.rollout, seen.rolled_out_at) == (Rollout.PROGRESSING, None)
        assert seen.rollout_started_at == T0 - 13 * MINUTE

    def test_a_revision_taken_up_again_began_then_and_another_brief_one_is_passed_over(self, kind: TargetKind) -> None:
        began = {"good": T0 - timedelta(days=2), "bad": T0 - 20 * MINUTE, "new": T0 - 15 * MINUTE}
        found = [revision(each, number, began[each]) for number, each in enumerate(began, start=1)]
        seen = look(kind, raw(kind), *found)
        assert seen.rollout_started_at == T0 - 15 * MINUTE
        assert seen.previous is not None
        assert seen.previous.name == "web-good", "the other one ran for five minutes"

    def test_a_rollback_puts_the_template_back_onto_the_object_that_was_looked_at(self, kind: TargetKind) -> None:
        given_, old = raw(kind), controller_revision(revision("old", 1))
        assert old is not None
        seen = look(kind, given_, revision("new", 2), revision("old", 1))
        patch = rollback_patch(seen, slim(given_).raw, old.template, (T0, T0))
        assert [(each["op"], each["path"]) for each in patch[:3]] == [
            ("test", "/metadata/uid"), ("test", "/metadata/generation"), ("replace", "/spec/template")
        ]  # fmt: skip
        assert patch[2]["value"] == template("old")

    def test_what_is_held_is_seen_with_it(self, kind: TargetKind) -> None:
        seen = look(kind, raw(kind, spec=strategy("OnDelete")), revision("new", 2))
        assert seen.held is not None
        assert seen.held.reason is Reason.UPDATE_ON_DELETE


class TestPods:
    @pytest.mark.parametrize(
        ("kind", "own", "others"),
        [
            (TargetKind.STATEFUL_SET, ["web-0", "web-12"], ["web-a", "web-0-1", "web", "web-db-0", "webx0"]),
            (TargetKind.DAEMON_SET, ["web-x2x4z"], ["web-x2x4", "web-0", "web-5b5f4696fc-x2x4z"]),
        ],
    )
    def test_their_names_are_the_same_in_every_revision(
        self, kind: TargetKind, own: list[str], others: list[str]
    ) -> None:
        pattern = KINDS[kind].pods("web", "web-5b5f4696fc")
        assert pattern == KINDS[kind].pods("web")
        assert all(re.fullmatch(pattern, each) for each in own)
        assert not any(re.fullmatch(pattern, each) for each in others)

    def test_they_are_told_by_the_label_their_controller_gives_them(self) -> None:
        judged = Revision(name="web-6f4c", uid="revision-uid", template_hash="sha256:" + "0" * 64)
        found = [pods_of(Target(kind=kind, name="web"), "target-uid", judged) for kind in KINDS]
        assert found == [
            PodsOf("revision-uid", "pod-template-hash", "6f4c"),
            PodsOf("target-uid", "controller-revision-hash", "web-6f4c"),
            PodsOf("target-uid", "controller-revision-hash", "6f4c"),
        ]

    def test_events_of_the_target_its_revision_and_its_pods_are_incidents(self) -> None:
        judged = Revision(name="web-6f4c", uid="revision-uid", template_hash="sha256:" + "0" * 64)
        of = subjects([(Target(kind=TargetKind.STATEFUL_SET, name="web"), judged)])
        assert of.concern("StatefulSet", "web")
        assert of.concern("ControllerRevision", "web-6f4c")
        assert of.concern("Pod", "web-0")
        assert not of.concern("Deployment", "web")
        assert not of.concern("Pod", "web-6f4c-abcde")
