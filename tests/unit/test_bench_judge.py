"""The benchmark of the judge: what it simulates, and that it is fair to whom it compares with."""

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import rankdata, ttest_ind

from tests.bench.judge import harder, memory, nab, plain, real, tables
from tests.bench.judge.kayenta import KAYENTA, QUANTILE, TOLERANCE, Pair, is_above
from tests.bench.judge.peers import PEERS, Review
from tests.bench.judge.process import (
    DAY,
    HOUR,
    LOOKS,
    Floats,
    MemoryScenario,
    Scenario,
    block_medians,
    concurrent_samples,
    memory_samples,
    samples,
)
from tests.bench.judge.rows import TABLE_A, TABLE_B, TABLE_C, TABLE_D

NULL = {phi: Scenario(f"phi {phi}", 1 + i, phi, baseline=DAY) for i, phi in enumerate((0.0, 0.5, 0.9))}
BLOCK_LOOKS = tuple(look // 10 for look in LOOKS)


def log_blocks(scenario: Scenario, reviews: int) -> Floats:
    return np.stack([block_medians(np.log(samples(scenario, review))) for review in range(reviews)])


# The generating process


def test_a_review_is_the_same_every_time_and_unlike_the_next() -> None:
    assert np.array_equal(samples(NULL[0.9], 3), samples(NULL[0.9], 3))
    assert not np.array_equal(samples(NULL[0.9], 3), samples(NULL[0.9], 4))


def test_the_first_sample_is_that_of_the_seeds_in_the_specification() -> None:
    first = np.random.default_rng([20260731, 3, 7]).standard_normal((10, DAY + 2880))[:, 0]
    assert samples(NULL[0.9], 7)[:, 0] == pytest.approx(100 * np.exp(0.1 * first - 0.005))


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_signals_have_the_stated_moments_and_memory(phi: float) -> None:
    x = np.concatenate([samples(NULL[phi], review) for review in range(10)])
    assert x.mean() == pytest.approx(100, rel=0.005)
    assert x.std() / x.mean() == pytest.approx(0.1, rel=0.02)
    z = np.log(x) - np.log(x).mean()
    for lag in (1, 3):
        assert (z[:, lag:] * z[:, :-lag]).mean() / z.var() == pytest.approx(phi**lag, abs=0.01)


def test_slow_drift_is_nine_percent_of_the_variance_and_remembers_hours() -> None:
    x = np.concatenate([samples(Scenario("slow", 33, slow=True), review) for review in range(10)])
    z = np.log(x) - np.log(x).mean()
    assert z.std() == pytest.approx(0.1, rel=0.03)
    assert (z[:, 120:] * z[:, :-120]).mean() / z.var() == pytest.approx(0.09 * math.exp(-120 / 360), abs=0.02)


def test_rhythm_and_spikes_are_as_large_as_stated() -> None:
    calm = samples(Scenario("calm", 32, cv=0.0, diurnal=True), 0)
    assert (calm.min(), calm.max()) == pytest.approx((90, 110), abs=0.01)
    spiky = samples(Scenario("spiky", 31, cv=0.0, spikes=True), 0)
    assert set(np.unique(spiky[spiky < 150])) == {100.0}
    assert spiky.max() < 400
    assert (spiky > 100).mean() == pytest.approx(0.015, abs=0.002)  # one sample of 200 begins three minutes of spike


def test_what_is_wrong_is_wrong_with_signal_0_after_t0_only() -> None:
    fine, bad = (samples(Scenario("", 1, baseline=DAY, shift=s, leak=s / 10), 0) for s in (0.0, 0.1))
    assert np.array_equal(fine[1:], bad[1:])
    assert np.array_equal(fine[0, :DAY], bad[0, :DAY])
    ratio = bad[0, DAY:] / fine[0, DAY:]
    assert (ratio[0], ratio[HOUR]) == pytest.approx((1.1, 1.1 * 1.01))


def test_canary_and_stable_share_drift_and_rhythm_but_not_noise() -> None:
    canary, stable = concurrent_samples(Scenario("", 51, phi=0.0, baseline=DAY, slow=True, diurnal=True), 0)
    hours = [np.log(side).reshape(10, -1, 60).mean(2) for side in (canary, stable)]
    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(*hours, strict=True)]) > 0.9
    minutes = np.log(canary / stable)
    assert abs(np.corrcoef(minutes[:, 1:].ravel(), minutes[:, :-1].ravel())[0, 1]) < 0.02


