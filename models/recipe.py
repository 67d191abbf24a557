"""Training recipes: which data, in which stages, from which start, with which settings."""

from __future__ import annotations

import math
import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .errors import RecipeError

if TYPE_CHECKING:
    from pathlib import Path

Fraction = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sheet(_Part):
    """Cut-out photographs laid out as contact sheets, so that close-ups become small objects."""

    columns: tuple[Annotated[int, Field(ge=1, le=8)], ...]
    """Cells in a row (and rows) of a sheet; sheets take these in turn."""


class Paste(_Part):
    """Weapons of another source, cut out of plain backgrounds and pasted near hands."""

    source: str
    """Name of the source whose training part they are cut from; its objects are all weapons."""
    share: Fraction
    """Share of the squares with nothing to find in them that get one."""


class Crop(_Part):
    """Squares cut around objects and brought to `LOOK_SIDE_PX`, as the second look sees persons."""

    around: str
    """Class whose objects are cut around. Around "person", the square of the second look; around
    any other class, squares in which the object takes up the share that it has in a person's."""
    empty: Fraction = 1.0
    """Share of the squares with nothing to find in them that is kept."""
    paste: Paste | None = None
    """Pasted weapons become objects of class 0."""


class Source(_Part):
    """One folder of pictures with YOLO labels (`class cx cy w h`, fractions of the picture)."""

    name: str
    folder: str
    """Relative to one of the data folders given at run time."""
    licence: str
    origin: str
    """Where the data came from, for the model card."""
    classes: dict[int, str]
    """The label files' class numbers, as names of the recipe's classes."""
    taught: tuple[str, ...] = ()
    """Classes whose unlabelled objects the start checkpoint adds, so that none is unlearnt."""
    hold_out: Annotated[int, Field(ge=2)] | None = None
    """Every n-th group of pictures, by the hash of its name, is never trained on."""
    group: str = "(.*)"
    """Regular expression on a picture's stem; pictures with the same first group stay together."""
    take: Fraction = 1.0
    """Share of the groups that are not held out to train on, chosen by the hash of the name."""
    repeat: Annotated[int, Field(ge=1, le=20)] = 1
    sheet: Sheet | None = None
    window_px: Annotated[int, Field(ge=64)] | None = None
    """Train on windows of this side cut around objects, so that small ones keep their pixels."""
    crop: Crop | None = None

    @field_validator("group")
    @classmethod
    def _one_group(cls, pattern: str) -> str:
        if re.compile(pattern).groups < 1:
            raise ValueError("needs one group in parentheses, for example '(scene-\\d+)-.*'")
        return pattern


class Evaluation(_Part):
    """Labelled pictures that are only measured on, never trained on."""

    name: str
    folder: str
    """Relative to one of the data folders; for `held`, the name of a source with `hold_out`."""
    layout: Literal["yolo", "mot", "held"]
    """YOLO folders `images` and `labels`; MOT `img1` and `gt.txt` (persons); a held-out part."""
    classes: dict[int, str] = {}
    """Class numbers of the label files (layout yolo); objects of classes not in the recipe's
    [head] are left out."""
    counts: tuple[str, ...]
    """Classes that are labelled throughout; figures of others would mean nothing."""
    apart_from: str = ""
    """Name of a source: pictures of groups (its `group`) that it trains on are left out, so that
    no clip and no augmented twin is on both sides. For layout yolo."""
    every: Annotated[int, Field(ge=1)] = 1
    """Take every n-th picture."""
    input_px: Annotated[int, Field(ge=32, multiple_of=32)] | None = None
    """Long side of the network's input, where it is not the one that the weights run at live."""


