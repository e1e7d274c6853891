"""Where `driftreview replay` has its samples from: a folder of CSV files, an OpenMetrics file, or a Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from driftreview.adapters import csvfiles, openmetrics
from driftreview.adapters.clock import now
from driftreview.adapters.csvfiles import read_folder
from driftreview.adapters.openmetrics import Selected, read_mapping, read_openmetrics
from driftreview.adapters.promhistory import ask
from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.signal import Kind
from driftreview.cli.access import Access
from driftreview.cli.progress import progress
from driftreview.cli.reviewfile import ReviewFileError
from driftreview.cli.usage import UsageError
from driftreview.domain.history import EPOCH, FINEST, Recording, oversized, recorded_as
from driftreview.domain.kinds import pods_of_all
from driftreview.domain.place import Place, told
from driftreview.domain.query import QueryProblem, check, query_variables, resolve
from driftreview.domain.replay import history_end, windows
from driftreview.domain.samples import Window
from driftreview.domain.scraping import UP


@dataclass(frozen=True)
class Given:
    """The options that say where samples come from."""

    data: Path | None = None
    openmetrics: Path | None = None
    prometheus: str | None = None
    mappings: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    access: Access = field(default_factory=Access)


@dataclass(frozen=True)
class Reading:
    """Samples of every signal, by its name."""

    recording: Recording
    label: str
    """Where from."""
    queries: Mapping[str, str] = field(default_factory=dict)
    """As they were sent, if they were."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where each was looked for, if that was in files."""

    @property
    def lacking(self) -> list[str]:
        """What there is not one sample of."""
        return [name for name, series in self.recording.items() if name != UP and not series]

    def told(self, review: DriftReview) -> Iterator[str]:
        """What is lacking, and what follows from it."""
        if self.lacking and not self.places:
            yield f"no samples of {', '.join(self.lacking)} in {self.label}"
        yield from told(self.places[name] for name in self.lacking if name in self.places)
        heard = [each.name for each in review.spec.signals if each.kind is Kind.PRESENCE]
        if heard and not self.recording.get(UP):
            place = self.places.get(UP)
            lacks = place.missing if place and not place.there else f"there is no sample of {UP} in {self.label}"
            yield (
                f"{lacks}: where {', '.join(heard)} is silent, whether the source was scraping is not known, and "
                "it is Missing, never Degraded"
            )


def read(
    review: DriftReview,
    given: Given,
    t0s: tuple[datetime | None, datetime | None],
    history_ends_at: datetime | None,
    resolution: timedelta | None,
) -> Reading:
    """Read them.

    Args:
        review: whose signals are meant.
        given: where from.
        t0s: the first and the last T0, as far as they are known.
        history_ends_at: where the baseline ends, if that is known.
        resolution: step of the queries, if there are any.

    Raises:
        UsageError: not exactly one source, or options of another one.
        ReviewFileError: a query cannot be asked.
        RecordingError: the source cannot be read.
    """
    if sum(each is not None for each in (given.data, given.openmetrics, given.prometheus)) != 1:
        raise UsageError("give exactly one of --data, --openmetrics and --prometheus")
    if given.mappings and given.openmetrics is None:
        raise UsageError("--map is for --openmetrics")
    if given.variables and given.prometheus is None:
        raise UsageError("--var is for --prometheus: files hold what a query returned")
    if given.access.named and given.prometheus is None:
        raise UsageError(f"{given.access.named[0]} is for --prometheus")
    signals = review.spec.signals
    if given.data is not None:
        found = read_folder(given.data, signals)
        return Reading(found, str(given.data), places=csvfiles.places_of(given.data, signals))
    if given.openmetrics is not None:
        mapped, path = _mapped(review, given), given.openmetrics
        found = read_openmetrics(path, signals, mapped)
        return Reading(found, str(path), places=openmetrics.places_of(path, signals, mapped, found))
    url = given.prometheus or ""
    credentials = given.access.credentials(url)
    queries = {**_queries(review, _variables(review, given)), UP: UP}
    window = _window(review, t0s, history_ends_at, resolution or FINEST)
    if too_many := oversized(window.end - window.start, window.step, len(queries)):
        raise UsageError(
            f"--prometheus: {format_time(window.start)} to {format_time(window.end)} are {too_many}: bring --since and "
            "--until closer together, or take a coarser --resolution"
        )
    with progress("asking", len(queries)) as done:
        return Reading(ask(url, queries, window, done, credentials), url, queries)


def _mapped(review: DriftReview, given: Given) -> dict[str, Selected]:
    found: dict[str, Selected] = {}
    for text in given.mappings:
        try:
            name, selected = read_mapping(text)
        except ValueError as error:
            raise UsageError(f"--map: {error}") from None
        names = [recorded for each in review.spec.signals for recorded in recorded_as(each).values()]
        if name not in names:
            raise UsageError(f"--map {text!r}: there is no signal {name}, but {', '.join(names)}")
        if name in found:
            raise UsageError(f"--map {text!r}: {name} is mapped already")
        found[name] = selected
    return found


def _variables(review: DriftReview, given: Given) -> dict[str, str]:
    """What a cluster would give, as far as the review alone tells; `--var` says the rest, or better."""
    target, namespace = review.spec.target.name, review.metadata.namespace or None
    pods = pods_of_all(review)
    found = query_variables(review.spec.variables, target=target, pods=pods, namespace=namespace)
    for text in given.variables:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise UsageError(f"--var {text!r}: write name=value, such as namespace=staging")
        found[name] = value
    return found


def _queries(review: DriftReview, variables: Mapping[str, str]) -> dict[str, str]:
    queries: dict[str, str] = {}
    for index, signal in enumerate(review.spec.signals):
        for which, name in recorded_as(signal).items():
            query = resolve(signal.queries[which], variables)
            problem = query if isinstance(query, QueryProblem) else check(query)
            if isinstance(query, QueryProblem) or problem is not None:
                said = problem.message if problem else ""
                raise ReviewFileError(f"{review.spec.place(index)}.{which} (signal {signal.name}): {said}; see --var")
            queries[name] = query
    return queries


def _window(
    review: DriftReview, t0s: tuple[datetime | None, datetime | None], history_ends_at: datetime | None, step: timedelta
) -> Window:
    """Everything the reviews of these T0s look at, up to now."""
    first, last = t0s
    if first is None or last is None:
        raise UsageError("--sweep with --prometheus needs --since and --until: the first and the last T0")
    looks = windows(review.spec, first, history_ends_at or history_end(review.spec, first), step)
    looks += windows(review.spec, last, history_end(review.spec, last), step)
    start = min(each.start for each in looks if each is not None)
    end = min(max(each.end for each in looks if each is not None), now() - (now() - EPOCH) % step)
    if end <= start:
        raise UsageError("all of that is in the future")
    return Window(start, end, step)
