from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.targets import load_target, prepare_ahead
from calibration.prepared import PreparedSite

if TYPE_CHECKING:
    import pytest

    from calibration.locator import Locator

WING = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing"


class Unprepared(PreparedSite):
    """A site that cannot be prepared."""

    def prepare(self) -> None:
        raise MemoryError


def none_are_made(*_: object) -> Locator:
    raise AssertionError("was to be at hand")


def test_a_grant_finds_all_of_it_at_hand(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    target = load_target(WING)
    spoilt = replace(target, id="spoilt", prepared=Unprepared(target.site))
    prepare_ahead([spoilt, target]).join()
    assert [record.message for record in caplog.records] == ["spoilt could not be prepared ahead"]
    monkeypatch.setattr("calibration.prepared.SearchGround.of", none_are_made)
    monkeypatch.setattr("calibration.prepared.EntranceRoutes", none_are_made)
    locator = target.prepared.locator()
    locator.prepare()
    assert locator.answer(0.0).subjects == ()
