"""Designs for the judge, side by side on simulated reviews in which the truth is known.

Every review has ten signals and four looks (1, 6, 24 and 48 hours after T0). It is rolled back if any signal fails at
any look, and promoted if all pass at the last. Series are autocorrelated, lognormal and reproducible from their seeds.

Designs:
    plugin: OLS with a daily harmonic and a step at T0; long-run variance from an AR(1) fitted to each signal's block
        residuals and from batch means, whichever is larger.
    pooled: the same effect; the shape of the noise (an AR(1), plus a slow component of 2, 6 or 24 hours' memory) is
        weighed by its Whittle likelihood over all signals of the review, so that they learn from each other whether
        there is slow drift.
    gated: pooled, and what is called worse must also be more than the baseline ever did to itself over a stretch as
        long as the look, plus half of the margin.

Run: ``python tests/bench/bench_judge_designs.py [--reviews N] [--baseline 24h|7d] [WORD ...]``; words choose scenarios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import t as student

Floats: TypeAlias = NDArray[np.float64]

MARGIN: Final = float(np.log(1.05))
LOOKS: Final = (6, 36, 144, 288)  # in blocks of ten minutes after T0
DAY: Final = 144
ALPHA: Final = 0.05
MEMORIES: Final = np.array([12.0, 36.0, 144.0])  # of the slow component, in blocks: 2, 6 and 24 hours
SHARES: Final = (0.05, 0.1, 0.2, 0.4, 0.7)  # of the variance that the slow component has
FAST: Final = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
"""Lag-one autocorrelations of the fast component."""
SHAPES: Final = ((0.0, 1.0), *((share, memory) for share in SHARES for memory in MEMORIES))
_BATCHES: Final = (2, 3, 6, 12, 18, 24, 36, 48, 72, 144)


@dataclass(frozen=True)
class Scenario:
    """How a review's series come about."""

    name: str
    number: int  # first part of the seeds
    phi: float = 0.9  # autocorrelation from one minute to the next
    cv: float = 0.1
    slow: bool = False  # with a component of six hours' memory, 9% of the variance
    diurnal: bool = False
    spikes: bool = False
    shift: float = 0.0  # by how much signal 0 is worse after T0
    leak: float = 0.0  # by how much signal 0 gets worse each hour


SCENARIOS: Final = (
    *(Scenario(f"null phi {phi}", 1 + i, phi) for i, phi in enumerate((0.0, 0.5, 0.9))),
    Scenario("null spikes", 31, spikes=True),
    Scenario("null diurnal", 32, diurnal=True),
    Scenario("null slow", 33, slow=True),
    *(Scenario(f"shift {shift:.1%}", 111 + i, shift=shift) for i, shift in enumerate((0.025, 0.05, 0.1, 0.25, 0.5))),
    *(Scenario(f"leak {leak:.1%}/h", 116 + i, leak=leak) for i, leak in enumerate((0.001, 0.002, 0.005, 0.01, 0.02))),
)


def _autoregressive(noise: Floats, phi: float) -> Floats:
    if phi == 0:
        return noise
    driven = noise * np.sqrt(1 - phi * phi)
    driven[:, 0] = noise[:, 0]
    return np.asarray(lfilter([1.0], [1.0, -phi], driven, axis=1))