class Stage(_Part):
    """One run over some of the sources."""

    name: str
    sources: tuple[str, ...]
    epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)] = 16
    image_px: Annotated[int, Field(ge=64, multiple_of=32)] = 416
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    freeze: Annotated[int, Field(ge=0)] = 10
    """Number of first layers that keep the start's weights."""
    degrade: Fraction = 0.5
    """Share of the training pictures made grey, noisy, soft or blocky, as CCTV is."""
    occlude: Fraction = 0.0
    """Share of the training pictures in which things are put before persons (class "person")."""
    mosaic: Fraction = 0.7
    scale: Fraction = 0.4
    sizes: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Each batch is trained at another size, up to this share of `image_px` more or less, so that
    the network is good at inputs of several sizes."""
    plain_epochs: Annotated[int, Field(ge=0)] = 1
    """Last epochs without mosaics, so that training ends on pictures as they are at run time."""


class Recipe(_Part):
    """All that decides a training run, apart from the data's bytes.

    `head` gives each class of the new checkpoint the classes of the start whose mean output row it
    begins from, in the order of the class numbers.
    """

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    summary: str
    start: str
    """File name of the start checkpoint, below one of the data folders."""
    start_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    start_origin: str
    seed: Annotated[int, Field(ge=0)] = 0
    role: Literal["whole frame", "second look"] = "whole frame"
    """Whether the new checkpoint sees whole pictures or squares around persons."""
    mixture: dict[str, Fraction] = {}
    """Shares of the start ("start") and of the stages in the final weights, together 1; the last
    stage alone if empty. A mean with earlier weights keeps more of the old skills."""
    head: dict[str, tuple[str, ...]]
    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]
    evaluations: tuple[Evaluation, ...] = ()
    confidence: dict[str, Fraction] = {}
    """Class name → operating point at which the card's precision and recall are measured."""
    notes: tuple[str, ...] = ()
    """Paragraphs for the model card: how operating points were chosen, what it cannot do."""

    @model_validator(mode="after")
    def _sources_agree(self) -> Recipe:
        known = {source.name for source in self.sources}
        if len(known) != len(self.sources):
            raise ValueError("sources: two sources have the same name")
        for source in self.sources:
            # Squares may be cut around objects of a class that the new checkpoint does not find.
            cut_around = {source.crop.around} if source.crop else set()
            strangers = {*source.classes.values(), *source.taught} - self.head.keys() - cut_around
            if strangers:
                raise ValueError(
                    f"source {source.name}: classes {sorted(strangers)} are not in [head], "
                    f"which has {sorted(self.head)}"
                )
        for stage in self.stages:
            if missing := set(stage.sources) - known:
                raise ValueError(f"stage {stage.name}: unknown sources {sorted(missing)}")
            if stage.occlude and "person" not in self.head:
                raise ValueError(f"stage {stage.name}: occlude: [head] has no class 'person'")
        return self

    @model_validator(mode="after")
    def _pastes_agree(self) -> Recipe:
        known = {source.name for source in self.sources}
        for source in self.sources:
            paste = source.crop.paste if source.crop else None
            if paste is not None and paste.source not in known:
                raise ValueError(f"source {source.name}: crop.paste: no source {paste.source!r}")
        return self

    @model_validator(mode="after")
    def _evaluations_agree(self) -> Recipe:
        known = {source.name for source in self.sources}
        for part in self.evaluations:
            if strangers := set(part.counts) - self.head.keys():
                raise ValueError(f"evaluation {part.name}: unknown classes {sorted(strangers)}")
            named = part.folder if part.layout == "held" else part.apart_from
            if named not in known and (named or part.layout == "held"):
                raise ValueError(f"evaluation {part.name}: no source is called {named!r}")
        if strangers := self.confidence.keys() - self.head.keys():
            raise ValueError(f"confidence: unknown classes {sorted(strangers)}")
        return self

    @model_validator(mode="after")
    def _shares_agree(self) -> Recipe:
        parts = {"start", *(stage.name for stage in self.stages)}
        if strangers := self.mixture.keys() - parts:
            raise ValueError(f"mixture: no stages called {sorted(strangers)}")
        if self.mixture and not math.isclose(sum(self.mixture.values()), 1.0):
            raise ValueError(f"mixture: shares add up to {sum(self.mixture.values()):g}, not to 1")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names of the new checkpoint, in the order of their numbers."""
        return tuple(self.head)

    def names_in(self, source: Source) -> tuple[str, ...]:
        """Class names by the numbers that the labels of a source have: ours, then others."""
        around = source.crop.around if source.crop else None
        return self.classes if around is None or around in self.classes else (*self.classes, around)

    def source(self, name: str) -> Source:
        """Return the source called `name`."""
        return next(source for source in self.sources if source.name == name)


def load_recipe(path: Path) -> Recipe:
    """Return the recipe in the TOML file at `path`.

    Raises:
        RecipeError: naming the file and each wrong field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(str(part) for part in problem['loc']) or 'recipe'}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        ]
        raise RecipeError("\n".join(lines)) from error


def find_folder(relative: str, roots: tuple[Path, ...]) -> Path:
    """Return the first of `roots` / `relative` that exists.

    Raises:
        RecipeError: saying where it was looked for.
    """
    for root in roots:
        if (root / relative).exists():
            return root / relative
    looked = ", ".join(str(root) for root in roots) or "no folder (give --data)"
    raise RecipeError(f"{relative}: not found in {looked}")
