"""Puts a draft's plan into the site's folder, so that the folder loads at every moment.

A plan and `site.toml` speak of each other's levels, and two files cannot be replaced at once. Where
both change, the new plan is first written under a name of its own, then `site.toml` turns to it;
then the plan takes its usual name, and `site.toml` turns to that. Whatever stops this half-way
leaves either the old site or the new one. What was there before is kept in `plan-versions/`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import tomli_w

from calibration.site import SITE_FILE

from .errors import ProblemError, StateError
from .plan_candidate import candidate
from .plan_changes import changes
from .plan_drafts import fingerprint, version_problem
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from calibration.site import Site

    from .actors import Actor
    from .audit import Audit
    from .plan_candidate import Candidate
    from .plan_draft_file import DraftFile
    from .plan_drafts import PlanDrafts

VERSIONS: Final = "plan-versions"
_HEAD: Final = "# Written by the floor-plan page; what stood here before is in {kept}.\n"
_PUBLISHING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Published:
    """What was done.

    Attributes:
        draft: the draft, which is now what the site has.
        sha256: of the floor plan's file.
        kept: folder of what was there before, relative to the site's.
        changes: in words.
        warnings: how many problems are left, none of them an error.
    """

    draft: DraftFile
    sha256: str
    kept: str
    changes: tuple[str, ...]
    warnings: int


def publish(
    site: Site,
    drafts: PlanDrafts,
    draft: DraftFile,
    *,
    actor: Actor,
    audit: Audit,
    now_s: float,
    replace: bool,
) -> Published:
    """Write the draft's plan into the site's folder; all of it, or nothing.

    Args:
        site: the site as its folder has it now.
        drafts: where the draft lies.
        draft: its version that was looked at.
        actor: who publishes it.
        audit: gets the entry before anything is written.
        now_s: when, Unix seconds.
        replace: also where the site's plan was changed since the draft was begun.

    Raises:
        ProblemError: the draft has errors or was changed, or the site's plan was.
        AuditError: the entry cannot be written, so nothing is.
        StateError: a file cannot be read or written; the site is as it was.
    """
    with _PUBLISHING:
        newest = drafts.get(draft.site, draft.draft)
        if newest.version != draft.version:
            raise version_problem(newest, draft.version)
        if fingerprint(site) != draft.base and not replace:
            raise ProblemError(
                409,
                "plan-changed",
                "The site's plan was changed meanwhile",
                "somebody changed the plan since this draft was begun; begin a new one from it, or "
                "say that it is to be replaced",
            )
        made = candidate(site, drafts, draft)
        errors = [p for p in made.check.problems if p.severity == "error"]
        if errors:
            raise ProblemError(
                409,
                "plan-has-errors",
                "The plan has errors",
                f"{len(errors)} of them; the first: {errors[0]}",
            )
        said = changes(site, draft)
        kept = f"{VERSIONS}/{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}-{draft.draft[:6]}"
        sha256 = hashlib.sha256(made.plan_text.encode()).hexdigest()
        facts = {
            "site": draft.site,
            "draft": draft.draft,
            "version": draft.version,
            "actor": actor.name,
            "role": actor.role,
            "sha256": sha256,
            "before": hashlib.sha256((site.folder / site.plan_file).read_bytes()).hexdigest(),
            "changes": len(said),
        }
        audit.append("plan-published", now_s, facts)
        try:
            _keep(site.folder, site, kept, facts)
            _write(site.folder, made, kept)
        except OSError as error:
            reason = f"{error.filename or site.folder}: {error.strerror or error}"
            audit.append("plan-not-written", now_s, {**facts, "reason": reason})
            raise StateError(f"the plan was not published: {reason}") from error
        after = drafts.change(
            draft, by=actor.name, now_s=now_s, published_at_s=now_s, base=fingerprint(site)
        )
        return Published(after, sha256, kept, said, len(made.check.problems))


def _keep(folder: Path, site: Site, kept: str, facts: dict[str, object]) -> None:
    """Copy what is there now into a folder of its own."""
    into = folder / kept
    into.mkdir(parents=True, exist_ok=True)
    for name in (SITE_FILE, site.plan_file):
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (folder / name).read_bytes())
    write_whole(into / "replaced-by.json", json.dumps(facts, indent=1).encode())


def _write(folder: Path, made: Candidate, kept: str) -> None:
    for name, content in made.pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)  # named by its content, so nothing that is used is replaced
    plan = folder / made.plan_file
    if made.site_text is None:
        write_whole(plan, made.plan_text.encode())
        return
    head = _HEAD.format(kept=f"{kept}/{SITE_FILE}")
    between = plan.with_name(f"new-{plan.name}")
    turned = {
        **tomllib.loads(made.site_text),
        "floor_plan": between.relative_to(folder).as_posix(),
    }
    write_whole(between, made.plan_text.encode())
    write_whole(folder / SITE_FILE, (head + tomli_w.dumps(turned)).encode())
    write_whole(plan, made.plan_text.encode())
    write_whole(folder / SITE_FILE, (head + made.site_text).encode())
    between.unlink()
