"""What a Deployment and its ReplicaSets tell, as raw objects; and the patches that change it."""

import copy
import random
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.base import format_time
from driftreview.api.status import Revision
from driftreview.domain.deployments import Deployments
from driftreview.domain.display import short_hash
from driftreview.domain.patches import approve_patch, rollback_patch
from driftreview.domain.revisions import MOST_READ, listed, pin, template_hash, without_hash_label
from driftreview.domain.revisions import replica_set as reduced
from driftreview.domain.viewing import choose, label_selector, slim, view
from driftreview.domain.workload import APPROVED, REJECTED, REJECTED_DURING, RESTORED, Rollout, TargetView
from tests.builders import MINUTE, T0, template

Raw = dict[str, Any]
RULES = Deployments()
REVISION = "deployment.kubernetes.io/revision"


def deployment(version: str = "new", **status: Any) -> Raw:
    conditions = [
        {"type": "Available", "status": "True", "lastTransitionTime": format_time(T0 - 60 * MINUTE)},
        {
            "type": "Progressing",
            "status": "True",
            "reason": "NewReplicaSetAvailable",
            "lastUpdateTime": format_time(T0 - 10 * MINUTE),
        },
    ]
    counts = {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
    return {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "target-uid",
            "generation": 7,
            "resourceVersion": "1234",
            "annotations": {REVISION: "2"},
        },
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template(version)},
        "status": {"conditions": conditions, **counts, **status},
    }


def replica_set(version: str, number: int | str | None, owner: str = "target-uid", **metadata: Any) -> Raw:
    labelled = copy.deepcopy(template(version))
    labelled["metadata"]["labels"]["pod-template-hash"] = f"hash-{version}"
    given: Raw = {
        "name": f"web-{version}",
        "uid": f"rs-{version}",
        "creationTimestamp": format_time(T0 - 13 * MINUTE),
        "ownerReferences": [{"controller": True, "uid": owner}],
    }
    if number is not None:
        given["annotations"] = {REVISION: str(number)}
    return {"metadata": given | metadata, "spec": {"template": labelled}}


def look(raw: Raw, *found: Raw, read: list[str] | None = None, rejected: AbstractSet[str] = frozenset()) -> TargetView:
    """What is seen of a Deployment that has these ReplicaSets; `read` gets the names of those that were read whole."""
    target, whole = slim(raw), {each["metadata"]["uid"]: each for each in found}
    own = [each for each in (listed(raw["metadata"]["uid"], other["metadata"]) for other in found) if each]
    known: dict[str, Revision] = {}
    choice = choose(RULES, target, own, known, rejected)
    while choice.missing is not None:
        if read is not None:
            read.append(choice.missing.name)
        known[choice.missing.uid] = reduced(whole[choice.missing.uid]).revision
        choice = choose(RULES, target, own, known, rejected)
    return view(RULES, target, choice, known)


class TestRolloutStatus:
    """As `kubectl rollout status` tells it."""

    def test_all_pods_updated_and_available_is_complete(self) -> None:
        assert RULES.rollout(deployment()) == (Rollout.COMPLETE, "3 pods are updated and available")

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            ({"observedGeneration": 6}, "its controller has not seen the new spec yet"),
            ({"updatedReplicas": 1}, "1 of 3 pods are updated"),
            ({"replicas": 5}, "2 old pods are still there"),
            ({"availableReplicas": 2}, "2 of 3 updated pods are available"),
        ],
    )
    def test_what_is_missing_is_said(self, status: Raw, message: str) -> None:
        assert RULES.rollout(deployment(**status)) == (Rollout.PROGRESSING, message)

    def test_a_deadline_that_passed_is_a_failure(self) -> None:
        late = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "has timed out"}]
        rollout, message = RULES.rollout(deployment(conditions=late, updatedReplicas=1))
        assert rollout is Rollout.FAILED
        assert message.endswith("has timed out")

    def test_an_old_failure_says_nothing_of_a_new_spec(self) -> None:
        late = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]
        assert RULES.rollout(deployment(conditions=late, observedGeneration=6))[0] is Rollout.PROGRESSING

    def test_a_paused_one_is_paused_whatever_it_has(self) -> None:
        paused = deployment()
        paused["spec"]["paused"] = True
        assert RULES.rollout(paused)[0] is Rollout.PAUSED

    def test_a_new_one_without_any_status_is_under_way(self) -> None:
        fresh = deployment()
        del fresh["status"]
        assert RULES.rollout(fresh)[0] is Rollout.PROGRESSING

    def test_one_pod_is_wanted_where_nothing_is_said(self) -> None:
        bare = deployment(updatedReplicas=0, replicas=0, availableReplicas=0)
        del bare["spec"]["replicas"]
        assert RULES.rollout(bare) == (Rollout.PROGRESSING, "0 of 1 pods are updated")

    def test_scaled_to_nothing_is_complete(self) -> None:
        none = deployment(updatedReplicas=0, replicas=0, availableReplicas=0)
        none["spec"]["replicas"] = 0
        assert RULES.rollout(none)[0] is Rollout.COMPLETE


