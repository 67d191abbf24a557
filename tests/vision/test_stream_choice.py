"""Which stream is read: tables of what was seen and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vision.attention import FLOOR_FPS
from vision.stream_choice import FIRST_PAUSE_S, MOST_PAUSE_S, QUIET_S, StreamChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from vision.stream_choice import StreamName


def _left(choice: StreamChoice) -> None:
    choice.saw(2, 99.0)
    choice.saw(0, 100.0)


ASKED: list[tuple[str, Callable[[StreamChoice], None], float, StreamName]] = [
    ("nothing yet", lambda c: c.watch(watched=False), 100.0, "sub"),
    ("nobody", lambda c: c.saw(0, 100.0), 100.0, "sub"),
    ("somebody", lambda c: c.saw(1, 100.0), 100.0, "main"),
    ("somebody a moment ago", lambda c: c.saw(1, 100.0), 99.9 + QUIET_S, "main"),
    ("somebody long ago", lambda c: c.saw(1, 100.0), 100.1 + QUIET_S, "sub"),
    ("nobody any more", _left, 101.0, "main"),
    ("the floor's rate", lambda c: c.attend(FLOOR_FPS, 100.0), 100.0, "sub"),
    ("more than that", lambda c: c.attend(2 * FLOOR_FPS, 100.0), 100.0, "main"),
    ("more than that, long ago", lambda c: c.attend(5.0, 100.0), 100.1 + QUIET_S, "sub"),
    ("watched by people", lambda c: c.watch(watched=True), 1e6, "main"),
]


@pytest.mark.parametrize(
    ("tell", "now_s", "wanted"),
    [(tell, now_s, wanted) for _, tell, now_s, wanted in ASKED],
    ids=[name for name, *_ in ASKED],
)
def test_the_main_stream_is_wanted_while_there_is_a_reason(
    tell: Callable[[StreamChoice], None], now_s: float, wanted: StreamName
) -> None:
    choice = StreamChoice()
    tell(choice)
    assert choice.wanted(now_s) == choice.first(now_s) == wanted
    other: StreamName = "main" if wanted == "sub" else "sub"
    assert choice.change(wanted, now_s) is None
    assert choice.change(other, now_s) == wanted


def test_a_stream_that_fails_is_left_alone_for_longer_and_longer_until_it_works() -> None:
    choice = StreamChoice()
    pauses = []
    for _ in range(8):
        choice.failed("sub", 0.0)
        pauses.append(next(s for s in range(1, 100) if choice.may_open("sub", float(s))))
    assert pauses[0] == FIRST_PAUSE_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == MOST_PAUSE_S
    assert choice.first(1.0) == "main"
    assert choice.change("main", 1.0) is None
    choice.worked("sub")
    choice.failed("sub", 0.0, least_s=7.0)
    assert not choice.may_open("sub", 6.9)
    assert choice.may_open("sub", 7.0)


def test_where_both_have_failed_the_first_to_be_free_is_tried() -> None:
    choice = StreamChoice()
    choice.failed("main", 0.0, least_s=60.0)
    choice.failed("sub", 0.0)
    assert choice.first(1.0) == "sub"
