"""`lastseen models verify`: does this machine compute what was measured?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.errors import ApiError
from vision.backend_choice import Precision
from vision.detect import Device

if TYPE_CHECKING:
    from vision.agreement import Agreement, Tolerance


def verify(
    weights: Annotated[str, typer.Argument(help="Registered name, or the path of a .pt file.")],
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
    precision: Annotated[
        Precision | None,
        typer.Option(help="What it computes in; as live (LASTSEEN_PRECISION) if not given."),
    ] = None,
    pictures: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Videos, pictures or folders; repeatable. The built-in drills if none.",
        ),
    ] = None,
) -> None:
    """Prove that the network as this machine runs it live finds what the checkpoint finds.

    The checkpoint runs in torch in single precision on the CPU. The exit status is 1 if the two
    differ by more than the tolerance of the precision, which is printed. Run it on a new kind of
    GPU or CPU before cameras depend on it.

    Examples:
      lastseen models verify person-firearm

      lastseen models verify firearm-close --device cuda --pictures recordings/
    """
    from rich.console import Console

    from api.model_samples import sample_pictures
    from models.registry import checkpoint_of
    from vision.agreement import checkpoint_and_live, compare, live_tolerance
    from vision.backend_choice import load_backend

    notes = Console(stderr=True)
    checkpoint = checkpoint_of(weights)
    backend = load_backend(checkpoint, device, precision)
    with notes.status("reading pictures"):
        samples = sample_pictures(checkpoint, pictures or ())
    with notes.status(f"comparing {backend.name} with single precision"):
        agreement = compare(*checkpoint_and_live(checkpoint, backend), samples)
    tolerance = live_tolerance(backend.name)
    typer.echo(f"{backend.name}: {in_words(agreement, tolerance)}")
    require_equal(agreement, tolerance, f"{checkpoint.name} on {backend.name}")


def in_words(agreement: Agreement, tolerance: Tolerance) -> str:
    """Return how near two detectors are, with the tolerance they are held against."""
    return (
        f"{agreement.boxes} boxes in {agreement.pictures} pictures, {agreement.unmatched} of them "
        f"found by one alone (at most {tolerance.unmatched:.1%}); score differs by "
        f"{agreement.score_median:.4f} in the median (at most {tolerance.score:g}), "
        f"{agreement.score_worst:.4f} at worst; overlap {agreement.iou_median:.4f} in the median "
        f"(at least {tolerance.iou:g}), {agreement.iou_worst:.4f} at worst"
    )


def require_equal(agreement: Agreement, tolerance: Tolerance, what: str) -> None:
    """Return where two detectors are within the tolerance.

    Raises:
        ApiError: if they are not, or there were no boxes to compare.
    """
    if not agreement.within(tolerance):
        why = "no boxes to compare" if not agreement.boxes else "outside the tolerance"
        raise ApiError(f"{what}: not proven equal to the checkpoint: {why}")
