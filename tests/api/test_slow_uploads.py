"""A large file over a slow line has the time that it needs; a trickle has not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from api.connections import LEAST_BYTES_A_SECOND, Connections
from tests.api.test_connections import SILENT_S, Place

if TYPE_CHECKING:
    from tests.api.replayed import Console

PARTS = 12


@pytest.mark.parametrize(
    ("part_bytes", "arrives"),
    [
        pytest.param(LEAST_BYTES_A_SECOND // 4, True, id="more than the least rate"),
        pytest.param(LEAST_BYTES_A_SECOND // 500, False, id="a trickle"),
    ],
)
def test_the_time_of_an_upload(console: Console, part_bytes: int, arrives: bool) -> None:
    draft = console.services.drafts.begin(
        "small", console.target.site, empty=True, by="ines", now_s=0.0
    )
    bearer = console.key_of("ines", "installer")["Authorization"]
    place = Place(console, Connections(silent_s=SILENT_S))
    try:
        head = (
            f"PUT /v1/sites/small/plan-drafts/{draft.draft}/levels/L1/picture?version=1 HTTP/1.1"
            f"\r\nHost: here\r\nAuthorization: {bearer}\r\n"
            f"Content-Length: {PARTS * part_bytes}\r\n\r\n"
        )
        with place.connect(head.encode()) as uploading:
            answer = b""
            try:
                for _ in range(PARTS):
                    time.sleep(SILENT_S / 4)
                    uploading.sendall(b"x" * part_bytes)
                answer = uploading.recv(4096)
            except (TimeoutError, ConnectionError):
                pass
            assert (b" 422 " in answer) is arrives, answer
    finally:
        place.stop()
