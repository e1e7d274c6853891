"""An API server of objects in memory, as the readers of facts ask it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from driftreview.adapters.errors import ForbiddenError, NotFoundError
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import Cluster, Kind

Raw = dict[str, Any]


@dataclass
class FactCluster:
    """Objects by kind and name; what is forbidden is refused by kind."""

    stored: Mapping[str, Mapping[str, Raw]]
    forbidden: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    page: int = 25

    def keep(self, kind: Kind, name: str, _namespace: str, reduce: Callable[[Raw], Any]) -> Any:
        self._ask(kind, name)
        if name not in self.stored.get(kind.plural, {}):
            raise NotFoundError(f"{kind.plural}/{name}")
        return reduce(self.stored[kind.plural][name])

    def objects(
        self, kind: Kind, _namespace: str, selectors: Mapping[str, str], reduce: Callable[[Raw], Any]
    ) -> Iterator[list[Any]]:
        labels = selectors.get("labelSelector", "")
        self._ask(kind, f"?{labels}")
        wanted = dict(each.split("=") for each in labels.split(",") if each)
        found = [
            reduce(each)
            for each in self.stored.get(kind.plural, {}).values()
            if wanted.items() <= (each["metadata"].get("labels") or {}).items()
        ]
        yield from (found[start : start + self.page] for start in range(0, len(found), self.page))

    def reader(self) -> FactReader:
        return FactReader(cast("Cluster", self), "shop")

    def _ask(self, kind: Kind, what: str) -> None:
        self.asked.append(f"{kind.plural}/{what}")
        if kind.plural in self.forbidden:
            raise ForbiddenError(f"{kind.plural} is forbidden")
