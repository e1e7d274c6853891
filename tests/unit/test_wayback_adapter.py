"""How the way back is looked at: in a hurry, by names and metadata, and without a failure ever being an error."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import pytest

from driftreview.adapters import wayback
from driftreview.adapters.errors import ClusterError, NotFoundError, UnavailableError, error_of
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.adapters.wayback import WayBack
from driftreview.adapters.workloads import Workload
from driftreview.api.target import TargetKind
from driftreview.api.wayback import RehearsalOutcome
from driftreview.domain.patches import rollback_patch
from driftreview.domain.wayback import Gathered, Need, Unread
from tests.builders import MINUTE, T0, target, template

RAN = (T0 - MINUTE, T0)
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

    def rehearse(self, kind: Kind, name: str, patch: Sequence[Any], namespace: str) -> None:
        assert (kind.plural, name, namespace) == ("deployments", "web", "shop")
        self.patches.append(patch)
        self._ask("rehearsal")

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.fails:
            raise self.fails[what]

    def gather(self, of: Mapping[str, Any] = NEEDY) -> Gathered:
        return WayBack(cast(Cluster, self)).gather(workload(), of, RAN)


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
    assert world.patches == [rollback_patch(target(), workload().raw, NEEDY, RAN)]
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
