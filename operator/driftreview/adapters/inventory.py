"""Reads the services beside the release; whatever cannot be had is noted, and nothing waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

from driftreview.adapters.factreader import Listing
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.kubernetes import DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS
from driftreview.adapters.podlist import Both
from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.inventory import Inventory, InventoryFact, ServiceKind
from driftreview.api.reasons import Reason
from driftreview.domain.inventory import (
    MOST_SERVICES,
    SECTION,
    Workload,
    inventory_fact,
    owners,
    service,
    usage,
    workload,
)

_KINDS: Final = (
    (ServiceKind.DEPLOYMENT, DEPLOYMENTS),
    (ServiceKind.STATEFUL_SET, STATEFUL_SETS),
    (ServiceKind.DAEMON_SET, DAEMON_SETS),
)
_POD: Final = "pod"
_UNKNOWN_USE: Final = "check its metric names and labels, and whether the source scrapes what tells how much pods use"


def read_inventory(
    source: FactSource, review: DriftReview, wanted: Inventory, seen: Listing[Both] | None, now: datetime
) -> InventoryFact:
    """The services that a review selects, as they are now, and what they used at the moment that is judged.

    Args:
        source: the metric source.
        review: whose namespace.
        wanted: which services.
        seen: the pods of the namespace; None where they could not be read.
        now: the time.
    """
    reader = source.reader
    labels = ",".join(f"{name}={value}" for name, value in sorted(wanted.selector.match_labels.items()))
    selectors = {"labelSelector": labels}
    found: list[Workload] = []
    more = False
    for kind, where in _KINDS:
        keep = partial(workload, kind=kind)
        listing = reader.list(f"{SECTION}/{where.plural}", where, selectors, keep, MOST_SERVICES)
        found += sorted(listing.found, key=lambda each: each.name) if listing else []
        more = more or bool(listing and not listing.whole)
    left_out = [f"services after the first {MOST_SERVICES}"] if more or len(found) > MOST_SERVICES else []
    found = found[:MOST_SERVICES]
    pods = [each for _, each in seen.found if each] if seen else None
    left_out += [f"pods after the first {len(seen.found)}"] if seen and not seen.whole else []
    whose = owners(found, pods or ())
    target = (review.spec.target.kind.value, review.spec.target.name)
    services = [
        service(
            each,
            None if pods is None else [one for one in pods if whose.get(one.name) is each],
            now,
            judged=(each.kind.value, each.name) == target,
        )
        for each in found
    ]
    cpu, memory = (
        usage(found, whose, _used(source, f"{SECTION}/{name}", query)) if found else {}
        for name, query in (("cpu", wanted.cpu), ("memory", wanted.memory))
    )
    return inventory_fact(services, cpu, memory, left_out)


def _used(source: FactSource, about: str, query: str) -> Iterator[tuple[str, float]]:
    """Name of each pod, and its value."""
    answer = source.ask(about, query, f"the query knows no pod at {format_time(source.at)}: {_UNKNOWN_USE}")
    rows = answer.rows if answer else ()
    if any(_POD not in row.labels for row in rows):
        message = f"the query returned a series without the label {_POD}: aggregate with `sum by ({_POD}) (…)`"
        source.reader.note(about, Reason.EACH_LABEL_MISSING, message)
        return
    for row in rows:
        if row.value is not None:
            yield row.labels[_POD], row.value