def _spikes(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    begins, lengths, heights = rng.random(shape) < 0.005, rng.integers(1, 6, shape), rng.uniform(1.5, 4, shape)
    factor = np.ones(shape)
    for lag in range(5):
        high = np.where(begins & (lengths > lag), heights, 1.0)
        factor[:, lag:] = np.maximum(factor[:, lag:], high[:, : shape[1] - lag])
    return factor


def blocks(scenario: Scenario, review: int, before: int, signals: int = 10) -> Floats:
    """Log block medians of one review: (signals, before + 288)."""
    rng = np.random.default_rng([20260731, scenario.number, review])
    minutes = np.arange(-10 * before, 10 * LOOKS[-1])
    shape = (signals, len(minutes))
    z = _autoregressive(rng.standard_normal(shape), scenario.phi)
    if scenario.slow:
        z = np.sqrt(0.91) * z + np.sqrt(0.09) * _autoregressive(rng.standard_normal(shape), float(np.exp(-1 / 360)))
    x = 100 * np.exp(scenario.cv * z - scenario.cv**2 / 2)
    if scenario.diurnal:
        x = x * (1 + 0.1 * np.sin(2 * np.pi * minutes / 1440 + rng.uniform(0, 2 * np.pi)))
    if scenario.spikes:
        x = x * _spikes(rng, shape)
    after = np.maximum(minutes, 0) / 60
    x[0] *= np.where(minutes >= 0, (1 + scenario.shift) * (1 + scenario.leak * after), 1.0)
    return np.median(np.log(x).reshape(signals, -1, 10), axis=2)


@dataclass(frozen=True)
class Look:
    """Estimates of one look over many reviews: arrays of (reviews, signals)."""

    effect: Floats
    error: Floats
    freedom: Floats
    most: Floats  # what the baseline did to itself at most

    def p_worse_than(self, margin: float) -> Floats:
        """One-sided p-value of being worse by more than a margin."""
        return np.asarray(student.sf((self.effect - margin) / self.error, self.freedom))


def _design(before: int, after: int) -> Floats:
    at = np.arange(-before, after) + 0.5
    day = [np.sin(2 * np.pi * at / DAY), np.cos(2 * np.pi * at / DAY)] if before >= DAY else []
    return np.stack([np.ones(before + after), *day, (at >= 0).astype(float)], axis=1)


def _plugin_variance(residuals: Floats, parameters: int) -> tuple[Floats, Floats]:
    """Long-run variance and effective number of blocks."""
    count = residuals.shape[-1]
    power = (residuals**2).sum(-1)
    r = (residuals[..., 1:] * residuals[..., :-1]).sum(-1) / power
    r = np.clip(r + (parameters + (parameters + 2) * r) / count, 0, 0.97)
    spread = power / (count - parameters)
    variance = spread * (1 + r) / (1 - r)
    for length in _BATCHES:
        if count // length < 6:
            break
        kept = residuals[..., count - count // length * length :]
        means = kept.reshape(*residuals.shape[:-1], -1, length).mean(-1)
        variance = np.maximum(variance, length * means.var(-1, ddof=1))
    return variance, count * spread / variance


def _most(series: Floats, before: int, after: int) -> Floats:
    """The largest rise of a stretch of the baseline over its rest, as long as the look or a quarter of the baseline."""
    design = _design(before, 0)[:, :-1]
    base = series[..., :before]
    residuals = base - (base @ np.linalg.pinv(design).T) @ design.T
    length = min(after, before // 4)
    sums = np.cumsum(np.concatenate([np.zeros((*residuals.shape[:-1], 1)), residuals], axis=-1), axis=-1)
    inside, whole = sums[..., length:] - sums[..., :-length], sums[..., -1:]
    return np.asarray((inside / length - (whole - inside) / (before - length)).max(-1))


def plugin(series: Floats, before: int, after: int) -> Look:
    """See the module."""
    design = _design(before, after)
    parameters = design.shape[1] - 1
    solved = np.linalg.pinv(design)
    fitted = series @ solved.T
    residuals = series - fitted @ design.T
    variance, number = _plugin_variance(residuals[..., :before], parameters)
    if after >= DAY // 2:
        later, more = _plugin_variance(residuals[..., before:], 1)
        variance = (variance * number + later * more) / (number + more)
        number = number + more
    error = np.sqrt(variance * np.linalg.inv(design.T @ design)[-1, -1])
    freedom = np.maximum(number - parameters, 1.0)
    return Look(fitted[..., -1], error, freedom, np.full_like(error, -np.inf))


def _spectra(frequencies: Floats) -> Floats:
    """Of every shape and fast autocorrelation, with variance one: (shapes, fast, frequencies)."""

    def of(phi: float) -> Floats:
        return np.asarray((1 - phi**2) / (1 - 2 * phi * np.cos(2 * np.pi * frequencies) + phi**2))

    return np.stack(
        [[(1 - share) * of(phi) + share * of(float(np.exp(-1 / memory))) for phi in FAST] for share, memory in SHAPES]
    )


def _covariances(count: int) -> Floats:
    lags = np.arange(count)
    return np.stack(
        [[(1 - share) * phi**lags + share * np.exp(-lags / memory) for phi in FAST] for share, memory in SHAPES]
    )


def _periodogram(stretch: Floats) -> tuple[Floats, Floats]:
    count = stretch.shape[-1]
    centred = stretch - stretch.mean(-1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, axis=-1)[..., 1 : (count - 1) // 2 + 1]) ** 2 / count
    frequencies = np.arange(1, power.shape[-1] + 1) / count
    kept = np.abs(frequencies - 1 / DAY) > 0.5 / count if count >= DAY else np.ones(len(frequencies), bool)
    return frequencies[kept], power[..., kept]


def pooled(series: Floats, before: int, after: int, plain: float = 0.8) -> Look:
    """See the module. `plain` is the prior weight of there being no slow component."""
    design = _design(before, after)
    solved = np.linalg.pinv(design)
    fitted = series @ solved.T
    residuals = series - fitted @ design.T
    weights = solved[-1]
    overlap = np.correlate(weights, weights, "full")[before + after - 1 :]
    overlap[1:] *= 2
    unit = _covariances(before + after) @ overlap
    stretches = [_periodogram(residuals[..., :before])]
    if after >= DAY // 4:
        stretches.append(_periodogram(residuals[..., before:]))
    count = sum(len(frequencies) for frequencies, _ in stretches)
    spectra = [_spectra(frequencies) for frequencies, _ in stretches]
    scale = (
        sum(np.einsum("rmf,spf->rmsp", power, 1 / shape) for (_, power), shape in zip(stretches, spectra, strict=True))
        / count
    )
    likelihood = -sum(np.log(shape).sum(-1) for shape in spectra) - count * np.log(scale)
    highest = likelihood.max((-1, -2), keepdims=True)
    by_fast = np.exp(likelihood - highest)
    prior = np.log(np.array([plain, *([(1 - plain) / (len(SHAPES) - 1)] * (len(SHAPES) - 1))]))
    by_shape = (np.log(by_fast.mean(-1)) + highest[..., 0]).sum(1, keepdims=True) + prior
    shape_weights = np.exp(by_shape - by_shape.max(-1, keepdims=True))
    shape_weights /= shape_weights.sum(-1, keepdims=True)
    posterior = shape_weights[..., None] * by_fast / by_fast.sum(-1, keepdims=True)
    error = np.sqrt((posterior * scale * unit).sum((-1, -2)))
    return Look(fitted[..., -1], error, np.full_like(error, float(count)), np.full_like(error, -np.inf))


def gated(series: Floats, before: int, after: int) -> Look:
    """See the module."""
    look = pooled(series, before, after)
    return Look(look.effect, look.error, look.freedom, _most(series, before, after) + MARGIN / 2)


def _holm(p: Floats, alpha: float) -> NDArray[np.bool_]:
    order = np.argsort(p, -1)
    allowed = np.take_along_axis(p, order, -1) <= alpha / (p.shape[-1] - np.arange(p.shape[-1]))
    rejected = np.zeros_like(allowed)
    np.put_along_axis(rejected, order, np.cumprod(allowed, -1).astype(bool), -1)
    return rejected


@dataclass(frozen=True)
class Outcome:
    """In percent of the reviews."""

    rolled_back: tuple[float, ...]  # by each look
    held: float
    promoted: float


def decide(looks: list[Look]) -> Outcome:
    """Rolled back: surely worse than the margin once, or probably at two looks running."""
    rolled_back = held = np.zeros(len(looks[0].effect), bool)
    by_look: list[float] = []
    suspected = np.zeros(looks[0].effect.shape, bool)
    for look in looks:
        unlike = look.effect > look.most
        confirmed = _holm(look.p_worse_than(MARGIN), ALPHA / len(looks)) & unlike
        suspect = _holm(look.p_worse_than(0.0), ALPHA / len(looks)) & (look.effect > MARGIN) & unlike
        rolled_back = rolled_back | confirmed.any(-1) | (suspect & suspected).any(-1)
        held, suspected = held | suspect.any(-1), suspect
        by_look.append(100 * float(rolled_back.mean()))
    kept = (1 - looks[-1].p_worse_than(MARGIN) < ALPHA).all(-1) & ~held & ~rolled_back
    return Outcome(tuple(by_look), 100 * float(held.mean()), 100 * float(kept.mean()))


DESIGNS: Final[dict[str, Callable[[Floats, int, int], Look]]] = {"plugin": plugin, "pooled": pooled, "gated": gated}


def main() -> None:
    """Print one row per scenario and design."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=300)
    parser.add_argument("--baseline", choices=("24h", "7d"), default="7d")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    before = DAY if options.baseline == "24h" else 7 * DAY
    print(f"{'':<22} rolled back at 1, 6, 24, 48 h")
    print(f"{'scenario':<14} {'design':<7}     1h     6h    24h    48h   held promoted ms/review")
    for scenario in SCENARIOS:
        if options.words and not any(word in scenario.name for word in options.words):
            continue
        series = np.stack([blocks(scenario, review, before) for review in range(options.reviews)])
        for name, design in DESIGNS.items():
            began = time.perf_counter()
            parts = [series[first : first + 50] for first in range(0, len(series), 50)]
            looks = []
            for after in LOOKS:
                found = [design(part[..., : before + after], before, after) for part in parts]
                fields = ("effect", "error", "freedom", "most")
                looks.append(Look(*(np.concatenate([getattr(each, field) for each in found]) for field in fields)))
            outcome = decide(looks)
            spent = 1000 * (time.perf_counter() - began) / len(series)
            shares = (*outcome.rolled_back, outcome.held, outcome.promoted)
            print(f"{scenario.name:<14} {name:<7}", *(f"{each:6.1f}" for each in shares), f"{spent:8.1f}", flush=True)


if __name__ == "__main__":
    main()
