"""Runs a training recipe: start → stages → mixture → one small checkpoint and its record."""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .datasets import SourceRecord, build_stage
from .errors import RecipeError
from .labels import Labels
from .networks import load_network, load_predictor, load_training_state
from .offline import keep_offline
from .recipe import find_folder
from .registry import sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .recipe import Recipe, Stage

TEACHER_CONFIDENCE = 0.5
"""The start's boxes below this are too often wrong to be taught as truth."""

CHECKPOINT_NAME = "checkpoint.pt"
EPOCH_NAME = "epoch.pt"
"""The last whole epoch of a stage, from which an interrupted run goes on."""

RECORD_NAME = "run.json"


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What a model card says about one finished stage."""

    name: str
    sources: tuple[SourceRecord, ...]
    minutes: float
    """Wall-clock minutes of the process that finished it."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A finished run: the checkpoint and everything that decided it."""

    recipe: str
    start_sha256: str
    seed: int
    mixture: dict[str, float]
    checkpoint: str
    sha256: str
    machine: str
    versions: dict[str, str]
    stages: tuple[StageRecord, ...]


Watcher = Callable[[str, int, int], None]
"""Told the name of the stage, the batches done and those there are, while training runs."""


def train(
    recipe: Recipe, roots: tuple[Path, ...], out: Path, watch: Watcher = lambda *_: None
) -> TrainingRun:
    """Run every stage of `recipe` and write the checkpoint and its record below `out`.

    What an earlier, interrupted run finished in the same folder is not repeated: whole stages, and
    the epochs of the stage that it was in.

    Args:
        recipe: what to train.
        roots: folders in which the start checkpoint and the sources are looked for.
        out: folder of the run; created.
        watch: is told how far the training has come.

    Raises:
        RecipeError: if the start or a source is missing, or the start is another file.
        DatasetError: if a source's files are malformed.
    """
    keep_offline()
    start = find_folder(recipe.start, roots)
    actual = sha256_of(start)
    if actual != recipe.start_sha256:
        raise RecipeError(
            f"{start}: not the recipe's start: sha256 expected {recipe.start_sha256}, got {actual}"
        )
    out.mkdir(parents=True, exist_ok=True)
    begun = out / "start.pt"
    if not begun.exists():
        _save(_with_new_head(start, recipe), begun)
    teacher = _Teacher(start)
    current, records, made = begun, [], {"start": begun}
    for stage in recipe.stages:
        current, record = _run_stage(
            stage, recipe, roots, out / stage.name, current, teacher, watch
        )
        records.append(record)
        made[stage.name] = current
    final = out / CHECKPOINT_NAME
    shares = recipe.mixture or {recipe.stages[-1].name: 1.0}
    mix([(made[name], share) for name, share in shares.items()], final)
    run = TrainingRun(
        recipe=recipe.name,
        start_sha256=actual,
        seed=recipe.seed,
        mixture=dict(shares),
        checkpoint=final.name,
        sha256=sha256_of(final),
        machine=f"{platform.processor() or platform.machine()}, {platform.system()}",
        versions={name: version(name) for name in ("torch", "ultralytics", "numpy")},
        stages=tuple(records),
    )
    (out / RECORD_NAME).write_text(json.dumps(asdict(run), indent=1), encoding="utf-8")
    return run


def mix(parts: Sequence[tuple[Path, float]], to: Path) -> None:
    """Write the weighted mean of checkpoints of one architecture.

    The mean of a model and its fine-tuned self keeps more of the old skill than it loses of the
    new one (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).

    Args:
        parts: checkpoints and their shares, which add up to 1.
        to: the file to write.
    """
    states = [(load_network(path).state_dict(), share) for path, share in parts]
    mixed = load_network(parts[-1][0])
    mixed.load_state_dict(
        {
            key: sum(state[key] * share for state, share in states)
            if value.is_floating_point()
            else value
            for key, value in mixed.state_dict().items()
        }
    )
    _save(mixed, to)


