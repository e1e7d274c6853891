"""`driftreview stop` and `go`: the emergency stop of all acts of an operator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from driftreview.cli.where import Context, Kubeconfig, connected
from driftreview.domain.display import printable
from driftreview.domain.stop import how_to_go_on

if TYPE_CHECKING:
    from driftreview.adapters.people import People
    from driftreview.adapters.stop import StopSwitch

Home = Annotated[str, typer.Option("-n", "--namespace", help="The operator's own namespace.")]
_HOME: Final = "driftreview-system"


def stop(
    reason: Annotated[str, typer.Option("-m", "--reason", help="Why; every open review says it.")],
    namespace: Home = _HOME,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Stop all acts of the operator, promotions and rollbacks, until `driftreview go`; reviews are judged on.

    Exit code 0: stopped. 1: it could not be done, or was done before.
    """
    from driftreview.adapters.errors import ClusterError, ExistsError  # noqa: PLC0415 - --help needs none of this

    try:
        switch, people = _switch(namespace, context, kubeconfig)
        switch.stop(people.name(), reason)
    except ExistsError:
        found = switch.read()
        _fail(found.message if found is not None else "acts were stopped, and go on by now: try again")
    except ClusterError as error:
        _fail(str(error))
    typer.echo(f"{switch.where} created: no act begins from now on; {how_to_go_on(namespace)} lets them go on")


def go(namespace: Home = _HOME, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Let the operator act again: what was decided meanwhile is done, if its time is not over.

    Exit code 0: it acts. 1: it could not be done, or nothing was stopped.
    """
    from driftreview.adapters.errors import ClusterError, NotFoundError  # noqa: PLC0415 - --help needs none of this

    try:
        switch, _ = _switch(namespace, context, kubeconfig)
        switch.go()
    except NotFoundError:
        _fail(f"nothing is stopped: there is no {switch.where}; is --namespace that of the operator?")
    except ClusterError as error:
        _fail(str(error))
    typer.echo(f"{switch.where} deleted: acts go on")


def _switch(namespace: str, context: str | None, kubeconfig: Path | None) -> tuple[StopSwitch, People]:
    from driftreview.adapters.people import People  # noqa: PLC0415 - --help needs none of this
    from driftreview.adapters.stop import StopSwitch  # noqa: PLC0415

    cluster, _ = connected(namespace, context, kubeconfig)
    return StopSwitch(cluster, namespace), People(cluster)


def _fail(message: str) -> NoReturn:
    typer.echo(f"driftreview: {printable(message, None)}", err=True)
    raise typer.Exit(1)
