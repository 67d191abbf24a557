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
from .occluders import stand_before
from .pasting import cutouts, paste
from .person_crops import LOOK_SIDE_PX, cut_square, look_squares, resized
from .recipe import find_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from .pasting import Cutout
    from .recipe import Crop, Recipe, Source, Stage

    Picture = NDArray[np.uint8]
    Teacher = Callable[[Picture, tuple[str, ...], tuple[str, ...]], Labels]
    """Finds the objects of the named classes that it is sure of, numbered by the last names."""

Split = Literal["train", "held"]

SHEET_PX = 416
_CLEAN_JPEG_QUALITY = 95

BOX_SHAKE = 0.05
"""Standard deviation of a shaken box's edges, as a share of its width or height."""

WEAPON_SHARE = (0.1, 0.6)
"""Share of its square that a weapon's long side takes up: a handgun to a rifle in a person's."""


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
    number = int.from_bytes(hashlib.sha256(group_of(stem, source).encode()).digest()[:8], "big")
    if source.hold_out and number % source.hold_out == 0:
        return "held"
    place = (number // (source.hold_out or 1)) % 1000
    return "train" if place < round(source.take * 1000) else None


def group_of(stem: str, source: Source) -> str:
    """Return what a picture shares with others of one clip, scene or photograph."""
    match = re.match(source.group, stem)
    return match.group(1) if match else stem


def trained_groups(source: Source, root: Path) -> frozenset[str]:
    """Return the groups of the pictures below `root` that the source trains on."""
    stems = (path.stem for path in picture_files(root / "images"))
    return frozenset(group_of(stem, source) for stem in stems if split_of(stem, source) == "train")


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
        _write_source(recipe.source(name), recipe, roots, folder, teacher, rng, stage)
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
    stage: Stage,
) -> SourceRecord:
    root = find_folder(source.folder, roots)
    if source.taught and teacher is None:
        raise DatasetError(f"source {source.name}: taught = {source.taught} needs a teacher")
    pictures: list[tuple[Picture, Labels]] = []
    files: list[Path] = []
    added = 0
    names = recipe.names_in(source)
    for path, image, given in source_pictures(source, names, root, "train"):
        labels = given
        if source.taught and teacher is not None:
            labels = taught(given, teacher(image, source.taught, names))
        added += len(labels) - len(given)
        pictures.append((image, labels))
        files += [path, *(p for p in [root / "labels" / f"{path.stem}.txt"] if p.exists())]
    if not pictures:
        raise DatasetError(f"{root}: no picture is left to train on after hold_out and take")
    found = np.concatenate([labels.class_id for _, labels in pictures])
    laid_out = pictures
    if source.sheet is not None:
        laid_out = list(sheets(pictures, source.sheet.columns, rng))
    weapons = _weapons_to_paste(source, recipe, roots)
    for copy in range(source.repeat):
        for number, (image, labels) in enumerate(laid_out):
            cuts = _cuts(image, labels, source, names, weapons, rng)
            for part, (cut, objects) in enumerate(cuts):
                seen, objects = _made_harder(cut, objects, stage, names, rng)  # noqa: PLW2901 - those of them that are still seen
                if source.crop is not None:
                    objects = objects.moved(LOOK_SIDE_PX / cut.shape[0], 0, 0)  # noqa: PLW2901 - the same objects, at the side that is trained on
                    seen = resized(seen, LOOK_SIDE_PX)
                stem = f"{source.name}-{copy}-{number:05d}-{part:02d}"
                cv2.imwrite(
                    str(folder / "images" / "train" / f"{stem}.jpg"),
                    seen,
                    [cv2.IMWRITE_JPEG_QUALITY, _CLEAN_JPEG_QUALITY],
                )
                ours = objects.where(objects.class_id < len(recipe.classes))
                size_px = (seen.shape[1], seen.shape[0])
                write_labels(folder / "labels" / "train" / f"{stem}.txt", ours, size_px)
    counts = np.bincount(found, minlength=len(names)).tolist()
    return SourceRecord(
        source.name,
        source.licence,
        source.origin,
        len(pictures),
        dict(zip(names, counts, strict=True)),
        added,
        content_hash(files),
    )


def _made_harder(
    image: Picture,
    labels: Labels,
    stage: Stage,
    names: tuple[str, ...],
    rng: np.random.Generator,
) -> tuple[Picture, Labels]:
    """The picture with things in the way, or from a poor camera, as often as the stage says."""
    if rng.random() < stage.occlude:
        image, labels = stand_before(image, labels, names.index("person"), rng)
    return (degrade(image, rng) if rng.random() < stage.degrade else image), labels


def _cuts(
    image: Picture,
    labels: Labels,
    source: Source,
    names: tuple[str, ...],
    weapons: Sequence[Cutout],
    rng: np.random.Generator,
) -> Iterator[tuple[Picture, Labels]]:
    """The parts of one picture that are trained on."""
    if source.crop is not None:
        yield from squares(image, labels, source.crop, names, rng, weapons)
    elif source.window_px is not None:
        yield window(image, labels, source.window_px, rng)
    else:
        yield image, labels


def _weapons_to_paste(source: Source, recipe: Recipe, roots: tuple[Path, ...]) -> list[Cutout]:
    """Weapons cut out of the training part, and no other, of the source to paste from."""
    if source.crop is None or source.crop.paste is None:
        return []
    other = recipe.source(source.crop.paste.source)
    root = find_folder(other.folder, roots)
    pictures = source_pictures(other, recipe.names_in(other), root, "train")
    found = cutouts((image, labels) for _, image, labels in pictures)
    if not found:
        raise DatasetError(f"{root}: no weapon on a plain background to paste into {source.name}")
    return found


def squares(
    image: Picture,
    labels: Labels,
    crop: Crop,
    names: tuple[str, ...],
    rng: np.random.Generator,
    weapons: Sequence[Cutout] = (),
) -> Iterator[tuple[Picture, Labels]]:
    """Cut a square around every object of one class; see `recipe.Crop`.

    Boxes are shaken first, since those of a detector are never quite right.

    Args:
        image: the whole picture.
        labels: its objects.
        crop: how to cut.
        names: class names by the numbers of the labels.
        rng: decides all chances.
        weapons: what may be pasted where there is nothing to find.
    """
    number = names.index(crop.around)
    boxes = labels.xyxy_px[labels.class_id == number]
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    if crop.around == "person":
        around = look_squares(boxes + rng.normal(0, BOX_SHAKE, boxes.shape) * size)
    else:
        side = size.max(axis=1) / rng.uniform(*WEAPON_SHARE, len(boxes))
        free = (side[:, None] - size[:, :2]) / 2
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + rng.uniform(-0.8, 0.8, free.shape) * free
        around = np.hstack([centre - side[:, None] / 2, centre + side[:, None] / 2])
    for square, box in zip(around, boxes, strict=True):
        cut, left, top = cut_square(image, square)
        inside = labels.cut(left, top, left + cut.shape[1], top + cut.shape[0])
        wanted = (inside.class_id != number) if crop.around == "person" else inside.class_id >= 0
        inside = inside.where(wanted)
        if len(inside):
            yield cut, inside
        elif weapons and crop.paste is not None and rng.random() < crop.paste.share:
            holder = box - np.array([left, top, left, top])
            pasted = paste(cut, holder, weapons[int(rng.integers(len(weapons)))], rng)
            if pasted is not None:
                yield pasted
        elif rng.random() < crop.empty:
            yield cut, inside


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
