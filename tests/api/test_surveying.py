"""Who may look through one camera to calibrate it: default deny, and on record first."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from api.actors import Actor
from api.agreements import Agreement
from api.audit import Audit
from api.decisions import CameraFacts
from api.errors import AuditError, ForbiddenError, NotPermittedError
from api.gate import Terms
from api.surveying import SurveyPermit, Surveys, may_calibrate, refusal_to_survey
from tests.api.agreed import AGREEMENT

if TYPE_CHECKING:
    from api.store import Store

NOW_S = 1_772_442_000.0  # 2026-03-02 09:00:00 UTC
INSIDE = CameraFacts("cam-01", "interior")
OUTSIDE = CameraFacts("cam-03", "exterior")
CLOSED = CameraFacts("cam-99", "interior")
INA = Actor("ina", "installer", "principal")
OLA = Actor("ola", "installer", "officer")
SAM = Actor("sam", "installer", "stranger")


def agreement(survey: str = "", **changed: Any) -> Agreement:
    return Agreement.model_validate(tomllib.loads(f"{AGREEMENT}\n{survey}") | changed)


BARE = Terms(agreement(), (INSIDE, OUTSIDE, CLOSED))
EXTERIOR = Terms(agreement('[survey]\nroles = ["principal"]'), (INSIDE, OUTSIDE, CLOSED))
BOTH = Terms(
    agreement('[survey]\nroles = ["principal"]\ninterior = true\nlongest_s = 30'),
    (INSIDE, OUTSIDE, CLOSED),
)
OVER = Terms(agreement('[survey]\nroles = ["principal"]', expires="2026-02-01"), (OUTSIDE,))
FREE = Terms(None, (INSIDE, OUTSIDE))
DRILL = Terms(agreement(), (INSIDE,), recorded=True)


@pytest.mark.parametrize(
    ("terms", "camera", "actor", "lasts_s", "refusal"),
    [
        (BOTH, INSIDE, INA, 10.0, None),
        (BOTH, OUTSIDE, INA, 10.0, None),
        (BOTH, INSIDE, INA, 31.0, "30 seconds at most"),
        (BOTH, CLOSED, INA, 10.0, "keeps camera cam-99 closed"),
        (BOTH, INSIDE, SAM, 10.0, "names principal, and sam acts as stranger"),
        (EXTERIOR, OUTSIDE, INA, 10.0, None),
        (EXTERIOR, INSIDE, INA, 10.0, "exterior cameras only"),
        (EXTERIOR, OUTSIDE, OLA, 10.0, None),  # clause 1 lets officers watch it at all times
        (BARE, INSIDE, INA, 10.0, "no section [survey]"),
        (BARE, OUTSIDE, INA, 10.0, "'principal' is not among them"),
        (BARE, OUTSIDE, OLA, 10.0, None),
        (OVER, OUTSIDE, INA, 10.0, "not in force on 2026-03-02"),
        (FREE, OUTSIDE, INA, 10.0, "has no agreement"),
        (DRILL, INSIDE, SAM, 10.0, None),  # a recording of an exercise
    ],
    ids=range(14),
)
def test_what_the_agreement_answers(
    store: Store,
    terms: Terms,
    camera: CameraFacts,
    actor: Actor,
    lasts_s: float,
    refusal: str | None,
) -> None:
    told = refusal_to_survey(terms, camera, actor, lasts_s, NOW_S)
    audit = Audit(store)

    def ask() -> SurveyPermit:
        return Surveys(audit).permit(
            "small", terms, camera, actor=actor, purpose="calibration still", lasts_s=lasts_s,
            now_s=NOW_S,
        )  # fmt: skip

    if refusal is None:
        assert told is None
        permit = ask()
        assert (permit.camera, permit.until_s) == (camera.id, NOW_S + lasts_s)
        expected = {"action": "survey-permitted", "until_s": NOW_S + lasts_s}
    else:
        assert told is not None
        assert refusal in told
        with pytest.raises(NotPermittedError, match="refused"):
            ask()
        expected = {"action": "survey-refused", "refusal": told}
    [entry] = audit.entries()
    told_too = {"camera": camera.id, "actor": actor.name, "purpose": "calibration still"}
    assert entry.items() >= (expected | told_too).items()


def permit(store: Store, actor: Actor = INA) -> SurveyPermit:
    return Surveys(Audit(store)).permit(
        "small", BOTH, INSIDE, actor=actor, purpose="walk test", lasts_s=10.0, now_s=NOW_S
    )


def test_a_permit_is_for_one_camera_and_for_its_seconds(store: Store) -> None:
    made = permit(store)
    rows = [("cam-01", -0.1), ("cam-01", 0.0), ("cam-01", 9.9), ("cam-01", 10.0), ("cam-03", 5.0)]
    allowed = [made.allows(camera, NOW_S + after_s) for camera, after_s in rows]
    assert allowed == [False, True, True, False, False]


def test_nobody_else_makes_one() -> None:
    with pytest.raises(TypeError, match=r"api\.surveying only"):
        SurveyPermit("small", "cam-01", "walk test", NOW_S, NOW_S + 9, seal=object())


@pytest.mark.parametrize("role", ["dispatcher", "school-administrator", "analyst", "auditor"])
def test_other_roles_do_not_go_that_far(store: Store, role: Any) -> None:
    with pytest.raises(ForbiddenError, match="for installer only"):
        permit(store, Actor("x", role, "principal"))
    assert list(Audit(store).entries()) == []


def test_without_its_entry_nothing_is_permitted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise AuditError("the disk is full")

    monkeypatch.setattr(Audit, "append", full)
    with pytest.raises(AuditError):
        permit(store)


@pytest.mark.parametrize(
    ("terms", "actor", "may"),
    [
        (BARE, INA, True),
        (BARE, SAM, False),
        (BOTH, SAM, False),
        (DRILL, SAM, True),
        (FREE, SAM, True),
    ],
)
def test_who_is_told_of_the_cameras(terms: Terms, actor: Actor, may: bool) -> None:
    assert may_calibrate(terms, actor) is may
