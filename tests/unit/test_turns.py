"""Who waits first is served first, and who gives up is passed over."""

import threading
import time

from driftreview.adapters.turns import Queue


def waiting(queue: Queue, count: int) -> None:
    while len(queue._waiting) < count:
        time.sleep(0.001)


def test_those_who_wait_are_served_in_their_order_and_before_who_comes_later() -> None:
    queue, served = Queue(), list[int]()

    def wait(number: int) -> None:
        assert queue.acquire(timeout=30)
        served.append(number)
        queue.release()

    assert queue.acquire(timeout=0)
    threads = [threading.Thread(target=wait, args=(number,)) for number in range(20)]
    for count, thread in enumerate(threads, 1):
        thread.start()
        waiting(queue, count)
    assert not queue.acquire(timeout=0), "not even for a moment"
    queue.release()
    for thread in threads:
        thread.join(30)
    assert served == list(range(20))
    assert queue.acquire(timeout=0)


def test_who_gave_up_keeps_nobody_waiting() -> None:
    queue, served = Queue(), threading.Event()

    def wait() -> None:
        assert queue.acquire(timeout=30)
        served.set()

    assert queue.acquire(timeout=0)
    assert not queue.acquire(timeout=0.01)
    thread = threading.Thread(target=wait)
    thread.start()
    waiting(queue, 1)
    queue.release()
    thread.join(30)
    assert served.is_set()
