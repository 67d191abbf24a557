"""One process for one name of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.errors import ServeError
from api.holders import only_holder
from api.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from api.store import Store


def test_a_name_is_held_by_one_at_a_time(
    store: Store, database_url: str | None, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    other = open_store(state, database_url)
    with only_holder(store, state, "north"):
        with (
            pytest.raises(ServeError, match="called 'north' runs"),
            only_holder(other, state, "north"),
        ):
            pass
        with only_holder(other, state, "south"):
            pass
    with only_holder(other, state, "north"):
        pass
    other.close()