class TestTemplateHash:
    def test_a_replica_set_adds_a_label_that_does_not_count(self) -> None:
        assert template_hash(replica_set("new", 2)["spec"]["template"]) == template_hash(template("new"))

    def test_any_other_label_counts(self) -> None:
        other = template("new")
        other["metadata"]["labels"]["tier"] = "web"
        assert template_hash(other) != template_hash(template("new"))

    def test_a_field_we_do_not_know_counts(self) -> None:
        other = template("new")
        other["spec"]["futureField"] = {"a": 1}
        assert template_hash(other) != template_hash(template("new"))

    @pytest.mark.parametrize("metadata", [{}, None, {"labels": None}, {"creationTimestamp": None}, {"labels": {}}])
    def test_an_empty_field_is_an_absent_one(self, metadata: Raw | None) -> None:
        # API servers before 1.34 write `creationTimestamp: null`: an upgrade in the middle of a review is no release.
        bare = {"spec": template("new")["spec"]}
        assert template_hash(bare | {"metadata": metadata}) == template_hash(bare)

    def test_the_template_itself_is_left_as_it_is(self) -> None:
        labelled = replica_set("new", 2)["spec"]["template"]
        before = copy.deepcopy(labelled)
        without_hash_label(labelled)
        assert labelled == before


class TestRevisions:
    def current_and_previous(self, *replica_sets: Raw) -> tuple[str | None, str | None]:
        seen = look(deployment(), *replica_sets)
        return seen.current and seen.current.name, seen.previous and seen.previous.name

    def test_the_current_one_has_the_deployments_template(self) -> None:
        found = self.current_and_previous(replica_set("old", 1), replica_set("new", 2))
        assert found == ("web-new", "web-old")

    def test_the_previous_one_is_the_latest_before_it_by_number(self) -> None:
        # Numbers, not texts: 9 is before 10.
        found = self.current_and_previous(
            replica_set("new", 11), replica_set("older", 9), replica_set("old", 10), replica_set("oldest", 1)
        )
        assert found == ("web-new", "web-old")

    def test_after_a_rollback_the_reused_one_has_the_highest_number(self) -> None:
        found = self.current_and_previous(replica_set("new", 5), replica_set("bad", 4), replica_set("old", 2))
        assert found == ("web-new", "web-bad")

    def test_a_later_one_is_no_previous_one(self) -> None:
        assert self.current_and_previous(replica_set("new", 2), replica_set("newer", 3)) == ("web-new", None)

    @pytest.mark.parametrize("references", [None, [], [{"uid": "target-uid"}], [{"controller": True, "uid": "other"}]])
    def test_only_owned_ones_count(self, references: list[Raw] | None) -> None:
        foreign = replica_set("old", 1, ownerReferences=references)
        assert self.current_and_previous(replica_set("new", 2), foreign) == ("web-new", None)

    def test_one_that_is_not_made_yet_is_none(self) -> None:
        assert self.current_and_previous(replica_set("old", 1)) == (None, None)

    @pytest.mark.parametrize("number", [None, "", "x", "-1"])
    def test_a_number_that_is_none_comes_before_all_others(self, number: str | None) -> None:
        found = self.current_and_previous(replica_set("new", 2), replica_set("odd", number), replica_set("old", 1))
        assert found == ("web-new", "web-old")

    @pytest.mark.parametrize(
        ("found", "is_first"),
        [
            ([replica_set("new", 1)], True),
            ([replica_set("new", 1), replica_set("foreign", 1, owner="other")], True),
            ([replica_set("new", 2)], False),  # history was cut
            ([replica_set("new", 2), replica_set("old", 1)], False),
            ([replica_set("new", 1), replica_set("later", 2)], False),
            ([replica_set("new", None)], False),
            ([replica_set("old", 1)], False),  # what runs has none yet
            ([], False),
        ],
    )
    def test_the_first_one_has_the_number_one_and_nothing_beside_it(self, found: list[Raw], *, is_first: bool) -> None:
        assert look(deployment(), *found).is_first is is_first

    def test_images_are_told_by_container(self) -> None:
        found = reduced(replica_set("new", 2)).revision
        assert [(each.container, each.image) for each in found.images] == [("web", "registry/web:new")]
        assert (found.name, found.uid, found.template_hash) == ("web-new", "rs-new", template_hash(template("new")))


