"""Where recorded samples were looked for, in the words of who put the files there: a query knows nothing of files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from driftreview.api.base import format_time
from driftreview.api.reasons import Reason
from driftreview.domain.samples import NoData, Window


@dataclass(frozen=True)
class Place:
    """A file, or a metric of a file, in which what a query returned should stand."""

    what: str
    """`latency.csv`, `metric latency_p99`."""
    where: str
    """The folder or file that it should be in."""
    there: bool = True

    @property
    def missing(self) -> str:
        """That it is not there."""
        return f"there is no {self.what} in {self.where}"

    def no_data_in(self, window: Window, nan: int, infinite: int) -> NoData:
        """That it holds no finite sample in a window; the more frequent kind of non-number names the reason."""
        if not self.there:
            return NoData(Reason.EMPTY, f"{self.missing}: that is where what the query returned is looked for")
        span = f"after {format_time(window.start)} up to {format_time(window.end)}"
        if not nan + infinite:
            return NoData(Reason.EMPTY, f"{self.what} in {self.where} holds no sample {span}")
        reason = Reason.ONLY_NAN if nan >= infinite else Reason.ONLY_INFINITE
        return NoData(
            reason, f"{self.what} in {self.where} holds no finite value {span}, only {nan} NaN and {infinite} infinite"
        )


def told(places: Iterable[Place]) -> list[str]:
    """What is lacking, put together: places of which none holds a sample."""
    found = list(places)
    absent, empty = ([each for each in found if each.there is there] for there in (False, True))
    said = []
    if absent:
        names = ", ".join(each.what for each in absent)
        said.append(f"there is no {names} in {absent[0].where}: what is looked for there is Missing")
    if empty:
        names = ", ".join(each.what for each in empty)
        said.append(f"no sample is in {names} in {empty[0].where}: what is looked for there is Missing")
    return said