def test_memory_leaks_after_t0() -> None:
    flat, leaking = (memory_samples(MemoryScenario("", 200, leak), 0) for leak in (0, 20))
    assert flat.mean() == pytest.approx(1000, rel=0.01)
    assert (leaking - flat)[DAY + 600] == pytest.approx(200)
    assert np.array_equal(leaking[:DAY], flat[:DAY])


def test_no_two_rows_of_a_table_share_a_name_and_no_two_kinds_a_seed() -> None:
    for table in (TABLE_A, TABLE_B, TABLE_C, TABLE_D):
        names = [row.scenario.name for row in table]
        assert len(set(names)) == len(names)
    kinds = {(row.scenario.number, row.scenario.phi, row.scenario.cv) for row in (*TABLE_A, *TABLE_B, *TABLE_C)}
    assert len({number for number, *_ in kinds}) == len(kinds)


# Kayenta


def naive_deviation(x: Floats, y: Floats, shift: float) -> float:
    ranks = rankdata(np.concatenate([x - shift, y]))
    m, n = len(x), len(y)
    apart = ranks[:m].sum() - m * (m + 1) / 2 - m * n / 2
    ties = sum(float(count**3 - count) for count in np.unique(ranks, return_counts=True)[1])
    variance = m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1)))
    return float((apart - np.sign(apart) / 2) / math.sqrt(variance))


def naive_shift(x: Floats, y: Floats, quantile: float) -> float:
    least, most = x.min() - y.max(), x.max() - y.min()
    if naive_deviation(x, y, least) <= quantile:
        return float(least)
    if naive_deviation(x, y, most) >= quantile:
        return float(most)
    return float(brentq(lambda trial: naive_deviation(x, y, trial) - quantile, least, most, xtol=1e-9))


def pairs(count: int) -> list[tuple[Floats, Floats]]:
    chance = np.random.default_rng(1)
    found = []
    for i in range(count):
        x = chance.normal(10 + i % 4, 1 + i % 2, int(chance.integers(4, 40)))
        y = chance.normal(10, 1, int(chance.integers(4, 40)))
        found.append((np.round(x), np.round(y)) if i % 3 == 0 else (x, y))
    return found


def test_kayentas_deviation_is_the_naive_one_with_and_without_ties() -> None:
    for x, y in pairs(60):
        pair = Pair(np.sort(x), np.sort(y))
        for shift in (-1.0, 0.0, 0.3, 2.0):
            assert pair.deviation(shift) == pytest.approx(naive_deviation(x, y, shift), abs=1e-12)


def test_kayentas_interval_and_verdict_are_the_naive_ones() -> None:
    verdicts = []
    for x, y in pairs(120):
        expected = [naive_shift(x, y, quantile) for quantile in (QUANTILE, 0.0, -QUANTILE)]
        # Where the deviation stays at zero, the estimate may be anywhere in a stretch.
        found = Pair(np.sort(x), np.sort(y)).interval()
        assert (found[0], found[2]) == pytest.approx((expected[0], expected[2]), abs=2e-4)
        assert abs(naive_deviation(x, y, found[1] - 1e-4)) < 0.2 or found[1] == pytest.approx(expected[1], abs=2e-4)
        verdicts.append(is_above(x, np.sort(y)))
        assert verdicts[-1] == (found[0] > TOLERANCE * abs(found[1]))
    assert 20 < sum(verdicts) < 100


def test_kayenta_calls_half_a_percent_high_and_the_allowed_increase_mends_that() -> None:
    chance = np.random.default_rng(2)
    values = chance.normal(100, 1, (1, 2000))
    values[:, 1000:] += 0.5
    review = Review(values, 1000)
    assert KAYENTA["Kay. any"].fails(review, 1000).all()
    assert not KAYENTA["Kay. ES1.05"].fails(review, 1000).any()


def test_kayenta_depends_on_the_unit() -> None:
    chance = np.random.default_rng(3)
    millis = chance.normal(0.05, 0.005, (1, 200))
    millis[:, 100:] *= 1.5
    assert KAYENTA["Kay. any"].fails(Review(millis, 100), 100).all()
    assert not KAYENTA["Kay. any"].fails(Review(millis / 1000, 100), 100).any()


@pytest.mark.parametrize(("before", "after", "high"), [(5.0, 5.0, False), (5.0, 6.0, True), (0.0, 0.0, False)])
def test_kayenta_judges_constants(before: float, after: float, *, high: bool) -> None:
    values = np.repeat([[before, after]], [50, 50], axis=1)
    assert KAYENTA["Kay. any"].fails(Review(values, 50), 50).all() == high


