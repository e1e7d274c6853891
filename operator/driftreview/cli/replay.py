"""`driftreview replay`: a review of the past, from files or a Prometheus, without a cluster."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

USAGE: Final = 2
FAILED: Final = 1


class Output(StrEnum):
    """How the result is printed."""

    TABLE = "table"
    JSON = "json"


def _duration(text: str) -> timedelta:
    from driftreview.api.values import parse_duration  # noqa: PLC0415 - --help needs none of this

    try:
        length = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not length:
        raise typer.BadParameter(f"{text!r} is no time at all; write for example 6h")
    return length


def _time(text: str) -> datetime:
    from driftreview.adapters.recording import read_time  # noqa: PLC0415 - as above
    from driftreview.domain.history import EPOCH, MILLISECOND  # noqa: PLC0415

    try:
        return EPOCH + read_time(text) * MILLISECOND
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def replay(  # noqa: PLR0913, PLR0917 - each is an option
    file: Annotated[
        list[Path], typer.Option("-f", "--file", help="File with the DriftReview, or with signal sets; repeat it.")
    ],
    data: Annotated[Path | None, typer.Option(help="Folder with a <signal>.csv for each signal.")] = None,
    openmetrics: Annotated[Path | None, typer.Option(help="OpenMetrics file with timestamps.")] = None,
    prometheus: Annotated[str | None, typer.Option(help="Address of a Prometheus; it is only read.")] = None,
    t0: Annotated[datetime | None, typer.Option(parser=_time, metavar="TIME", help="T0; else spec.window.t0.")] = None,
    sweep: Annotated[
        timedelta | None,
        typer.Option(parser=_duration, metavar="DURATION", help="Judge T0s at this distance, all there are."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(parser=_time, metavar="TIME", help="With --sweep: no T0 before it.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(parser=_time, metavar="TIME", help="With --sweep: no T0 after it.")
    ] = None,
    inject: Annotated[
        list[str] | None,
        typer.Option(help='Fault to find: "latency*1.10", "latency+5m", "memory leak 20Mi/h", "latency silent".'),
    ] = None,
    output: Annotated[Output, typer.Option("-o", "--output", help="How to print it.")] = Output.TABLE,
    name: Annotated[str | None, typer.Option(help="Which DriftReview of the file.")] = None,
    resolution: Annotated[
        timedelta | None, typer.Option(parser=_duration, metavar="DURATION", help="Step; 30s, or that of coarser data.")
    ] = None,
    history_ends_at: Annotated[
        datetime | None,
        typer.Option(parser=_time, metavar="TIME", help="Where the baseline ends: the rollout's start."),
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help='With --openmetrics: signal=metric{label="value"}.')
    ] = None,
    var: Annotated[list[str] | None, typer.Option(help="With --prometheus: name=value for a query's ${name}.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="With --prometheus: file with a bearer token.")] = None,
    basic_auth_file: Annotated[Path | None, typer.Option(help="With --prometheus: file with user:password.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="With --prometheus: PEM certificates to trust.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="With --sweep: processes; one for each core if left out.")
    ] = None,
) -> None:
    """Judge a past release, or every T0 of a history, as the operator would have.

    Ends with 0 for APPROVE, 10 for REJECT, 11 for INCONCLUSIVE; with --sweep 10 if more was rolled back than
    policy.falseAlarmBudget allows, else 11 if more than a fifth came out undecided. 1 is an error, 2 wrong usage.
    """
    from driftreview.adapters.recording import RecordingError  # noqa: PLC0415 - --help needs none of this
    from driftreview.cli.access import Access  # noqa: PLC0415
    from driftreview.cli.printing import warn  # noqa: PLC0415
    from driftreview.cli.readings import Given  # noqa: PLC0415
    from driftreview.cli.replaying import Request, run  # noqa: PLC0415
    from driftreview.cli.reviewfile import ReviewFileError  # noqa: PLC0415
    from driftreview.cli.usage import UsageError  # noqa: PLC0415

    access = Access(token_file, basic_auth_file, ca_file)
    request = Request(
        files=tuple(file),
        name=name,
        given=Given(data, openmetrics, prometheus, tuple(map_ or ()), tuple(var or ()), access),
        t0=t0,
        history_ends_at=history_ends_at,
        sweep=sweep,
        since=since,
        until=until,
        faults=tuple(inject or ()),
        resolution=resolution,
        jobs=jobs,
        as_json=output is Output.JSON,
    )
    try:
        code = run(request)
    except UsageError as error:
        warn(*error.args)
        raise typer.Exit(USAGE) from None
    except (ReviewFileError, RecordingError) as error:
        warn(*error.args)
        raise typer.Exit(FAILED) from None
    raise typer.Exit(code)
