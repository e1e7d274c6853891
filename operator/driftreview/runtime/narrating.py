"""Tells what happens in reviews as Kubernetes Events, from a thread of its own.

A step must not wait for it: a rollback that is decided would be done later by as long as the API server takes for an
Event. So what was told of by a stored status is queued; the queue is bounded, and what is lost with the process is
found again by the next one, which reads every status as it starts.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from driftreview.adapters.errors import ClusterError, ForbiddenError, NotFoundError, RefusedError, UnavailableError
from driftreview.adapters.events import Events, events
from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.story import STANDING, Happening, story
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.telemetry import Telemetry

FRESH: Final = timedelta(hours=1)
"""How long the API server keeps Events, and how long one is worth writing."""
MOST_WAITING: Final = 2000
"""Events that wait to be written; beyond it the oldest are dropped."""
MOST_STANDING: Final = 100
"""Happenings of one review in an hour that may come again any number of times: what flaps must not flood anybody."""
SECONDS: Final = 5.0
"""How long an answer is waited for."""
_PAUSE: Final = 10.0
"""Seconds until what failed is tried again."""
_STOP: Final = 3.0
"""Seconds for what still waits when the process ends."""


@dataclass(frozen=True)
class _Waiting:
    event: Mapping[str, Any]
    since: datetime

    @property
    def namespace(self) -> str:
        return str(self.event["metadata"]["namespace"])


class Narrator:
    """Threads may share it."""

    def __init__(
        self,
        sink: Events,
        telemetry: Telemetry,
        instance: str,
        clock: Callable[[], datetime],
        most: int = MOST_WAITING,
        pause: float = _PAUSE,
    ) -> None:
        """Nothing is written before `start`."""
        self._sink, self._telemetry, self._instance, self._clock = sink, telemetry, instance, clock
        self._most, self._pause = most, pause
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._unsure: dict[str, DriftReview] = {}
        self._standing: Counter[str] = Counter()
        self._counted_since = clock()
        self._said: set[tuple[str, str]] = set()
        self._stopping = self._news = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, unless that takes long, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(_STOP)

    @contextmanager
    def telling(self, review: DriftReview, status: DriftReviewStatus) -> Iterator[None]:
        """While this process stores a status: then tell what it has that the one before had not.

        Where no answer came it may be stored all the same: that is told when it is seen so, perhaps before this ends.
        """
        uid = review.metadata.uid
        with self._changed:
            before = self._unsure.setdefault(uid, review)
        try:
            yield
        except UnavailableError:
            raise
        except BaseException:
            if before is review:
                self.forget(uid)
            raise
        self.forget(uid)
        self._tell(review.model_copy(update={"status": status}), before)

    def heard(self, body: Mapping[str, Any]) -> None:
        """A review as it is stored: if that was not known, tell it."""
        uid = body["metadata"]["uid"]
        if (before := self._unsure.get(uid)) is None or (review := _read(body)) is None:
            return
        if self._tell(review, before):
            self.forget(uid)

    def forget(self, uid: str) -> None:
        """A review is gone, or is known as it is stored."""
        with self._changed:
            self._unsure.pop(uid, None)

    def catch_up(self, body: Mapping[str, Any]) -> None:
        """As the process starts: tell what happened in the last hour, which the one before may not have come to."""
        since = format_time(self._clock() - FRESH)
        if not _is_quiet(body.get("status", {}), since) and (review := _read(body)) is not None:
            self._tell(review)

    def _tell(self, review: DriftReview, before: DriftReview | None = None) -> bool:
        """Queue what is new, of the last hour where nothing is known from before; whether there was anything.

        Whatever goes wrong with it, the review goes on.
        """
        now = self._clock()
        try:
            known = {each.id for each in story(before)} if before is not None else set()
            lately = [each for each in story(review) if before is not None or each.at > now - FRESH]
            new = [each for each in lately if each.id not in known and self._may_come(review.metadata.uid, each, now)]
            fresh = {each["metadata"]["name"]: _Waiting(each, now) for each in events(review, new, self._instance)}
        except Exception:  # noqa: BLE001 - it was stored already
            LOGGER.exception("what happened could not be told", extra={"review": review.metadata.full_name})
            return False
        with self._changed:
            self._waiting |= {name: each for name, each in fresh.items() if name not in self._waiting}
            while len(self._waiting) > self._most:
                self._waiting.popitem(last=False)
                self._count("dropped")
            self._news = self._news or bool(fresh)
            self._changed.notify()
        return bool(fresh)

    def _may_come(self, uid: str, happening: Happening, now: datetime) -> bool:
        """Whether a happening is not one too many of those that come and go."""
        if now - self._counted_since > FRESH:
            self._standing, self._counted_since = Counter(), now
        if happening.what not in STANDING:
            return True
        self._standing[uid] += 1
        is_one_too_many = self._standing[uid] > MOST_STANDING
        if is_one_too_many:
            self._count("dropped")
        return not is_one_too_many

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._news and not self._stopping:
                    self._changed.wait(self._pause if self._waiting else None)
                self._news, stopping = False, self._stopping
            self.write()
            if stopping:
                return

    def write(self) -> None:
        """Try all that waits once; of a namespace that refuses, or of all while nobody answers, the rest later."""
        with self._changed:
            waiting = list(self._waiting.items())
        refusing, gone = set[str](), set[str]()
        for name, each in waiting:
            if each.namespace in refusing:
                continue
            outcome = "gone" if each.namespace in gone else self._written(name, each)
            self._count(outcome)
            if outcome == "unanswered":
                return
            if outcome == "forbidden":
                refusing.add(each.namespace)
            else:
                gone |= {each.namespace} if outcome == "gone" else set()
                with self._changed:
                    self._waiting.pop(name, None)

    def _written(self, name: str, waiting: _Waiting) -> str:
        """What became of one."""
        if self._clock() - waiting.since > FRESH:
            return "dropped"
        try:
            is_new = self._sink.write(waiting.event)
        except NotFoundError:  # its namespace is being deleted
            return "gone"
        except ForbiddenError as error:
            end = "tried again for an hour; the rights are in charts/driftreview/rules"
            self._say(waiting, error, end)
            return "forbidden"
        except RefusedError as error:
            self._say(waiting, error, f"{name} is left out")
            return "refused"
        except ClusterError as error:
            self._say(waiting, error, "tried again for an hour")
            return "unanswered"
        except Exception:  # noqa: BLE001 - one that cannot be written must not keep the others
            LOGGER.exception("the Event %s could not be written, and is left out", name)
            return "dropped"
        self._said -= {each for each in self._said if each[0] == waiting.namespace}
        return "written" if is_new else "known"

    def _say(self, waiting: _Waiting, error: ClusterError, end: str) -> None:
        """Log a cause once, until an Event of that namespace is written again."""
        cause = waiting.namespace, type(error).__name__
        if cause not in self._said:
            self._said.add(cause)
            LOGGER.warning("Events in %s are not written: %s; %s", waiting.namespace, error, end)

    def _count(self, outcome: str) -> None:
        self._telemetry.events.labels(outcome).inc()


def _read(body: Mapping[str, Any]) -> DriftReview | None:
    """A review, if this operator can read it."""
    try:
        return DriftReview.model_validate(body)
    except ValidationError:
        return None


def _is_quiet(status: Mapping[str, Any], since: str) -> bool:
    """Whether nothing can have happened lately in a review that has ended: told without reading all of it."""
    return status.get("phase") in TERMINAL and all(each < since for each in _moments(status))


def _moments(status: Mapping[str, Any]) -> Iterator[str]:
    yield from (each["lastTransitionTime"] for each in status.get("conditions", ()))
    after, recovery = status.get("aftermath", {}), status.get("recovery", {})
    yield from (after[name] for name in ("returnedAt", "endedAt") if name in after)
    yield from (recovery[name] for name in ("judgedAt",) if name in recovery)