class TestTimes:
    def edited(self, at: datetime, field: str = "f:template", **entry: Any) -> Raw:
        return {"manager": "kubectl", "time": format_time(at), "fieldsV1": {"f:spec": {field: {}}}, **entry}

    def started(self, *edits: Raw, born: datetime = T0 - 13 * MINUTE, **status: Any) -> datetime | None:
        raw = deployment(**status)
        raw["metadata"]["managedFields"] = list(edits)
        return look(raw, replica_set("new", 2, creationTimestamp=format_time(born))).rollout_started_at

    def test_a_rollout_finished_when_its_condition_says_so(self) -> None:
        assert look(deployment(), replica_set("new", 2)).rolled_out_at == T0 - 10 * MINUTE

    def test_without_a_deadline_availability_tells(self) -> None:
        raw = deployment()
        raw["status"]["conditions"].pop()
        assert look(raw, replica_set("new", 2)).rolled_out_at == T0 - 60 * MINUTE

    def test_an_unfinished_rollout_has_not_finished(self) -> None:
        assert look(deployment(updatedReplicas=1), replica_set("new", 2)).rolled_out_at is None

    def test_without_any_condition_nothing_is_known(self) -> None:
        assert look(deployment(conditions=None), replica_set("new", 2)).rolled_out_at is None

    def test_a_rollout_began_with_its_replica_set(self) -> None:
        assert self.started() == T0 - 13 * MINUTE

    def test_a_reused_replica_set_is_older_than_its_rollout(self) -> None:
        long_ago = T0 - timedelta(days=30)
        assert self.started(self.edited(T0 - 12 * MINUTE), born=long_ago) == T0 - 12 * MINUTE

    @pytest.mark.parametrize(
        "entry",
        [
            {"time": format_time(T0 - MINUTE)},  # after the rollout: an edit of something else
            {"subresource": "status", "time": format_time(T0 - 11 * MINUTE)},
            {"fieldsV1": {"f:metadata": {}}, "time": format_time(T0 - 11 * MINUTE)},
            {"fieldsV1": None, "time": format_time(T0 - 11 * MINUTE)},
            {"time": None},
        ],
        ids=["later", "status", "labels", "nothing", "undated"],
    )
    def test_other_edits_began_no_rollout(self, entry: Raw) -> None:
        assert self.started(self.edited(T0, **entry)) == T0 - 13 * MINUTE

    def test_while_it_is_under_way_the_last_edit_began_it(self) -> None:
        assert self.started(self.edited(T0 - MINUTE), updatedReplicas=1) == T0 - MINUTE

    def test_nothing_known_is_nothing_said(self) -> None:
        assert look(deployment()).rollout_started_at is None


class TestPin:
    def test_the_previous_template_is_kept_whole_without_the_label(self) -> None:
        old = reduced(replica_set("old", 1))
        kept = pin(old.revision, old)
        assert kept.template == template("old")
        assert template_hash(kept.template) == kept.template_hash

    def test_one_that_is_gone_has_no_template(self) -> None:
        kept = pin(reduced(replica_set("old", 1)).revision, None)
        assert (kept.name, kept.template) == ("web-old", {})

    def test_one_that_was_changed_since_is_not_what_was_pinned(self) -> None:
        changed = reduced(replica_set("evil", 1) | {"metadata": replica_set("old", 1)["metadata"]})
        assert pin(reduced(replica_set("old", 1)).revision, changed).template == {}

    def test_one_made_anew_is_not_what_was_pinned(self) -> None:
        anew = reduced(replica_set("old", 1, uid="another"))
        assert pin(reduced(replica_set("old", 1)).revision, anew).template == {}


