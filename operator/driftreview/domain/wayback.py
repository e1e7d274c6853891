"""Could it be rolled back now? What hinders a rollback, what is only a risk in one, and when to look again.

A hindrance is known for certain and can be mended: a decided rollback waits for that, as long as the window is open.
Everything else, and whatever could not be found out, is a risk: it is told, and keeps nothing back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.api.act import ActType
from driftreview.api.base import Condition, format_time
from driftreview.api.configuration import AutoscalerFact
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.policy import PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.rollout import RolloutType
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.api.wayback import MOST_RISKS, Hindrance, Rehearsal, RehearsalOutcome, WayBackCheck
from driftreview.domain.display import fitted, plain, shorten, some
from driftreview.domain.headroom import (
    Budget,
    Quota,
    broken_budgets,
    tight_quotas,
    unfitting_scalers,
)
from driftreview.domain.podtemplate import references
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.status import condition, said
from driftreview.domain.ways import LET_IT_LIST, NO_PODS, is_back, not_scaled, way_back, way_back_to
from driftreview.domain.workload import HOLDING_BACK, Held, TargetView

Raw = Mapping[str, Any]

MENDABLE: Final = frozenset(
    {
        *HOLDING_BACK,
        Reason.IRREVERSIBLE,
        Reason.DEPENDENCY_MISSING,
        Reason.ROLLBACK_REFUSED,
        Reason.ROLLBACK_FORBIDDEN,
        Reason.OWNED_BY_AUTOSCALER,
        Reason.SCALING_UNKNOWN,
        Reason.NOT_PAUSED,
    }
)
"""Reasons for which a rollback is not possible now, but will be once somebody mends something."""
AWAITED: Final = dict.fromkeys(MENDABLE, "then, not after {closes}") | {Reason.OWNED_BY_GIT: "decided"}
"""What keeps a rollback back until people have seen to it, and what is said of the decision behind it."""
CONFIG_MAP, SERVICE_ACCOUNT, CLAIM = "ConfigMap", "ServiceAccount", "PersistentVolumeClaim"
SECRET, PULL_SECRET = "Secret", "pull Secret"
MOST_NEEDS: Final = 60
"""Objects that are looked for."""
PAUSE: Final = timedelta(minutes=10)
"""Between two looks when nothing tells that anything changed."""
HINDERED: Final = timedelta(minutes=1)
"""While something hinders a rollback."""
WAITED_FOR: Final = timedelta(seconds=5)
"""While a decided rollback waits for that."""
NOTE: Final = "; a drift could not be rolled back now: "
_SENTENCE: Final = 256
_NAMES: Final = 5
_NAME: Final = 100


@dataclass(frozen=True)
class Need:
    """An object that pods of a template need."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {plain(self.name, _NAME)}"


