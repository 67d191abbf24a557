"""From pictures to a proven export by the commands a user has, through a kill in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.networks import load_training_state
from models.registry import checkpoint_in_file, find_checkpoint, sha256_of
from models.training import EPOCH_NAME

if TYPE_CHECKING:
    from pathlib import Path

START = find_checkpoint("person-firearm")
EPOCHS = 3

RECIPE = f"""
schema = 1
name = "tiny"
summary = "A few steps, for a test."
start = "{START.path.name}"
start_sha256 = "{START.sha256}"
start_origin = "the shipped weights"
seed = 3

[head]
person = ["person"]
firearm = ["firearm"]

[[sources]]
name = "set"
folder = "set"
licence = "CC0-1.0"
origin = "drawn here"
classes = {{ 0 = "person" }}

[[stages]]
name = "steps"
sources = ["set"]
epochs = {EPOCHS}
batch = 4
image_px = 96
mosaic = 0.0

[[evaluations]]
name = "the same pictures"
folder = "set"
layout = "yolo"
classes = {{ 0 = "person" }}
counts = ["person"]
"""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from api.cli import main; main()", *map(str, arguments)]


@pytest.mark.slow
def test_train_kill_resume_evaluate_export_verify(tmp_path: Path, wing_dir: Path) -> None:
    rng = np.random.default_rng(5)
    for kind in ("images", "labels"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    for number in range(64):
        picture = rng.integers(0, 90, (120, 160, 3), np.uint8)
        picture[20:110, 60:95] = rng.integers(120, 256, 3)
        cv2.imwrite(str(tmp_path / "set" / "images" / f"{number:02d}.png"), picture)
        (tmp_path / "set" / "labels" / f"{number:02d}.txt").write_text(
            "0 0.484 0.542 0.219 0.75\n", encoding="utf-8"
        )
    recipe, out = tmp_path / "tiny.toml", tmp_path / "run"
    recipe.write_text(RECIPE, encoding="utf-8")
    train = command(
        "models", "train", recipe, "--data", tmp_path, "--data", START.path.parent, "--out", out,
        "--device", "cpu",
    )  # fmt: skip

    last = out / "steps" / EPOCH_NAME
    running = subprocess.Popen(train, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up_s = time.monotonic() + 240
    while not last.exists():
        assert running.poll() is None, "training ended before its first epoch"
        assert time.monotonic() < give_up_s
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (out / "checkpoint.pt").exists()
    _, state = load_training_state(last)
    epochs_before = state["epoch"] + 1
    assert 1 <= epochs_before < EPOCHS

    done = subprocess.run(train, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    _, state = load_training_state(last)
    assert state["epoch"] == EPOCHS - 1
    checkpoint = checkpoint_in_file(out / "checkpoint.pt")
    assert checkpoint.classes == ("person", "firearm")
    card = (out / "tiny.md").read_text(encoding="utf-8")
    for told in (START.sha256, checkpoint.sha256, "CC0-1.0", "| seed | 3 |", "the same pictures"):
        assert told in card

    data = tmp_path / "data.yaml"
    data.write_text(f"path: {tmp_path}/set\nval: images\nnames: [person]\n", encoding="utf-8")
    measured = subprocess.run(
        command("models", "evaluate", checkpoint.path, data, "--json", "--device", "cpu"),
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert json.loads(measured.stdout)["classes"]["person"]["objects"] == 64

    exported = subprocess.run(
        command(
            "models", "export", checkpoint.path, "--as", "openvino", "--to", tmp_path / "exports",
            "--verify", "--pictures", wing_dir / "video",
        ),
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / "exports" / "checkpoint-fp16-openvino" / "model.xml").exists()
    assert " boxes in " in exported.stdout
    assert sha256_of(START.path) == START.sha256