class TestWhatIsRead:
    """A Deployment may have hundreds of ReplicaSets of a megabyte: only the few that are needed are read whole."""

    def read(self, raw: Raw, *found: Raw) -> tuple[list[str], Revision | None]:
        names: list[str] = []
        seen = look(raw, *found, read=names)
        return names, seen.previous

    def many(self, count: int) -> list[Raw]:
        found = [replica_set(f"v{number:03d}", number) for number in range(1, count + 1)]
        random.Random(1).shuffle(found)  # noqa: S311 - any order
        return found

    def test_of_hundreds_only_what_runs_and_what_ran_before(self) -> None:
        names, previous = self.read(deployment("v200"), *self.many(200))
        assert names == ["web-v200", "web-v199"]
        assert previous is not None
        assert previous.name == "web-v199"

    def test_an_approved_one_is_looked_for_from_the_newest_on(self) -> None:
        raw = deployment("v050")
        raw["metadata"]["annotations"][APPROVED] = template_hash(template("v045"))
        names, previous = self.read(raw, *self.many(50))
        assert names == ["web-v050", "web-v049", "web-v048", "web-v047", "web-v046", "web-v045"]
        assert previous is not None
        assert previous.name == "web-v045"

    @pytest.mark.parametrize("approved", ["v001", "gone"])
    def test_an_approved_one_is_not_looked_for_for_ever(self, approved: str) -> None:
        raw = deployment("v050")
        raw["metadata"]["annotations"][APPROVED] = template_hash(template(approved))
        names, previous = self.read(raw, *self.many(50))
        assert len(names) == 1 + MOST_READ
        assert previous is not None
        assert previous.name == "web-v049"

    def test_an_approved_one_that_runs_is_not_looked_for_at_all(self) -> None:
        raw = deployment("v050")
        raw["metadata"]["annotations"][APPROVED] = template_hash(template("v050"))
        assert self.read(raw, *self.many(50))[0] == ["web-v050", "web-v049"]

    def test_a_rejected_one_is_passed_over(self) -> None:
        raw = deployment("v010")
        raw["metadata"]["annotations"][REJECTED] = template_hash(template("v009"))
        names, previous = self.read(raw, *self.many(10))
        assert names == ["web-v010", "web-v009", "web-v008"]
        assert previous is not None
        assert previous.name == "web-v008"

    def test_who_took_the_way_back_is_named(self) -> None:
        raw, hashed = deployment("v010"), template_hash(template("v009"))
        assert look(raw, *self.many(10)).passed_over == ""
        ruled = look(raw, *self.many(10), rejected={hashed}).passed_over
        assert ruled == f"web-v009 is not gone back to: a review rejected it ({short_hash(hashed)})"
        raw["metadata"]["annotations"][REJECTED] = hashed
        seen = look(raw, *(each for each in self.many(10) if each["metadata"]["name"] > "web-v008"))
        assert seen.previous is None
        assert f"web-v009 is not gone back to: the target's annotation {REJECTED} names it" in seen.passed_over

    def test_every_one_that_was_rolled_back_is_passed_over(self) -> None:
        raw = deployment("v010")
        raw["metadata"]["annotations"][REJECTED] = ",".join(template_hash(template(f"v00{each}")) for each in (9, 8))
        previous = self.read(raw, *self.many(10))[1]
        assert previous is not None
        assert previous.name == "web-v007"

    def test_one_that_a_review_rejected_without_a_rollback_is_passed_over(self) -> None:
        seen = look(deployment("v010"), *self.many(10), rejected={template_hash(template("v009"))})
        assert seen.previous is not None
        assert seen.previous.name == "web-v008"
        assert not look(deployment("v009"), *self.many(10), rejected={template_hash(template("v009"))}).rejected

    def test_a_template_without_a_replica_set_is_not_looked_for_for_ever(self) -> None:
        names, previous = self.read(deployment("newer"), *self.many(50))
        assert (len(names), previous) == (MOST_READ, None)

    def test_going_back_to_what_runs_is_no_way_back(self) -> None:
        twin = replica_set("new", 1, name="web-twin", uid="rs-twin")
        assert self.read(deployment(), replica_set("new", 2), twin)[1] is None

    @given(
        st.permutations(range(1, 9)),
        st.integers(1, 8),
        st.none() | st.integers(1, 8),
        st.none() | st.integers(1, 8),
    )
    def test_it_is_what_would_be_chosen_if_all_were_read(
        self, order: list[int], running: int, approved: int | None, rejected: int | None
    ) -> None:
        raw = deployment(f"v{running}")
        for name, version in ((APPROVED, approved), (REJECTED, rejected)):
            if version is not None:
                raw["metadata"]["annotations"][name] = template_hash(template(f"v{version}"))
        # As the Deployment controller numbers them: what runs has the highest number.
        numbers = {version: 99 if version == running else version for version in order}
        names, previous = self.read(raw, *(replica_set(f"v{version}", numbers[version]) for version in order))
        sound = [version for version in sorted(order, reverse=True) if version not in (running, rejected)]
        wanted = approved if approved in sound else next(iter(sound), None)
        assert (previous and previous.name) == (wanted and f"web-v{wanted}")
        assert len(names) == len(set(names))


