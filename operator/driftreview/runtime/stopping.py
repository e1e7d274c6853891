"""How a process is told to stop before kopf runs."""

from __future__ import annotations

import asyncio
import signal
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class stop_on_signals:  # noqa: N801 - reads as a statement
    """SIGINT and SIGTERM stop the wait for the Lease; kopf has its own handlers once it runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: Any) -> None:
        self._loop, self._stop = loop, stop

    def __enter__(self) -> None:
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self._stop)

    def __exit__(self, *_: object) -> None:
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)
