"""The page of `lastseen site check --html`: the whole check, with one drawing a level."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

import jinja2
from markupsafe import Markup

from calibration.connectors import plan_connectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .site_check import SiteCheck

_TEMPLATE: Final = "report_templates/site_check.html.j2"


def site_page(check: SiteCheck, drawings: Mapping[str, str]) -> str:
    """The page: one file, with its styles and pictures in it, without a script.

    Args:
        check: the check of a site that loaded.
        drawings: an SVG element for each level, by level id.
    """
    template = files(__name__.rpartition(".")[0]).joinpath(_TEMPLATE)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["share"] = lambda value: f"{value:.0%}".replace("%", "\u202f%")
    environment.filters["metres"] = lambda value: f"{value:.2f}\u202fm"
    environment.filters["area"] = lambda value: f"{value:,.0f}\u202fm²".replace(",", "\u202f")
    site = check.site
    assert site is not None  # noqa: S101 - only a site that loaded has drawings
    spaces = [entry for level in check.levels for entry in level.spaces]
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        check=check,
        site=site,
        # matplotlib has escaped every text in its drawings
        drawings={level: Markup(markup) for level, markup in drawings.items()},  # noqa: S704
        areas={c: seen for level in check.levels for c, seen in level.seen.items()},
        levels={level.id: level.name for level in site.levels},
        connectors=plan_connectors(site.plan),
        reached=sum(entry.reachable for entry in spaces),
        spaces=spaces,
        usable=[entrance for entrance in site.plan.entrances if entrance.usable],
        unnumbered=[e for e in site.plan.entrances if e.usable and not e.door_number],
    )