class TestWhatWasThereBefore:
    """Only what was there when the rollout began can have run before it: anyone may make a ReplicaSet later."""

    def previous(self, raw: Raw, born: dict[str, datetime]) -> str | None:
        found = [
            replica_set(version, number, creationTimestamp=format_time(born[version]))
            for version, number in (("old", 1), ("new", 9), ("forged", 8))
            if version in born
        ]
        seen = look(raw, *found)
        return seen.previous.name if seen.previous else None

    def edited(self, *at: datetime, **status: Any) -> Raw:
        raw = deployment(**status)
        raw["metadata"]["managedFields"] = [
            {"manager": "kubectl", "time": format_time(each), "fieldsV1": {"f:spec": {"f:template": {}}}} for each in at
        ]
        return raw

    began = T0 - 13 * MINUTE
    long_ago = T0 - timedelta(days=30)

    @pytest.mark.parametrize("after", [timedelta(seconds=6), MINUTE, timedelta(days=1)])
    def test_one_made_after_the_rollout_began_is_no_previous_one(self, after: timedelta) -> None:
        born = {"old": self.long_ago, "new": self.began, "forged": self.began + after}
        assert self.previous(self.edited(self.began), born) == "web-old"
        del born["old"]
        assert self.previous(self.edited(self.began), born) is None

    @pytest.mark.parametrize("after", [timedelta(seconds=-1), timedelta(0), timedelta(seconds=5)])
    def test_rollouts_in_one_second_and_clocks_that_differ_a_little_hide_none(self, after: timedelta) -> None:
        born = {"old": self.began + after, "new": self.began}
        assert self.previous(self.edited(self.began), born) == "web-old"

    def test_an_old_template_run_again_is_older_than_what_ran_before_it(self) -> None:
        born = {"old": self.began - MINUTE, "new": self.long_ago}
        assert self.previous(self.edited(self.began), born) == "web-old"

    def test_where_a_later_edit_hides_when_the_template_was_edited_the_rollouts_end_tells(self) -> None:
        raw, ended = self.edited(T0 - MINUTE), T0 - 10 * MINUTE
        born = {"old": self.began - MINUTE, "new": self.long_ago}
        assert self.previous(raw, born) == "web-old"
        assert self.previous(raw, born | {"forged": ended + MINUTE}) == "web-old"
        assert self.previous(deployment(), born | {"forged": ended + MINUTE}) == "web-old"

    def test_a_rollout_under_way_began_with_its_last_edit(self) -> None:
        raw = self.edited(self.began, updatedReplicas=1)
        born = {"old": self.began - MINUTE, "new": self.long_ago, "forged": self.began + MINUTE}
        assert self.previous(raw, born) == "web-old"

    @pytest.mark.parametrize("edits", [[], [T0 - 13 * MINUTE]])
    def test_without_a_deadline_nothing_tells_the_end_and_availability_may_be_old(self, edits: list[datetime]) -> None:
        raw = self.edited(*edits)
        raw["status"]["conditions"] = [
            {"type": "Available", "status": "True", "lastTransitionTime": format_time(self.long_ago)}
        ]
        assert self.previous(raw, {"old": self.began - MINUTE, "new": self.long_ago}) == "web-old"


