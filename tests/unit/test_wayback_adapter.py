"""How the way back is looked at: in a hurry, by names and metadata, and without a failure ever being an error."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from driftreview.adapters import wayback
from driftreview.adapters.errors import ClusterError, NotFoundError, UnavailableError, error_of
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.adapters.wayback import WayBack
from driftreview.adapters.workloads import Workload
from driftreview.api.act import Pause
from driftreview.api.reasons import Reason
from driftreview.api.target import TargetKind
from driftreview.api.wayback import RehearsalOutcome
from driftreview.domain.action import Role
from driftreview.domain.owner import Owner
from driftreview.domain.patches import note_patch, ran, rollback_patch
from driftreview.domain.pausing import LEFT_ALONE, SKIP_RECONCILE, pause_patch
from driftreview.domain.wayback import Gathered, Need, Unread
from tests.builders import T0, intent, review, target, template
from tests.unit.test_handover import ARGO, KUSTOMIZATION, UNNAMED
from tests.unit.test_pausing import application, pause

PAUSE = pause()
UNSAID = "whether what owns the target can be told to leave it alone"
NOT_TOLD = "what owns the target cannot be told to leave it alone: "
NEEDY = template("old") | {
    "spec": template("old")["spec"]
    | {
        "serviceAccountName": "bot",
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [
            {"configMap": {"name": "settings"}},
            {"secret": {"secretName": "broker"}},
            {"persistentVolumeClaim": {"claimName": "data"}},
        ],
    }
}
ALL = [
    "serviceaccounts/bot",
    "persistentvolumeclaims/data",
    "configmaps/settings",
    "secrets/broker",
    "secrets/registry",
]


class World:
    """Stands for the API server."""

    def __init__(self, *there: str, **lists: list[dict[str, Any]]) -> None:
        self.there, self.lists = there, lists
        self.fails: dict[str, ClusterError] = {}
        self.asked: list[str] = []
        self.patches: list[Any] = []
        self.seconds = 0.0
        self.review, self.workload, self.role = review(), workload(), Role.ALL
        self.application: dict[str, Any] | None = application()

    def hurried(self, seconds: float) -> Any:
        self.seconds = seconds
        return self

    def look_for(self, kind: Kind, name: str, namespace: str) -> None:
        assert namespace == "shop"
        self._ask(f"{kind.plural}/{name}")
        if f"{kind.plural}/{name}" not in self.there:
            raise NotFoundError(name)

    def objects(
        self, kind: Kind, _: str, selectors: Mapping[str, str], reduce: Callable[[dict[str, Any]], Any]
    ) -> Iterator[list[Any]]:
        assert selectors == {}
        self._ask(kind.plural)
        yield [reduce(each) for each in self.lists.get(kind.plural, [])]

    def keep(self, kind: Kind, name: str, namespace: str, reduce: Callable[[dict[str, Any]], Any]) -> Any:
        assert (kind.plural, name, namespace) == ("applications", "web", "argocd")
        self._ask("application")
        if self.application is None:
            raise NotFoundError("GET applications: 404 not found")
        return reduce(self.application)

    def rehearse(self, kind: Kind, name: str, patch: Sequence[Any], namespace: str) -> None:
        if kind.plural == "deployments":
            assert (name, namespace) == ("web", "shop")
            self.patches.append(patch)
            self._ask("rehearsal")
        else:
            assert (kind.plural, name, namespace) == ("applications", "web", "argocd")
            assert patch == pause_patch(self.review, PAUSE, self.application or {})
            self._ask("pause")

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.fails:
            raise self.fails[what]

    def gather(self, of: Mapping[str, Any] = NEEDY) -> Gathered:
        return WayBack(cast(Cluster, self), self.role).gather(self.review, self.workload, of, T0)


def paused_first(owner: Owner = ARGO, **spec: Any) -> World:
    """A rollback of this target begins with a pause."""
    world = World(*ALL)
    world.review = review(**{"rollout": {"gitOps": "Pause"}} | spec)
    world.workload = replace(workload(), view=target(owner=owner))
    return world


def workload() -> Workload:
    deployment = {
        "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "7"},
        "spec": {"replicas": 3},
    }
    return Workload(TargetKind.DEPLOYMENT, deployment, target())


def refusal(status: int, message: str = "no") -> ClusterError:
    return error_of(status, {"kind": "Status", "message": message, "details": {"name": "web"}}, f"PATCH /x: {status}")


def test_everything_that_is_needed_is_looked_for_once_and_the_very_patch_is_rehearsed() -> None:
    world = World(*ALL)
    gathered = world.gather()
    assert world.asked == ["rehearsal", *ALL, "resourcequotas", "poddisruptionbudgets", "horizontalpodautoscalers"]
    assert world.patches == [rollback_patch(target(), workload().raw, NEEDY, ran(target(), None, T0))]
    assert (gathered.missing, gathered.unread) == ((), ())
    assert gathered.rehearsal is not None
    assert gathered.rehearsal.outcome is RehearsalOutcome.ACCEPTED


def test_no_answer_is_waited_for_long() -> None:
    world = World()
    world.gather()
    assert 0 < world.seconds < 5


def test_without_a_template_nothing_is_asked_but_who_scales() -> None:
    world = World()
    assert world.gather({}) == Gathered({})
    assert world.asked == ["horizontalpodautoscalers"]


@pytest.mark.parametrize("of", [NEEDY, {}, None])
def test_whether_an_autoscaler_owns_the_pods_is_known_or_it_is_said_why_not(of: dict[str, Any] | None) -> None:
    other, ours = (
        {"metadata": {"name": name}, "spec": {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": name}}}
        for name in ("other", "web")
    )
    found = World(*ALL, horizontalpodautoscalers=[other]).gather(of)
    assert (found.scalers, found.unknown_scalers) == ((), None)
    many = World(*ALL, horizontalpodautoscalers=[other] * 60).gather(of)
    assert (many.scalers, many.unknown_scalers) == ((), "only the first are read")
    first = World(*ALL, horizontalpodautoscalers=[ours, *[other] * 60]).gather(of)
    assert ([each.name for each in first.scalers], first.unknown_scalers) == (["web"], None)
    for error, why in (
        (refusal(403), "the operator may not read it"),
        (UnavailableError("no"), "the API server was slow"),
    ):
        world = World(*ALL)
        world.fails = {"horizontalpodautoscalers": error}
        found = world.gather(of)
        assert (found.scalers, found.unknown_scalers) == ((), why)
        assert found.unread[-1].what == "HorizontalPodAutoscalers"


def test_what_is_not_there_is_missing() -> None:
    missing = World(*ALL[:2]).gather().missing
    assert missing == (Need("ConfigMap", "settings"), Need("Secret", "broker"), Need("pull Secret", "registry"))


def test_what_may_not_be_read_is_neither_there_nor_missing_and_the_rest_is_asked() -> None:
    world = World(*ALL[:3])
    world.fails = {each: refusal(403) for each in ("secrets/broker", "secrets/registry", "resourcequotas")}
    gathered = world.gather()
    assert gathered.missing == ()
    no_right = "the operator may not read it"
    assert gathered.unread == tuple(
        Unread(each, no_right) for each in ("Secret broker", "pull Secret registry", "ResourceQuotas")
    )
    assert world.asked[-1] == "horizontalpodautoscalers"


def test_who_does_not_answer_is_not_asked_again() -> None:
    world = World(*ALL)
    world.fails = {"serviceaccounts/bot": UnavailableError("timed out")}
    gathered = world.gather()
    assert world.asked == ["rehearsal", "serviceaccounts/bot"]
    assert len(gathered.unread) == 8
    assert {each.why for each in gathered.unread} == {"the API server was slow"}
    assert gathered.missing == ()


def test_when_the_time_is_over_no_more_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wayback, "SECONDS", 0.0)
    world = World(*ALL)
    assert len(world.gather().unread) == 8
    assert world.asked == ["rehearsal"]


def test_what_is_refused_for_another_reason_is_said() -> None:
    world = World(*ALL)
    world.fails = {"configmaps/settings": refusal(400, "a strange name")}
    assert world.gather().unread == (Unread("ConfigMap settings", "a strange name"),)


def test_quotas_budgets_and_the_targets_own_autoscalers_are_kept() -> None:
    others, ours = (
        {"metadata": {"name": name}, "spec": {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": of}}}
        for name, of in (("x", "other"), ("h", "web"))
    )
    named = {"metadata": {"name": "x"}}
    gathered = World(
        *ALL, resourcequotas=[named], poddisruptionbudgets=[named] * 70, horizontalpodautoscalers=[others, ours]
    ).gather()
    assert [each.name for each in gathered.quotas] == ["x"]
    assert len(gathered.budgets) == 50
    assert [each.name for each in gathered.scalers] == ["h"]
    assert gathered.unread == (Unread("more than 70 PodDisruptionBudgets", "only the first are read"),)


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (refusal(422, "a policy says no"), RehearsalOutcome.REFUSED, "a policy says no"),
        (refusal(400, "a webhook denied the request"), RehearsalOutcome.REFUSED, "a webhook denied the request"),
        (refusal(403, "cannot patch"), RehearsalOutcome.FORBIDDEN, "cannot patch"),
        (refusal(400, 'webhook "x" does not support dry run'), RehearsalOutcome.UNKNOWN, "does not support dry run"),
        (refusal(401, "who are you"), RehearsalOutcome.UNKNOWN, "who are you"),
        (refusal(404), RehearsalOutcome.UNKNOWN, "404"),
        (refusal(409), RehearsalOutcome.UNKNOWN, "409"),
        (refusal(429), RehearsalOutcome.UNKNOWN, "429"),
        (refusal(500), RehearsalOutcome.UNKNOWN, "500"),
        (refusal(504), RehearsalOutcome.UNKNOWN, "504"),
    ],
)
def test_only_what_would_refuse_the_real_patch_is_a_refusal(
    error: ClusterError, outcome: RehearsalOutcome, message: str
) -> None:
    world = World(*ALL)
    world.fails = {"rehearsal": error}
    rehearsal = world.gather().rehearsal
    assert rehearsal is not None
    assert rehearsal.outcome is outcome
    assert message in rehearsal.message
    assert not rehearsal.message.startswith("PATCH") or outcome is RehearsalOutcome.UNKNOWN


def test_what_the_api_server_says_is_bounded_and_plain() -> None:
    world = World(*ALL)
    world.fails = {"rehearsal": refusal(422, "\x1b[31m" * 1000)}
    rehearsal = world.gather().rehearsal
    assert rehearsal is not None
    assert len(rehearsal.message) <= 200
    assert rehearsal.message.isprintable()


class TestThePauseBefore:
    """What `rollout.gitOps: Pause` takes is found out with the rest."""

    def why(self, world: World) -> str:
        found = world.gather().not_paused
        assert found is not None
        assert found.reason is Reason.NOT_PAUSED
        assert found.message.startswith(NOT_TOLD)
        return found.message.removeprefix(NOT_TOLD)

    def not_known(self, world: World) -> str:
        gathered = world.gather()
        assert gathered.not_paused is None
        return next(each.why for each in gathered.unread if each.what == UNSAID)

    @pytest.mark.parametrize("of", [NEEDY, {}, None])
    def test_the_very_patch_is_tried_also_where_the_template_cannot_be_read(self, of: dict[str, Any] | None) -> None:
        world = paused_first()
        gathered = world.gather(of)
        assert (gathered.not_paused, gathered.unread) == (None, ())
        assert world.asked[-3:] == ["application", "pause", "horizontalpodautoscalers"]

    @pytest.mark.parametrize("what", ["application", "pause"])
    def test_a_missing_right_says_who_grants_which_and_where(self, what: str) -> None:
        world = paused_first()
        world.fails = {what: refusal(403, f'cannot {what} "applications" in the namespace "argocd"')}
        assert self.why(world) == (
            f'cannot {what} "applications" in the namespace "argocd"; if the right is missing, whoever may bind roles '
            "in namespace argocd binds charts/driftreview/rules/gitops.yaml there to the operator's account"
        )

    def test_what_refuses_the_patch_is_said(self) -> None:
        world = paused_first()
        world.fails = {"pause": refusal(422, "a policy says no")}
        assert self.why(world) == "a policy says no"

    @pytest.mark.parametrize("unserved", [True, False])
    def test_one_that_is_not_there_is_said_also_where_there_is_no_such_kind(self, *, unserved: bool) -> None:
        world = paused_first()
        world.application = None
        world.fails = {"application": error_of(404, {}, "GET applications: 404")} if unserved else {}
        assert self.why(world) == (
            "Application argocd/web, which the target says that it is owned by, is not there: correct what names it on "
            "the target or, before T0, spec.rollout.gitOpsNamespace"
        )

    def test_one_of_another_target_is_said(self) -> None:
        world = paused_first()
        world.application = application({"name": "other"})
        assert "does not name Deployment web among its status.resources" in self.why(world)

    def test_one_that_a_set_makes_is_said(self) -> None:
        world = paused_first()
        made = [{"controller": True, "kind": "ApplicationSet", "name": "all"}]
        world.application = application(ownerReferences=made)
        assert "is made by ApplicationSet all" in self.why(world)

    def test_an_owner_without_a_name_is_said_also_by_a_judge(self) -> None:
        world = paused_first(UNNAMED)
        world.role = Role.JUDGE
        assert "give the target its tracking annotation or labels" in self.why(world)

    def test_a_judge_leaves_it_to_the_actor(self) -> None:
        world = paused_first()
        world.role = Role.JUDGE
        assert self.not_known(world) == "the operator of role actor tries it before it acts"
        assert "application" not in world.asked

    @pytest.mark.parametrize(
        ("error", "why"),
        [
            (UnavailableError("timed out"), "the API server was slow"),
            (refusal(400, 'webhook "x" does not support dry run'), 'webhook "x" does not support dry run'),
            (refusal(409), "it changed while that was tried"),
        ],
    )
    def test_what_could_not_be_found_out_keeps_nothing_back(self, error: ClusterError, why: str) -> None:
        world = paused_first()
        world.fails = {"pause": error}
        assert self.not_known(world) == why

    def test_one_that_is_paused_already_takes_no_right_to_patch(self) -> None:
        world = paused_first()
        world.application = application(annotations={SKIP_RECONCILE: "true"})
        assert world.gather().not_paused is None
        assert "pause" not in world.asked

    def test_what_is_noted_on_the_target_itself_is_tried_there(self) -> None:
        world = paused_first(KUSTOMIZATION)
        assert world.gather().not_paused is None
        assert world.patches[1:] == [note_patch(target(), world.workload.raw, LEFT_ALONE)]
        world.fails = {"rehearsal": refusal(403, "cannot patch")}
        assert self.why(world) == "cannot patch"

    @pytest.mark.parametrize(
        "spec", [{"rollout": {"gitOps": "Override"}}, {"rollout": {"gitOps": "Report"}}, {"policy": {"mode": "Advise"}}]
    )
    def test_where_nothing_would_be_paused_nothing_is_asked(self, spec: dict[str, Any]) -> None:
        world = paused_first(**spec)
        world.gather()
        assert "application" not in world.asked

    def test_nor_once_it_was_seen_paused(self) -> None:
        for done_at, asked in ((None, True), (T0, False)):
            world = paused_first()
            act = intent(pause=Pause(**dict(PAUSE) | {"done_at": done_at}))
            world.review = world.review.model_copy(
                update={"status": world.review.status.model_copy(update={"act": act})}
            )
            world.gather()
            assert ("application" in world.asked) is asked
