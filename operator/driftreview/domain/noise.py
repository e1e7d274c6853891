"""How noisy block medians are and how long their noise remembers, learnt from all series of a review together.

The noise of a series is an AR(1) process, and perhaps a slow one on top of it that a short window takes for a change of
level. Which of both it is cannot be told from one series of a day; many series of one service tell it better. So the
shape of the noise is weighed by its likelihood over all series, and every variance is the mean over the shapes, by
their weights; a series that is unlike the others has its own shape, as far as that is likely. The likelihood is
Whittle's (1953): each ordinate of a periodogram is exponential around the spectrum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.tails import f_sf

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

NORMAL: Final = 1.4826
"""Standard deviations in a median absolute deviation of normal noise."""
_MEMORIES: Final = (2.0, 6.0, 24.0)
"""Of the slow process, in hours."""
_SHARES: Final = (0.05, 0.1, 0.2, 0.4, 0.7)
"""Of the variance that the slow process has."""
_SHAPES: Final = ((0.0, 1.0), *((share, memory) for share in _SHARES for memory in _MEMORIES))
_SHORT: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_LONG: Final = (0.98, 0.99)
"""Memories of 8 and 17 hours: a week tells them, and where a day does not, most noise is shorter."""
_FAST: Final = np.array([*_SHORT, *_LONG])
"""Correlations of one block with the next that the fast process may have."""
_RARE: Final = 0.05
"""Weight of a long one before anything is seen, beside one for each short one."""
_LOG_PRIOR_OF_FAST: Final = np.log([*[1.0] * len(_SHORT), *[_RARE] * len(_LONG)])
_FLAT: Final = len(_SHAPES) * len(_FAST)
_NO_SLOW_PROCESS: Final = 0.8
"""Its weight before anything is seen; the other shapes share the rest alike."""
_SURELY_NOISIER: Final = 0.01
"""Probability at most of taking a stretch for noisier that is not."""
_ALIKE: Final = float(np.log(0.8 / 0.2))
"""Odds before anything is seen, as a logarithm, that a series has the shape that the others share."""
_ASKED: Final = 2
_LOG_PRIOR: Final = np.log([_NO_SLOW_PROCESS, *([(1 - _NO_SLOW_PROCESS) / (len(_SHAPES) - 1)] * (len(_SHAPES) - 1))])


@dataclass(frozen=True)
class Ordinates:
    """Periodograms of one stretch of time, of all series."""

    frequencies: Floats
    """(frequencies,), in cycles per block."""
    power: Floats
    """(series, frequencies), in squared units of the series; zero where it is not known."""
    is_known: Bools
    """(series, frequencies): not where a wave was fitted, of whose noise nothing is left."""
    freedom: Floats
    """(series,): degrees of freedom of all ordinates together; fewer where blocks are missing."""

    @staticmethod
    def of(residuals: Floats, fitted: Floats | None = None, is_fitted: Bools | None = None) -> Ordinates:
        """Transform residuals, (series, blocks), NaN where there is none.

        Waves of the frequencies `fitted`, in cycles per block, were fitted to the series `is_fitted`, (series, fitted).
        """
        count = residuals.shape[-1]
        present = np.isfinite(residuals)
        number = np.maximum(present.sum(-1, keepdims=True), 1)
        total = residuals.sum(-1, keepdims=True, where=present)
        centred = np.where(present, residuals - total / number, 0.0)
        power = _squares(np.fft.rfft(centred, axis=-1)[:, 1:]) / number
        frequencies = np.arange(1, power.shape[-1] + 1) / count
        is_known = np.ones(power.shape, bool)
        if fitted is not None and is_fitted is not None:
            is_near = np.abs(frequencies - fitted[:, None]) <= 0.5 / count
            is_known = ~(is_fitted @ is_near)
        freedom = np.minimum(2.0 * is_known.sum(-1), np.maximum(number[:, 0] - 1, 1))
        return Ordinates(frequencies, np.where(is_known, power, 0.0), is_known, freedom)


@dataclass(frozen=True)
class Noise:
    """What is known about the noise of each series."""

    variances: Floats
    """(series, shapes, fast): the variance of a block, were its noise of that shape."""
    weights: Floats
    """(series, shapes, fast): how likely each shape is; 1 in all for each series."""
    freedom: Floats
    """(series,): degrees of freedom of the variances."""
    hours_per_block: float
    is_own: Bools
    """(series,): whether the variances are those of another stretch, surely larger."""

    def widened(self, stretch: Ordinates) -> Noise:
        """The same, with the variances of another stretch for those series that are surely noisier there.

        The shape of the noise is taken to be the same.
        """
        seen = _variances([stretch], self.hours_per_block)
        variances, freedom = self.variances.copy(), self.freedom.copy()
        is_own = np.zeros(len(freedom), bool)
        known, found = ((self.weights * each).sum((-1, -2)) for each in (variances, seen))
        ratios = np.divide(found, known, out=np.full_like(found, np.inf), where=known > 0)
        quiet = set[tuple[float, float]]()
        for index in sorted(np.flatnonzero(found > known), key=lambda each: -ratios[each]):
            degrees = float(stretch.freedom[index]), float(freedom[index])
            if degrees in quiet:
                continue  # as a larger ratio with the same degrees of freedom was
            if f_sf(float(ratios[index]), *degrees) >= _SURELY_NOISIER:
                quiet.add(degrees)
                continue
            variances[index] = seen[index]
            freedom[index] = min(degrees)
            is_own[index] = True
        return replace(self, variances=variances, freedom=freedom, is_own=is_own)

    def spectrum(self, frequencies: Floats) -> Floats:
        """Mean of the ordinates at these frequencies, in cycles per block: (series, frequencies)."""
        unit = _spectra(frequencies, self.hours_per_block)
        found: Floats = np.einsum("nsf,sfk->nk", self.weights * self.variances, unit)
        return found

    def variance(self, overlaps: Floats) -> Floats:
        """Of weighted sums of blocks, (series,).

        `overlaps`: of each sum's weights, as `overlaps_of`; a single row where those of all series are the same.
        """
        found: Floats = (self.weights * self.of_shapes(overlaps)).sum((-1, -2))
        return found

    def of_shapes(self, overlaps: Floats) -> Floats:
        """The same by each shape, (series, shapes, fast)."""
        fast, slow = (overlaps @ each.T for each in _correlations(overlaps.shape[-1], self.hours_per_block))
        shares = np.array([share for share, _ in _SHAPES])[:, None]
        unit = (1 - shares) * fast[:, None, :] + shares * slow[:, :, None]
        found: Floats = self.variances * unit
        return found


def medians(rows: Floats) -> Floats:
    """The median of each row, (rows, 1), what is NaN left aside; NaN where there is nothing."""
    is_there = np.isfinite(rows)
    is_whole = is_there.all(-1)
    found = np.full((len(rows), 1), np.nan)
    if is_whole.any():
        found[is_whole] = np.median(rows[is_whole], axis=-1, keepdims=True)
    for index in np.flatnonzero(~is_whole & is_there.any(-1)):
        found[index] = np.median(rows[index, is_there[index]])
    return found


def usual_of(rows: Floats) -> Floats:
    """Robust standard deviation of each row around zero, (rows, 1)."""
    return NORMAL * medians(np.abs(rows))


def overlaps_of(weights: Floats) -> Floats:
    """Autocorrelations of weights of consecutive blocks, lags above zero counted twice; both are (rows, blocks)."""
    count = weights.shape[-1]
    found: Floats = np.fft.irfft(_squares(np.fft.rfft(weights, 2 * count)), 2 * count)[:, :count]
    found[:, 1:] *= 2
    return found


def remembered() -> Floats:
    """Of the variance of a block the share that the next ones remember, by each shape: (shapes, fast)."""
    shares = np.array([share for share, _ in _SHAPES])[:, None]
    found: Floats = shares + (1 - shares) * _FAST
    return found


def learn(
    stretches: Sequence[Ordinates],
    hours_per_block: float,
    is_counted: Bools | None = None,
    prior: Floats | float = 0.0,
) -> Noise:
    """Weigh the shapes by what was seen, pooled over the stretches and, for the slow process, over series alike.

    Series that are not counted learn of the others, who do not learn of them. `prior`, (shapes, fast): how much more
    likely each shape is than it mostly is before anything is seen, as a logarithm.
    """
    count = _known(stretches)[:, None, None]
    freedom: Floats = np.sum([each.freedom for each in stretches], axis=0)
    variances = _variances(stretches, hours_per_block)
    logs = sum(_logarithms(each, hours_per_block) for each in stretches)
    is_noisy = variances[:, :1, :1] > 0
    likelihood = -np.reshape(logs, variances.shape) - count * np.log(np.where(is_noisy, variances, 1.0))
    likelihood = np.where(is_noisy, likelihood, 0.0)  # a constant series tells nothing
    likelihood *= freedom[:, None, None] / np.maximum(2 * count, 1)  # nor do blocks that are not there
    likelihood += _LOG_PRIOR_OF_FAST + prior
    highest = likelihood.max(-1, keepdims=True)
    by_fast = np.exp(likelihood - highest)
    own = np.log(by_fast.sum(-1)) + highest[..., 0]
    shapes = _shared(own, np.ones(len(own), bool) if is_counted is None else is_counted)
    weights = shapes[..., None] * by_fast / by_fast.sum(-1, keepdims=True)
    return Noise(variances, weights, freedom, hours_per_block, np.zeros(len(freedom), bool))


def _shared(own: Floats, is_counted: Bools) -> Floats:
    """How likely each shape is of each series, from the logarithms of its own likelihood: (series, shapes).

    Most series of a review share one; a series may have its own, if it fits better than that of the others does. Such a
    one tells little of the others, so that it is asked twice.
    """
    alone, is_alike, together = own + _LOG_PRIOR, np.ones((len(own), 1)), own
    for _ in range(_ASKED):
        told = is_alike * is_counted[:, None] * own
        others = told.sum(0) - told + _LOG_PRIOR
        together = others + own
        odds = _total(together) - _total(others) - _total(alone) + _ALIKE
        is_alike = 1 / (1 + np.exp(np.clip(-odds, -700, 700)))
    found: Floats = is_alike * _normalized(together) + (1 - is_alike) * _normalized(alone)
    return found


def _total(logs: Floats) -> Floats:
    """Logarithm of the sum of what these are logarithms of, over the last axis, which is kept."""
    most = logs.max(-1, keepdims=True)
    found: Floats = most + np.log(np.exp(logs - most).sum(-1, keepdims=True))
    return found


def _normalized(logs: Floats) -> Floats:
    found: Floats = np.exp(logs - _total(logs))
    return found


def _variances(stretches: Sequence[Ordinates], hours_per_block: float) -> Floats:
    """Of a block, were its noise of each shape: (series, shapes, fast)."""
    total = sum(each.power @ _of_shapes(each.frequencies.tobytes(), hours_per_block)[0].T for each in stretches)
    return np.reshape(total / np.maximum(_known(stretches), 1)[:, None], (-1, len(_SHAPES), len(_FAST)))


def _logarithms(stretch: Ordinates, hours_per_block: float) -> Floats:
    """Of every shape's spectrum, summed over the known ordinates, (series, _FLAT); mostly the same ones of all."""
    known = stretch.is_known[:1] if (stretch.is_known == stretch.is_known[0]).all() else stretch.is_known
    summed: Floats = known @ _of_shapes(stretch.frequencies.tobytes(), hours_per_block)[1].T
    return np.broadcast_to(summed, (len(stretch.is_known), _FLAT))


