"""Playlists of low-latency HLS, from a few fragments made by hand."""

from __future__ import annotations

import pytest

from api import hls
from api.hls import Named, Wanted
from api.stream_tape import Tape
from tests.api.replayed import START_S
from vision.stream_parts import Fragment, StreamHead

FPS = 15
EVERY = 30


def tape_of(*counts: int, first_epoch: int = 1) -> Tape:
    """What is kept after so many pictures of each head in turn."""
    tape = Tape()
    for epoch, count in enumerate(counts, first_epoch):
        tape.add_head(StreamHead("c1", epoch, "avc1.42C014", (320, 180), b"init %d;" % epoch))
        for number in range(count):
            at_s = START_S + number / FPS
            key = number % EVERY == 0
            data = b"%d.%d;" % (epoch, number)
            tape.add(Fragment("c1", epoch, number, key, number / FPS, 1 / FPS, at_s, at_s, data))
    return tape


def test_a_playlist_says_all_that_a_player_of_low_latency_needs() -> None:
    assert hls.playlist(tape_of(EVERY + 17).segments()) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:9\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.650,HOLD-BACK=6.0\n"
        "#EXT-X-PART-INF:PART-TARGET=0.550\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        '#EXT-X-MAP:URI="init-1.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-02T09:00:00.000Z\n"
        '#EXT-X-PART:DURATION=0.53333,URI="part-0-0.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.53333,URI="part-0-1.m4s"\n'
        '#EXT-X-PART:DURATION=0.53333,URI="part-0-2.m4s"\n'
        '#EXT-X-PART:DURATION=0.40000,URI="part-0-3.m4s"\n'
        "#EXTINF:2.00000,\n"
        "segment-0.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-02T09:00:02.000Z\n"
        '#EXT-X-PART:DURATION=0.53333,URI="part-1-0.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.53333,URI="part-1-1.m4s"\n'
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-1-2.m4s"\n'
    )


def test_where_encoding_began_anew_there_is_a_discontinuity_and_another_map() -> None:
    lines = hls.playlist(tape_of(31, 40, first_epoch=4).segments()).splitlines()
    breaks = lines.index("#EXT-X-DISCONTINUITY")
    assert lines[breaks - 1] == "segment-1.m4s"  # cut off, but whole: it gets no more
    assert lines[breaks + 1] == '#EXT-X-MAP:URI="init-5.mp4"'
    assert lines.count("#EXT-X-DISCONTINUITY") == 1
    assert "#EXTINF:0.06667," in lines


def test_old_segments_leave_the_playlist_and_are_counted() -> None:
    tape = tape_of(10, EVERY * 11 + 20)
    lines = hls.playlist(tape.segments()).splitlines()
    named = [line for line in lines if line.startswith("segment")]
    assert named == [f"segment-{number}.m4s" for number in range(6, 12)]
    assert "#EXT-X-MEDIA-SEQUENCE:6" in lines
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1" in lines
    assert not any("part-8-" in line for line in lines)  # parts of the newest three, no more
    assert any("part-9-0" in line for line in lines)
    # What has left the playlist is still there for whoever read it before.
    assert hls.find(tape.segments(), Named("segment", 3))[0] is not None


@pytest.mark.parametrize("fps", [10, 12, 13, 14, 15])
def test_parts_are_as_long_as_the_draft_asks(fps: int) -> None:
    tape = Tape()
    tape.add_head(StreamHead("c1", 1, "avc1.42C014", (320, 180), b""))
    for number in range(2 * fps + 1):
        key = number % (2 * fps) == 0
        tape.add(Fragment("c1", 1, number, key, number / fps, 1 / fps, 0.0, 0.0, b""))
    (segment, _) = tape.segments()
    lengths_s = [part.duration_s for part in hls.parts_of(segment)]
    assert max(lengths_s) <= hls.PART_TARGET_S
    assert min(lengths_s[:-1]) >= 0.85 * hls.PART_TARGET_S
    assert sum(lengths_s) == pytest.approx(hls.TARGET_S)
    assert sum(len(part.fragments) for part in hls.parts_of(segment)) == 2 * fps


@pytest.mark.parametrize(
    ("pictures", "wanted", "there"),
    [
        (0, None, False),
        (EVERY, None, False),  # whole once the next keyframe has come
        (EVERY + 1, None, True),
        (EVERY + 1, Wanted(0), True),
        (EVERY + 1, Wanted(1), False),
        (EVERY + 1, Wanted(0, 3), True),
        (EVERY + 7, Wanted(1, 0), False),
        (EVERY + 8, Wanted(1, 0), True),
        (EVERY + 8, Wanted(1, 1), False),
        (EVERY + 8, Wanted(0, 9), True),  # a part that never came: that of the next segment
        (EVERY + 7, Wanted(0, 9), False),
        (EVERY + 8, Wanted(2, 0), False),
    ],
)
def test_what_a_player_waits_for(pictures: int, wanted: Wanted | None, there: bool) -> None:
    assert hls.has(tape_of(pictures).segments(), wanted) is there


@pytest.mark.parametrize(
    ("pictures", "segment", "far"),
    [(0, 999, False), (EVERY + 1, 3, False), (EVERY + 1, 4, True)],
)
def test_what_is_too_far_away(pictures: int, segment: int, far: bool) -> None:
    assert hls.far(tape_of(pictures).segments(), Wanted(segment, 0)) is far


@pytest.mark.parametrize(
    ("name", "found", "may_come"),
    [
        ("init-1.mp4", b"init 1;", False),
        ("init-2.mp4", None, False),
        ("part-1-0.m4s", b"1.30;1.31;1.32;1.33;1.34;1.35;1.36;1.37;", False),
        ("part-1-1.m4s", None, True),
        ("part-1-2.m4s", None, False),
        ("part-2-0.m4s", None, True),
        ("part-0-3.m4s", b"1.24;1.25;1.26;1.27;1.28;1.29;", False),
        ("part-0-4.m4s", None, False),
        ("segment-1.m4s", None, True),
        ("segment-0.m4s", b"".join(b"1.%d;" % number for number in range(30)), False),
        ("segment-7.m4s", None, False),
    ],
)
def test_what_a_name_stands_for(name: str, found: bytes | None, may_come: bool) -> None:
    named = hls.named_by(name)
    assert named is not None
    assert hls.find(tape_of(EVERY + 9).segments(), named) == (found, may_come)


@pytest.mark.parametrize(
    "name",
    [
        "", "index.m3u8", "part-1.m4s", "segment-1-2.m4s", "init-1.m4s", "segment-01.m4s",
        "segment-1.mp4", "part-1-0.m4s/", "../init-1.mp4", "segment-\u0661.m4s", "init--1.mp4",
        "segment-9999999999999999999.m4s",
    ],
)  # fmt: skip
def test_other_names_stand_for_nothing(name: str) -> None:
    assert hls.named_by(name) is None


@pytest.mark.parametrize(("pictures", "segments"), [(EVERY + 20, 1), (EVERY * 3 + 1, 3)])
def test_a_stream_that_is_over_ends_its_playlist(pictures: int, segments: int) -> None:
    text = hls.ended(hls.playlist(tape_of(pictures).segments()))
    lines = text.splitlines()
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert lines[-2] == f"segment-{segments - 1}.m4s"
    assert not any("PART" in line or "HINT" in line for line in lines)
    assert hls.ended(hls.playlist(tape_of(31, 3).segments())).splitlines()[-2] == "segment-1.m4s"
