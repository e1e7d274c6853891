"""Captures the evidence of a look: every query asked over its window, each answer frozen at once, and all stored."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final

from driftreview.adapters.facts import ClusterFacts
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import SIMPLEST, BusyError
from driftreview.adapters.reviews import Reviews
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, RevisionEvidence
from driftreview.api.facts import Facts
from driftreview.api.reasons import UNANSWERED
from driftreview.domain import trouble
from driftreview.domain.coarser import Levels
from driftreview.domain.evidence import RECOVERY, T0, Look, Measurement
from driftreview.domain.expected import UNHURRIED
from driftreview.domain.foresight import Foresight, foresight
from driftreview.domain.genuine import is_of
from driftreview.domain.limitsonly import frozen_with
from driftreview.domain.naming import stored_name
from driftreview.domain.samples import Failed, Window
from driftreview.domain.scraping import Scraping
from driftreview.domain.subject import Subject
from driftreview.runtime.gather import Room, TurnOverError, asked, resolved
from driftreview.runtime.keeper import Keeper
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.measuring import asked_of, measure, scraping_of

MOST_BYTES: Final = 64 * 2**20
"""Of answers kept for looks that are not complete yet; beyond it, what was touched longest ago is asked again."""


class ForeignEvidenceError(Exception):
    """A snapshot of the expected name is not the one this review would have taken."""


@dataclass(frozen=True)
class Unanswered:
    """Every query was asked; some were not answered, which may be answered later."""

    failures: list[Failed]
    dead: bool
    """Whether the source answers nothing at all."""


@dataclass(frozen=True)
class _Answers:
    """What a look has found out."""

    levels: Levels
    failed: Sequence[Measurement] = ()
    scraping: Scraping | None = None


@dataclass
class _Round:
    """What one look has found out so far. Answers stay; failures are asked again in the next round."""

    look: Look
    began: datetime
    room: Room
    answered: Levels
    failed: dict[str, Measurement] = field(default_factory=dict)
    answered_before: int = 0
    """How many answers the rounds before this one gave."""
    scraping: Scraping | None = None
    """What the source said of itself."""

    @property
    def size(self) -> int:
        """About how many bytes it keeps."""
        return 1000 + self.answered.size + len((self.scraping and self.scraping.alive) or b"")

    def keep_scraping(self, scraping: Scraping) -> Scraping:
        self.scraping = scraping
        return scraping


class Capture:
    """Takes the looks of all reviews; threads may share it.

    What a look has found out is kept from one step to the next, in memory only: lost, it is asked again.
    """

    def __init__(self, reviews: Reviews, keeper: Keeper, facts: ClusterFacts, clock: Callable[[], datetime]) -> None:
        """Store evidence here, and take pod templates and facts from there."""
        self._reviews, self._keeper, self._facts, self._clock = reviews, keeper, facts, clock
        self._lock = threading.Lock()
        self._rounds: OrderedDict[str, _Round] = OrderedDict()

    def evidence(
        self,
        review: DriftReview,
        look: Look,
        found: FoundSource | Problem,
        until: float,
        *,
        history: bool,
    ) -> DriftSnapshotSpec | Unanswered:
        """The stored evidence of a look, or what is measured and stored now.

        Args:
            review: whose look it is; it has started.
            look: what is measured.
            found: the source, or why it cannot be asked.
            until: on the monotonic clock; after this no further query is begun, but one is asked in any case.
            history: ask about the time before the rollout.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            BusyError: enough queries run at the source; nothing is lost by it.
            ForeignEvidenceError: something else is stored under the look's name.
            ClusterError: the API server could not be asked, or did not store it.
        """
        status = review.status
        if status.judged is None:
            raise ValueError("the plan asked for evidence before T0")
        name = stored_name(review, look.checkpoint)
        subject = Subject(status.judged, status.previous, history=history)
        stored = self._reviews.snapshot(review.metadata.namespace, name)
        if stored is None:
            nothing = _Answers(Levels(look))
            answers = nothing if look.window is None else self._ask(review, subject, look, look.window, found, until)
            if isinstance(answers, Unanswered):
                return answers
            facts = self._learn(review, look, found)
            if isinstance(facts, Unanswered):
                return facts
            judged = RevisionEvidence(**status.judged.model_dump())
            previous = None
            if look.checkpoint == T0 and status.previous is not None:
                previous = self._keeper.pin(review, status.previous)
            taken = answers.levels.taken(review, judged, previous, answers.scraping, facts, answers.failed)
            if look.checkpoint == T0:
                is_first = status.target is not None and status.target.first_release is True
                taken = frozen_with(review.spec, taken, is_first=is_first)
            stored = self._reviews.store_snapshot(review, name, taken)
        return self._ours(review, look, stored, subject)

    def of_drift(
        self,
        review: DriftReview,
        look: Look,
        found: FoundSource | Problem,
        until: float,
        finds_drift: Callable[[DriftSnapshotSpec], bool],
    ) -> DriftSnapshotSpec | Unanswered | None:
        """The stored evidence of a guard that finds a drift; None of one that does not: that is not stored.

        Failures are only waited for where nothing is answered: another guard follows. Raises as `evidence` does.
        """
        status = review.status
        if status.judged is None or look.window is None:
            raise ValueError("the plan asked for a guard before T0")
        subject, name = Subject(status.judged, status.previous, history=False), stored_name(review, look.checkpoint)
        stored = self._reviews.snapshot(review.metadata.namespace, name)
        if stored is None:
            answers = self._ask(review, subject, look, look.window, found, until, patient=False)
            if isinstance(answers, Unanswered):
                return answers
            judged, levels = RevisionEvidence(**status.judged.model_dump()), answers.levels
            taken = levels.taken(review, judged, scraping=answers.scraping, failed=answers.failed)
            if finds_drift(taken):  # what else the cluster says belongs to what is kept, and may explain it
                facts = self._facts.gather(review, found, look.window.end)
                taken = levels.taken(review, judged, None, answers.scraping, facts, answers.failed)
            if not finds_drift(taken):
                self.forget(review.metadata.uid)
                return None
            stored = self._reviews.store_snapshot(review, name, taken)
        return self._ours(review, look, stored, subject)

    def _ours(self, review: DriftReview, look: Look, stored: DriftSnapshotSpec, subject: Subject) -> DriftSnapshotSpec:
        """What is stored under the look's name, if the look would have stored it."""
        self.forget(review.metadata.uid)
        sent = [asked(*each) for each in zip(review.spec.signals, resolved(review, subject), strict=True)]
        if not is_of(stored, review, look, subject.judged.template_hash, sent):
            raise ForeignEvidenceError(stored_name(review, look.checkpoint))
        return stored

    def forget(self, uid: str) -> None:
        """A look is complete, or its review is over."""
        with self._lock:
            self._rounds.pop(uid, None)

    def next_round(self, uid: str) -> None:
        """It is told what went unanswered: the next time that is asked again."""
        with self._lock:
            if this := self._rounds.get(uid):
                this.failed, this.answered_before, this.began = {}, len(this.answered.names), self._clock()
                if this.scraping is not None and this.scraping.failure:
                    this.scraping = None

    def _answers(self, this: _Round, found: FoundSource | Problem) -> bool:
        """Whether a source that answered before, but no query of this round, answers the simplest question there is."""
        if not this.answered.names or isinstance(found, Problem):
            return False
        try:
            return not isinstance(found.source.instant(SIMPLEST, self._clock()), Failed)
        except BusyError:
            return False

    def _ask(
        self,
        review: DriftReview,
        subject: Subject,
        look: Look,
        window: Window,
        found: FoundSource | Problem,
        until: float,
        *,
        patient: bool = True,
    ) -> _Answers | Unanswered:
        """One round of queries, or as much of it as there is time for; `patient`: failures are asked again."""
        this = self._resumed(review, look)
        signals = zip(review.spec.signals, resolved(review, subject), strict=True)
        left = [each for each in signals if each[0].name not in this.answered.names | this.failed.keys()]
        for number, (signal, queries) in enumerate(left):
            if number and monotonic() >= until:
                done = len(this.answered.names) + len(this.failed)
                raise TurnOverError(look.checkpoint, done, len(review.spec.signals), this.began)
            scraping = this.scraping or this.keep_scraping(scraping_of(found, window, this.room))
            measured = measure(signal, queries, asked_of(signal, found, scraping), window, this.room)
            if measured.failure:
                this.failed[signal.name] = measured
            else:
                this.answered.keep(measured, scraping)
        failures = [each.failure for each in this.failed.values() if each.failure]
        if failures:
            dead = len(this.answered.names) == this.answered_before and not self._answers(this, found)
            waits = not trouble.out_of_patience(review, look.checkpoint, self._clock(), dead=dead) if patient else dead
            if waits:
                return Unanswered(failures, dead)
        return _Answers(this.answered, list(this.failed.values()), this.scraping)

    def _learn(self, review: DriftReview, look: Look, found: FoundSource | Problem) -> Facts | Unanswered | None:
        """The facts of a look; what a check needs and the source did not answer is asked again while there is time.

        None after a rollback: they are about the release, and that is gone.
        """
        if look.checkpoint == RECOVERY:
            return None
        due = (each.due for each in review.status.checkpoints if each.name == look.checkpoint)
        moment = next(due, review.status.t0)
        facts = self._facts.gather(review, found, moment or self._clock())
        failures = [
            Failed(each.reason, f"{each.about}: {each.message}", retryable=True)
            for each in facts.problems
            if each.reason in UNANSWERED and each.about.partition("/")[0] not in UNHURRIED
        ]
        waits = failures and not trouble.out_of_patience(review, look.checkpoint, self._clock(), dead=False)
        return Unanswered(failures, dead=False) if waits else facts

    def _resumed(self, review: DriftReview, look: Look) -> _Round:
        with self._lock:
            this = self._rounds.pop(review.metadata.uid, None)
            if this is None or this.look != look:
                this = _Round(look, self._clock(), Room(self._clock), Levels(look))
            self._rounds[review.metadata.uid] = this
            size = sum(each.size for each in self._rounds.values())
            while size > MOST_BYTES and len(self._rounds) > 1:
                size -= self._rounds.popitem(last=False)[1].size
        return this


def foreseen(review: DriftReview, evidence: DriftSnapshotSpec) -> Foresight | None:
    """What a frozen baseline tells; None, with a traceback in the log, if that cannot be found out.

    It is advice: the baseline stands without it, and so does every verdict.
    """
    try:
        return foresight(review.spec, evidence)
    except Exception:  # noqa: BLE001 - whatever it is, it is only advice
        name = review.metadata.full_name
        LOGGER.exception("what the baseline tells could not be found out", extra={"review": name})
        return None
