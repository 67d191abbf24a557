"""What is decoded of a camera's packets, step by step; and how pictures are numbered."""

from __future__ import annotations

import pytest

from vision.decode_plan import STALEST_S, DecodePlan, Ordinals

FPS = 10


class Camera:
    """Ten packets a second for a plan, a key frame every so often, and who takes the frames."""

    def __init__(self, key_every: int = 10) -> None:
        self.plan = DecodePlan()
        self.key_every = key_every
        self.taken: int | None = 0
        self.n = 0
        self.moves = False

    def packet(self, late_s: float = 0.0) -> str:
        """The first letter of what becomes of the next packet: decode, hold or skip."""
        step = self.plan.step(
            self.n / FPS,
            key_frame=self.n % self.key_every == 0,
            late_s=late_s,
            taken=self.taken,
            moves=self.moves,
        )
        self.n += 1
        return step[0]

    def packets(self, count: int, take_every: int = 0) -> str:
        """The next packets; after every `take_every`-th a frame is taken."""
        told = ""
        for i in range(1, count + 1):
            told += self.packet()
            if take_every and i % take_every == 0:
                assert self.taken is not None
                self.taken += 1
        return told


def test_where_nobody_counts_takes_all_is_decoded() -> None:
    camera = Camera()
    camera.taken = None
    assert camera.packets(30) == "d" * 30


def test_a_camera_nobody_has_looked_at_shows_pairs_from_its_key_frames_on() -> None:
    assert Camera().packets(30) == "dhhhhhhhhh" + "ddhhhhhhhh" * 2


def test_what_waits_is_never_stale_where_key_frames_are_rare() -> None:
    told = Camera(key_every=1000).packets(61)
    apart = [len(held) + 1 for held in told.split("d")[1:-1]]
    assert max(apart) / FPS == pytest.approx(STALEST_S)
    assert told.count("d") <= 14


def test_key_frames_that_come_fast_are_not_all_decoded() -> None:
    assert Camera(key_every=1).packets(60).count("d") < 25


def test_after_a_take_it_rests_and_then_follows() -> None:
    """Taken every 2 s: 1.5 s of rest, but for a glimpse of a key frame; then 0.5 s of all."""
    camera = Camera()
    camera.packets(60, take_every=20)
    assert camera.packets(20, take_every=20) == "h" * 10 + "dd" + "hh" + "d" * 6
    camera = Camera()
    camera.packets(55)
    camera.packets(60, take_every=20)
    assert camera.packets(20) == "hhhhh" + "ddhhhhhhh" + "d" * 6


def test_where_a_rest_would_save_nothing_all_is_decoded() -> None:
    """Taken every 0.7 s with key frames every 2 s: nearly all has to be decoded for it anyway."""
    camera = Camera(key_every=20)
    camera.packets(100, take_every=7)
    assert camera.packets(100, take_every=7) == "d" * 100


def test_a_camera_of_which_every_frame_is_taken_never_rests() -> None:
    camera = Camera(key_every=2)
    camera.packets(10, take_every=1)
    assert camera.packets(50, take_every=1) == "d" * 50


def test_it_follows_again_as_soon_as_frames_are_taken_in_a_rest() -> None:
    """Every 3 s at first; then somebody takes all he can get."""
    camera = Camera()
    camera.packets(120, take_every=30)
    told = ""
    for _ in range(40):
        told += camera.packet()
        if told[-1] == "d":
            camera.taken = (camera.taken or 0) + 1
    assert "h" not in told[11:]


def test_while_something_moves_there_is_no_rest() -> None:
    camera = Camera()
    camera.packets(60, take_every=20)
    camera.moves = True
    assert camera.packets(20) == "d" * 20
    camera = Camera()
    camera.moves = True
    assert camera.packets(20) == "d" * 20


def test_rare_takes_cost_little() -> None:
    """Every 8 s: two pictures a second for most of it."""
    camera = Camera()
    camera.packets(240, take_every=80)
    told = camera.packets(80)
    assert told.count("d") < 36
    assert told[-20:] == "d" * 20


def test_late_packets_are_let_go_until_a_key_frame() -> None:
    camera = Camera()
    camera.taken = None
    assert camera.packets(5) == "ddddd"
    assert "".join(camera.packet(late_s=2.0) for _ in range(7)) == "sssssds"
    assert camera.packets(10) == "ssssssssdd"


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
    assert ordinals.end >= len(sent)
