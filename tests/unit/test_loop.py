"""The loop: due times, turns, and who goes first. Steps block until the test lets them go on: nothing is timed."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import generate_latest

from driftreview.adapters.errors import ChangedError, NotFoundError
from driftreview.runtime.loop import _CURRENT, LEAST_PAUSE, RESERVED, AbandonedError, Key, Loop, alive
from driftreview.runtime.telemetry import Telemetry

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def key(namespace: str, name: str = "web") -> Key:
    return ("driftreviews", namespace, name)


class World:
    """A loop whose steps wait for leave, and a clock that stands."""

    def __init__(
        self,
        workers: int = 4,
        urgent: frozenset[Key] = frozenset(),
        server: Callable[[Key], str] = "/".join,
    ) -> None:
        self.now = NOW
        self.again: dict[Key, datetime | None] = {}
        self.fails: dict[Key, BaseException] = {}
        self.begun: list[Key] = []
        self._changed = threading.Condition()
        self._leave: set[Key] = set()
        self.telemetry = Telemetry()
        self.loop = Loop(
            "test", self._step, workers, lambda: self.now, self.telemetry, lambda each: each in urgent, server
        )

    def _step(self, subject: Key) -> datetime | None:
        with self._changed:
            self.begun.append(subject)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: subject in self._leave, 30)
            self._leave.discard(subject)
        if subject in self.fails:
            raise self.fails[subject]
        alive()
        return self.again.get(subject)

    def let(self, *subjects: Key) -> None:
        """Let running steps end."""
        with self._changed:
            self._leave.update(subjects)
            self._changed.notify_all()

    def _count(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.begun) >= count, 30)

    async def steps(self, count: int) -> list[Key]:
        """Wait until so many steps have begun in all."""
        assert await asyncio.to_thread(self._count, count), f"{count} steps were to begin, these did: {self.begun}"
        return list(self.begun)

    async def ended(self, subject: Key) -> None:
        """Wait until a step has ended."""
        while self.loop._entries[subject].alive_at is not None:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.001)

    async def due(self, subject: Key, after: timedelta) -> None:
        """Wait until a step has ended and the next one is due after a while; then let that while pass."""
        while self.loop._entries[subject].due != self.now + after:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.001)
        self.now += after


def run(world: World, story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        running = asyncio.create_task(world.loop.run())
        try:
            await story()
        finally:
            world.let(*world.begun)
            await world.loop.stop()
            await running

    asyncio.run(main())


def test_no_namespace_has_more_than_half_of_the_workers() -> None:
    world = World(workers=4)

    async def story() -> None:
        for number in range(10):
            world.loop.wake(key("busy", f"web-{number}"))
        world.now += timedelta(seconds=1)
        world.loop.wake(key("calm"))
        begun = await world.steps(3)
        assert [each[1] for each in begun].count("busy") == 2
        assert key("calm") in begun

    run(world, story)


def test_who_has_fewest_running_comes_first_and_then_who_waits_longest() -> None:
    world = World(workers=4)

    async def story() -> None:
        for namespace in ("a", "b"):
            for number in range(5):
                world.loop.wake(key(namespace, f"web-{number}"))
        await world.steps(4)
        world.now += timedelta(seconds=1)
        world.loop.wake(key("late"))
        assert (await world.steps(5))[4] == key("late")
        world.let(key("a", "web-0"), key("late"))
        assert (await world.steps(6))[5] == key("a", "web-2")

    run(world, story)


def test_a_namespace_without_a_running_step_goes_beyond_the_workers_up_to_twice_as_many() -> None:
    world = World(workers=2)

    async def story() -> None:
        for namespace in ("a", "b", "c", "d", "e"):
            world.loop.wake(key(namespace))
        begun = await world.steps(4)
        assert {each[1] for each in begun} == {"a", "b", "c", "d"}
        world.let(begun[0])
        assert (await world.steps(5))[4][1] == "e"

    run(world, story)


def by_name(subject: Key) -> str:
    """The server of `slow-1` is `slow`."""
    return subject[2].partition("-")[0]


def test_who_waits_for_one_server_leaves_room_for_who_asks_another_in_the_same_namespace() -> None:
    world = World(workers=16, server=by_name)

    async def story() -> None:
        for number in range(20):
            world.loop.wake(key("shop", f"slow-{number}"))
        await world.steps(6)
        world.now += timedelta(seconds=1)
        for number in range(20):
            world.loop.wake(key("shop", f"other-{number}"))
        begun = await world.steps(8)
        assert [by_name(each) for each in begun] == ["slow"] * 6 + ["other"] * 2
        world.let(begun[0])
        assert by_name((await world.steps(9))[8]) == "other", "of whose server fewer run"

    run(world, story)


def test_what_is_urgent_has_workers_of_its_own() -> None:
    urgent = [key("busy", f"rollback-{number}") for number in range(RESERVED + 1)]
    world = World(workers=2, urgent=frozenset(urgent))

    async def story() -> None:
        for namespace in ("busy", "other"):
            for number in range(5):
                world.loop.wake(key(namespace, f"web-{number}"))
        await world.steps(2)
        for each in urgent:
            world.loop.wake(each)
        assert set((await world.steps(2 + RESERVED))[2:]) == set(urgent[:RESERVED])
        world.let(urgent[0])
        assert (await world.steps(3 + RESERVED))[-1] == urgent[-1]

    run(world, story)


def test_one_object_has_one_step_at_a_time_and_another_after_a_change_meanwhile() -> None:
    world = World()

    async def story() -> None:
        subject = key("a")
        world.loop.wake(subject)
        await world.steps(1)
        world.loop.wake(subject)
        world.loop.wake(key("b"))
        assert await world.steps(2) == [subject, key("b")]
        world.let(subject)
        await world.ended(subject)
        world.now += LEAST_PAUSE
        assert await world.steps(3) == [subject, key("b"), subject]

    run(world, story)


def test_a_step_is_taken_again_when_it_is_due_and_not_after_it_was_forgotten() -> None:
    world = World()
    again, gone = key("a", "again"), key("a", "gone")
    world.again = {again: NOW + timedelta(hours=1), gone: NOW + timedelta(hours=1)}

    async def story() -> None:
        world.loop.wake(again)
        world.loop.wake(gone)
        await world.steps(2)
        world.let(again, gone)
        await world.ended(again)
        await world.ended(gone)
        world.loop.forget(gone)
        world.now += timedelta(hours=1)
        world.loop.wake(key("b"))
        assert sorted((await world.steps(4))[2:]) == [again, key("b")]

    run(world, story)


class PanicException(BaseException):
    """No Exception at all."""


@pytest.mark.parametrize("error", [LookupError("x"), PanicException("x"), SystemExit(1)])
def test_a_failing_step_is_tried_again_after_ever_longer_pauses(error: BaseException) -> None:
    world, subject = World(), key("a")
    world.fails[subject] = error

    async def story() -> None:
        world.loop.wake(subject)
        for count, seconds in enumerate((1, 2, 4, 8, 16, 30, 30), 1):
            await world.steps(count)
            world.let(subject)
            await world.due(subject, timedelta(seconds=seconds))
        assert await world.steps(8) == [subject] * 8

    run(world, story)


def test_a_step_whose_object_is_deleted_counts_until_it_has_ended_and_ends_at_its_next_sign_of_life() -> None:
    world = World(workers=2)
    old = [key("busy", f"web-{number}") for number in range(3)]
    ended: list[str] = []

    def step(subject: Key) -> datetime | None:
        try:
            return world._step(subject)
        except AbandonedError:
            ended.append("abandoned")
            raise

    world.loop._step = step

    async def story() -> None:
        world.loop.wake(old[0])
        await world.steps(1)
        world.loop.forget(old[0])
        world.loop.wake(old[1])
        world.loop.wake(old[0])
        world.loop.wake(key("other"))
        assert await world.steps(2) == [old[0], key("other")], "the deleted one still counts for its namespace"
        world.let(old[0])
        assert (await world.steps(3))[2] == old[1]
        assert ended == ["abandoned"]
        world.let(old[1])
        world.now += LEAST_PAUSE
        assert (await world.steps(4))[3] == old[0], "another of its name was created meanwhile"

    run(world, story)


@pytest.mark.parametrize("error", [ChangedError("409"), NotFoundError("404")])
def test_what_is_edited_or_deleted_under_a_steps_hands_is_neither_counted_nor_loud(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world, subject = World(), key("a")
    world.fails[subject] = error

    async def story() -> None:
        world.loop.wake(subject)
        for count in (1, 2):
            await world.steps(count)
            world.let(subject)
            await world.due(subject, timedelta(seconds=count))

    with caplog.at_level("INFO"):
        run(world, story)
    assert not caplog.records
    counted = generate_latest(world.telemetry.registry).decode()
    assert "driftreview_step_errors_total{" not in counted


def test_any_other_fault_is_counted_and_told_with_its_traceback_once(caplog: pytest.LogCaptureFixture) -> None:
    world, subject = World(), key("a")
    world.fails[subject] = ValueError("a fault of ours")

    async def story() -> None:
        world.loop.wake(subject)
        for count in (1, 2):
            await world.steps(count)
            world.let(subject)
            await world.due(subject, timedelta(seconds=count))

    run(world, story)
    assert [each.exc_info is not None and bool(each.exc_info) for each in caplog.records] == [True, False]
    counted = generate_latest(world.telemetry.registry).decode()
    assert 'driftreview_step_errors_total{error="ValueError"} 2.0' in counted


def test_a_step_without_a_sign_of_life_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    world, subject = World(), key("a")
    time = [1000.0]
    monkeypatch.setattr("driftreview.runtime.loop.monotonic", lambda: time[0])

    async def story() -> None:
        world.loop.wake(subject)
        await world.steps(1)
        assert world.loop.stuck(300) is None
        time[0] += 301
        assert world.loop.stuck(300) == subject

    run(world, story)


def test_a_sign_of_life_counts_from_inside_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    time = [1000.0]
    monkeypatch.setattr("driftreview.runtime.loop.monotonic", lambda: time[0])
    asked, go_on = threading.Event(), threading.Event()

    def step(_: Key) -> None:
        time[0] += 301
        alive()
        asked.set()
        assert go_on.wait(30)

    async def story() -> None:
        loop = Loop("test", step, 1, lambda: NOW, Telemetry())
        running = asyncio.create_task(loop.run())
        loop.wake(key("a"))
        assert await asyncio.to_thread(asked.wait, 30)
        assert loop.stuck(300) is None
        time[0] += 301
        assert loop.stuck(300) == key("a")
        go_on.set()
        await loop.stop()
        await running

    asyncio.run(story())


def test_outside_a_step_a_sign_of_life_means_nothing() -> None:
    assert _CURRENT.get(None) is None
    alive()
    assert _CURRENT.get(None) is None


def test_a_stop_says_whether_a_step_was_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftreview.runtime.loop.STOP_SECONDS", 0.05)
    world = World()

    async def story() -> None:
        running = asyncio.create_task(world.loop.run())
        world.loop.wake(key("a"))
        await world.steps(1)
        assert not await world.loop.stop()
        await running
        world.let(key("a"))

    asyncio.run(story())
