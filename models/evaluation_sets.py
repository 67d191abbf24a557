"""Labelled pictures to measure on, whatever the layout they lie in."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from .datasets import group_of, sheets, source_pictures, trained_groups
from .errors import DatasetError
from .labels import Labels, picture_files, read_labels, read_picture
from .recipe import find_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from .recipe import Evaluation, Recipe

_MOT_COLUMNS = 6


def evaluation_pictures(
    part: Evaluation, recipe: Recipe, roots: tuple[Path, ...]
) -> Iterator[tuple[NDArray[np.uint8], Labels]]:
    """Yield the pictures of one evaluation with their labels, numbered as in the recipe.

    Held-out pictures of a source that is trained on as contact sheets come as sheets, too.

    Raises:
        RecipeError: if the folder is nowhere below `roots`.
        DatasetError: for a malformed file.
    """
    if part.layout == "held":
        source = recipe.source(part.folder)
        root = find_folder(source.folder, roots)
        held = source_pictures(source, recipe.classes, root, "held")
        pictures = ((image, labels) for _, image, labels in islice(held, 0, None, part.every))
        if source.sheet is None:
            yield from pictures
        else:
            rng = np.random.default_rng(recipe.seed)
            yield from sheets(list(pictures), source.sheet.columns, rng)
        return
    root = find_folder(part.folder, roots)
    if part.layout == "mot":
        yield from _mot_pictures(root, recipe.classes.index("person"), part.every)
        return
    left_out = len(recipe.classes)
    numbers = {
        theirs: recipe.classes.index(name) if name in recipe.classes else left_out
        for theirs, name in part.classes.items()
    }
    for path in evaluation_files(part, recipe, roots):
        image = read_picture(path)
        size_px = (image.shape[1], image.shape[0])
        labels = read_labels(root / "labels" / f"{path.stem}.txt", size_px, numbers)
        yield image, labels.where(labels.class_id != left_out)


def evaluation_files(part: Evaluation, recipe: Recipe, roots: tuple[Path, ...]) -> list[Path]:
    """Return the pictures of an evaluation of layout yolo, without what `apart_from` leaves out.

    Raises:
        RecipeError: if a folder is nowhere below `roots`.
        DatasetError: if it holds no pictures.
    """
    files = picture_files(find_folder(part.folder, roots) / "images")
    if part.apart_from:
        source = recipe.source(part.apart_from)
        trained = trained_groups(source, find_folder(source.folder, roots))
        files = [path for path in files if group_of(path.stem, source) not in trained]
    return files[:: part.every]


def _mot_pictures(
    root: Path, person: int, every: int
) -> Iterator[tuple[NDArray[np.uint8], Labels]]:
    """MOT Challenge layout: `img1/<frame>.jpg`, `gt.txt` rows of frame, id, left, top, w, h, …."""
    try:
        rows = np.loadtxt(root / "gt.txt", delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{root / 'gt.txt'}: cannot be read as MOT rows: {error}") from error
    if rows.shape[1] < _MOT_COLUMNS:
        raise DatasetError(f"{root / 'gt.txt'}: expected frame,id,left,top,width,height,…")
    for path in picture_files(root / "img1")[::every]:
        digits = "".join(c for c in path.stem if c.isdigit())
        if not digits:
            raise DatasetError(f"{path}: expected the frame's number in the file's name")
        left_top, size = np.hsplit(rows[rows[:, 0] == int(digits), 2:6], 2)
        boxes = np.hstack([left_top, left_top + size])
        yield read_picture(path), Labels(boxes, np.full(len(boxes), person, np.int64))
