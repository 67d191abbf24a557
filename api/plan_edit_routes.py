"""`/v1/sites/{site_id}/plan-drafts`: floor plans that somebody is working on."""
# ruff: noqa: FAST003 - `DraftHere` reads the draft's id from the path

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from calibration.errors import Problem, SiteError
from calibration.plan_file import FEATURE_TYPES
from calibration.site import Site, load_site
from calibration.validation import check

from . import examples, plan_edit_examples, plan_edit_schemas
from .calibration_routes import surveyed_site
from .errors import ProblemError, TargetError
from .plan_candidate import candidate
from .plan_changes import changes
from .plan_draft_file import DraftFile
from .plan_drafts import version_problem
from .plan_edit_messages import check_message, draft_message, summary_message
from .plan_publishing import publish
from .services import DOCUMENTED_BEARER, ActorHere, Services, services_of
from .targets import Target  # noqa: TC001 - the dependency is read when it is called

router = APIRouter(
    prefix="/v1/sites/{site_id}/plan-drafts",
    tags=["floor plans"],
    dependencies=[DOCUMENTED_BEARER],
    responses={
        401: examples.UNAUTHORIZED,
        403: examples.FORBIDDEN,
        404: plan_edit_examples.NO_DRAFT,
        409: plan_edit_examples.DRAFT_CHANGED,
        422: examples.INVALID,
    },
)

_DRAFT = examples.json_example(plan_edit_examples.DRAFT, "The draft")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A site whose plan whoever asks may change.

    Attributes:
        target: the site.
        services: what handlers share.
    """

    target: Target
    services: Services

    def site(self) -> Site:
        """The site as its folder has it now: what was published may still wait to be used.

        Raises:
            ProblemError: the folder does not load.
        """
        try:
            return load_site(self.target.folder)
        except SiteError as error:
            raise ProblemError(
                409,
                "site-has-errors",
                "The site's folder has errors",
                f"mend them first, 'lastseen site check' lists all: {error.problems[0]}",
            ) from error

    def told(self, draft: DraftFile) -> plan_edit_schemas.Draft:
        """The draft as a message."""
        history = self.services.drafts.history(draft.site, draft.draft)
        return draft_message(draft, self.site(), history)


def surveyed(
    request: Request,
    actor: ActorHere,
    site_id: Annotated[str, Path(description="Site id.", max_length=200)],
) -> Surveyed:
    """Return the site of a request, to whoever may draw its plan.

    A draft and its check tell of the site's cameras, so they are for those only who are told them.

    Raises:
        ForbiddenError: the role does not go that far.
        NotPermittedError: the agreement keeps from them which cameras there are.
        ProblemError: there is no such site, or it is a drill.
    """
    services = services_of(request)
    target = surveyed_site(services, actor, site_id)
    if target.kind != "site":
        raise ProblemError(
            409,
            "plan-of-a-drill",
            "A drill keeps its plan",
            f"{site_id} is a drill: its recordings and its truth belong to its plan as it is; "
            "change the plan of a site",
        )
    return Surveyed(target, services)


SurveyedHere = Annotated[Surveyed, Depends(surveyed)]


def draft_of(
    here: SurveyedHere,
    draft: Annotated[str, Path(description="Draft id.", max_length=64)],
) -> DraftFile:
    """Return the newest version of a draft."""
    return here.services.drafts.get(here.target.id, draft)


DraftHere = Annotated[DraftFile, Depends(draft_of)]


def of_version(draft: DraftFile, version: int) -> DraftFile:
    """Return the draft, if that is its newest version.

    Raises:
        ProblemError: it was changed meanwhile.
    """
    if draft.version != version:
        raise version_problem(draft, version)
    return draft


@router.get("", responses={200: examples.json_example(plan_edit_examples.DRAFTS, "The drafts")})
def list_plan_drafts(here: SurveyedHere) -> plan_edit_schemas.DraftList:
    """List the drafts of a site's plan, the one saved last first."""
    drafts = here.services.drafts.list(here.target.id)
    return plan_edit_schemas.DraftList(drafts=tuple(summary_message(draft) for draft in drafts))


@router.post("", status_code=201, responses={201: _DRAFT})
def begin_plan_draft(
    wanted: plan_edit_schemas.BeginDraft, here: SurveyedHere, actor: ActorHere
) -> plan_edit_schemas.Draft:
    """Begin a draft: with the site's present plan, or with one empty level."""
    site = here.site()
    draft = here.services.drafts.begin(
        here.target.id,
        site,
        empty=wanted.begin == "empty",
        by=actor.name,
        now_s=here.services.clock(),
    )
    return draft_message(draft, site, ())


