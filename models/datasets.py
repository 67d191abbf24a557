"""Builds the training set of a stage from its sources: split, taught, degraded, laid out."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from .errors import DatasetError
from .labels import (
    Labels,
    content_hash,
    picture_files,
    read_labels,
    read_picture,
    taught,
    write_labels,
)
from .recipe import find_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from .recipe import Recipe, Source, Stage

    Picture = NDArray[np.uint8]
    Teacher = Callable[[Picture, tuple[str, ...]], Labels]
    """Finds the objects of the named classes, numbered as in the recipe, that it is sure of."""

Split = Literal["train", "held"]

SHEET_PX = 416
_CLEAN_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What a model card says about one source of a run."""

    name: str
    licence: str
    origin: str
    pictures: int
    objects: dict[str, int]
    added_by_teacher: int
    sha256: str


def split_of(stem: str, source: Source) -> Split | None:
    """Return the part of its source that a picture belongs to; None if it is not used.

    The choice depends on the name of the picture's group alone, so it is the same on every
    machine and stays the same when pictures are added.
    """
    match = re.match(source.group, stem)
    group = match.group(1) if match else stem
    number = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big")
    if source.hold_out and number % source.hold_out == 0:
        return "held"
    place = (number // (source.hold_out or 1)) % 1000
    return "train" if place < round(source.take * 1000) else None


def build_stage(
    stage: Stage, recipe: Recipe, roots: tuple[Path, ...], folder: Path, teacher: Teacher | None
) -> tuple[Path, tuple[SourceRecord, ...]]:
    """Write a stage's pictures and labels below `folder`; return its data file and the records.

    A folder that was completed before is used again as it is.

    Raises:
        DatasetError: for a picture or label file that is malformed.
        RecipeError: for a source that is nowhere below `roots`.
    """
    data_file, record_file = folder / "data.yaml", folder / "sources.json"
    if record_file.exists():
        rows = json.loads(record_file.read_text(encoding="utf-8"))
        return data_file, tuple(SourceRecord(**row) for row in rows)
    shutil.rmtree(folder, ignore_errors=True)
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir(parents=True)
    rng = np.random.default_rng([recipe.seed, recipe.stages.index(stage)])
    records = tuple(
        _write_source(recipe.source(name), recipe, roots, folder, teacher, rng, stage.degrade)
        for name in stage.sources
    )
    names = "".join(f"  {i}: {name}\n" for i, name in enumerate(recipe.classes))
    # The trainer insists on a validation set; figures come from `evaluation`, never from here.
    data_file.write_text(
        f"path: {folder.resolve()}\ntrain: images/train\nval: images/train\nnames:\n{names}",
        encoding="utf-8",
    )
    record_file.write_text(json.dumps([asdict(r) for r in records], indent=1), encoding="utf-8")
    return data_file, records


def source_pictures(
    source: Source, classes: tuple[str, ...], root: Path, split: Split
) -> Iterator[tuple[Path, Picture, Labels]]:
    """Yield the pictures of one split of a source, with the labels as its files give them."""
    numbers = {theirs: classes.index(name) for theirs, name in source.classes.items()}
    for path in picture_files(root / "images"):
        if split_of(path.stem, source) != split:
            continue
        image = read_picture(path)
        size_px = (image.shape[1], image.shape[0])
        yield path, image, read_labels(root / "labels" / f"{path.stem}.txt", size_px, numbers)


def _write_source(
    source: Source,
    recipe: Recipe,
    roots: tuple[Path, ...],
    folder: Path,
    teacher: Teacher | None,
    rng: np.random.Generator,
    degrade_share: float,
) -> SourceRecord:
    root = find_folder(source.folder, roots)
    if source.taught and teacher is None:
        raise DatasetError(f"source {source.name}: taught = {source.taught} needs a teacher")
    pictures: list[tuple[Picture, Labels]] = []
    files: list[Path] = []
    added = 0
    for path, image, given in source_pictures(source, recipe.classes, root, "train"):
        labels = given
        if source.taught and teacher is not None:
            labels = taught(given, teacher(image, source.taught))
        added += len(labels) - len(given)
        pictures.append((image, labels))
        files += [path, *(p for p in [root / "labels" / f"{path.stem}.txt"] if p.exists())]
    if not pictures:
        raise DatasetError(f"{root}: no picture is left to train on after hold_out and take")
    found = np.concatenate([labels.class_id for _, labels in pictures])
    laid_out = pictures
    if source.sheet is not None:
        laid_out = list(sheets(pictures, source.sheet.columns, rng))
    for copy in range(source.repeat):
        for number, (image, labels) in enumerate(laid_out):
            stem = f"{source.name}-{copy}-{number:05d}"
            if source.window_px is not None:
                image, labels = window(image, labels, source.window_px, rng)  # noqa: PLW2901 - the same picture, smaller
            seen = degrade(image, rng) if rng.random() < degrade_share else image
            cv2.imwrite(
                str(folder / "images" / "train" / f"{stem}.jpg"),
                seen,
                [cv2.IMWRITE_JPEG_QUALITY, _CLEAN_JPEG_QUALITY],
            )
            size_px = (image.shape[1], image.shape[0])
            write_labels(folder / "labels" / "train" / f"{stem}.txt", labels, size_px)
    counts = np.bincount(found, minlength=len(recipe.classes)).tolist()
    return SourceRecord(
        source.name,
        source.licence,
        source.origin,
        len(pictures),
        dict(zip(recipe.classes, counts, strict=True)),
        added,
        content_hash(files),
    )


def sheets(
    pictures: list[tuple[Picture, Labels]], columns: tuple[int, ...], rng: np.random.Generator
) -> Iterator[tuple[Picture, Labels]]:
    """Lay pictures out in square grids of `columns` cells a side, in turn, in random order."""
    order = list(rng.permutation(len(pictures)))
    turn = 0
    while order:
        side = columns[turn % len(columns)]
        turn += 1
        taken, order = order[: side * side], order[side * side :]
        cell = SHEET_PX // side
        sheet = np.full((SHEET_PX, SHEET_PX, 3), rng.integers(60, 200), np.uint8)
        labels = Labels.none()
        for place, index in enumerate(taken):
            image, objects = pictures[index]
            height, width = image.shape[:2]
            factor = cell / max(height, width)
            small = cv2.resize(
                image,
                (max(1, int(width * factor)), max(1, int(height * factor))),
                interpolation=cv2.INTER_AREA,
            )
            left, top = (place % side) * cell, (place // side) * cell
            left += int(rng.integers(0, cell - small.shape[1] + 1))
            top += int(rng.integers(0, cell - small.shape[0] + 1))
            sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
            labels = labels.joined(objects.moved(factor, left, top))
        yield sheet, labels


def window(
    image: Picture, labels: Labels, side_px: int, rng: np.random.Generator
) -> tuple[Picture, Labels]:
    """Return a window of the picture, around one of its objects if it has any, and its labels."""
    height, width = image.shape[:2]
    across, down = min(side_px, width), min(side_px, height)
    centre = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    if len(labels):
        # Every class that is there as often as the others, however few its objects.
        wanted = rng.choice(np.unique(labels.class_id))
        left, top, right, bottom = rng.choice(labels.xyxy_px[labels.class_id == wanted])
        centre = np.array([(left + right) / 2, (top + bottom) / 2])
        centre += rng.uniform(-0.3, 0.3, 2) * (across, down)
    left, top = (
        int(np.clip(c - side / 2, 0, whole - side))
        for c, side, whole in zip(centre, (across, down), (width, height), strict=True)
    )
    cut = labels.cut(left, top, left + across, top + down)
    return image[top : top + down, left : left + across], cut


def degrade(image: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture as a poor camera would give it: grey, dim, noisy, soft or blocky.

    Each fault comes with its own probability, so a picture can have several or none.
    """
    seen: NDArray[np.floating[Any]] = image.astype(np.float32)
    grey, dim, noisy, soft, blocky = rng.random(5) < (0.5, 0.4, 0.4, 0.3, 0.6)
    if grey:  # infrared lamps at night
        seen = np.repeat(seen @ np.array([[0.114], [0.587], [0.299]], np.float32), 3, axis=2)
    if dim:
        seen = 255 * (seen / 255) ** rng.uniform(0.7, 1.6) * rng.uniform(0.6, 1.0)
    if soft:
        seen = cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.5, 1.3)).astype(np.float32)
    if noisy:
        grain = rng.normal(0, rng.uniform(2, 12), (*seen.shape[:2], 1 if grey else 3))
        seen = (seen + grain).astype(np.float32)
    result: Picture = np.clip(seen, 0, 255).astype(np.uint8)
    if blocky:
        quality = int(rng.integers(25, 70))
        _, packed = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])
        result = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return result