def test_kayentas_score_stands_one_high_metric_of_ten_until_the_end() -> None:
    chance = np.random.default_rng(4)
    values = chance.normal(100, 1, (10, 400))
    values[0, 200:] += 10
    review = Review(values, 200)
    assert KAYENTA["Kay. score"].rolled_back(review, (100, 200)).tolist() == [False, True]
    assert KAYENTA["Kay. any"].rolled_back(review, (100, 200)).tolist() == [True, True]


# The other peers


def test_the_peers_see_what_they_are_made_for() -> None:
    values = np.full((1, 180), 100.0) + np.random.default_rng(5).normal(0, 0.01, (1, 180))
    values[:, 175:] = 106
    review = Review(values, 60)
    for name, expected in {"instant": True, "5 in a row": True, "5min mean": True, "1h mean": False}.items():
        assert PEERS[name].fails(review, 120).all() == expected, name
    assert not PEERS["5 in a row"].fails(review, 119).any()


def test_the_naive_t_test_is_welchs() -> None:
    values = np.random.default_rng(6).normal(10, 1, (30, 200))
    expected = ttest_ind(values[:, 80:], values[:, :80], axis=1, equal_var=False, alternative="greater").pvalue < 0.05
    assert np.array_equal(PEERS["naive t"].fails(Review(values, 80), 120), expected)
    assert 0 < expected.sum() < 30


def test_pipecd_compares_the_same_elapsed_hour() -> None:
    hours = np.concatenate([np.full(60, 100.0), np.full(60, 200.0)] * 3)
    values = (hours + np.random.default_rng(7).normal(0, 1, 360))[None, :]
    assert not PEERS["PipeCD"].fails(Review(values, 120), 240).any()
    values[:, -60:] += 5
    assert PEERS["PipeCD"].fails(Review(values, 120), 240).all()


# The plain judge


def test_the_plain_judge_gives_the_published_numbers_without_memory() -> None:
    outcome = plain.judge(log_blocks(NULL[0.0], 200), 144, BLOCK_LOOKS)
    assert outcome.rolled_back.sum() == 0  # published: 0.0, 0.3 and 99.7%
    assert outcome.held.mean() <= 0.015
    assert outcome.promoted.mean() >= 0.985


def test_the_plain_judge_affirms_about_half_at_phi_nine_tenths_with_a_days_baseline() -> None:
    outcome = plain.judge(log_blocks(NULL[0.9], 300), 144, BLOCK_LOOKS)
    assert outcome.rolled_back[:, -1].mean() <= 0.01  # published: 0.1, 1.4 and 48.5%, of 1000
    assert outcome.held.mean() <= 0.03
    assert outcome.promoted.mean() == pytest.approx(0.485, abs=0.07)


def test_the_plain_judge_finds_ten_percent() -> None:
    outcome = plain.judge(log_blocks(Scenario("", 113, baseline=DAY, shift=0.1), 50), 144, BLOCK_LOOKS)
    assert outcome.rolled_back[:, -1].mean() >= 0.9  # published: 98%
    assert not outcome.promoted.any()
    assert (np.diff(outcome.rolled_back.astype(int), axis=1) >= 0).all()


def test_holm_steps_down_and_stops() -> None:
    p = np.array([[0.01, 0.02, 0.9], [0.03, 0.02, 0.018], [0.001, 0.03, 0.04]])
    assert plain.holm(p, 0.05).tolist() == [[True, True, False], [False] * 3, [True, False, False]]


@pytest.mark.parametrize("step", [0.0, 0.2])
def test_constants_are_judged_without_a_warning(step: float) -> None:
    blocks = np.zeros((2, 1, 144 + 288))
    blocks[..., 144:] = step
    outcome = plain.judge(blocks, 144, BLOCK_LOOKS)
    assert outcome.promoted.all() == (step == 0)
    assert outcome.rolled_back[:, 0].all() == (step > 0)


# Memory


def test_a_leak_is_confirmed_and_none_is_stable() -> None:
    flat, leaking = (
        memory.Programs(np.stack([memory_samples(MemoryScenario("", number, leak), i) for i in range(20)]))
        for number, leak in ((200, 0), (204, 40))
    )
    assert not memory.failed(memory.confirmed, flat).any()
    assert memory.stable(flat, LOOKS[-1]).all()
    assert memory.failed(memory.confirmed, leaking)[:, 2].all()
    assert not memory.failed(memory.confirmed, leaking)[:, 0].any()  # the first hour is left out
    assert memory.failed(memory.last_hour, flat)[:, -1].any()