@router.get("/{draft}", responses={200: _DRAFT})
def get_plan_draft(
    here: SurveyedHere,
    newest: DraftHere,
    version: Annotated[
        int | None, Query(description="An earlier version that is kept.", ge=1, le=10**9)
    ] = None,
) -> plan_edit_schemas.Draft:
    """Return a draft, or an earlier version of it."""
    found = here.services.drafts.get(newest.site, newest.draft, version)
    return here.told(found)


@router.put("/{draft}", responses={200: _DRAFT})
def save_plan_draft(
    wanted: plan_edit_schemas.SaveDraft, here: SurveyedHere, newest: DraftHere, actor: ActorHere
) -> plan_edit_schemas.Draft:
    """Save what was drawn as the next version of a draft.

    Features must have the form that `floor_plan.geojson` asks of them. Whether they make a plan is
    told by its check, so that half of a plan can be saved.
    """
    draft = of_version(newest, wanted.version)
    _require_form(wanted.features)
    _require_levels(wanted)
    kept = {level.id for level in wanted.levels}
    after = here.services.drafts.change(
        draft,
        by=actor.name,
        now_s=here.services.clock(),
        levels=wanted.levels,
        features=wanted.features,
        anchor=wanted.anchor or draft.anchor,
        pictures={level: table for level, table in draft.pictures.items() if level in kept},
    )
    return here.told(after)


@router.delete("/{draft}", status_code=204)
def delete_plan_draft(here: SurveyedHere, newest: DraftHere) -> None:
    """Delete a draft with its versions and pictures; what was published stays."""
    here.services.drafts.delete(newest.site, newest.draft)


@router.get(
    "/{draft}/check",
    responses={200: examples.json_example(plan_edit_examples.CHECK, "What is wrong with it")},
)
def check_plan_draft(here: SurveyedHere, draft: DraftHere) -> plan_edit_schemas.DraftCheck:
    """Check the site as it would be with this plan, and tell what would change."""
    site = here.site()
    made = candidate(site, here.services.drafts, draft)
    return check_message(draft, made, changes(site, draft))


@router.post(
    "/{draft}/publication",
    responses={
        200: examples.json_example(plan_edit_examples.PUBLICATION, "It is the site's plan now"),
        503: examples.problem_example(
            503, "audit-unavailable", "The audit cannot be written", "nothing was published"
        ),
    },
)
def publish_plan_draft(
    wanted: plan_edit_schemas.PublishDraft,
    here: SurveyedHere,
    newest: DraftHere,
    actor: ActorHere,
) -> plan_edit_schemas.Publication:
    """Make a draft the site's plan; refused where it has errors.

    The plan that it replaces is kept in the site's folder. An incident that is open goes on with
    the plan that it began with.
    """
    services = here.services
    done = publish(
        here.site(),
        services.drafts,
        of_version(newest, wanted.version),
        actor=actor,
        audit=services.audit,
        now_s=services.clock(),
        replace=wanted.replace,
    )
    try:
        in_use = services.reload(here.target.id)
    except TargetError as error:
        raise ProblemError(
            409,
            "site-has-errors",
            "The site's folder has errors",
            f"the plan was published, but the server goes on with the one before: {error}",
        ) from error
    return plan_edit_schemas.Publication(
        site=here.target.id,
        draft=done.draft.draft,
        version=done.draft.version,
        sha256=done.sha256,
        kept=done.kept,
        in_use=in_use,
        changes=done.changes,
        warnings=done.warnings,
    )


def _require_form(features: tuple[dict[str, Any], ...]) -> None:
    """Refuse features that `floor_plan.geojson` could not hold.

    Raises:
        ProblemError: naming the first feature and its field.
    """
    problems: list[Problem] = []
    seen: set[str] = set()
    for i, feature in enumerate(features):
        feature_id, kind = feature.get("id"), feature.get("feature_type")
        within = f"feature {feature_id!r}" if isinstance(feature_id, str) else f"features[{i}]"
        model = FEATURE_TYPES.get(kind) if isinstance(kind, str) else None
        if model is None:
            known = ", ".join(FEATURE_TYPES)
            problems.append(Problem("body", f"{within}.feature_type", f"use one of {known}"))
        elif check(model, feature, "body", problems, within) is not None:
            if feature_id in seen:
                problems.append(Problem("body", within, "its id is used twice; ids are unique"))
            seen.add(str(feature_id))
        if problems:
            raise _malformed(str(problems[0]))


def _require_levels(wanted: plan_edit_schemas.SaveDraft) -> None:
    ids = [level.id for level in wanted.levels]
    twice = next((i for i in ids if ids.count(i) > 1), None)
    if twice is not None:
        raise _malformed(f"body: levels: the id {twice!r} is used twice; ids are unique")


def _malformed(detail: str) -> ProblemError:
    return ProblemError(422, "invalid-request", "The request is not valid", detail)
