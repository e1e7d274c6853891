"""How people take a release back, as the report tells it: in Git, or by the patch beside it, which shows no secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.evidence import content_hash
from driftreview.domain.podtemplate import tells_secrets
from driftreview.domain.report import revert
from driftreview.domain.report.build import report
from driftreview.domain.report.material import Material
from driftreview.report.files import files
from tests import builders
from tests.builders import HOUR, MINUTE, T0, revision, signal, template
from tests.reportdata import taken
from tests.simulator import Metrics, Simulator
from tests.unit.test_handover import ARGO, decided
from tests.unit.test_handover import revert as put_back
from tests.unit.test_report import said

Raw = dict[str, Any]
PAUSED = WayBackCheck(at=T0 + MINUTE, generation=7, held=Reason.TARGET_PAUSED)
RESUME = (
    "What is put back by hand reaches no pod as long as the rollout of Deployment web is paused, as at "
    "2026-07-31T12:01:00Z: kubectl rollout resume deployment/web -n shop"
)
TOKEN = "ghp_0123456789"
IMAGES = [
    {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "web"},
    {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry/web:old"},
]


def bad(git_ops: str = "Report", revision: str = "084055d", owned: bool = True) -> Simulator:  # noqa: FBT001, FBT002
    spec: Raw = {"signals": [signal()], "rollout": {"gitOps": git_ops}, "context": {"revision": revision}}
    simulator = Simulator(builders.review(**spec), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
    assert simulator.target is not None
    simulator.target.owner = ARGO if owned else None
    return simulator


def steps(simulator: Simulator) -> list[str]:
    return said(report(*taken(simulator)), "outlook", "Next")


def patch(simulator: Simulator) -> Any:
    found = files(report(*taken(simulator))).get(revert.FILE)
    return None if found is None else json.loads(found)


def keeping(simulator: Simulator, template: Raw) -> Simulator:
    """The same with another previous pod template in its evidence."""
    name = next(each for each in simulator.snapshots if each.endswith("-t0"))
    simulator.snapshots[name]["previous"]["template"] = template
    return simulator


def test_a_canary_is_taken_back_by_a_patch_that_leaves_no_pods() -> None:
    simulator = bad(owned=True)
    rollout = {"type": "Canary", "stable": {"name": "stable"}}
    simulator.review = builders.review(signals=[signal()], rollout=rollout)
    assert patch(decided(simulator)) == [{"op": "replace", "path": "/spec/replicas", "value": 0}]
    (told,) = (each for each in steps(simulator) if revert.FILE in each)
    assert told.startswith(f"To take it back by hand, apply {revert.FILE}: kubectl get")


class TestHandedOver:
    def test_what_is_to_be_reverted_is_named_with_the_images(self) -> None:
        first, second, third, *_ = steps(decided(bad()))
        assert first.startswith("Mend what holds the review up: Argo CD Application web owns the target")
        assert second == (
            "Take web-new back in Git: git revert 084055d, so that the images go back: web: registry/web:new -> "
            "registry/web:old"
        )
        assert third == (
            "To take it back by hand, apply way-back.json: kubectl get configmap release-report -n shop -o "
            r"jsonpath='{.data.way-back\.json}' > way-back.json && kubectl patch deployment/web -n shop --type=json "
            "--patch-file way-back.json"
        )

    @pytest.mark.parametrize("text", ["", "v1.2", "$(reboot)", "HEAD; rm -rf /"])
    def test_what_is_no_commit_becomes_no_command(self, text: str) -> None:
        told = steps(decided(bad(revision=text)))[1]
        assert told.startswith("Take web-new back in Git: revert the commit that brought it, so that")

    def test_the_patch_is_the_whole_template_that_was_pinned(self) -> None:
        assert patch(decided(bad())) == [{"op": "replace", "path": "/spec/template", "value": template("old")}]

    def test_that_something_owns_it_is_a_risk(self) -> None:
        risks = said(report(*taken(decided(bad()))), "outlook", "Outstanding")
        assert any(each.startswith("Argo CD Application web owns the target") for each in risks)

    def test_once_it_was_put_back_there_is_nothing_to_take_back(self) -> None:
        simulator = decided(bad())
        put_back(simulator)
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert patch(simulator) is None
        assert not any("in Git" in each for each in steps(simulator))
        assert any("rolled back to the previous revision by field manager argocd" in each for each in done(simulator))


def done(simulator: Simulator) -> list[str]:
    return said(report(*taken(simulator)), "outlook", "Mitigations")


class TestOthers:
    def test_where_nothing_owns_it_the_patch_is_there_for_a_rollback_that_failed(self) -> None:
        simulator = bad(owned=False)
        simulator.refuses = True
        simulator.pass_time(6 * HOUR)
        assert simulator.phase == Phase.FAILED
        assert patch(simulator) is not None
        assert not any("in Git" in each for each in steps(simulator))

    def test_before_a_decision_and_after_a_promotion_there_is_none(self) -> None:
        simulator = bad()
        simulator.pass_time(MINUTE)
        assert patch(simulator) is None
        simulator = bad()
        simulator.metrics = Metrics()
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, patch(simulator)) == (Phase.PROMOTED, None)

    def test_where_the_template_is_back_there_is_no_patch_but_pods_to_mend(self) -> None:
        simulator = bad(owned=False)
        simulator.pass_time(HOUR)
        while not simulator.status.get("act", {}).get("appliedAt"):
            simulator.pass_time(MINUTE / 6)
        assert simulator.target is not None
        simulator.target.began = T0 + 90 * HOUR  # its controller is away
        simulator.pass_time(15 * MINUTE)
        assert simulator.phase == Phase.FAILED
        assert patch(simulator) is None
        mend = "Mend what keeps the pods from running that the rollback asks for again: kubectl get events -n shop"
        assert any(each.startswith(mend) for each in steps(simulator))
        assert not any("by hand, apply" in each for each in steps(simulator))
        simulator.target.began = simulator.now - HOUR
        simulator.pass_time(MINUTE)
        assert not any(each.startswith(mend) for each in steps(simulator)), "they run now"
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(MINUTE)
        assert patch(simulator) is not None, "it returned"

    def test_of_a_paused_rollout_it_says_what_has_to_be_done_before(self) -> None:
        simulator = bad(owned=False)
        assert simulator.target is not None
        simulator.pass_time(MINUTE)
        simulator.target.paused, simulator.target.check = True, PAUSED
        simulator.pass_time(HOUR + 10 * MINUTE)
        held, patched = (
            index for index, each in enumerate(steps(simulator)) if "reaches no pod" in each or "by hand, apply" in each
        )
        assert held < patched
        assert steps(simulator)[held] == RESUME

    @pytest.mark.parametrize(
        ("spec", "phase"),
        [({}, Phase.FAILED), ({"policy": {"mode": "Advise"}}, Phase.DECIDED)],
    )
    def test_and_still_does_when_the_review_has_ended(self, spec: Raw, phase: Phase) -> None:
        simulator = bad(owned=False)
        assert simulator.target is not None
        simulator.review = builders.review(signals=[signal()], **spec)
        simulator.pass_time(MINUTE)
        simulator.target.paused, simulator.target.check = True, PAUSED
        simulator.pass_time(12 * HOUR)
        assert simulator.phase == phase
        assert "Ended" in {each["reason"] for each in simulator.status["conditions"]}
        told = steps(simulator)
        assert told[told.index(RESUME) + 1].startswith("To take it back by hand, apply way-back.json: ")

    def test_what_was_resumed_is_not_told_any_more(self) -> None:
        simulator = bad(owned=False)
        assert simulator.target is not None
        simulator.target.check = PAUSED.model_copy(update={"held": None})
        simulator.refuses = True
        simulator.pass_time(6 * HOUR)
        assert simulator.phase == Phase.FAILED
        assert not any("reaches no pod" in each for each in steps(simulator))

    def test_what_is_reviewed_while_it_is_paused_is_told_to_be_so_to_the_end(self) -> None:
        simulator = bad(owned=False)
        assert simulator.target is not None
        simulator.target.paused = simulator.target.partly = True
        simulator.review = builders.review(signals=[signal()], rollout={"type": "Paused"}, policy={"mode": "Advise"})
        simulator.pass_time(6 * HOUR)
        assert simulator.phase == Phase.DECIDED
        paused = (
            "What is put back by hand reaches no pod as long as the rollout of Deployment web is paused to be reviewed"
        )
        assert f"{paused}: kubectl rollout resume deployment/web -n shop" in steps(simulator)

    def test_what_returned_after_a_rollback_has_its_patch_again(self) -> None:
        simulator = bad(owned=False)
        simulator.pass_time(HOUR + 10 * MINUTE)
        assert (simulator.phase, patch(simulator)) == (Phase.ROLLED_BACK, None)
        assert simulator.target is not None
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(MINUTE)
        assert patch(simulator) == [{"op": "replace", "path": "/spec/template", "value": template("old")}]
        assert any(each.startswith("To take it back by hand, apply way-back.json") for each in steps(simulator))
        simulator.target.roll_out("old", simulator.now)
        simulator.pass_time(10 * MINUTE)
        assert patch(simulator) is None

    def test_what_stays_paused_is_to_be_resumed(self) -> None:
        simulator = bad("Pause")
        simulator.pass_time(HOUR + 10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        (found,) = (each for each in steps(simulator) if "end the pause" in each)
        assert found == (
            f"What owns the target was paused at {simulator.status['act']['pause']['doneAt']}; if it still is, end the "
            "pause once Git has what is to run: kubectl annotate applications.argoproj.io web -n argocd "
            "argocd.argoproj.io/skip-reconcile-"
        )

    def test_a_pause_that_was_never_seen_is_told_as_such(self) -> None:
        simulator = bad("Pause")
        simulator.unpausable = "PATCH applications: 403"
        simulator.pass_time(6 * HOUR)
        assert simulator.phase == Phase.FAILED
        intent = simulator.status["act"]["pause"]["intentAt"]
        found = next(each for each in steps(simulator) if "end the pause" in each)
        assert found.startswith(
            f"What owns the target was to be paused at {intent}, and was not seen to be; if it still is, end "
            "the pause once Git has what is to run: kubectl annotate "
            "applications.argoproj.io web -n argocd "
        )


def with_container(**fields: Any) -> Raw:
    found = template("old")
    found["spec"]["containers"][0] |= fields
    return found


SECRET: dict[str, Raw] = {
    "a variable": with_container(env=[{"name": "API_TOKEN", "value": TOKEN}]),
    "a password in a URL": with_container(env=[{"name": "BROKER", "value": "amqp://user:hunter22@mq"}]),
    "an argument": with_container(args=["--token", TOKEN]),
    "a part of an argument": with_container(args=[f"--api-key={TOKEN}"]),
    "a header of a probe": with_container(
        readinessProbe={"httpGet": {"port": 80, "httpHeaders": [{"name": "Authorization", "value": TOKEN}]}}
    ),
    "a command of a hook": with_container(
        lifecycle={"preStop": {"exec": {"command": ["sh", "-c", f"curl -H 'Authorization: Bearer {TOKEN}' x"]}}}
    ),
    "an init container": {"spec": {"containers": [], "initContainers": [{"name": "i", "args": ["--password", TOKEN]}]}},
    "an annotation": {"metadata": {"annotations": {"example.org/token": TOKEN}}, "spec": {"containers": []}},
}


class TestSecrets:
    @pytest.mark.parametrize("where", SECRET)
    def test_a_template_that_holds_one_is_not_shown(self, where: str) -> None:
        assert tells_secrets(SECRET[where])

    def test_one_that_only_refers_to_secrets_is(self) -> None:
        container = {
            "name": "web",
            "image": "registry/web:1@sha256:0f0f",
            "env": [
                {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "broker", "key": "token"}}},
                {"name": "MODE", "value": "live"},
            ],
            "args": ["--port", "80"],
        }
        volumes = [{"name": "tls", "secret": {"secretName": "tls"}}]
        assert not tells_secrets({"spec": {"containers": [container], "volumes": volumes}})

    def test_then_the_patch_has_the_images_only_and_says_so(self) -> None:
        simulator = keeping(decided(bad()), SECRET["a variable"])
        assert patch(simulator) == IMAGES
        assert any("apply way-back.json, which has the images only: kubectl" in each for each in steps(simulator))
        assert not any(TOKEN in text for text in files(report(*taken(simulator))).values())

    def test_so_has_that_of_a_large_template(self) -> None:
        large = with_container(env=[{"name": f"V{n}", "value": "x" * 100} for n in range(400)])
        assert patch(keeping(decided(bad()), large)) == IMAGES

    def test_where_that_leaves_nothing_there_is_no_patch(self) -> None:
        simulator = decided(bad())
        simulator.status["previous"]["images"] = simulator.status["judged"]["images"]
        assert patch(keeping(simulator, SECRET["a variable"])) is None
        assert "git revert 084055d" in steps(simulator)[1]
        assert not any("by hand, apply" in each for each in steps(simulator))

    @given(st.text(max_size=30), st.sampled_from(["API_TOKEN", "PASSWORD", "DB_DSN"]))
    def test_whatever_a_variable_of_such_a_name_holds_is_never_shown(self, value: str, name: str) -> None:
        container = with_container(env=[{"name": name, "value": value}])
        assert tells_secrets(container) is bool(value)


def test_the_patch_names_the_container_it_is_meant_for() -> None:
    simulator = decided(bad())
    found, snapshots, _ = taken(simulator)
    assert found.status.judged is not None
    two = [*revision("side").images, *found.status.judged.images]
    two[0] = two[0].model_copy(update={"container": "side"})
    judged = found.status.judged.model_copy(update={"images": two})
    moved = found.model_copy(update={"status": found.status.model_copy(update={"judged": judged})})
    material = Material.of(moved, [each for each in snapshots if content_hash(each.to_wire())])
    operations = list(revert._images(material))
    assert [each["path"] for each in operations] == [
        "/spec/template/spec/containers/1/name",
        "/spec/template/spec/containers/1/image",
    ]
