"""What the server does to its process while it runs."""

from __future__ import annotations

import gc

from api.server import rarely_collecting


def test_garbage_is_collected_rarely_while_the_server_runs_and_as_before_after_it() -> None:
    before = gc.get_threshold()
    with rarely_collecting():
        assert gc.isenabled()
        assert gc.get_freeze_count() > 1000  # what was there is not looked at again
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