@dataclass(frozen=True)
class Unread:
    """Something that could not be read, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Gathered:
    """What was found out about the way back, as far as it could be."""

    template: Raw
    """The previous pod template; empty if it could not be read, or is not needed."""
    missing: tuple[Need, ...] = ()
    """What certainly is not there."""
    unread: tuple[Unread, ...] = ()
    quotas: tuple[Quota, ...] = ()
    budgets: tuple[Budget, ...] = ()
    scalers: tuple[AutoscalerFact, ...] = ()
    """Those of the target."""
    unknown_scalers: str | None = None
    """Why it is not known whether there are any."""
    rehearsal: Rehearsal | None = None
    not_paused: Hindrance | None = None
    """Why the pause that it would begin with would not be done."""
    empties: bool = False
    """Whether a rollback takes the pods away, and leaves the pod template."""


def needs(template: Raw) -> list[Need]:
    """What the pods of a template do not start without, and by which Secrets their images are pulled."""
    spec = template.get("spec") or {}
    config_maps, secrets = references(template, optional=False)
    claims = [(each.get("persistentVolumeClaim") or {}).get("claimName") for each in spec.get("volumes") or []]
    found = [
        *((SERVICE_ACCOUNT, name) for name in [spec.get("serviceAccountName")]),
        *((CLAIM, name) for name in claims),
        *((CONFIG_MAP, name) for name in config_maps),
        *((SECRET, name) for name in secrets),
        *((PULL_SECRET, each.get("name")) for each in spec.get("imagePullSecrets") or []),
    ]
    return [Need(kind, name) for kind, name in dict.fromkeys(found) if name]


def due(review: DriftReview, target: TargetView, last: WayBackCheck | None, now: datetime) -> bool:
    """Whether to look at the way back: at T0, at each checkpoint, before the act, on a change, and now and then.

    Args:
        review: whose way back it is.
        target: its target, which there is.
        last: what the last look found.
        now: the time.
    """
    status = review.status
    if review.spec.suspend or way_back(review, target) is None or not _is_open(status, target, now):
        return False
    if last is None or last.generation != target.generation:
        return True
    settle = parse_duration(review.spec.window.settle)
    moments = [status.t0, status.act.intent_at if status.act else None]
    moments += [each.due + settle for each in status.checkpoints if each.verdict is None]
    if any(last.at < each <= now for each in moments if each is not None):
        return True
    awaited = bool(last.hindrances or last.autoscaler_unknown)
    pace = WAITED_FOR if awaited and status.decision else HINDERED if awaited else PAUSE
    return now >= last.at + pace


def _is_open(status: DriftReviewStatus, target: TargetView, now: datetime) -> bool:
    """Whether a rollback may still come: the window is open, and neither was it done nor will it not be."""
    if status.phase in TERMINAL or (status.rollback is not None and now > status.rollback.closes_at):
        return False
    if status.act is not None and status.act.type is not ActType.ROLL_BACK:
        return False
    return status.judged is None or not is_back(status, target)


def checked(review: DriftReview, target: TargetView, gathered: Gathered, now: datetime) -> WayBackCheck:
    """What a look at the way back found."""
    back, rehearsal = way_back_to(review, target), gathered.rehearsal
    is_canary = review.spec.rollout.type is RolloutType.CANARY
    name = NO_PODS if gathered.empties else back.name if back else "the previous revision"
    risks = [plain(each, _SENTENCE) for each in _risks(review, target, gathered, name)]
    if len(risks) > MOST_RISKS:
        risks = [*risks[: MOST_RISKS - 1], f"and {len(risks) - MOST_RISKS + 1} more"]
    return WayBackCheck(
        at=whole_seconds(now),
        generation=target.generation,
        held=target.held.reason if target.held else None,
        hindrances=list(_found(review, target, gathered, name)),
        risks=risks,
        rehearsal=rehearsal,
        autoscaler=shorten(gathered.scalers[0].name, 253) if gathered.scalers else None,
        autoscaler_unknown=gathered.unknown_scalers if gathered.empties or is_canary else None,
    )


def _found(review: DriftReview, target: TargetView, gathered: Gathered, name: str) -> Iterator[Hindrance]:
    if gathered.empties and gathered.scalers and way_back_to(review, target) is None:
        scaler = f"HorizontalPodAutoscaler {plain(gathered.scalers[0].name, _NAME)}"
        message = f"{scaler} owns the number of pods, and there is no earlier revision to go back to: delete it"
        yield _hindrance(Reason.OWNED_BY_AUTOSCALER, message)
    if gathered.empties and gathered.unknown_scalers and way_back_to(review, target) is None:
        end = f", and there is no earlier revision to go back to: {LET_IT_LIST}, or scale it by hand"
        yield _hindrance(Reason.SCALING_UNKNOWN, not_scaled(gathered.unknown_scalers), end)
    if lacking := [str(each) for each in gathered.missing if each.kind != PULL_SECRET]:
        are = "is" if len(lacking) == 1 else "are"
        message = f", without which no pod of {name} starts, {are} not there: create what is missing"
        yield _hindrance(Reason.DEPENDENCY_MISSING, some(lacking, _NAMES), message)
    rehearsal = gathered.rehearsal
    if rehearsal is not None and rehearsal.outcome is RehearsalOutcome.REFUSED:
        yield _hindrance(Reason.ROLLBACK_REFUSED, "the API server would refuse the rollback: " + rehearsal.message)
    if rehearsal is not None and rehearsal.outcome is RehearsalOutcome.FORBIDDEN and _acts(review):
        yield _hindrance(Reason.ROLLBACK_FORBIDDEN, "the API server forbids the rollback: " + rehearsal.message)
    if gathered.not_paused is not None:
        yield gathered.not_paused


def _hindrance(reason: Reason, message: str, end: str = "") -> Hindrance:
    return Hindrance(reason=reason, message=fitted(message, end))


def _acts(review: DriftReview) -> bool:
    return review.spec.policy.mode is PolicyMode.ENFORCE


def _risks(review: DriftReview, target: TargetView, gathered: Gathered, name: str) -> Iterator[str]:
    if not gathered.template and not gathered.empties:
        yield f"the pod template of {name} could not be read, so that nothing of the way back could be looked at"
    rehearsal = gathered.rehearsal
    if rehearsal is not None and rehearsal.outcome is RehearsalOutcome.FORBIDDEN and not _acts(review):
        yield f"the rollback may not be rehearsed: {rehearsal.message}"
    if rehearsal is not None and rehearsal.outcome is RehearsalOutcome.UNKNOWN:
        yield f"the rollback could not be rehearsed: {rehearsal.message}"
    pulling = [plain(each.name, _NAME) for each in gathered.missing if each.kind == PULL_SECRET]
    if pulling:
        yield f"no Secret {some(pulling, _NAMES)} to pull images with: a node that does not have them may not get them"
    yield from _not_known(gathered.unread)
    yield from tight_quotas(gathered.quotas, gathered.template, target.pace)
    yield from broken_budgets(gathered.budgets, gathered.template, target.pace)
    if not gathered.empties:
        yield from unfitting_scalers(gathered.scalers, target.replicas)


def _not_known(unread: Iterable[Unread]) -> Iterator[str]:
    """What could not be read, once for each reason."""
    by_reason: dict[str, list[str]] = {}
    for each in unread:
        by_reason.setdefault(each.why, []).append(each.what)
    for why, what in by_reason.items():
        yield fitted(f"not known ({why}): ", some(what, _NAMES), _SENTENCE)


def hindrances(target: TargetView, last: WayBackCheck | None, until: datetime | None = None) -> Sequence[Hindrance]:
    """Everything that keeps a rollback from being done now, what the target says itself first.

    Args:
        target: its target as it is.
        last: what the last look at the way back found.
        until: when the window closes, where it is open.
    """
    found: list[Hindrance] = []
    before = f" before {said(until)}" if until else ""
    if target.held is not None:
        found.append(_hindrance(target.held.reason, held_back(target.held, until)))
    if target.irreversible is not None:
        end = f": take it off{before}, as soon as the previous pods can run again"
        found.append(_hindrance(Reason.IRREVERSIBLE, target.irreversible, end))
    return [*found, *(last.hindrances if last else [])]


def held_back(held: Held, until: datetime | None) -> str:
    """What to do about a target that is held, and until when it helps."""
    return f"the target's {held.message}{f'; before {said(until)}' if until else ''}: {held.remedy}"


def with_note(status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Have the summary say, as long as nothing was decided, that a drift could not be rolled back now."""
    going, rollback = condition(status, ConditionType.RECONCILING), status.rollback
    if going is None or rollback is None or status.phase in TERMINAL or now > rollback.closes_at:
        return status
    bare, noted, _ = going.message.partition(NOTE)
    hindered = rollback.reason in MENDABLE and status.decision is None
    if not hindered and not noted:
        return status
    text = fitted(bare, f"{NOTE}{rollback.message}") if hindered else bare
    others = [going.model_copy(update={"message": text}) if each is going else each for each in status.conditions]
    return status.model_copy(update={"summary": shorten(text), "conditions": others})


def turned(before: DriftReviewStatus, now: DriftReviewStatus) -> Condition | None:
    """What is said of the way back, if that turned while the window was open: for logs and metrics."""
    was, told = (condition(each, ConditionType.ROLLBACK_POSSIBLE) for each in (before, now))
    if told is None or (told.reason not in MENDABLE and told.reason != Reason.POSSIBLE):
        return None
    if was is None:
        return told if told.status == "False" else None
    return told if was.status != told.status else None


def rehearsed(check: WayBackCheck) -> str:
    """What a rehearsal said, as reports tell it."""
    if check.rehearsal is None:
        return f"not rehearsed at {format_time(check.at)}: the previous pod template could not be read"
    outcome = {
        RehearsalOutcome.ACCEPTED: "the API server would do it",
        RehearsalOutcome.REFUSED: "the API server would refuse it",
        RehearsalOutcome.FORBIDDEN: "the API server forbids it",
        RehearsalOutcome.UNKNOWN: "it could not be found out",
    }[check.rehearsal.outcome]
    why = f" ({check.rehearsal.message})" if check.rehearsal.message else ""
    return f"rehearsed at {format_time(check.at)}: {outcome}{why}"
