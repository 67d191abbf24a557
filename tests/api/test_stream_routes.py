"""Live pictures over plain HTTP: who gets them, in which form, and when they end."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest

from api.links import OTHERS_STREAM_LINK_S, STREAM_LINK_S, Links, StreamLink
from api.visits import IDLE_S
from tests.api.agreed import AGREEMENT
from tests.api.replayed import START_S, Clock, Console, build_console, opened_by, serving, slug_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXERCISE = {"site": "small", "kind": "exercise", "opened_by": "me", "reason": "drill"}
REAL = {
    "site": "small", "kind": "real", "emergency": "active-shooter", "channel": "911",
    "reason": "Shots heard",
}  # fmt: skip
JPEG = b"\xff\xd8\xff"


class Place:
    """A server with an open incident, and a dispatcher who asks it."""

    def __init__(self, console: Console, url: str, opening: dict[str, str]) -> None:
        self.console, self.url = console, url
        self.client = httpx2.Client(base_url=url, headers=console.bearer, timeout=20.0)
        self.stranger = httpx2.Client(base_url=url, timeout=20.0)
        self.incident = opened_by(self.client, opening)  # type: ignore[arg-type]
        self.streams = f"/v1/incidents/{self.incident}/streams"

    def close(self) -> None:
        assert self.client.delete(f"/v1/incidents/{self.incident}").status_code == 200

    def link(self, stream: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        wanted = {"camera": "cam-01", "stream": stream}
        path = f"/v1/incidents/{self.incident}/links"
        return self.client.post(path, json=wanted, headers=headers)

    def watched(self, action: str) -> list[tuple[Any, ...]]:
        """(camera, how, actor) of each entry of that action in the audit."""
        return [(e["camera"], e["how"], e["actor"]) for e in self.console.audited(action)]


@contextlib.contextmanager
def place_in(folder: Path, opening: dict[str, str], **more: Any) -> Iterator[Place]:
    console = build_console(folder, more.pop("clock", time.time), **more)
    with serving(console.app) as url:
        place = Place(console, url, opening)
        yield place
        place.client.close()
        place.stranger.close()
    console.record.store.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path, EXERCISE) as made:
        yield made


@pytest.fixture
def bound_place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path, REAL, agreement=AGREEMENT) as made:
        yield made


def until(true: Any, within_s: float = 10.0) -> bool:
    """Whether something comes true soon."""
    until_s = time.monotonic() + within_s
    while not true() and time.monotonic() < until_s:
        time.sleep(0.02)
    return bool(true())


def named_in(playlist: str) -> list[str]:
    """The names that a playlist has, whole segments and parts in turn."""
    return [
        line.partition('URI="')[2].partition('"')[0] or line
        for line in playlist.splitlines()
        if line.startswith("#EXT-X-PART:") or not line.startswith("#")
    ]


# What can be watched


def test_what_can_be_watched_is_listed(place: Place) -> None:
    said = place.client.get(place.streams).json()
    assert (said["exercise"], said["heads"]) == (True, "pixelate-others")
    assert [camera["camera"] for camera in said["cameras"]] == ["cam-01", "cam-02"]
    for form in ("hls", "still"):
        assert place.client.get(said["cameras"][0][form]).status_code == 200
    assert place.client.get(place.streams).json()["cameras"][0]["watchers"] == 2
    place.close()
    assert place.client.get(place.streams).json()["cameras"] == []


def test_who_may_not_be_told_cameras_gets_none(bound_place: Place) -> None:
    place = bound_place
    officer = place.console.key_of("tom", "tactical", acts_as="officer", agency="Town Police")
    for path in ("", "/cam-01/hls/index.m3u8", "/cam-01/still.jpg", "/cam-01/mjpeg"):
        answer = place.client.get(place.streams + path, headers=officer)
        assert (answer.status_code, slug_of(answer)) == (403, "not-permitted"), path
    assert place.link("hls", officer).status_code == 403
    assert place.watched("stream-started") == []
    assert place.console.runs.made[0].wanted == frozenset()


@pytest.mark.parametrize(
    "path",
    ["/cam-99/hls/index.m3u8", "/cam-99/still.jpg", "/cam-99/mjpeg", "/cam-99/hls/init-1.mp4"],
)
def test_a_camera_that_is_not_open_is_not_shown(place: Place, path: str) -> None:
    answer = place.client.get(place.streams + path)
    assert (answer.status_code, slug_of(answer)) == (403, "not-permitted")
    assert "cam-99 is not open" in answer.json()["detail"]


# HLS


def test_a_player_of_hls_gets_all_that_a_playlist_names(place: Place) -> None:
    hls = f"{place.streams}/cam-01/hls/"
    answer = place.client.get(hls + "index.m3u8")
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["cache-control"] == "no-store"
    names = named_in(answer.text)
    assert "segment-0.m4s" in names
    for name in ["init-1.mp4", *names]:
        piece = place.client.get(hls + name)
        assert (piece.status_code, piece.headers["content-type"]) == (200, "video/mp4"), name
        assert piece.content[4:8] == (b"ftyp" if name.startswith("init") else b"prft")
    gone = place.client.get(hls + "segment-99.m4s")
    assert (gone.status_code, slug_of(gone)) == (404, "segment-not-found")
    assert place.client.get(hls + "nonsense").status_code == 404
    assert place.watched("stream-started") == [("cam-01", "hls", "dana")]


def test_a_playlist_is_held_back_until_it_has_what_is_waited_for(place: Place) -> None:
    path = f"{place.streams}/cam-01/hls/index.m3u8"
    names = named_in(place.client.get(path).text)
    newest = int(names[-1].split("-")[1].partition(".")[0])
    began_s = time.monotonic()
    later = place.client.get(path, params={"_HLS_msn": newest + 1, "_HLS_part": 1})
    assert f"part-{newest + 1}-1.m4s" in named_in(later.text)
    assert 0.3 < time.monotonic() - began_s < 5.0
    hinted = later.text.rpartition('URI="')[2].partition('"')[0]
    assert hinted not in named_in(later.text)
    piece = place.client.get(f"{place.streams}/cam-01/hls/{hinted}")
    assert piece.status_code == 200
    for params in ({"_HLS_msn": 99}, {"_HLS_part": 1}):
        answer = place.client.get(path, params=params)
        assert (answer.status_code, slug_of(answer)) == (400, "segment-too-far"), params


def test_who_asks_again_is_given_what_they_have_not(place: Place) -> None:
    """Chromium plays no playlist that has not changed."""
    path = f"{place.streams}/cam-01/hls/index.m3u8"
    wholes = [
        [name for name in named_in(place.client.get(path).text) if name.startswith("segment")]
        for _ in range(3)
    ]
    assert wholes[0][-1] != wholes[1][-1] != wholes[2][-1]


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe, of the package ffmpeg")
def test_another_program_plays_it_by_a_link_to_its_end(place: Place) -> None:
    path = place.link("hls").json()["path"]
    assert place.stranger.get(path).status_code == 200
    closing = threading.Timer(5.0, place.close)
    closing.start()
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0",
         place.url + path],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    closing.join()
    assert said.returncode == 0, said.stderr
    packets = [line.split(",") for line in said.stdout.splitlines()]
    times_s = [float(packet[0]) for packet in packets]
    assert len(times_s) >= 30
    assert times_s == sorted(times_s)
    assert packets[0][1].startswith("K")


def test_a_player_is_told_the_end_and_shown_nothing_after_it(place: Place) -> None:
    hls = f"{place.streams}/cam-01/hls/"
    names = named_in(place.client.get(hls + "index.m3u8").text)
    waiting: list[httpx2.Response] = []
    params = {"_HLS_msn": 2, "_HLS_part": 3}

    def wait() -> None:
        waiting.append(place.client.get(hls + "index.m3u8", params=params))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)
    closed_s = time.monotonic()
    place.close()
    thread.join()
    assert time.monotonic() - closed_s < 1.0
    for answer in (waiting[0], place.client.get(hls + "index.m3u8")):
        assert answer.status_code == 200
        assert answer.text.endswith("segment-0.m4s\n#EXT-X-ENDLIST\n")
    for name in ("init-1.mp4", *names):
        answer = place.client.get(hls + name)
        assert (answer.status_code, slug_of(answer)) == (403, "not-permitted"), name
    other = place.console.key_of("uma", "dispatcher")  # who did not watch learns nothing of it
    assert place.client.get(hls + "index.m3u8", headers=other).status_code == 403
    assert until(lambda: place.console.audited("stream-ended"))
    assert [e["why"] for e in place.console.audited("stream-ended")] == ["the incident is closed"]


def test_who_does_not_ask_any_more_does_not_watch_any_more(tmp_path: Path) -> None:
    clock = Clock()
    with place_in(tmp_path, EXERCISE, clock=clock, tick_s=0.02) as place:
        for camera in ("cam-01", "cam-02"):
            assert place.client.get(f"{place.streams}/{camera}/still.jpg").status_code == 200
        visits = place.console.services.visits
        clock.now_s += IDLE_S - 0.1
        visits.sweep()
        assert len(visits) == 2
        place.client.get(f"{place.streams}/cam-01/still.jpg")
        clock.now_s += 0.2
        visits.sweep()
        assert len(visits) == 1
        (ended,) = place.console.audited("stream-ended")
        assert (ended["camera"], ended["why"]) == ("cam-02", "the viewer left")
        clock.now_s += 3.0
        run = place.console.runs.made[0]
        assert until(lambda: {one.camera for one in run.wanted} == {"cam-01"})


# Stills


def test_a_still_is_the_newest_picture(place: Place) -> None:
    path = f"{place.streams}/cam-01/still.jpg"
    first = place.client.get(path)
    assert first.content.startswith(JPEG)
    assert first.headers["content-type"] == "image/jpeg"
    taken = first.headers["lastseen-captured-at"]
    assert until(lambda: place.client.get(path).headers["lastseen-captured-at"] > taken)
    assert place.watched("stream-started") == [("cam-01", "still", "dana")]
    place.close()
    assert place.client.get(path).status_code == 403


def test_a_camera_that_gives_nothing_is_no_error_of_the_viewer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.stream_answers._PATIENCE_S", 0.1)
    place.console.runs.made[0].films = False
    for path in ("still.jpg", "hls/index.m3u8"):
        answer = place.client.get(f"{place.streams}/cam-01/{path}")
        assert (answer.status_code, slug_of(answer)) == (503, "no-picture-yet")
        assert answer.headers["retry-after"] == "2"


def test_pictures_replace_each_other_until_the_close(place: Place) -> None:
    with place.client.stream("GET", f"{place.streams}/cam-01/mjpeg") as answer:
        assert answer.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
        boundary = b"--" + answer.headers["content-type"].partition("boundary=")[2].encode()
        seen, closed_s = b"", 0.0
        for chunk in answer.iter_raw():
            seen += chunk
            if seen.count(JPEG) == 2 and not closed_s:
                place.close()
                closed_s = time.monotonic()
        assert time.monotonic() - closed_s < 1.0
    assert seen.startswith(boundary + b"\r\nContent-Type: image/jpeg\r\n")
    assert seen.endswith(boundary + b"--\r\n")
    assert until(lambda: place.watched("stream-ended") == [("cam-01", "mjpeg", "dana")])


def test_who_leaves_pictures_that_replace_each_other_is_noted(place: Place) -> None:
    with place.client.stream("GET", f"{place.streams}/cam-01/mjpeg") as answer:
        next(answer.iter_raw())
    assert until(lambda: place.console.audited("stream-ended"))
    assert place.console.audited("stream-ended")[0]["why"] == "the viewer left"


# Links


@pytest.mark.parametrize(
    ("stream", "file"), [("hls", "index.m3u8"), ("still", "still.jpg"), ("mjpeg", "mjpeg")]
)
def test_a_link_needs_no_token_and_leads_to_one_thing(place: Place, stream: str, file: str) -> None:
    made = place.link(stream)
    assert made.status_code == 201
    base, _, name = made.json()["path"].rpartition("/")
    assert name == file
    with place.stranger.stream("GET", f"{base}/{file}") as answer:
        assert answer.status_code == 200
    others = {"index.m3u8", "still.jpg", "mjpeg", "init-1.mp4"} - {file}
    if stream == "hls":
        others -= {"init-1.mp4"}
    for other in ("", *(f"/{name}" for name in sorted(others))):
        answer = place.stranger.get(base + other)
        assert (answer.status_code, slug_of(answer)) == (401, "link-invalid"), other
    assert place.watched("stream-started") == [("cam-01", stream, "dana")]


def test_a_link_is_over_with_the_account_and_with_the_incident(bound_place: Place) -> None:
    place, console = bound_place, bound_place.console
    lea = console.key_of("lea", "tactical", acts_as="dispatcher", agency="Police")
    path = place.link("hls", lea).json()["path"]
    segment = path.replace("index.m3u8", "segment-0.m4s")
    assert place.stranger.get(path).status_code == 200
    assert place.stranger.get(segment).status_code == 200
    console.services.accounts.change("lea", by="me", now_s=time.time(), role="dispatcher")
    for one in (path, segment):
        answer = place.stranger.get(one)
        assert (answer.status_code, slug_of(answer)) == (401, "link-invalid")
    mine = place.link("hls").json()["path"]
    assert place.stranger.get(mine).status_code == 200
    place.close()
    assert place.stranger.get(mine).text.endswith("#EXT-X-ENDLIST\n")
    assert place.stranger.get(mine.replace("index.m3u8", "init-1.mp4")).status_code == 403


def test_moving_pictures_by_a_link_end_with_the_account(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.stream_answers.LOOK_AGAIN_S", 0.5)
    lea = place.console.key_of("lea", "dispatcher")
    path = place.link("mjpeg", lea).json()["path"]
    with place.stranger.stream("GET", path) as answer:
        parts = answer.iter_raw()
        next(parts)
        place.console.services.accounts.disable("lea", by="me", now_s=time.time())
        began_s = time.monotonic()
        for _ in parts:
            pass
        assert time.monotonic() - began_s < 4.0


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"camera": "c1"}, "name a track or a stream"),
        ({"camera": "c1", "track": 1, "stream": "hls"}, "and not both"),
        ({"camera": "c1", "stream": "rtsp"}, "'hls', 'mjpeg' or 'still'"),
    ],
)
def test_a_link_to_nothing_or_to_two_things_is_refused(
    place: Place, wanted: dict[str, Any], message: str
) -> None:
    answer = place.client.post(f"/v1/incidents/{place.incident}/links", json=wanted)
    assert answer.status_code == 422
    assert message in answer.json()["detail"]


def test_what_was_not_made_here_leads_nowhere(place: Place) -> None:
    key = place.console.record.keys.derived("links")
    claims = {"aud": "lastseen link", "exp": int(time.time() + 60), "sub": "dana",
              "role": "dispatcher", "acts_as": "dispatcher", "agency": "", "sites": None,
              "incident": place.incident, "camera": "cam-01"}  # fmt: skip
    for changes in ({"stream": "rtsp"}, {"stream": 7}, {"stream": ["hls"]}, {}):
        link = jwt.encode(claims | changes, key, "HS256")
        assert place.stranger.get(f"/v1/links/{link}/index.m3u8").status_code == 401, changes
    foreign = jwt.encode(claims | {"stream": "hls"}, "x" * 32, "HS256")
    assert place.stranger.get(f"/v1/links/{foreign}/index.m3u8").status_code == 401


def test_how_long_a_link_to_a_stream_is_good(console: Console) -> None:
    links = Links(console.record.keys)
    what = StreamLink("2026-1", "cam-01", "hls")
    dana = console.services.accounts.get("dana")
    assert dana is not None
    actor = dana.actor("key")
    until_s, link = links.make(what, actor, START_S)
    assert until_s - START_S == STREAM_LINK_S
    assert links.read(link, until_s - 1)[0] == what
    foreign_s, _ = links.make(what, type(actor)("oidc:u", "tactical", "officer"), START_S)
    assert foreign_s - START_S == OTHERS_STREAM_LINK_S
