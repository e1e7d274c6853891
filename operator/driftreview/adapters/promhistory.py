"""A review's own queries over a past stretch of time, asked of a Prometheus once and kept as a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from driftreview.adapters.credentials import Credentials
from driftreview.adapters.faults import CLIENT_CERT
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.adapters.recording import RecordingError
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.domain.history import EPOCH, MILLISECOND, Recorded, Recording
from driftreview.domain.samples import Failed, NoData, Samples, Series, TooMany, Window
from driftreview.domain.scraping import UP

_TIMEOUT: Final = "1m"
_NOTHING: Final = Credentials()
_OPTIONS: Final = {
    CLIENT_CERT: "",
    "spec.auth and the Secret it names": "--token-file or --basic-auth-file",
    "spec.auth": "--token-file or --basic-auth-file",
    "spec.tls": "--ca-file",
    "spec.url and the cluster's DNS": "--prometheus",
    "spec.url": "--prometheus",
    "raise spec.timeout": "ask for less time",
    "lower spec.queriesPerSecond and spec.maxConcurrent, or raise": "come later, or raise",
    " of the operator": "",
}


def ask(
    url: str,
    queries: Mapping[str, str],
    window: Window,
    done: Callable[[], None] = lambda: None,
    credentials: Credentials = _NOTHING,
) -> Recording:
    """Ask every query over a window; of a query without data nothing is recorded.

    Args:
        url: address of the server, before /api/v1.
        queries: by the name of the signal, with their variables put in.
        window: the whole time, on a grid.
        done: called after each query.
        credentials: what is sent, and whom to trust.

    Raises:
        RecordingError: a query was not answered, or with more series than may be judged; names the signal.
    """
    source = PrometheusSource("replay", MetricSourceSpec(url=url, timeout=_TIMEOUT), credentials)
    found: dict[str, tuple[Recorded, ...]] = {}
    try:
        for name, query in queries.items():
            match source.range(query, window):
                case Samples(series=series):
                    found[name] = tuple(_recorded(each, window) for each in series)
                case NoData():
                    found[name] = ()
                case TooMany(labels):
                    raise RecordingError(
                        f"signal {name}: the query returned {len(labels)} series: aggregate, or use topk()"
                    )
                case Failed() if name == UP:  # it is no signal: what needs it says that it is not known
                    found[name] = ()
                case Failed(message=message):
                    raise RecordingError(f"signal {name}: {_as_options(message)}")
            done()
    finally:
        source.close()
    return found


def _as_options(message: str) -> str:
    """What a metric source's field is called here."""
    for field, option in _OPTIONS.items():
        message = message.replace(field, option)
    return message


def _recorded(series: Series, window: Window) -> Recorded:
    """The finite samples of an answer; the others are counted in it, but it does not say where they are."""
    values = np.array([np.nan if value is None else value for value in series.values])
    kept = np.isfinite(values)
    start, step = (window.start - EPOCH) // MILLISECOND, window.step // MILLISECOND
    times = start + step * (1 + np.flatnonzero(kept))
    return Recorded(series.labels, times.astype(np.int64), values[kept])