class _Teacher:
    """Finds the start checkpoint's own classes, so that the new one does not unlearn them."""

    def __init__(self, start: Path) -> None:
        self._model = load_predictor(start)
        self._numbers = {name: number for number, name in self._model.names.items()}

    def __call__(
        self, image: NDArray[np.uint8], names: tuple[str, ...], numbered: tuple[str, ...]
    ) -> Labels:
        """The objects of the classes `names`, each with its place in `numbered`."""
        unknown = [name for name in names if name not in self._numbers]
        if unknown:
            raise RecipeError(f"taught: the start checkpoint has no classes {unknown}")
        [result] = self._model.predict(
            image,
            imgsz=640,
            conf=TEACHER_CONFIDENCE,
            classes=[self._numbers[name] for name in names],
            verbose=False,
        )
        rows: NDArray[np.float32] = result.boxes.data.cpu().numpy()
        ours = {self._numbers[name]: numbered.index(name) for name in names}
        return Labels(
            rows[:, :4].astype(np.float64), np.array([ours[int(c)] for c in rows[:, 5]], np.int64)
        )


def _run_stage(
    stage: Stage,
    recipe: Recipe,
    roots: tuple[Path, ...],
    folder: Path,
    start: Path,
    teacher: _Teacher,
    watch: Watcher,
) -> tuple[Path, StageRecord]:
    done = folder / "done.pt"
    minutes_file = folder / "minutes.txt"
    data_file, sources = build_stage(stage, recipe, roots, folder / "data", teacher)
    if not done.exists():
        begun_s = time.monotonic()
        last = _fit(stage, recipe, start, data_file, folder, watch)
        minutes_file.write_text(f"{(time.monotonic() - begun_s) / 60:.1f}\n", encoding="utf-8")
        shutil.copyfile(last, done)
    return done, StageRecord(stage.name, sources, float(minutes_file.read_text(encoding="utf-8")))


def _fit(
    stage: Stage, recipe: Recipe, start: Path, data_file: Path, folder: Path, watch: Watcher
) -> Path:
    """Train one stage, from its last whole epoch if it was interrupted; return its checkpoint."""
    from torch import nn  # noqa: PLC0415 - seconds to import, only training needs it
    from ultralytics.models.yolo.detect import DetectionTrainer  # noqa: PLC0415 - likewise

    whole = folder / EPOCH_NAME
    network, state = load_training_state(whole if whole.exists() else start)
    interrupted = whole.exists() and int(state["epoch"]) < stage.epochs - 1
    if whole.exists() and not interrupted:
        return whole

    class Trainer(DetectionTrainer):
        """Keeps all batch-norm statistics, and leaves measuring to `evaluation`."""

        def setup_model(self) -> dict[str, Any] | None:
            self.model = network
            self.resume = interrupted
            return state if interrupted else None

        def _model_train(self) -> None:
            # Mosaics and sheets do not look like footage; their statistics must not replace
            # those of the start.
            trained: Any = self.model
            trained.train()
            for module in trained.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

        def validate(self) -> tuple[dict[str, float], float]:
            return {}, 0.0

        def final_eval(self) -> None:
            pass

    trainer: Any = Trainer(
        overrides={
            "model": str(start),
            "data": str(data_file),
            "project": str(folder.resolve()),
            "name": "fit",
            "exist_ok": True,
            "seed": recipe.seed,
            "deterministic": True,
            "epochs": stage.epochs,
            "batch": stage.batch,
            "nbs": stage.batch,
            "imgsz": stage.image_px,
            "optimizer": "AdamW",
            "lr0": stage.learning_rate,
            "lrf": 0.05,
            "cos_lr": True,
            "warmup_epochs": 0.3,
            "warmup_bias_lr": stage.learning_rate,
            "weight_decay": 5e-4,
            "freeze": stage.freeze,
            "mosaic": stage.mosaic,
            "close_mosaic": stage.plain_epochs,
            "scale": stage.scale,
            "translate": 0.1,
            "multi_scale": stage.sizes,
            "hsv_h": 0.015,
            "hsv_s": 0.6,
            "hsv_v": 0.4,
            "amp": False,
            "plots": False,
            "val": False,
            "patience": 0,
        }
    )
    trainer.add_callback("on_pretrain_routine_end", _hasten_on_cpu)
    trainer.add_callback("on_train_batch_end", _Count(stage, watch))
    trainer.add_callback("on_model_save", _keep_epoch(whole))
    trainer.train()
    return whole


