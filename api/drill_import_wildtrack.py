"""The Wildtrack data set as a drill: a square in front of a university under seven cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from calibration.import_multiview import WILDTRACK

from .drill_import_multiview import MultiviewSet, import_multiview

if TYPE_CHECKING:
    from collections.abc import Callable

    from .drill_import import ImportedDrill, ImportRequest

DATA_SET: Final = MultiviewSet(
    name="Wildtrack",
    space="Square",
    source=(
        "Source: WILDTRACK data set (Chavdarova et al., CVPR 2018); no licence is stated, people "
        "in it agreed to research only."
    ),
    layout=WILDTRACK,
    notes=(
        "The floor is a rectangle around the annotated ground and the cameras, without doors.",
        "People are annotated on 12 x 36 m (x -3 to 9, y -9 to 27); others are not in truth.",
        "The place on earth and the time of filming are placeholders.",
        "A true box is there for hidden bodies, too; truth/boxes says how much of it shows.",
    ),
)


def import_drill(request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
    """Make a drill folder of Wildtrack, as `drill_import_multiview.import_multiview` says."""
    return import_multiview(DATA_SET, request, say)
