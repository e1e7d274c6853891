"""How a process is told to stop before kopf runs."""

from __future__ import annotations

import asyncio
import signal
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


AGAIN: Final = 1.0
"""Seconds between two times that a task is cancelled."""


def cancel_again() -> None:
    """Cancel each task anew that was cancelled and goes on, as long as the loop runs.

    kopf cancels a watch once and waits for it without an end. One whose connection is closed at that moment asks anew.
    """
    for task in asyncio.all_tasks():
        if task.cancelling():
            task.cancel()
    asyncio.get_running_loop().call_later(AGAIN, cancel_again)


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
