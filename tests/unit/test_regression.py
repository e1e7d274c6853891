"""Least squares of many series at once: as of each by itself, with the blocks that are there and no others."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from driftreview.domain.regression import Panel, alike, fit, step_of
from driftreview.domain.structure import _plain


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.05, 0.3]))
def test_a_block_that_is_not_there_adds_nothing(seed: int, gaps: float) -> None:
    chance = np.random.default_rng(seed)
    values = chance.standard_normal((4, 180))
    values[1:][chance.random((3, 180)) < gaps] = np.nan
    design = _plain(Panel(values, 144, 0, 1 / 6))
    found = fit(design, values, 144)
    last, weights = step_of(design, values, 144)
    np.testing.assert_allclose(last, found.last)
    np.testing.assert_allclose(weights, found.weights)
    for row, step, weight, left in zip(values, found.last, found.weights, found.residuals, strict=True):
        there = np.isfinite(row)
        regressors = np.hstack([np.ones((180, 1)), design.daily, design.step])[there]
        coefficients, *_ = np.linalg.lstsq(regressors, row[there])
        np.testing.assert_allclose(step, coefficients[-1], atol=1e-10)
        np.testing.assert_allclose(left[there], row[there] - regressors @ coefficients, atol=1e-10)
        np.testing.assert_allclose(weight[there] @ row[there], step, atol=1e-10)
        assert np.isnan(left[~there]).all()
        assert not weight[~there].any()


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.05, 0.3]), st.floats(-1e3, 1e3))
def test_of_a_window_apart_the_baseline_alone_tells_what_repeats(seed: int, gaps: float, bad: float) -> None:
    chance = np.random.default_rng(seed)
    values = chance.standard_normal((2, 180))
    values[:, 150:170] += bad
    values[:, 1:][chance.random((2, 179)) < gaps] = np.nan
    design = replace(_plain(Panel(values, 144, 0, 1 / 6)), apart=np.array([True, False]))
    found, together = fit(design, values, 144), fit(replace(design, apart=None), values, 144)
    np.testing.assert_allclose(found.last[1], together.last[1])
    row, is_old = values[0], np.arange(180) < 144
    there, regressors = np.isfinite(row), np.hstack([np.ones((180, 1)), design.daily])
    coefficients, *_ = np.linalg.lstsq(regressors[there & is_old], row[there & is_old])
    off = row - regressors @ coefficients
    now = there & ~is_old
    np.testing.assert_allclose(found.last[0], off[now].mean() if now.any() else 0.0, atol=1e-9)
    np.testing.assert_allclose(found.weights[0][there] @ row[there], found.last[0], atol=1e-9)
    np.testing.assert_allclose(found.residuals[0][there & is_old], off[there & is_old], atol=1e-9)
    np.testing.assert_allclose(found.residuals[0][now], off[now] - found.last[0], atol=1e-9)


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=2, max_size=2), max_size=6))
def test_rows_that_are_alike_are_found_once_each(rows: list[list[float]]) -> None:
    made = np.array(rows).reshape(-1, 2)
    found = alike(made)
    assert sorted(index for group in found for index in group) == list(range(len(rows)))
    texts = [{str(rows[index]) for index in group} for group in found]
    assert all(len(each) == 1 for each in texts)
    assert len(set().union(*texts)) == len(found)
