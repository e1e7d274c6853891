"""What did not hold at an earlier look: whoever puts it back before the last one was wrong all the same."""

from __future__ import annotations

from collections.abc import Iterator

from driftreview.api.verdicts import CheckVerdict
from driftreview.domain.checks import CheckResult
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, when
from driftreview.domain.report.model import Reference


def before(material: Material, check: CheckResult) -> str:
    """At which looks before the newest an expectation was Broken or Unknown, and why, in words; empty if at none.

    A reason that is the newest look's too is not said twice.
    """
    found: dict[tuple[CheckVerdict, str], list[str]] = {}
    for look, each in _failed(material, check):
        found.setdefault((each.verdict, each.message), []).append(when(look))
    return "; ".join(
        f"{verdict} at {', '.join(looks)}" + ("" if message == check.message else f": {message}")
        for (verdict, message), looks in found.items()
    )


def noted(material: Material, check: CheckResult | None) -> str:
    """What is said of an expectation at the newest look, and of those before it; empty where nothing is."""
    return "; ".join(each for each in (check.message, before(material, check)) if each) if check else ""


def proof(material: Material, check: CheckResult) -> list[Reference]:
    """Where that stands: the last look and T0 as ever, and the looks in between at which it did not hold."""
    name = f"{check.section}/{check.name}"
    refs = [material.ref(look, check=name) for look, _ in _failed(material, check) if look is not material.at_t0]
    newest, *rest = material.since(check=name)
    return [newest, *refs, *rest]


def _failed(material: Material, check: CheckResult) -> Iterator[tuple[Looked, CheckResult]]:
    """The looks before the newest at which an expectation did not hold, with what was said of it then."""
    for look in material.looks[:-1]:
        for each in material.checks_at(look):
            if (each.section, each.name) == (check.section, check.name) and each.is_amiss:
                yield look, each
