"""What judged pods run, and whether it goes on: single cycles, crashes, forbidden arguments and variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.preflight import Forbidden
from driftreview.domain.pods import CRASH_LOOP, Container, Pod

LATELY: Final = timedelta(hours=1)
"""A container that ended on its own longer ago than this goes on since."""
_NO: Final = frozenset({"false", "0", "no", "off"})
_QUOTES: Final = "\"'`;&|()"


def stops(pods: Iterable[Pod], now: datetime) -> Iterator[tuple[str, str]]:
    """What keeps containers from going on, each with what to do; of each container the first pod that shows it."""
    seen: set[str] = set()
    for pod in pods:
        if pod.restart_policy != "Always" and "" not in seen:
            seen.add("")
            said = f"restartPolicy of pod {pod.name} is {pod.restart_policy}: what ends is not started again"
            yield said, "Set restartPolicy: Always."
        for container in pod.containers:
            found = _stop(container, pod.name, now)
            if found and container.name not in seen:
                seen.add(container.name)
                yield found


def _stop(container: Container, pod: str, now: datetime) -> tuple[str, str] | None:
    ended = container.ended
    times = f"restarted {container.restarts} {'time' if container.restarts == 1 else 'times'} in pod {pod}"
    if ended is None:
        if container.waiting != CRASH_LOOP:
            return None
        return (
            f"container {container.name} keeps ending ({CRASH_LOOP}, {times})",
            "See its log: kubectl logs --previous.",
        )
    lately = ended.at is None or now - ended.at < LATELY
    if ended.exit_code == 0 and container.restarts and lately:
        said = (
            f"single-cycle mode: container {container.name} exits 0 and is started again instead of going on ({times})"
        )
        return said, "Let the command run in a loop without exit (an interval mode)."
    if container.waiting == CRASH_LOOP:
        why = f"{ended.reason or 'exit'} {ended.exit_code}"
        fix = f"Mend what ends it: kubectl logs {pod} -c {container.name} --previous."
        return f"container {container.name} keeps crashing ({CRASH_LOOP}, {why}, {times})", fix
    return None


def forbidden(wanted: Forbidden, pods: Iterable[Pod]) -> str | None:
    """Where a forbidden argument or variable is set, in words; None if it is not."""
    for pod in pods:
        for container in pod.containers:
            where = f"in container {container.name} of pod {pod.name}"
            if wanted.arg is not None and has_argument(container.words, wanted.arg):
                return f"forbidden argument {wanted.arg} {where}"
            for name, value in container.env:
                if wanted.env != name:
                    continue
                if wanted.value is None:
                    return f"forbidden variable {name} {where}"
                if value is None:
                    return f"variable {name} {where} comes from elsewhere: it may have the forbidden value"
                if value == wanted.value:
                    return f"forbidden variable {name}={value} {where}"
    return None


def has_argument(words: Iterable[str], wanted: str) -> bool:
    """Whether the words of a command line hold those of an argument, one after the other.

    `--name=value` is the same as `--name value`, and neither is `--name` where the value says no. A word may be a
    command line of its own, as that of `sh -c` is.
    """
    found, needed = _split(words), _split([wanted])
    return bool(needed) and any(
        found[start : start + len(needed)] == needed for start in range(len(found) - len(needed) + 1)
    )


def _split(words: Iterable[str]) -> Sequence[str]:
    parts: list[str] = []
    for word in " ".join(words).split():
        bare = word.strip(_QUOTES)
        name, equals, value = bare.partition("=")
        if equals and name.startswith("-") and value.lower() not in _NO:
            parts += [name, value.strip(_QUOTES)]
        elif bare:
            parts.append(bare)
    return parts
