"""For any spec the API server would accept."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.validate import too_fine
from tests.builders import review

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
STEPS = st.integers(1, 300).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def specs(draw: st.DrawFn) -> DriftReviewSpec:
    offsets = draw(st.lists(st.integers(1, 60 * 24 * 28), min_size=1, max_size=16, unique=True))
    checkpoints = [f"{each}m" for each in sorted(offsets)]
    rollback = max(offsets) + draw(st.integers(0, 10_000))
    grace = draw(st.integers(0, 10_000))
    settle = draw(st.integers(0, grace // 2))
    origin = draw(st.sampled_from(BaselineFrom))
    longest = max(min(offsets) // 2, min(offsets) - 60, 1) if origin is BaselineFrom.SNAPSHOT else 60 * 24 * 28
    return review(
        window={
            "checkpoints": checkpoints,
            "rollback": f"{rollback}m",
            "grace": f"{grace}s",
            "settle": f"{settle}s",
        },
        baseline={"from": origin, "length": f"{draw(st.integers(1, longest))}m"},
    ).spec


@given(specs(), MOMENTS)
def test_due_times_follow_from_t0_alone_and_in_order(spec: DriftReviewSpec, moment: datetime) -> None:
    t0 = schedule.whole_seconds(moment)
    due = schedule.checkpoints(spec.window, t0)
    assert [each.at - t0 for each in due] == [parse_duration(each) for each in spec.window.checkpoints]
    assert list(due) == sorted(due, key=lambda each: each.at)
    shifted = schedule.checkpoints(spec.window, t0 + timedelta(days=1))
    assert [each.at - timedelta(days=1) for each in shifted] == [each.at for each in due]


@given(specs(), MOMENTS)
def test_the_last_look_is_over_before_the_last_safe_moment_and_that_before_the_window_closes(
    spec: DriftReviewSpec, t0: datetime
) -> None:
    settled = schedule.checkpoints(spec.window, t0)[-1].at + parse_duration(spec.window.settle)
    safe, closes = schedule.last_safe_moment(spec.window, t0, DriftReviewStatus()), schedule.closes_at(spec.window, t0)
    assert settled <= safe <= closes
    assert safe < closes or parse_duration(spec.window.grace) == timedelta(0)


@given(specs(), MOMENTS, STEPS)
def test_a_checkpoint_sees_whole_blocks_on_one_grid_and_nothing_else(
    spec: DriftReviewSpec, t0: datetime, step: timedelta
) -> None:
    block = schedule.block_length(spec, step)
    assert block >= step
    assert block % step == timedelta(0)
    assert block <= max(step, schedule.LONGEST_BLOCK)
    start = t0 + (
        parse_duration(spec.baseline.length) if spec.baseline.from_ is BaselineFrom.SNAPSHOT else timedelta(0)
    )
    for due in schedule.checkpoints(spec.window, t0):
        window = schedule.checkpoint_window(spec, t0, due.at, step)
        if window is None:
            assert due.at - start < block + step
            continue
        assert start < window.start + step  # the first sample
        assert due.at - step < window.end <= due.at
        assert window.end.timestamp() % step.total_seconds() == 0
        assert (window.end - window.start) % block == timedelta(0)
        assert window.start - start < block + step
        assert (window.points * step) == window.end - window.start


@given(specs(), MOMENTS, STEPS, st.integers(0, 100_000))
def test_a_baseline_never_reaches_into_the_rollout(
    spec: DriftReviewSpec, t0: datetime, step: timedelta, before: int
) -> None:
    started = t0 - timedelta(seconds=before)
    window = schedule.baseline_window(spec, t0, started, step)
    if window is None:
        return
    length = parse_duration(spec.baseline.length)
    assert window.end - window.start < length + step
    if spec.baseline.from_ is BaselineFrom.HISTORY:
        assert started - length < window.start + step <= window.end <= started
    else:
        assert t0 < window.start + step <= window.end <= t0 + length


@given(specs(), MOMENTS, STEPS)
def test_the_first_look_has_six_blocks_where_the_resolution_allows_them(
    spec: DriftReviewSpec, t0: datetime, step: timedelta
) -> None:
    first = schedule.checkpoints(spec.window, t0)[0]
    if first.at - t0 < schedule.BLOCKS_PER_LOOK * step or spec.baseline.from_ is BaselineFrom.SNAPSHOT:
        return  # the next test is about these
    window = schedule.checkpoint_window(spec, t0, first.at, step)
    assert window is not None
    assert (window.end - window.start) // schedule.block_length(spec, step) >= schedule.BLOCKS_PER_LOOK


SECONDS = st.integers(60, 10_000) | st.integers(60, 499_999)


@given(SECONDS, SECONDS, MOMENTS, st.just(timedelta(seconds=30)) | STEPS)
def test_both_sides_of_an_accepted_snapshot_have_six_blocks_at_the_first_look(
    length: int, rest: int, t0: datetime, step: timedelta
) -> None:
    first = length + rest
    if not (rest >= 3_600 or first >= 2 * length):  # refused by CEL, see tests/integration/crd_refusals.py
        return
    baseline, window = {"from": "Snapshot", "length": f"{length}s"}, {"checkpoints": [f"{first}s"]}
    spec = review(baseline=baseline, window=window).spec
    if list(too_fine(spec, step)):
        assert timedelta(seconds=min(length, rest)) < schedule.BLOCKS_PER_LOOK * step, (
            "only what is hopeless is refused"
        )
        return
    block = schedule.block_length(spec, step)
    due = schedule.checkpoints(spec.window, t0)[0].at
    for seen in (schedule.baseline_window(spec, t0, t0, step), schedule.checkpoint_window(spec, t0, due, step)):
        assert seen is not None
        assert (seen.end - seen.start) // block >= schedule.BLOCKS_PER_LOOK
