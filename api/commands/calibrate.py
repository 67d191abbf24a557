"""`lastseen calibrate`: a camera from surveyed landmarks, and how far it can be trusted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from api.calibration_result import Calibrated

GOOD_M = 0.5
"""Expected error up to which a room is told from the next."""


def calibrate(
    site: Annotated[Path, typer.Argument(metavar="SITE", help="Site or drill folder.")],
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Id of one of its cameras.")],
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Landmarks (pixel_x,pixel_y,x,y[,z][,name]) in the place of those in the "
            "camera's file.",
        ),
    ] = None,
    refine_lens: Annotated[
        bool, typer.Option("--refine-lens", help="Fit focal length and k1, too.")
    ] = False,
    still: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE",
            help="A still of the stream: with --write, a later move of the camera is noticed by "
            "it; with --map, it is drawn over.",
        ),
    ] = None,
    map_file: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="Draw error and landmarks: a .png or .svg."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the result into the camera's file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit a camera to surveyed landmarks, and say where on the floor it errs how much.

    Landmarks that contradict the others are found and named. The error is measured by leaving
    each landmark out in turn; between and beyond them it is computed. Nothing is changed without
    --write. Exit status 1 where the landmarks do not fix a camera.

    Examples:

      lastseen calibrate my-school cam-01

      lastseen calibrate my-school cam-01 --landmarks survey.csv --map out/cam-01.png

      lastseen calibrate my-school cam-01 --still cam-01.png --write

      lastseen calibrate my-school cam-01 --refine-lens --json | jq .held_out_m
    """
    import datetime as dt

    from rich.console import Console

    from api.calibrating import (
        calibrate_camera,
        camera_path,
        read_still,
        reference_of,
        write_calibration,
    )
    from api.calibration_drawing import write_calibration_map
    from api.calibration_result import new_file

    done = calibrate_camera(site, camera, landmarks_file=landmarks, refine_lens=refine_lens)
    picture = None if still is None else read_still(still, done.fit.camera)
    reference = None if picture is None or still is None else reference_of(still, picture)
    console = Console()
    if as_json:
        typer.echo(json.dumps(_as_json(done), indent=2, ensure_ascii=False))
    else:
        _show(console, done)
    notes = Console(stderr=True)
    if map_file is not None:
        write_calibration_map(map_file, done, picture)
        notes.print(f"map: {map_file}", highlight=False, markup=False)
    if not write:
        return
    path = camera_path(site, camera)
    text = path.read_text(encoding="utf-8")
    made = new_file(done, text, dt.datetime.now(tz=dt.UTC).date(), survey=landmarks is not None)
    write_calibration(site, done, made.text, reference)
    kept = "" if made.comments_kept else " (written anew: its comments are gone)"
    notes.print(f"written: {path}{kept}", highlight=False, markup=False)
    if reference is None:
        notes.print(
            "no --still was given: that the camera was moved can only be noticed against its first "
            "pictures of an incident",
            highlight=False,
        )


def _show(console: Console, done: Calibrated) -> None:
    from rich.markup import escape

    console.print(_landmark_table(done))
    console.print(_band_table(done))
    for line in _sentences(done):
        console.print(escape(line), highlight=False, soft_wrap=True)


def _landmark_table(done: Calibrated) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from api.calibration_result import label

    table = Table(title=f"{escape(done.name)}: landmarks", title_justify="left")
    table.add_column("landmark")
    table.add_column("off", justify="right")
    table.add_column("")
    for row, off_px in enumerate(done.fit.residual_px.tolist()):
        wrong = row in done.fit.dropped
        off = f"{off_px:.1f} px" if math.isfinite(off_px) else "not in the picture"
        table.add_row(
            escape(label(done.landmarks, row)),
            off,
            "[red]contradicts the others, not used[/]" if wrong else "",
        )
    return table