class TestBriefRevisions:
    """Back to what was tried: what ran for minutes was a mistake that the next one mends, or is not known yet."""

    def previous(self, *lives: float, approved: str = "") -> str | None:
        """The previous one of revisions v1, v2, ... each made so many minutes after the one before."""
        born, found = T0 - timedelta(days=30), []
        for number, minutes in enumerate(lives, 1):
            born += minutes * MINUTE
            version = "new" if number == len(lives) else f"v{number}"
            found.append(replica_set(version, number, creationTimestamp=format_time(born)))
        raw = deployment()
        if approved:
            raw["metadata"]["annotations"] = {"driftreview.dev/approved-revision": template_hash(template(approved))}
        seen = look(raw, *found)
        return seen.previous.name if seen.previous else None

    @pytest.mark.parametrize(("life", "wanted"), [(0.01, "web-v1"), (9, "web-v1"), (10, "web-v2"), (5000, "web-v2")])
    def test_one_that_was_replaced_within_minutes_is_passed_over(self, life: float, wanted: str) -> None:
        assert self.previous(0, 5000, life) == wanted

    def test_where_all_were_brief_it_is_the_newest(self) -> None:
        assert self.previous(0, 1, 1, 1) == "web-v3"

    def test_one_that_was_approved_is_gone_back_to_all_the_same(self) -> None:
        assert self.previous(0, 5000, 1, approved="v2") == "web-v2"

    def test_one_whose_successor_is_older_was_gone_back_from_and_is_told_by_its_number(self) -> None:
        seen = look(
            deployment(),
            replica_set("new", 3, creationTimestamp=format_time(T0 - timedelta(days=30))),
            replica_set("bad", 2, creationTimestamp=format_time(T0 - timedelta(days=1))),
        )
        assert seen.previous is not None
        assert seen.previous.name == "web-bad"


class TestSelector:
    def selector(self, **selector: Any) -> str:
        raw = deployment()
        raw["spec"]["selector"] = selector
        return label_selector(raw)

    def test_labels_are_asked_for_in_order(self) -> None:
        assert self.selector(matchLabels={"b": "2", "a": ""}) == "a=,b=2"

    def test_expressions_are_asked_for_as_well(self) -> None:
        expressions = [
            {"key": "app", "operator": "In", "values": ["web", "api"]},
            {"key": "tier", "operator": "NotIn", "values": ["test"]},
            {"key": "team", "operator": "Exists"},
            {"key": "x.io/old", "operator": "DoesNotExist"},
        ]
        wanted = "app in (web,api),tier notin (test),team,!x.io/old"
        assert self.selector(matchExpressions=expressions) == wanted
        assert self.selector(matchExpressions=expressions, matchLabels={"a": "b"}) == f"a=b,{wanted}"