def _known(stretches: Sequence[Ordinates]) -> Floats:
    """How many ordinates there are of each series."""
    found: Floats = np.sum([each.is_known.sum(-1) for each in stretches], axis=0, dtype=float)
    return found


def _squares(numbers: NDArray[np.complex128]) -> Floats:
    """Of their sizes, without the roots."""
    found: Floats = numbers.real**2 + numbers.imag**2
    return found


def _slow(memory: float, hours_per_block: float) -> float:
    return float(np.exp(-hours_per_block / memory))


@lru_cache(maxsize=10)
def _correlations(lags: int, hours_per_block: float) -> tuple[Floats, Floats]:
    """Of blocks that are 0, 1, ... apart: of the fast process (fast, lags), and of the slow one (shapes, lags)."""
    apart = np.arange(lags)
    slow = [_slow(memory, hours_per_block) for _, memory in _SHAPES]
    fast_ones, slow_ones = (np.stack([each**apart for each in of]) for of in (_FAST, slow))
    return fast_ones, slow_ones


@lru_cache(maxsize=6)
def _of_shapes(frequencies: bytes, hours_per_block: float) -> tuple[Floats, Floats]:
    """What a likelihood takes of the spectra of every shape: one over them and their logarithms, (_FLAT, frequencies).

    They are the same at every look, and take longer than what is done with them.
    """
    spectra = _spectra(np.frombuffer(frequencies), hours_per_block).reshape(_FLAT, -1)
    return 1 / spectra, np.log(spectra)


def _spectra(frequencies: Floats, hours_per_block: float) -> Floats:
    """Of every shape with variance one: (shapes, fast, frequencies)."""
    at = np.cos(2 * np.pi * frequencies)

    def of(correlations: Floats) -> Floats:
        each = correlations[:, None]
        return np.asarray((1 - each**2) / (1 - 2 * each * at + each**2))

    shares = np.array([share for share, _ in _SHAPES])[:, None, None]
    slow = of(np.array([_slow(memory, hours_per_block) for _, memory in _SHAPES]))
    found: Floats = (1 - shares) * of(_FAST) + shares * slow[:, None]
    return found
