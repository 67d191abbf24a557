"""Drafts as the location API tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibration.reachability import reach_of

from . import plan_edit_schemas as schemas
from .locations import utc
from .plan_candidate import located
from .plan_drafts import fingerprint

if TYPE_CHECKING:
    from calibration.site import Site

    from .plan_candidate import Candidate
    from .plan_draft_file import DraftFile, PictureTable
    from .plan_drafts import Saved


def summary_message(draft: DraftFile) -> schemas.DraftSummary:
    """Return what a list tells of a draft."""
    return schemas.DraftSummary(
        draft=draft.draft,
        site=draft.site,
        version=draft.version,
        created_at=utc(draft.created_at_s),
        created_by=draft.created_by,
        saved_at=utc(draft.saved_at_s),
        saved_by=draft.saved_by,
        features=len(draft.features),
        published_at=None if draft.published_at_s is None else utc(draft.published_at_s),
    )


def draft_message(draft: DraftFile, site: Site, history: tuple[Saved, ...]) -> schemas.Draft:
    """Return all of a draft.

    Args:
        draft: the draft.
        site: the site as its folder has it now.
        history: its earlier versions.
    """
    return schemas.Draft(
        draft=draft.draft,
        site=draft.site,
        version=draft.version,
        created_at=utc(draft.created_at_s),
        created_by=draft.created_by,
        saved_at=utc(draft.saved_at_s),
        saved_by=draft.saved_by,
        published_at=None if draft.published_at_s is None else utc(draft.published_at_s),
        outdated=fingerprint(site) != draft.base,
        cameras=len(site.cameras),
        anchor=draft.anchor,
        levels=draft.levels,
        features=draft.features,
        pictures=tuple(_picture(level, table) for level, table in draft.pictures.items()),
        notes=draft.notes,
        history=tuple(
            schemas.PlanVersion(
                version=saved.version, saved_at=utc(saved.saved_at_s), saved_by=saved.saved_by
            )
            for saved in history
        ),
    )


def check_message(
    draft: DraftFile, made: Candidate, changes: tuple[str, ...]
) -> schemas.DraftCheck:
    """Return what is wrong with a draft, and what publishing it would change."""
    site = made.check.site
    reached = () if site is None else reach_of(site.plan)
    return schemas.DraftCheck(
        draft=draft.draft,
        version=draft.version,
        ok=made.check.ok,
        problems=tuple(
            schemas.CheckedProblem(
                severity=found.problem.severity,
                message=found.problem.message,
                feature=found.feature,
                level=found.level,
                at_m=found.at_m,
                field=found.problem.field,
                file=found.problem.file,
            )
            for found in located(made.check, draft)
        ),
        changes=changes,
        reached=sum(reach.reachable for reach in reached),
        spaces=len(reached),
    )


def _picture(level: str, table: PictureTable) -> schemas.LevelPicture:
    placement = table.placement
    (a, b, c), (d, e, f) = placement.placement().matrix().tolist()
    return schemas.LevelPicture(
        level=level,
        name=table.file,
        media_type=table.media_type,
        size_px=table.size_px,
        page=table.page,
        pages=table.pages,
        placement=schemas.PlacementMessage(
            metres_per_pixel=placement.metres_per_pixel,
            rotation_deg=placement.rotation_deg,
            origin_px=placement.origin_px,
            origin_m=placement.origin_m,
        ),
        measured=table.measured,
        to_site=((a, b, c), (d, e, f)),
    )