def _keep_epoch(whole: Path) -> Callable[[Any], None]:
    """Keep each finished epoch in a file that is never half written, as the library's can be."""

    def keep(trainer: Any) -> None:  # noqa: ANN401 - the library's trainer
        partial = whole.with_suffix(".partial")
        shutil.copyfile(trainer.last, partial)
        partial.replace(whole)

    return keep


class _Count:
    """Counts batches for whoever watches."""

    def __init__(self, stage: Stage, watch: Watcher) -> None:
        self._stage = stage
        self._watch = watch
        self._in_epoch = (-1, 0)

    def __call__(self, trainer: Any) -> None:  # noqa: ANN401 - the library's trainer
        epoch, batches = int(trainer.epoch), len(trainer.train_loader)
        done = self._in_epoch[1] + 1 if self._in_epoch[0] == epoch else 1
        self._in_epoch = (epoch, done)
        self._watch(self._stage.name, epoch * batches + done, self._stage.epochs * batches)


def _hasten_on_cpu(trainer: Any) -> None:  # noqa: ANN401 - the library's trainer
    """Run the layers in bfloat16 where the processor has it; the loss stays in single precision.

    On a processor with AVX-512 BF16 a step takes a little more than half the time (ultralytics'
    own mixed precision is for CUDA alone). Weights, gradients and the averaged model that is
    saved stay in single precision.
    """
    import torch  # noqa: PLC0415 - seconds to import, only training needs it

    if trainer.device.type != "cpu" or "bf16" not in _cpu_flags():
        return
    trainer.model.to(memory_format=torch.channels_last)
    cast: Any = torch.autocast("cpu", dtype=torch.bfloat16)
    layers = trainer.model.model

    def enter(*_: object) -> None:
        cast.__enter__()

    def leave(_module: object, _inputs: object, outputs: object) -> Any:  # noqa: ANN401 - tensors nested in containers
        cast.__exit__(None, None, None)
        return _single(outputs)

    layers[0].register_forward_pre_hook(enter)
    layers[-1].register_forward_hook(leave)


def _single(outputs: Any) -> Any:  # noqa: ANN401 - tensors nested in containers
    if isinstance(outputs, dict):
        return {key: _single(value) for key, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(_single(value) for value in outputs)
    return outputs.float()


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def _with_new_head(start: Path, recipe: Recipe) -> Any:  # noqa: ANN401 - the library's network
    """Return the start with one output row a class of ours, each the mean of some of its rows.

    Only the last 1x1 convolution of the class branch changes, so that a class with one old row
    scores exactly as it did before training.
    """
    import torch  # noqa: PLC0415 - seconds to import, only training needs it

    model = load_network(start)
    numbers = {name: number for number, name in model.names.items()}
    for ours, theirs in recipe.head.items():
        strangers = [name for name in theirs if name not in numbers]
        if strangers or not theirs:
            wrong = f"the start has no classes {strangers}" if theirs else "needs a class"
            raise RecipeError(f"head.{ours}: {wrong}")
    detect = model.model[-1]
    rows = [[numbers[name] for name in theirs] for theirs in recipe.head.values()]
    for branch in detect.cv3:
        old = branch[-1]
        new: Any = torch.nn.Conv2d(old.in_channels, len(rows), 1)
        with torch.no_grad():
            new.weight.copy_(torch.stack([old.weight[r].mean(0) for r in rows]))
            new.bias.copy_(torch.stack([old.bias[r].mean() for r in rows]))
        branch[-1] = new
    detect.nc = len(rows)
    detect.no = len(rows) + 4 * detect.reg_max
    model.nc = len(rows)
    model.yaml = {**model.yaml, "nc": len(rows)}
    model.names = dict(enumerate(recipe.classes))
    return model


def _save(model: Any, path: Path) -> None:  # noqa: ANN401 - the library's network
    """Write a checkpoint for inference: half precision, no optimizer, no training leftovers."""
    import torch  # noqa: PLC0415 - seconds to import, only training needs it

    model.criterion = None
    for leftover in ("pt_path", "args"):
        if hasattr(model, leftover):
            delattr(model, leftover)
    for parameter in model.parameters():
        parameter.requires_grad = False
    partial = path.with_suffix(".partial")
    torch.save({"model": model.half(), "train_args": {}, "license": "AGPL-3.0"}, partial)
    partial.replace(path)
