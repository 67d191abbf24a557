"""Cameras dealt among workers: each has exactly one, evenly, and few move."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.sharding import dealt

_LOADS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.floats(0.5, 60.0))
_WORKERS = st.sets(st.integers(0, 12), min_size=1, max_size=8)


def burdens(given_to: dict[str, int], loads: dict[str, float], workers: set[int]) -> list[float]:
    return [sum(loads[c] for c, w in given_to.items() if w == worker) for worker in workers]


@given(_LOADS, _WORKERS, st.data())
def test_every_camera_has_one_worker_that_can_work(
    loads: dict[str, float], workers: set[int], data: st.DataObject
) -> None:
    holders = {c: data.draw(st.integers(0, 14)) for c in loads if data.draw(st.booleans())}
    found = dealt(loads, holders, list(workers))
    assert set(found) == set(loads)
    assert set(found.values()) <= workers


@given(_LOADS, _WORKERS)
def test_it_is_even_within_the_heaviest_camera(loads: dict[str, float], workers: set[int]) -> None:
    found = burdens(dealt(loads, {}, list(workers)), loads, workers)
    assert max(found) - min(found) <= max(loads.values(), default=0.0) + 1e-6


@given(_LOADS, _WORKERS)
def test_it_is_settled(loads: dict[str, float], workers: set[int]) -> None:
    first = dealt(loads, {}, list(workers))
    assert dealt(loads, first, sorted(workers, reverse=True)) == first


@given(st.sets(st.integers(0, 500), min_size=1, max_size=60), _WORKERS, st.data())
def test_where_a_worker_is_lost_only_its_cameras_move(
    cameras: set[int], workers: set[int], data: st.DataObject
) -> None:
    loads = {f"c{camera}": 10.0 for camera in cameras}
    before = dealt(loads, {}, list(workers))
    lost = data.draw(st.sampled_from(sorted(workers)))
    after = dealt(loads, before, [worker for worker in workers if worker != lost])
    assert all(after.get(c) == before[c] for c in after if before[c] != lost)
    assert bool(after) == (len(workers) > 1)


@given(st.integers(1, 60), st.integers(1, 7))
def test_a_worker_that_comes_gets_its_share_and_no_more_move(cameras: int, workers: int) -> None:
    loads = {f"c{camera}": 10.0 for camera in range(cameras)}
    before = dealt(loads, {}, list(range(workers)))
    after = dealt(loads, before, list(range(workers + 1)))
    moved = [camera for camera in loads if after[camera] != before[camera]]
    assert all(after[camera] == workers for camera in moved)
    assert len(moved) in {cameras // (workers + 1), cameras // (workers + 1) + 1}


def test_nobody_gets_anything_where_nobody_can_work() -> None:
    assert dealt({"a": 1.0}, {"a": 3}, []) == {}