# Real series


def write_series(folder: Path, values: Floats, name: str = "nab-aws-thing", **other: object) -> None:
    (folder / "nab").mkdir(exist_ok=True)
    lines = [f"{300 * i},{value},0\n" for i, value in enumerate(values) if math.isfinite(value)]
    with gzip.open(folder / "nab" / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
        file.writelines(["timestamp,value,label\n", *lines])
    t0 = {"t0": [86_400, 90_000, 345_600], "t0_7d": []}
    entry = {"name": name, "group": "realAWSCloudwatch", "step_s": 300, "file": f"{name}.csv.gz"} | t0 | other
    (folder / "nab" / "index.json").write_text(json.dumps({"series": [entry]}), encoding="utf-8")


def test_windows_of_real_series_are_apart_and_without_gaps(tmp_path: Path) -> None:
    values = np.arange(2000.0)
    values[100:103] = np.nan
    write_series(tmp_path, values)
    first, second = nab.windows(tmp_path, DAY)
    assert (first.t0, second.t0) == (86_400, 345_600)
    assert (first.before, first.hour, len(first.values)) == (288, 12, 864)
    assert np.array_equal(first.values, np.arange(864.0))
    assert second.values[second.before] == 345_600 / 300
    assert not list(nab.windows(tmp_path, 7 * DAY))


@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [("realAWSCloudwatch", "nab-x", True), ("realKnownCause", "nab-taxi", False), ("realKnownCause", "nab-cpu", True)],
)
def test_only_series_of_services_are_taken(group: str, name: str, *, expected: bool) -> None:
    assert nab.is_service({"group": group, "name": name}) == expected


def test_a_fault_is_a_share_of_the_value_or_of_the_level() -> None:
    values = np.full(864, 4.0)
    window = nab.Window("", 0, values, 288, 300)
    assert real.with_fault(window, 0.1, 0.0)[[287, 288]].tolist() == pytest.approx([4.0, 4.4])
    assert real.with_fault(window, 0.0, 0.01)[288 + 120] == pytest.approx(4.4)
    assert real.as_judged(window, values) == pytest.approx(np.full(432, math.log(4)))
    values[0] = 0
    mixed = nab.Window("", 0, values, 288, 300)
    assert real.with_fault(mixed, 0.5, 0.0)[288] == pytest.approx(6.0)
    assert real.as_judged(mixed, values)[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("value", [3.0, 0.0])
def test_constant_series_make_no_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str], value: float) -> None:
    write_series(tmp_path, np.full(2000, value))
    real.main(["--data", str(tmp_path)])
    assert ("plain" in capsys.readouterr().out) == (value > 0)  # what is always zero has no level to be worse than


# The tables


def test_tables_are_printed_with_the_published_numbers_beside(capsys: pytest.CaptureFixture[str]) -> None:
    tables.main(["--reviews", "2", "--table", "B", "1 h"])
    assert "(8.0)" in capsys.readouterr().out
    tables.main(["--reviews", "2", "--table", "A", "--markdown", "phi 0.5, 24 h"])
    assert "| phi 0.5, 24 h | 100 (100) |" in capsys.readouterr().out
    tables.main(["--reviews", "2", "--table", "D", "sawtooth"])
    assert "(27/27/27/27)" in capsys.readouterr().out


# Harder rows


@pytest.mark.parametrize("row", [row for row in harder.ROWS if not row.shift], ids=lambda row: row.name)
def test_a_harder_review_is_the_same_every_time_and_without_its_fault_like_its_neighbour(row: harder.Row) -> None:
    once, again = harder.drawn(row, 1), harder.drawn(row, 1)
    faulty = harder.drawn(replace(row, shift=0.1), 1)
    assert np.array_equal(once.series, again.series)
    assert np.array_equal(once.series[:, : row.baseline], faulty.series[:, : row.baseline])
    assert np.array_equal(once.series[1:], faulty.series[1:])
    assert faulty.series[0, row.baseline :] == pytest.approx(1.1 * once.series[0, row.baseline :])
    assert (once.load is None) == ("load" not in row.name)


def test_a_covariate_decides_what_load_hides() -> None:
    rows = {row.name: row for row in harder.ROWS}
    found = {
        name: harder.run(rows[f"load, 1 d, {name} covariate, +10%"], 4)[harder.OURS].rolled_back[:, -1].sum()
        for name in ("no", "with")
    }
    assert found["with"] == 4
    assert found["no"] < 4
