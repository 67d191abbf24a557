"""The MultiviewX data set as a drill: a rendered square under six cameras, with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from calibration.import_multiview import MULTIVIEWX

from .drill_import_multiview import MultiviewSet, import_multiview

if TYPE_CHECKING:
    from collections.abc import Callable

    from .drill_import import ImportedDrill, ImportRequest

DATA_SET: Final = MultiviewSet(
    name="MultiviewX",
    space="Square",
    source=(
        "Source: MultiviewX data set (Hou, Zheng and Gould, ECCV 2020), rendered people; no "
        "licence is stated."
    ),
    layout=MULTIVIEWX,
    notes=(
        "The floor is a rectangle around the annotated ground and the cameras, without doors.",
        "People are annotated on 25 x 16 m (x 0 to 25, y 0 to 16); others are not in truth.",
        "The published frame is left-handed: y of this site is 16 m minus the published y.",
        "There is no such place on earth: anchor and start are placeholders.",
        "A true box is there for hidden bodies, too; truth/boxes says how much of it shows.",
    ),
    sample_frames=10,
    sample_note=(
        "The ten pictures in the authors' code repository are older than its ten annotations: what "
        "a detector finds in them lies 1.2 m from the nearest annotated person (median), as by "
        "chance. So this drill has no truth; take --boxes gt for one that has."
    ),
)


def import_drill(request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
    """Make a drill folder of MultiviewX, as `drill_import_multiview.import_multiview` says."""
    return import_multiview(DATA_SET, request, say)