class TestPatches:
    """Only on the very object and generation that were looked at."""

    tests = (
        {"op": "test", "path": "/metadata/uid", "value": "target-uid"},
        {"op": "test", "path": "/metadata/generation", "value": 7},
    )

    def test_a_rollback_replaces_the_template_and_notes_what_it_rejected(self) -> None:
        raw = deployment()
        path = "/metadata/annotations/driftreview.dev~1"
        ran = (datetime(2026, 7, 31, 12, tzinfo=UTC), datetime(2026, 7, 31, 13, 30, tzinfo=UTC))
        assert rollback_patch(look(raw), raw, template("old"), ran) == [
            *self.tests,
            {"op": "replace", "path": "/spec/template", "value": template("old")},
            {"op": "add", "path": f"{path}rejected-revision", "value": template_hash(template("new"))},
            {
                "op": "add",
                "path": f"{path}rejected-during",
                "value": "2026-07-31T12:00:00Z/2026-07-31T13:30:00Z",
            },
            {"op": "add", "path": f"{path}restored-revision", "value": template_hash(template("old"))},
        ]

    def test_an_approval_writes_one_annotation(self) -> None:
        raw = deployment()
        path = "/metadata/annotations/driftreview.dev~1approved-revision"
        value = template_hash(template("new"))
        assert approve_patch(look(raw), raw) == [*self.tests, {"op": "add", "path": path, "value": value}]

    @pytest.mark.parametrize("annotations", [None, {}])
    def test_where_there_are_none_they_are_made_only_if_there_are_still_none(self, annotations: Raw | None) -> None:
        raw = deployment()
        raw["metadata"]["annotations"] = annotations
        patch = approve_patch(look(raw), raw)
        assert patch[2:4] == [
            {"op": "test", "path": "/metadata/resourceVersion", "value": "1234"},
            {"op": "add", "path": "/metadata/annotations", "value": {}},
        ]

    def test_what_was_approved_is_seen_again(self) -> None:
        raw = deployment()
        raw["metadata"]["annotations"][APPROVED] = "sha256:abc"
        assert look(raw).approved == "sha256:abc"
        assert look(deployment()).approved == ""

    def test_what_a_rollback_put_back_is_known_as_such_until_something_else_runs(self) -> None:
        raw = deployment()
        raw["metadata"]["annotations"][RESTORED] = template_hash(template("new"))
        assert look(raw).restored
        raw["spec"]["template"] = template("newer")
        assert not look(raw).restored

    def test_what_was_rolled_back_is_known_when_it_runs_again_and_when_it_ran(self) -> None:
        raw, ran = deployment(), (datetime(2026, 7, 31, 12, tzinfo=UTC), datetime(2026, 7, 31, 13, tzinfo=UTC))
        for each in rollback_patch(look(raw), raw, template("old"), ran):
            if each["op"] == "add":
                name = each["path"].removeprefix("/metadata/annotations/").replace("~1", "/")
                raw["metadata"]["annotations"][name] = each["value"]
        assert look(raw).rejected
        raw["status"]["conditions"][1]["lastUpdateTime"] = format_time(ran[1])
        assert look(raw).rejected_during == (ran,)
        raw["spec"]["template"] = template("old")
        assert not look(raw).rejected

    def test_the_last_ten_that_were_rolled_back_are_known_each_once(self) -> None:
        raw, ran = deployment(), (datetime(2026, 7, 31, 12, tzinfo=UTC), datetime(2026, 7, 31, 13, tzinfo=UTC))
        new = template_hash(template("new"))
        raw["metadata"]["annotations"][REJECTED] = ",".join(
            [*(f"sha256:{each}" for each in range(11)), new, "sha256:x"]
        )
        (patch,) = (
            each
            for each in rollback_patch(look(raw), raw, template("old"), ran)
            if each["path"].endswith("rejected-revision")
        )
        assert patch["value"].split(",") == [*(f"sha256:{each}" for each in range(3, 11)), "sha256:x", new]

    @pytest.mark.parametrize(
        "text",
        ["", "yesterday", "2026-07-31T12:00:00Z", "2026-07-31T13:00:00Z/2026-07-31T12:00:00Z", "2026/2027"],
    )
    def test_a_stretch_that_is_none_is_no_stretch(self, text: str) -> None:
        raw = deployment()
        raw["metadata"]["annotations"][REJECTED_DURING] = text
        assert look(raw).rejected_during == ()

    @pytest.mark.parametrize(
        ("start", "end", "believed"),
        [
            (-40 * MINUTE, -MINUTE, True),
            (-40 * MINUTE, timedelta(0), True),
            (-40 * MINUTE, timedelta(seconds=5), True),  # of two clocks
            (-40 * MINUTE, timedelta(seconds=6), False),
            (-40 * MINUTE, 60 * MINUTE, False),
            (timedelta(days=-27), timedelta(days=-26), True),
            (timedelta(days=-29), timedelta(days=-27), False),
            (timedelta(days=-40), timedelta(days=-30), False),
        ],
    )
    def test_a_stretch_that_cannot_be_ours_is_no_stretch(
        self, start: timedelta, end: timedelta, *, believed: bool
    ) -> None:
        raw, began = deployment(), T0 - 13 * MINUTE
        raw["metadata"]["managedFields"] = [
            {"manager": "kubectl", "time": format_time(began), "fieldsV1": {"f:spec": {"f:template": {}}}}
        ]
        stretch = (began + start, began + end)
        raw["metadata"]["annotations"][REJECTED_DURING] = "/".join(map(format_time, stretch))
        assert look(raw, replica_set("new", 2)).rejected_during == ((stretch,) if believed else ())

    @pytest.mark.parametrize(
        "text",
        [
            "0001-01-01T00:00:00+00:00/9999-12-31T23:59:59+00:00",
            "0001-01-01T00:00:00+14:00/2026-07-31T11:00:00Z",
            "2026-07-31T11:00:00Z/9999-12-31T23:59:59-14:00",
        ],
    )
    def test_times_at_the_ends_of_the_calendar_are_no_stretch(self, text: str) -> None:
        raw = deployment()
        raw["metadata"]["annotations"][REJECTED_DURING] = text
        assert look(raw, replica_set("new", 2)).rejected_during == ()
