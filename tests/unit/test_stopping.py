"""What is left of kopf when it ends: a task that took its one cancellation for something else is cancelled again."""

import asyncio

import pytest

from driftreview.runtime import stopping


def test_who_goes_on_after_being_cancelled_is_cancelled_again_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "AGAIN", 0.01)
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed > 2:
                    raise

    async def main() -> None:
        task, other = asyncio.create_task(stubborn()), asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        task.cancel()
        stopping.cancel_again()
        await asyncio.wait([task])
        assert (task.cancelled(), other.done()) == (True, False)
        other.cancel()

    asyncio.run(main())
    assert swallowed == 3
