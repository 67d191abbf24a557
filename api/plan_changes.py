"""What publishing a draft changes of a site's plan, in words for whoever presses the button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calibration.plan_writing import plan_features

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from calibration.site import Site

    from .plan_draft_file import DraftFile

_KINDS: Final = {
    "unit": ("space", "spaces"),
    "opening": ("door or passage", "doors and passages"),
    "entrance": ("entrance", "entrances"),
    "fixture": ("fixture", "fixtures"),
    "wall": ("inner wall", "inner walls"),
}
_NAMED: Final = 6
"""So many are named; of more, their number says more than their names."""

_MOVED_M: Final = 0.001
_TURNED_DEG: Final = 0.01
_SHIFTED_DEG: Final = 1e-7

_Feature = dict[str, Any]


def changes(site: Site, draft: DraftFile) -> tuple[str, ...]:
    """The differences between a site's plan and a draft, as sentences; empty where there are none.

    Args:
        site: the site as it is.
        draft: what would take its plan's place.
    """
    return tuple(_changes(site, draft))


def _changes(site: Site, draft: DraftFile) -> Iterator[str]:
    yield from _levels(site, draft)
    before = {feature["id"]: feature for feature in plan_features(site.plan)}
    after = {feature["id"]: feature for feature in draft.features}
    for kind, words in _KINDS.items():
        old = {i: f for i, f in before.items() if f["feature_type"] == kind}
        new = {i: f for i, f in after.items() if f["feature_type"] == kind}
        added = [new[i] for i in new.keys() - old.keys()]
        gone = [old[i] for i in old.keys() - new.keys()]
        both = sorted(new.keys() & old.keys())
        moved = [new[i] for i in both if _is_moved(old[i], new[i])]
        said = [new[i] for i in both if _said(old[i]) != _said(new[i])]
        for what, found in (
            ("new", added), ("removed", gone), ("moved or reshaped", moved),
        ):  # fmt: skip
            if found:
                yield f"{_count(found, words)} {what}: {_names(found)}"
        if kind == "entrance":
            yield from _renumbered(old, new)
        elif said:
            yield f"{_count(said, words)} with another name or kind: {_names(said)}"
    yield from _place(site, draft)
    yield from _pictures(site, draft)


def _levels(site: Site, draft: DraftFile) -> Iterator[str]:
    old = {level.id: level for level in site.levels}
    new = {level.id: level for level in draft.levels}
    for i in new.keys() - old.keys():
        yield f"level {new[i].name} ({i}) is new"
    for i in old.keys() - new.keys():
        yield f"level {old[i].name} ({i}) is removed"
    for i in sorted(new.keys() & old.keys()):
        if old[i].name != new[i].name:
            yield f"level {old[i].name} is called {new[i].name}"
        if (old[i].ordinal, old[i].elevation_m) != (new[i].ordinal, new[i].elevation_m):
            yield (
                f"level {new[i].name} is storey {new[i].ordinal} at {new[i].elevation_m:g} m, not "
                f"{old[i].ordinal} at {old[i].elevation_m:g} m"
            )


def _renumbered(old: Mapping[str, _Feature], new: Mapping[str, _Feature]) -> Iterator[str]:
    """What changes of entrances that stay: officers go by their numbers, so each is told."""
    for i in sorted(old.keys() & new.keys()):
        before, after = (_entrance(f["properties"]) for f in (old[i], new[i]))
        for key, unset in (("number", "none"), ("name", "none")):
            if before[key] != after[key]:
                yield (f"entrance {i}: {key} {after[key] or unset}, was {before[key] or unset}")
        for key in ("usable", "locked"):
            if before[key] != after[key]:
                yield f"entrance {i} is {'' if after[key] else 'not '}{key} now"


def _entrance(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": str(properties.get("door_number") or ""),
        "name": str(properties.get("name") or ""),
        "usable": properties.get("usable", True),
        "locked": properties.get("locked", False),
    }


def _place(site: Site, draft: DraftFile) -> Iterator[str]:
    old, new = site.anchor, draft.where()
    turned_deg = (new.x_axis_bearing_deg - old.x_axis_bearing_deg + 180.0) % 360.0 - 180.0
    if abs(turned_deg) > _TURNED_DEG:
        yield (
            f"true north: the plan's x axis points to {new.x_axis_bearing_deg:.1f} degrees, was "
            f"{old.x_axis_bearing_deg:.1f}"
        )
    if (
        abs(new.longitude_deg - old.longitude_deg) > _SHIFTED_DEG
        or abs(new.latitude_deg - old.latitude_deg) > _SHIFTED_DEG
    ):
        yield (
            f"the plan's origin lies at {new.latitude_deg:.6f}, {new.longitude_deg:.6f} (latitude, "
            f"longitude), was at {old.latitude_deg:.6f}, {old.longitude_deg:.6f}"
        )


def _pictures(site: Site, draft: DraftFile) -> Iterator[str]:
    old = {underlay.level: underlay for underlay in site.underlays}
    new = {level: table for level, table in draft.pictures.items() if table.measured}
    for level in new.keys() - old.keys():
        yield f"a picture lies under level {level}"
    for level in old.keys() - new.keys():
        yield f"no picture lies under level {level} any more"
    for level in sorted(new.keys() & old.keys()):
        px = np.array([(0.0, 0.0), old[level].size_px])
        places_m = new[level].placement.placement().to_site(px)
        if np.abs(places_m - old[level].placement.to_site(px)).max() > _MOVED_M:
            yield f"the picture under level {level} is another, or lies elsewhere"


def _is_moved(old: _Feature, new: _Feature) -> bool:
    one, other = (np.array(_flat(f["geometry"]["coordinates"])) for f in (old, new))
    return one.shape != other.shape or bool(np.abs(one - other).max() > _MOVED_M)


def _flat(coordinates: Any) -> list[float]:  # noqa: ANN401 - nested lists of numbers
    if isinstance(coordinates, (list, tuple)):
        return [number for part in coordinates for number in _flat(part)]
    return [float(coordinates)]


def _said(feature: _Feature) -> dict[str, Any]:
    """The properties, without what is at its default."""
    properties = {k: v for k, v in feature["properties"].items() if v not in (None, "", False, [])}
    if properties.get("name") == feature["id"]:
        del properties["name"]
    return {k: list(v) if isinstance(v, tuple) else v for k, v in properties.items()}


def _names(features: Iterable[_Feature]) -> str:
    names = sorted(_name(feature) for feature in features)
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _name(feature: _Feature) -> str:
    properties = feature["properties"]
    number = properties.get("door_number")
    name = properties.get("name") or feature["id"]
    return f"door {number}" if number else str(name)


def _count(features: list[_Feature], words: tuple[str, str]) -> str:
    return f"{len(features)} {words[0] if len(features) == 1 else words[1]}"
