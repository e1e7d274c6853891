"""Preflight: what of a deployment is not in order, how it is said, and what becomes of the review."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.phases import ConditionType, Phase
from driftreview.api.preflight import MOST_FINDINGS, FindingSeverity, PreflightCheck, PreflightFinding
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import FOLLOW, RESYNC, Observed, Settle
from driftreview.domain.continuity import LATELY, forbidden, has_argument, stops
from driftreview.domain.plan import plan
from driftreview.domain.pods import Container, Ended, Pod, PodsOf, pod_of
from driftreview.domain.preflight import find, with_preflight, with_resolution
from driftreview.domain.readings import Clocks, Readings, Retention, Unknown
from driftreview.domain.status import condition
from driftreview.domain.workload import Rollout
from tests.builders import HOUR, MINUTE, T0, review, signal, target

SECOND = timedelta(seconds=1)
CYCLE = Container("bot", ("python", "-m", "bot", "--dry-run"), (("BROKER", "mock"),), 3, Ended(0, "Completed", T0))
RUNNING = Container("bot", ("python", "-m", "bot"), (("BROKER", "coinbase"),))
CHECKS = list(PreflightCheck)


def pod(*containers: Container, name: str = "bot-1", **fields: Any) -> Pod:
    return Pod(name, containers=containers, **fields)


def found(readings: Readings, **preflight: Any) -> list[PreflightFinding]:
    return find(review(preflight=preflight).spec, readings)


def read(**fields: Any) -> Readings:
    return Readings(**{"taken_at": T0, "previous": "web-old"} | fields)


RAW: dict[str, Any] = {
    "metadata": {"name": "bot-1", "ownerReferences": [{"uid": "rs-1"}], "labels": {"hash": "1"}},
    "spec": {
        "restartPolicy": "Always",
        "initContainers": [{"name": "first"}, {"name": "sidecar", "restartPolicy": "Always"}],
        "containers": [
            {
                "name": "bot",
                "command": ["python"],
                "args": ["-m", "bot"],
                "env": [
                    {"name": "BROKER", "value": "mock"},
                    {"name": "EMPTY"},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
            }
        ],
    },
    "status": {
        "podIP": "10.0.0.7",
        "containerStatuses": [
            {
                "name": "bot",
                "restartCount": 2,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {
                    "terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-07-31T12:00:00Z"}
                },
            }
        ],
    },
}

JUDGED = PodsOf("rs-1", "hash", "1")


class TestPods:
    def test_a_pod_is_what_it_runs_and_how_it_ended(self) -> None:
        bot = Container(
            "bot",
            ("python", "-m", "bot"),
            (("BROKER", "mock"), ("EMPTY", ""), ("TOKEN", None)),
            2,
            Ended(137, "OOMKilled", T0),
            "CrashLoopBackOff",
        )
        assert pod_of(RAW, JUDGED) == Pod("bot-1", "10.0.0.7", "Always", (bot, Container("sidecar")))

    def test_the_pods_of_others_and_those_on_their_way_are_left_out(self) -> None:
        assert pod_of(RAW, PodsOf("rs-2", "hash", "1")) is None
        assert pod_of(RAW, PodsOf("rs-1", "hash", "2")) is None
        leaving = RAW["metadata"] | {"deletionTimestamp": "2026-07-31T12:00:00Z"}
        assert pod_of(RAW | {"metadata": leaving}, JUDGED) is None

    def test_one_that_has_not_started_has_no_past(self) -> None:
        assert pod_of({"metadata": RAW["metadata"], "spec": {"containers": [{"name": "a"}]}}, JUDGED) == pod(
            Container("a")
        )


class TestGoingOn:
    @pytest.mark.parametrize(
        ("container", "said"),
        [
            (
                CYCLE,
                "single-cycle mode: container bot exits 0 and is started again instead of going on (restarted 3 times",
            ),
            (
                Container("bot", restarts=1, ended=Ended(0, "Completed", None), waiting="CrashLoopBackOff"),
                "single-cycle mode: container bot exits 0 and is started again instead of going on (restarted 1 time",
            ),
            (
                Container("bot", restarts=5, ended=Ended(1, "Error", T0), waiting="CrashLoopBackOff"),
                "container bot keeps crashing (CrashLoopBackOff, Error 1, restarted 5 times in pod bot-1)",
            ),
            (Container("bot", waiting="CrashLoopBackOff"), "container bot keeps ending (CrashLoopBackOff, restarted 0"),
        ],
    )
    def test_what_does_not_go_on_is_named(self, container: Container, said: str) -> None:
        ((message, fix),) = stops([pod(container)], T0 + MINUTE)
        assert message.startswith(said)
        assert fix

    @pytest.mark.parametrize(
        "container",
        [
            RUNNING,
            Container("bot", restarts=1, ended=Ended(1, "Error", T0)),
            Container("bot", restarts=0, ended=Ended(0, "Completed", T0)),
            Container("bot", restarts=1, ended=Ended(0, "Completed", T0 + MINUTE - LATELY)),
            Container("bot", waiting="ContainerCreating"),
        ],
    )
    def test_what_goes_on_is_not(self, container: Container) -> None:
        assert list(stops([pod(container)], T0 + MINUTE)) == []

    def test_each_container_is_named_once(self) -> None:
        assert len(list(stops([pod(CYCLE), pod(CYCLE, name="bot-2")], T0))) == 1

    def test_a_policy_that_starts_nothing_again_is_named(self) -> None:
        ((message, _),) = stops([pod(RUNNING, restart_policy="Never"), pod(RUNNING, restart_policy="Never")], T0)
        assert message == "restartPolicy of pod bot-1 is Never: what ends is not started again"


class TestForbidden:
    @pytest.mark.parametrize(
        ("words", "wanted", "there"),
        [
            (["bot", "--dry-run"], "--dry-run", True),
            (["bot", "--dry-run=true"], "--dry-run", True),
            (["bot", "--dry-run=False"], "--dry-run", False),
            (["bot", "--dry-run=false"], "--dry-run=false", True),
            (["bot", "--dry-runs"], "--dry-run", False),
            (["sh", "-c", "exec bot --dry-run; true"], "--dry-run", True),
            (["sh", "-c", 'bot "--dry-run"'], "--dry-run", True),
            (["bot", "--profile", "dev"], "--profile dev", True),
            (["bot", "--profile=dev"], "--profile dev", True),
            (["bot", "--profile", "dev"], "--profile=dev", True),
            (["bot", "--profile=canary"], "--profile dev", False),
            (["bot", "dev"], "--profile dev", False),
            ([], "--dry-run", False),
            (["bot"], '"', False),
        ],
    )
    def test_an_argument_is_found_however_it_is_written(self, words: list[str], wanted: str, there: bool) -> None:  # noqa: FBT001
        assert has_argument(words, wanted) is there

    def test_where_it_is_set_is_said(self) -> None:
        dry, mock = review(
            preflight={"forbid": [{"arg": "--dry-run"}, {"env": "BROKER", "value": "mock"}]}
        ).spec.preflight.forbid
        assert (
            forbidden(dry, [pod(RUNNING), pod(CYCLE)]) == "forbidden argument --dry-run in container bot of pod bot-1"
        )
        assert forbidden(mock, [pod(CYCLE)]) == "forbidden variable BROKER=mock in container bot of pod bot-1"
        assert forbidden(dry, [pod(RUNNING)]) is None
        assert forbidden(mock, [pod(RUNNING)]) is None

    def test_a_value_from_elsewhere_may_be_the_forbidden_one(self) -> None:
        secret = pod(Container("bot", env=(("BROKER", None),)))
        any_value, one = review(
            preflight={"forbid": [{"env": "BROKER"}, {"env": "BROKER", "value": "x"}]}
        ).spec.preflight.forbid
        assert forbidden(any_value, [secret]) == "forbidden variable BROKER in container bot of pod bot-1"
        assert "comes from elsewhere" in str(forbidden(one, [secret]))


class TestFindings:
    def only(self, check: str, **readings: Any) -> PreflightFinding:
        (one,) = found(read(**readings), require=[check], warnOnly=[])
        assert (one.name, one.severity) == (check, FindingSeverity.BLOCKER)
        (warned,) = found(read(**readings), warnOnly=[check])
        assert warned == one.model_copy(update={"severity": FindingSeverity.WARNING})
        assert found(read(**readings), warnOnly=[]) == []
        return one

    def test_where_all_is_in_order_nothing_is_said(self) -> None:
        clocks, retention = Clocks(SECOND, -SECOND), Retention(T0, True, HOUR, HOUR)
        good = read(pods=(pod(RUNNING),), scraped={"bot-1": True}, retention=retention, clocks=clocks, vague=())
        assert found(good, require=CHECKS, forbid=[{"arg": "--dry-run"}]) == []

    def test_what_was_not_looked_at_says_nothing(self) -> None:
        assert found(read(), require=CHECKS) == []

    def test_the_limitations_of_the_hand_written_review_are_found(self) -> None:
        readings = read(pods=(pod(CYCLE),), scraped={})
        forbid = [
            {"arg": "--dry-run", "impact": "No order latency.", "fix": "Use the canary profile."},
            {"env": "BROKER", "value": "mock"},
        ]
        every = found(readings, forbid=forbid, require=["ContinuousOperation", "MetricsScraped"])
        assert [(each.name, each.severity) for each in every] == [
            ("ContinuousOperation", "Blocker"),
            ("MetricsScraped", "Blocker"),
            ("ForbiddenArgument", "Blocker"),
            ("ForbiddenVariable", "Blocker"),
        ]
        assert every[1].message == "no metrics endpoint: the source scrapes none of the 1 judged pods (bot-1)"
        assert (every[2].impact, every[2].fix) == ("No order latency.", "Use the canary profile.")
        assert all(each.message and each.impact and each.fix for each in every)

    @pytest.mark.parametrize(
        ("scraped", "said"),
        [
            ({"a": False, "b": False}, "no metrics endpoint: no target of theirs answers (a, b)"),
            ({"a": False}, "no metrics endpoint: no target of theirs answers (a)"),
            ({"a": True}, "1 of 2 judged pods are not scraped: b"),
            ({"a": True, "b": False}, "1 of 2 judged pods are not scraped: b"),
        ],
    )
    def test_which_pods_are_not_scraped_is_said(self, scraped: dict[str, bool], said: str) -> None:
        pods = (pod(RUNNING, name="a"), pod(RUNNING, name="b"))
        assert self.only("MetricsScraped", pods=pods, scraped=scraped).message == said

    def test_without_a_pod_there_is_none_to_scrape(self) -> None:
        assert found(read(pods=(), scraped={}), require=CHECKS) == []

    def test_only_enforced_signals_must_have_data(self) -> None:
        signals = [signal("a"), signal("b", mode="Shadow"), signal("c", kind="Info"), signal("d", per="x")]
        spec = review(signals=signals, preflight={"require": ["SignalsPresent"]}).spec
        (one,) = find(spec, read(silent=("a", "b", "c", "d per")))
        assert one.message == "no data for a, d per"

    def test_noise_is_said_as_the_baseline_will_say_it(self) -> None:
        said = self.only("Resolution", vague=("latency (its noise lets a change of 9% be ruled out)",))
        assert said.message == "too noisy for their margin: latency (its noise lets a change of 9% be ruled out)"

    def test_what_the_source_does_not_hold_is_said(self) -> None:
        gone = self.only("Retention", retention=Retention(T0, False, HOUR, None))
        assert "nothing of the beginning of the baseline's window, 2026-07-31T12:00:00Z" in gone.message
        short = self.only("Retention", retention=Retention(None, True, 48 * HOUR, 24 * HOUR))
        assert short.message == "the source keeps samples for 24h, the last look needs them for 48h"
        self.only("Retention", retention=Retention(None, True, HOUR, Unknown("HTTP 404")))

    def test_clocks_that_differ_are_said_with_the_side(self) -> None:
        said = self.only("ClockSkew", clocks=Clocks(31 * SECOND, 30 * SECOND)).message
        assert said == "the clock of the metric source is 31s ahead of the operator's"
        said = self.only("ClockSkew", clocks=Clocks(SECOND, -2 * MINUTE)).message
        assert said == "the clock of the API server is 2m behind the operator's"

    def test_without_an_earlier_revision_nothing_can_be_gone_back_to(self) -> None:
        assert "no earlier revision" in self.only("RollbackPossible", previous=None).message

    def test_each_hindrance_of_a_rollback_is_one(self) -> None:
        assert self.only("RollbackPossible", hindrances=("it is paused",)).message == "it is paused"

    def test_what_could_not_be_found_out_never_looks_good(self) -> None:
        no = Unknown("no right")
        unread = read(pods=no, scraped=no, vague=no, retention=no, clocks=Clocks(no, no))
        names = [each.name for each in found(unread, require=CHECKS, forbid=[{"arg": "-n"}, {"env": "A"}])]
        assert names == [
            "ContinuousOperation", "MetricsScraped", "Resolution", "Retention", "ClockSkew", "ClockSkew",
            "ForbiddenArgument", "ForbiddenVariable",
        ]  # fmt: skip
        assert all("could not be found out: no right" in each.message for each in found(unread, require=CHECKS))

    def test_blockers_come_first_and_are_never_what_is_left_out(self) -> None:
        many = tuple(pod(Container(f"c{n}", restarts=1, ended=Ended(0, "", T0)), name=f"p{n}") for n in range(30))
        every = found(read(pods=many, scraped={}), require=["MetricsScraped"])
        assert len(every) == MOST_FINDINGS
        assert [each.name for each in every[:2]] == ["MetricsScraped", "ContinuousOperation"]
        assert (every[-1].name, every[-1].message) == ("More", "and 8 more findings")

    def test_what_pods_say_is_text_and_short(self) -> None:
        nasty = Container("bot", restarts=1, ended=Ended(1, "\x1b[31m\n" + "x" * 900, T0), waiting="CrashLoopBackOff")
        said = self.only("ContinuousOperation", pods=(pod(nasty),)).message
        assert said.isprintable()
        assert len(said) <= 512


BLOCKER = PreflightFinding(
    name="MetricsScraped", severity=FindingSeverity.BLOCKER, message="not scraped", fix="Scrape."
)
WARNING = BLOCKER.model_copy(update={"name": "ClockSkew", "severity": FindingSeverity.WARNING})


def step(status: DriftReviewStatus, *preflight: PreflightFinding, now: Any = T0 + MINUTE, **fields: Any) -> Settle:
    view = target(**fields)
    action = plan(review(status), Observed(view, preflight=tuple(preflight)), now)
    assert isinstance(action, Settle)
    DriftReviewStatus.model_validate(action.status.to_wire())
    return action


class TestTheReview:
    def test_a_blocker_keeps_it_pending_and_is_named(self) -> None:
        after = step(DriftReviewStatus(), BLOCKER, WARNING).status
        said, stalled = (condition(after, kind) for kind in (ConditionType.PREFLIGHT, ConditionType.STALLED))
        assert said is not None
        assert (said.status, said.reason) == ("False", "MetricsScraped")
        assert said.message == "MetricsScraped: not scraped (fix: Scrape.)"
        assert stalled is not None
        assert (stalled.status, stalled.reason) == ("True", Reason.PREFLIGHT_BLOCKED)
        assert (after.phase, after.t0, after.preflight) == (Phase.PENDING, None, [BLOCKER, WARNING])
        assert after.summary == "preflight: not scraped (MetricsScraped); it goes on by itself once that is mended"

    def test_it_is_looked_at_again_briskly_and_then_every_minute(self) -> None:
        first = step(DriftReviewStatus(), BLOCKER)
        assert first.again == T0 + MINUTE + FOLLOW
        later = step(first.status, BLOCKER, now=T0 + HOUR)
        assert later.again == T0 + HOUR + RESYNC

    def test_once_mended_it_starts_then_and_not_in_the_past(self) -> None:
        blocked = step(DriftReviewStatus(), BLOCKER).status
        after = step(blocked, WARNING, now=T0 + HOUR / 2).status
        assert (after.phase, after.t0, after.preflight) == (Phase.BASELINING, T0 + HOUR / 2, [WARNING])
        said = condition(after, ConditionType.PREFLIGHT)
        assert said is not None
        assert (said.status, said.reason) == ("True", Reason.PREFLIGHT_PASSED)
        assert "outstanding risks: ClockSkew" in said.message

    def test_a_warning_moves_nothing(self) -> None:
        assert step(DriftReviewStatus(), WARNING).status.t0 == T0
        assert step(DriftReviewStatus()).status.t0 == T0

    def test_mended_before_t0_it_starts_at_t0(self) -> None:
        blocked = step(DriftReviewStatus(), BLOCKER, now=T0 - 2 * MINUTE).status
        assert blocked.summary is not None
        waits = step(blocked, now=T0 - MINUTE).status
        assert waits.t0 is None
        assert step(waits).status.t0 == T0

    def test_a_t0_that_somebody_chose_is_not_moved(self) -> None:
        chosen = {"t0": T0, "backdated": True, "checkpoints": ["1h"], "rollback": "4h"}
        blocked = step(DriftReviewStatus(), BLOCKER).status
        action = plan(review(blocked, window=chosen), Observed(target(), preflight=()), T0 + HOUR)
        assert isinstance(action, Settle)
        assert action.status.t0 == T0

    def test_during_the_rollout_it_is_said_beside_what_that_waits_for(self) -> None:
        rolling = {"rollout": Rollout.PROGRESSING, "rolled_out_at": None, "rollout_message": "0 of 1 pods"}
        after = step(DriftReviewStatus(), BLOCKER, **rolling).status
        assert after.summary == "waits for web: 0 of 1 pods; preflight: not scraped"
        assert after.preflight == [BLOCKER]

    def test_what_was_not_looked_at_stays_as_it_was_said(self) -> None:
        blocked = step(DriftReviewStatus(), BLOCKER).status
        action = plan(review(blocked), Observed(target()), T0 + HOUR)
        assert isinstance(action, Settle)
        assert action.status.preflight == [BLOCKER]
        assert action.status.t0 is None

    def test_what_the_frozen_baseline_tells_is_a_risk_in_the_place_of_the_quick_look(self) -> None:
        old = BLOCKER.model_copy(update={"name": "Resolution"})
        status = with_preflight(DriftReviewStatus(), [WARNING, old], T0)
        after = with_resolution(review().spec, status, ["latency (noisy)"])
        assert [(each.name, each.severity) for each in after.preflight] == [
            ("ClockSkew", "Warning"),
            ("Resolution", "Warning"),
        ]
        assert with_resolution(review().spec, status, []).preflight == [WARNING]
        assert with_resolution(review(preflight={"warnOnly": []}).spec, status, ["a"]).preflight == status.preflight


class TestFirstRelease:
    BESIDE = signal("errors", control="x")

    def told(self, *signals: Any, is_first: bool = True) -> list[PreflightFinding]:
        return find(review(signals=list(signals)).spec, read(is_first=is_first))

    def test_what_has_no_limit_is_named_with_its_field_and_with_what_to_do(self) -> None:
        bounded = signal("latency", control="x", limits={"alert": "9"})
        (each,) = self.told(bounded, self.BESIDE, signal("seen", kind="Info", margin=None), signal("s", mode="Shadow"))
        assert (each.name, each.severity) == ("FirstRelease", FindingSeverity.WARNING)
        assert each.message == (
            "nothing of the target ran before this release, and these have no limit: spec.signals[1] (errors)"
        )
        assert "nor what they were beside a control: they are recorded, not judged" in each.impact
        assert each.fix == "Give them limits.alert before T0."

    def test_what_has_a_past_or_limits_is_in_order(self) -> None:
        assert self.told(self.BESIDE, is_first=False) == []
        assert self.told(signal("latency", limits={"alert": "9"})) == []
