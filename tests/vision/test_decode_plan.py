"""What is decoded of a camera's packets, step by step; and how pictures are numbered."""

from __future__ import annotations

import pytest

from vision.decode_plan import DecodePlan, Demand, Ordinals

FPS = 10
KEY_EVERY = 10


def steps(
    plan: DecodePlan,
    packets: range,
    demands: Demand | dict[int, Demand],
    *,
    sizes: dict[int, int] | None = None,
    late_s: float = 0.0,
) -> str:
    """One letter a packet: decode, hold or skip; a demand counts from its packet on."""
    told, demand = "", Demand(0)
    for n in packets:
        demand = demands if isinstance(demands, Demand) else demands.get(n, demand)
        told += plan.step(
            n / FPS,
            key_frame=n % KEY_EVERY == 0,
            size=(sizes or {}).get(n, 100),
            late_s=late_s,
            demand=demand,
        )[0]
    return told


def test_where_nobody_counts_takes_all_is_decoded() -> None:
    assert steps(DecodePlan(), range(30), Demand()) == "d" * 30


def test_a_camera_nobody_has_looked_at_shows_its_key_frames() -> None:
    assert steps(DecodePlan(), range(30), Demand(0)) == "dhhhhhhhhh" * 3


def test_what_waits_for_a_first_look_never_grows_stale_without_key_frames() -> None:
    """Key frames only every 10 packets, asked for the 9 between them and on: at most 1 s."""
    plan = DecodePlan()
    told = "".join(
        plan.step(n / FPS, key_frame=n == 0, size=100, late_s=0.0, demand=Demand(0))[0]
        for n in range(31)
    )
    assert told == "d" + "hhhhhhhhhd" * 3


def test_after_a_take_it_rests_for_a_share_of_the_usual_time() -> None:
    """Taken every 2 s: some 1.2 s of rest, then all is decoded until the next take."""
    takes = {n: Demand(n // 20) for n in range(20, 200, 20)}
    told = steps(DecodePlan(), range(200), takes)
    assert told[60:80] == told[80:100] == "h" * 11 + "d" * 9


def test_a_camera_of_which_every_frame_is_taken_never_rests() -> None:
    told = steps(DecodePlan(), range(60), {n: Demand(n) for n in range(1, 60)})
    assert told[2:] == "d" * 58


def test_more_is_decoded_as_soon_as_more_is_taken() -> None:
    """Every 2 s at first, every 0.2 s from packet 100 on."""
    slow = {n: Demand(n // 20) for n in range(20, 100, 20)}
    fast = {n: Demand(4 + (n - 98) // 2) for n in range(100, 140, 2)}
    told = steps(DecodePlan(), range(140), slow | fast)
    assert told[80:91] == "h" * 11
    assert "hh" not in told[104:]


def test_a_wanted_rate_ends_the_rest_at_once() -> None:
    """Taken every 2 s; 5 frames a second are wanted from the middle of a rest on."""
    takes = {n: Demand(n // 20, 0.5) for n in range(20, 100, 20)}
    told = steps(DecodePlan(), range(100), takes | {84: Demand(4, 5.0)})
    assert told[80:100] == "hhhh" + "d" * 16


def test_no_more_is_decoded_than_is_wanted() -> None:
    """One a second is wanted and taken as soon as it is there."""
    plan, taken, told = DecodePlan(), 0, ""
    for n in range(60):
        step = plan.step(
            n / FPS, key_frame=n % 10 == 0, size=100, late_s=0.0, demand=Demand(taken, 1.0)
        )
        taken += step == "decode"
        told += step[0]
    assert told[20:].count("d") <= 8


@pytest.mark.parametrize(
    ("size", "stirs"),
    [
        pytest.param(190, False, id="a little more than usual"),
        pytest.param(250, True, id="far more than usual"),
    ],
)
def test_a_large_packet_ends_the_rest(size: int, stirs: bool) -> None:
    takes = {n: Demand(n // 20) for n in range(20, 200, 20)}
    told = steps(DecodePlan(), range(200), takes, sizes={145: size})
    assert (told[145] == "d") == stirs
    assert told[146] == "h"


def test_pictures_that_refer_to_two_others_are_no_stir() -> None:
    """Sizes alternate as they do with B-frames."""
    takes = {n: Demand(n // 20) for n in range(20, 200, 20)}
    alternating = {n: 300 if n % 3 == 0 else 80 for n in range(200)}
    told = steps(DecodePlan(), range(200), takes, sizes=alternating)
    assert told[140:160] == "h" * 11 + "d" * 9


def test_late_packets_are_let_go_until_a_key_frame() -> None:
    plan = DecodePlan()
    assert steps(plan, range(5), Demand()) == "ddddd"
    assert steps(plan, range(5, 12), Demand(), late_s=2.0) == "sssssds"
    assert steps(plan, range(12, 22), Demand()) == "ssssssssdd"


@pytest.mark.parametrize(
    ("sent", "shown", "numbers"),
    [
        pytest.param([0, 1, 2], [0, 1, 2], [0, 1, 2], id="one after the other"),
        pytest.param([0, 3, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3], id="sent before it is shown"),
        pytest.param([0, 1, 2, 3, 4], [0, 4], [0, 4], id="some were never decoded"),
        pytest.param([None, None], [None, None], [0, 1], id="no time stamps"),
        pytest.param([5, 6], [6, 5], [1, 2], id="out of order after damage"),
    ],
)
def test_pictures_are_numbered_as_they_are_shown(
    sent: list[int | None], shown: list[int | None], numbers: list[int]
) -> None:
    ordinals = Ordinals()
    for pts in sent:
        ordinals.sent(pts)
    assert [ordinals.shown(pts) for pts in shown] == numbers