def _band_table(done: Calibrated) -> Table:
    from rich.table import Table

    table = Table(title="Expected error on the floor", title_justify="left")
    table.add_column("from the camera")
    for name in ("floor", "median", "worst"):
        table.add_column(name, justify="right")
    for band in done.bands:
        colour = "" if band.worst_m <= GOOD_M else "[yellow]"
        table.add_row(
            f"{band.from_m:.0f}-{band.to_m:.0f} m",
            f"{band.area_m2:.0f} m²",
            f"{band.median_m:.2f} m",
            f"{colour}{band.worst_m:.2f} m",
        )
    return table


def _sentences(done: Calibrated) -> list[str]:
    import numpy as np

    from calibration.error_map import trusted_up_to_m

    fit, lines = done.fit, []
    centre_m = fit.camera.centre_m
    assert centre_m is not None  # noqa: S101 - a fitted camera has one
    x_m, y_m, z_m = centre_m.tolist()
    lines.append(f"The camera hangs at ({x_m:.2f}, {y_m:.2f}), {z_m:.2f} m above the floor.")
    if done.refined:
        lens = fit.camera.lens
        lines.append(f"The lens was fitted: fx {lens.fx:.1f}, fy {lens.fy:.1f}, k1 {lens.k1:.4f}.")
    if fit.measured:
        held_out_m = float(np.sqrt(np.mean(fit.held_out_m**2)))
        lines.append(
            f"Left out in turn, {len(fit.held_out_m)} landmarks are placed {held_out_m:.2f} m off "
            f"by the others (root mean square; the worst {fit.held_out_m.max():.2f} m)."
        )
    else:
        lines.append(
            f"Too few landmarks can be left out to measure the error; {fit.camera.floor_error_m} m "
            "is assumed everywhere. Survey more."
        )
    far_m = trusted_up_to_m(done.errors, GOOD_M)
    if fit.measured and math.isfinite(far_m):
        lines.append(
            f"From {far_m:.0f} m on, some of the floor has an expected error above {GOOD_M:g} m; "
            "landmarks out there would lower it."
        )
    moved_m = done.moved_m
    if moved_m is not None and len(moved_m):
        lines.append(
            f"Against the calibration in the file, the floor moves by {np.median(moved_m):.2f} m "
            f"(median; up to {moved_m.max():.2f} m)."
        )
    return lines


def _as_json(done: Calibrated) -> dict[str, Any]:
    import numpy as np

    from api.calibration_result import label
    from calibration.error_map import trusted_up_to_m

    fit = done.fit
    pose, centre_m = fit.camera.pose, fit.camera.centre_m
    assert pose is not None  # noqa: S101 - a fitted camera has one
    assert centre_m is not None  # noqa: S101 - and a place
    far_m = trusted_up_to_m(done.errors, GOOD_M)
    moved_m = done.moved_m
    return {
        "camera": done.camera_id,
        "pose": {"R": pose.rotation.tolist(), "t": pose.translation.tolist()},
        "centre_m": centre_m.tolist(),
        "lens": {key: getattr(fit.camera.lens, key) for key in ("fx", "fy", "k1")},
        "floor_error_m": fit.camera.floor_error_m,
        "measured": fit.measured,
        "held_out_m": float(np.sqrt(np.mean(fit.held_out_m**2))) if fit.measured else None,
        "sigma_px": fit.sigma_px,
        "landmarks": [
            {
                "name": label(done.landmarks, row),
                "off_px": off_px if math.isfinite(off_px) else None,
                "believed": row not in fit.dropped,
            }
            for row, off_px in enumerate(fit.residual_px.tolist())
        ],
        "expected_error": [
            {
                "from_m": band.from_m,
                "to_m": band.to_m,
                "area_m2": band.area_m2,
                "median_m": band.median_m,
                "worst_m": band.worst_m,
            }
            for band in done.bands
        ],
        f"above_{GOOD_M:g}_m_from_m": far_m if math.isfinite(far_m) else None,
        "moved_m": float(np.median(moved_m)) if moved_m is not None and len(moved_m) else None,
    }
