"""Simulated reviews in which the truth is known: the generating process of the judge's specification, section 3.1.

A review has some signals, sampled every minute from `baseline` minutes before T0 to 48 hours after. Each is lognormal
around 100 with a coefficient of variation `cv`, and remembers itself from one minute to the next with `phi`. On top of
that come, if a scenario asks for them, drift with a memory of six hours, a daily rhythm, spikes, and what is wrong with
signal 0 after T0. A series is reproducible from its scenario's number and the number of the review alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

SEED: Final = 20260731
HOUR: Final = 60
"""In minutes, like every length of time in this module."""
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
LOOKS: Final = (HOUR, 6 * HOUR, DAY, 2 * DAY)
"""The checkpoints, in minutes after T0."""
BLOCK: Final = 10
MEAN: Final = 100.0
SLOW_MEMORY: Final = 6 * HOUR
SLOW_SHARE: Final = 0.09
"""Of the variance, that of the slow component."""
RHYTHM: Final = 0.1
"""Amplitude of the daily rhythm, of the mean."""
SPIKE_CHANCE: Final = 0.005
LONGEST_SPIKE: Final = 5
MEMORY_BASE: Final = 1000.0
"""MB, as are the other sizes of table D."""
MEMORY_CV: Final = 0.02
SAWTOOTH: Final = 45
WARMING: Final = 180


@dataclass(frozen=True)
class Scenario:
    """How the series of a review come about."""

    name: str
    number: int
    """Second part of the seed."""
    phi: float = 0.9
    cv: float = 0.1
    baseline: int = WEEK
    signals: int = 10
    slow: bool = False
    diurnal: bool = False
    spikes: bool = False
    shift: float = 0.0
    """By which share signal 0 is larger after T0."""
    leak: float = 0.0
    """By which share of itself signal 0 grows each hour after T0."""


@dataclass(frozen=True)
class MemoryScenario:
    """How the memory of one program comes about: table D."""

    name: str
    number: int
    leak: float = 0.0
    """MB per hour after T0."""
    sawtooth: bool = False
    warm: bool = False


def remembering(noise: Floats, phi: float) -> Floats:
    """AR(1) of variance one along the last axis, driven by standard normal noise; the first value is the noise's."""
    if phi == 0:
        return noise
    driven = noise * np.sqrt(1 - phi * phi)
    driven[..., 0] = noise[..., 0]
    return np.asarray(lfilter([1.0], [1.0, -phi], driven, axis=-1))


def with_drift(fast: Floats, slow: Floats) -> Floats:
    """Both together, again of variance one; `slow` is noise, not yet remembering."""
    drift = remembering(slow, float(np.exp(-1 / SLOW_MEMORY)))
    return np.asarray(np.sqrt(1 - SLOW_SHARE) * fast + np.sqrt(SLOW_SHARE) * drift)


def lognormal(z: Floats, cv: float) -> Floats:
    """Around `MEAN`, from standard normal values."""
    return np.asarray(MEAN * np.exp(cv * z - cv * cv / 2))


def rhythm(minutes: Floats, phase: float) -> Floats:
    """Factor of the daily rhythm at each minute."""
    return np.asarray(1 + RHYTHM * np.sin(2 * np.pi * minutes / DAY + phase))


def spike_factor(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Factor at each sample of spikes of one to five minutes, 1.5 to 4 times as high; where they meet, the highest."""
    begins = rng.random(shape) < SPIKE_CHANCE
    lengths = rng.integers(1, LONGEST_SPIKE + 1, shape)
    heights = rng.uniform(1.5, 4, shape)
    factor = np.ones(shape)
    for lag in range(LONGEST_SPIKE):
        high = np.where(begins & (lengths > lag), heights, 1.0)
        factor[:, lag:] = np.maximum(factor[:, lag:], high[:, : shape[1] - lag])
    return factor


def wrong(scenario: Scenario, minutes: Floats) -> Floats:
    """Factor of what is wrong with signal 0 at each minute."""
    grown = (1 + scenario.shift) * (1 + scenario.leak * minutes / HOUR)
    return np.where(minutes >= 0, grown, 1.0)


def minutes_of(scenario: Scenario) -> Floats:
    """Times of the samples: -baseline to 2879, T0 being 0."""
    return np.arange(-scenario.baseline, LOOKS[-1], dtype=float)


def samples(scenario: Scenario, review: int) -> Floats:
    """One review: (signals, baseline + 2880), one sample a minute."""
    rng = np.random.default_rng([SEED, scenario.number, review])
    minutes = minutes_of(scenario)
    shape = (scenario.signals, len(minutes))
    z = remembering(rng.standard_normal(shape), scenario.phi)
    if scenario.slow:
        z = with_drift(z, rng.standard_normal(shape))
    x = lognormal(z, scenario.cv)
    if scenario.diurnal:
        x *= rhythm(minutes, rng.uniform(0, 2 * np.pi))
    if scenario.spikes:
        x *= spike_factor(rng, shape)
    x[0] *= wrong(scenario, minutes)
    return x


def concurrent_samples(scenario: Scenario, review: int) -> tuple[Floats, Floats]:
    """Canary and stable of one review, each (signals, baseline + 2880); slow drift and daily rhythm are common to both.

    The specification does not give the order of the draws: here the canary's noise, the stable's, the drift, the phase.
    """
    rng = np.random.default_rng([SEED, scenario.number, review])
    minutes = minutes_of(scenario)
    shape = (scenario.signals, len(minutes))
    own = [remembering(rng.standard_normal(shape), scenario.phi) for _ in range(2)]
    drift = rng.standard_normal(shape)
    daily = rhythm(minutes, rng.uniform(0, 2 * np.pi))
    canary, stable = (lognormal(with_drift(z, drift), scenario.cv) * daily for z in own)
    canary[0] *= wrong(scenario, minutes)
    return canary, stable


def memory_samples(scenario: MemoryScenario, review: int) -> Floats:
    """Memory in MB each minute from a day before T0 to 48 hours after: (4320,)."""
    rng = np.random.default_rng([SEED, scenario.number, review])
    minutes = np.arange(-DAY, LOOKS[-1], dtype=float)
    after = np.maximum(minutes, 0)
    x = MEMORY_BASE * (1 + MEMORY_CV * remembering(rng.standard_normal(len(minutes)), 0.9))
    if scenario.sawtooth:
        x += 0.05 * MEMORY_BASE * ((minutes + rng.integers(0, SAWTOOTH)) % SAWTOOTH / SAWTOOTH - 0.5)
    x += scenario.leak * after / HOUR
    if scenario.warm:
        x += 0.15 * MEMORY_BASE * (1 - np.exp(-after / WARMING))
    return x


def block_medians(values: Floats) -> Floats:
    """Medians of ten samples each along the last axis: (..., n) gives (..., n / 10)."""
    return np.asarray(np.median(values.reshape(*values.shape[:-1], -1, BLOCK), axis=-1))
