"""What is known of the emergency stop: asked anew before each act, and every few seconds to show it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from driftreview.adapters.kubernetes import CONFIG_MAPS
from driftreview.adapters.stop import StopSwitch
from driftreview.domain.stop import NAME, Stop
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.loop import Key
from driftreview.runtime.telemetry import Telemetry

KEY: Final[Key] = (CONFIG_MAPS.plural, "", NAME)
"""Under which a loop looks at it."""
AGAIN: Final = timedelta(seconds=3)
"""Until the switch is looked at again only to show it."""


class StopWatch:
    """Threads may share it."""

    def __init__(self, switch: StopSwitch, telemetry: Telemetry) -> None:
        """Nothing was read yet."""
        self._switch, self._telemetry = switch, telemetry
        self.changed: Callable[[], object] = lambda: None
        """Called when acts are stopped or go on, from any thread."""
        self._lock = threading.Lock()
        self._seen: tuple[Stop | None] | None = None

    def seen(self) -> Stop | None:
        """As it was last read."""
        seen = self._seen
        return self.anew() if seen is None else seen[0]

    def anew(self) -> Stop | None:
        """As it is now.

        Raises:
            UnavailableError: the API server did not answer: nothing may be done.
        """
        with self._lock:
            stop, before = self._switch.read(), self._seen
            self._seen = (stop,)
            if stop == (before[0] if before else None):
                return stop
            self._telemetry.stopped.set(stop is not None)
            LOGGER.warning("%s", stop.message if stop is not None else "acts are not stopped any more")
        self.changed()
        return stop

    def run(self, now: datetime) -> datetime:
        """Look, and say when to look again."""
        self.anew()
        return now + AGAIN
