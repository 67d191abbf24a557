"""Streams under the gate: whom they may be shown to, on which record, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.audit import Audit
from api.errors import AuditError, NotPermittedError, ProblemError
from api.gate import Gate, Terms
from api.viewing import MOST_STREAMS, Showing, Viewers
from api.watching import drawing_of
from tests.api.test_rules_hold import (
    CAMERAS,
    DANA,
    EMERGENCY,
    EXERCISE,
    NOW_S,
    OLA,
    PAT,
    STANDING,
    actions,
    bound_by,
    meddle,
    opened,
)

if TYPE_CHECKING:
    from api.actors import Actor
    from api.grant_rules import Activation
    from api.store import Store


class Place:
    """A gate with an open incident, and viewers who ask."""

    def __init__(self, store: Store, *, activation: Activation = EMERGENCY, **changed: Any) -> None:
        self.audit = Audit(store)
        self.gate = Gate(self.audit)
        self.viewers = Viewers(self.gate, self.audit)
        terms = Terms(bound_by(**changed), CAMERAS)
        self.grant = opened(self.gate, activation, terms=terms)

    def watch(self, actor: Actor = DANA, camera: str = "cam-01", *, at_s: float = NOW_S) -> Showing:
        viewing = self.viewers.admit(self.grant, actor=actor, now_s=at_s)
        return self.viewers.watch(viewing, camera, "live", now_s=at_s)

    def close(self) -> None:
        self.gate.revoke("i1", actor=DANA, reason="over", now_s=NOW_S)


TOLD = {"confidential": {"facts": ["camera-places"], "told_to": ["dispatcher", "officer"]}}


def test_a_showing_is_made_by_viewing_only(store: Store) -> None:
    showing = Place(store).watch()
    with pytest.raises(TypeError, match="made by api"):
        Showing(showing.viewing, "cam-02", "live", NOW_S, showing.permit, seal=object())


def test_who_watches_is_on_record_before_and_after(store: Store) -> None:
    place = Place(store)
    showing = place.watch()
    place.viewers.unwatch(showing, now_s=NOW_S + 61.26, why="the viewer left")
    started, ended = list(place.audit.entries())[-2:]
    said = {"incident": "i1", "camera": "cam-01", "how": "live", "actor": "dana"}
    assert {**started, "action": "stream-started"}.items() >= said.items()
    assert started["action"] == "stream-started"
    assert ended["action"] == "stream-ended"
    more = {"seconds": 61.3, "why": "the viewer left"}
    assert ended.items() >= (said | more).items()


@pytest.mark.parametrize(
    ("actor", "changed", "camera", "after_s", "refusal"),
    [
        pytest.param(DANA, {}, "cam-01", 0.0, None, id="told the cameras"),
        pytest.param(DANA, {}, "cam-01", 599.9, None, id="until the end"),
        pytest.param(DANA, {}, "cam-01", 600.0, "no live grant", id="its time is over"),
        pytest.param(DANA, {}, "cam-99", 0.0, "cam-99 is not open", id="another camera"),
        pytest.param(OLA, {}, "cam-01", 0.0, "does not tell officer", id="not told cameras"),
        pytest.param(OLA, TOLD, "cam-01", 0.0, None, id="told by another agreement"),
        pytest.param(
            DANA, {"streams": {"roles": ["principal"]}}, "cam-01", 0.0,
            "shows streams to principal only", id="streams for others",
        ),
        pytest.param(
            PAT, {"streams": {"roles": ["principal"]}}, "cam-01", 0.0, None, id="for them"
        ),
    ],
)  # fmt: skip
def test_whom_a_stream_may_be_shown_to(
    store: Store,
    actor: Actor,
    changed: dict[str, Any],
    camera: str,
    after_s: float,
    refusal: str | None,
) -> None:
    place = Place(store, **changed)
    if refusal is None:
        assert place.watch(actor, camera, at_s=NOW_S + after_s).camera == camera
        return
    for _ in range(2):  # the same refusal is written down once a minute
        with pytest.raises(NotPermittedError, match=refusal):
            place.watch(actor, camera, at_s=NOW_S + after_s)
    assert "stream-started" not in actions(place.audit)
    assert actions(place.audit).count("viewer-refused") == 1


def test_after_the_close_nobody_watches(store: Store) -> None:
    place = Place(store)
    place.close()
    with pytest.raises(NotPermittedError, match="is over"):
        place.watch()


def test_nothing_is_shown_that_could_not_be_written_down(store: Store) -> None:
    place = Place(store)

    def fail() -> None:
        raise AuditError("the disk is full")

    for _ in range(MOST_STREAMS + 1):  # nor does it count
        meddle(place.audit, "stream-started", before=fail)
        with pytest.raises(AuditError):
            place.watch()


def test_it_is_not_shown_where_it_was_closed_while_the_disk_wrote(store: Store) -> None:
    place = Place(store)
    meddle(place.audit, "stream-started", after=place.close)
    with pytest.raises(NotPermittedError, match="no live grant"):
        place.watch()
    assert actions(place.audit)[-1] == "stream-ended"


def test_an_end_that_cannot_be_written_down_is_an_end(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(store)
    showing = place.watch()

    def fail() -> None:
        raise AuditError("the disk is full")

    meddle(place.audit, "stream-ended", before=fail)
    place.viewers.unwatch(showing, now_s=NOW_S, why="the viewer left")
    assert "the end of a stream is not on record" in caplog.text


@pytest.mark.parametrize("how", ["closed", "over", "extended"])
def test_the_gate_is_asked_before_each_picture(store: Store, how: str) -> None:
    place = Place(store)
    showing = place.watch()
    assert place.viewers.may_go_on(showing, NOW_S + 599.9)
    if how == "closed":
        place.close()
        assert not place.viewers.may_go_on(showing, NOW_S)
    elif how == "over":
        assert not place.viewers.may_go_on(showing, NOW_S + 600.0)
    else:
        place.gate.extend("i1", actor=DANA, now_s=NOW_S)
        assert place.viewers.may_go_on(showing, NOW_S + 899.9)
        assert not place.viewers.may_go_on(showing, NOW_S + 900.0)


def test_one_viewer_watches_so_many_and_another_not_less(store: Store) -> None:
    place = Place(store)
    showings = [place.watch() for _ in range(MOST_STREAMS)]
    with pytest.raises(ProblemError, match="dana watches 64 streams") as raised:
        place.watch()
    assert raised.value.status == 429
    place.watch(PAT)
    place.viewers.unwatch(showings[0], now_s=NOW_S, why="the viewer left")
    place.watch()


@pytest.mark.parametrize(
    ("changed", "activation", "heads", "exercise"),
    [
        ({}, EMERGENCY, "pixelate-others", False),
        ({"streams": {}}, EMERGENCY, "pixelate-others", False),
        ({"streams": {"heads": "clear"}}, EMERGENCY, "clear", False),
        ({"streams": {"heads": "pixelate-all"}}, EXERCISE, "pixelate-all", True),
        ({}, STANDING, "pixelate-others", False),
    ],
)
def test_pictures_are_drawn_as_the_agreement_says(
    store: Store, changed: dict[str, Any], activation: Activation, heads: str, exercise: bool
) -> None:
    place = Place(store, activation=activation, **changed)
    drawing = drawing_of(place.grant)
    assert (drawing.heads, drawing.exercise) == (heads, exercise)
