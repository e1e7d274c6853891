"""`driftreview approve` and its like: in the caller's own name, and refused beforehand where nothing would follow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from driftreview.adapters import kubeconfig as adapter
from driftreview.adapters.errors import ClusterError, ForbiddenError, NotFoundError, UnavailableError
from driftreview.adapters.kubernetes import APPROVALS, REVIEWS, SELF_SUBJECT_REVIEWS, Cluster, Kind
from driftreview.cli.app import app
from tests.builders import T0
from tests.simulator import Simulator
from tests.unit.test_approvals import begun, judged
from tests.unit.test_overriding import frozen

Run = Callable[..., Result]


class Stored(Cluster):
    """A cluster that holds one review."""

    review: Simulator | None = None
    fails: tuple[Kind, ClusterError] | None = None
    made: list[dict[str, Any]]

    def __init__(self) -> None:
        self.made = []

    def get(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any]:
        self._refuse(kind)
        if self.review is None or (kind, name, namespace) != (REVIEWS, "release", "shop"):
            raise NotFoundError("404")
        return self.review.stored().to_wire()

    def create(self, kind: Kind, body: Any, namespace: str = "") -> dict[str, Any]:
        self._refuse(kind)
        if kind is SELF_SUBJECT_REVIEWS:
            return {"status": {"userInfo": {"username": "jane doe"}}}
        assert (kind, namespace) == (APPROVALS, "shop")
        self.made.append(body)
        return {"metadata": {"name": body["metadata"]["generateName"] + "x7"}}

    def _refuse(self, kind: Kind) -> None:
        if self.fails is not None and self.fails[0] is kind:
            raise self.fails[1]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Stored:
    cluster = Stored()
    monkeypatch.setattr("driftreview.adapters.kubernetes.Cluster", lambda *_, **__: cluster)
    monkeypatch.setattr(adapter, "own_namespace", lambda *_: "shop")
    monkeypatch.setattr("driftreview.adapters.clock.now", lambda: T0)
    return cluster


@pytest.fixture
def run(cluster: Stored) -> Run:
    assert cluster
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "spec"),
    [
        (["approve", "release"], {"type": "Approve"}),
        (["approve", "release", "-m", "fine"], {"type": "Approve", "message": "fine"}),
        (["reject", "release", "-m", "no"], {"type": "Reject", "message": "no"}),
        (["note", "release", "-m", "look"], {"type": "Note", "message": "look"}),
        (["rebaseline", "release", "-m", "again"], {"type": "Rebaseline", "message": "again"}),
        (["extend", "release", "--for", "24h"], {"type": "Extend", "for": "24h"}),
        (["sign-off", "release", "--item", "backup"], {"type": "SignOff", "item": "backup"}),
    ],
)
def test_it_creates_what_was_asked_in_the_callers_name(
    cluster: Stored, run: Run, arguments: list[str], spec: dict[str, str]
) -> None:
    cluster.review = begun(checklist=[{"name": "backup"}])
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    (made,) = cluster.made
    about = {"reviewRef": {"name": "release", "uid": "review-uid"}, "by": "jane doe"}
    assert made["spec"] == about | spec
    assert made["metadata"]["generateName"] == f"release-{spec['type'].lower()}-"
    assert made["metadata"]["ownerReferences"][0]["uid"] == "review-uid"
    assert f"{spec['type']} by jane doe" in result.output


BEFORE = "an approval from before the decision "
LEFT = "; what is left to people (policy.onDrift Hold, policy.onInconclusive Hold) needs a new one"
MANUAL: dict[str, Any] = {"approval": {"type": "Manual"}}


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (MANUAL | {"onDrift": "Hold"}, f"{BEFORE}counts where the evidence leads to a promotion{LEFT}"),
        (MANUAL | {"onInconclusive": "Rollback"}, f"{BEFORE}counts where the evidence leads to a promotion"),
        (
            {"onDrift": "Hold"},
            f"{BEFORE}does nothing for a promotion that the evidence leads to, which needs none{LEFT}",
        ),
    ],
)
def test_what_an_early_approval_does_not_do_is_said_at_once(
    cluster: Stored, run: Run, policy: dict[str, Any], says: str
) -> None:
    cluster.review = begun(policy=policy)
    result = run("approve", "release")
    assert (result.exit_code, result.stderr) == (0, f"driftreview: {says}\n")
    assert run("note", "release", "-m", "x").stderr == ""


def test_an_approval_that_answers_a_decision_needs_no_word(cluster: Stored, run: Run) -> None:
    cluster.review = judged(policy=MANUAL)
    result = run("approve", "release")
    assert (result.exit_code, result.stderr) == (0, "")


def test_whoever_approves_in_a_freeze_hears_of_it(cluster: Stored, run: Run) -> None:
    cluster.review = judged(policy=MANUAL | frozen(start="2026-07-31T11:00", end="2026-08-02T00:00"))
    told = "promotions are frozen until 2026-08-02T00:00:00Z by quiet (fewer people); nothing is promoted before"
    assert run("approve", "release").stderr == f"driftreview: {told}\n"
    assert run("reject", "release", "-m", "x").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sign-off", "release", "--item", "bakcup"], "nothing would follow from it: the review has no such checklist"),
        (["rebaseline", "release", "-m", "x"], "nothing would follow from it: the first look was judged"),
        (["extend", "release", "--for", "1h"], "nothing would follow from it: the review was decided at"),
        (["approve", "other"], "there is no DriftReview other in namespace shop"),
    ],
)
def test_what_nothing_would_follow_from_is_refused(cluster: Stored, run: Run, arguments: list[str], says: str) -> None:
    cluster.review = judged(policy={"approval": {"type": "Manual"}})
    result = run(*arguments)
    assert (result.exit_code, cluster.made) == (1, [])
    assert says in result.output


def test_a_review_that_is_over_is_left_alone(cluster: Stored, run: Run) -> None:
    cluster.review = judged()
    result = run("reject", "release", "-m", "too late")
    assert (result.exit_code, cluster.made) == (1, [])
    assert "the review is over (Promoted): web-new is approved" in result.output


@pytest.mark.parametrize(
    "arguments", [["reject", "release"], ["sign-off", "release"], ["extend", "release", "--for", "x"], ["approve"]]
)
def test_wrong_usage_has_an_exit_code_of_its_own(cluster: Stored, run: Run, arguments: list[str]) -> None:
    cluster.review = begun()
    assert (run(*arguments).exit_code, cluster.made) == (2, [])


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        (REVIEWS, ForbiddenError("403"), "jane doe may not get driftreviews in namespace shop"),
        (APPROVALS, ForbiddenError("403"), "--role=drift-approver-driftapprovals --user='jane doe'"),
        (APPROVALS, ForbiddenError("ValidatingAdmissionPolicy 'x' denied request: spec.by: found"), "denied request"),
        (REVIEWS, UnavailableError("no answer"), "driftreview: no answer"),
        (SELF_SUBJECT_REVIEWS, UnavailableError("no answer"), "driftreview: no answer"),
    ],
)
def test_what_the_cluster_refuses_is_said_with_what_to_do(
    cluster: Stored, run: Run, kind: Kind, error: ClusterError, says: str
) -> None:
    cluster.review, cluster.fails = begun(), (kind, error)
    result = run("approve", "release")
    assert (result.exit_code, cluster.made) == (1, [])
    assert says in result.output


def test_the_kubeconfig_is_the_one_kubectl_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert adapter.own_kubeconfig(None) is None
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(
        "apiVersion: v1\nkind: Config\nclusters: [{name: x, cluster: {}}]\nusers: [{name: y, user: {}}]\n"
        "current-context: a\ncontexts:\n"
        "- {name: a, context: {cluster: x, user: y, namespace: shop}}\n- {name: b, context: {cluster: x, user: y}}\n"
    )
    found = adapter.own_kubeconfig(None)
    assert found == tmp_path / ".kube" / "config"
    assert adapter.own_namespace(found, None) == "shop"
    assert adapter.own_namespace(found, "b") == "default"
    with pytest.raises(ClusterError, match="there is no context c; see kubectl config get-contexts"):
        adapter.own_namespace(found, "c")
    monkeypatch.setenv("KUBECONFIG", "/elsewhere")
    assert adapter.own_kubeconfig(None) == Path("/elsewhere")
    assert adapter.own_kubeconfig(tmp_path) == tmp_path
