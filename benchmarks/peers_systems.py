"""The systems that are compared, and whether they are on this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import cv2

from benchmarks.peers_clips import recordings
from benchmarks.peers_process import HERE, PeerFailedError
from models.offline import cache_dir
from vision.decode import decode_file
from vision.yolo_boxes import SAME_OBJECT_IOU

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["OURS", "SAME_OBJECT_IOU", "Peer", "exported", "peers_here"]

OURS = "ours"
EXPORT_PATIENCE_S = 300.0
CALIBRATED_WITH = 6
"""Pictures of each recording from which 8-bit weights are calibrated."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One system.

    Attributes:
        name: key of its figures.
        title: what it is, for people.
        program: file beside this one that runs it.
        needs: modules that its interpreter must have.
        install: how to get them.
        python: the interpreter.
        options: told to the program.
        exported_bits: 16 or 8 where it runs its own OpenVINO export, 0 where it takes the weights.
    """

    name: str
    title: str
    program: str
    needs: tuple[str, ...] = ()
    install: str = ""
    python: str = sys.executable
    options: Mapping[str, Any] = field(default_factory=dict)
    exported_bits: int = 0

    def weights(self, checkpoint: Path, batch: int) -> str:
        """What its program loads: the checkpoint, or its export for batches of `batch`."""
        if not self.exported_bits:
            return str(checkpoint)
        return exported(self.python, checkpoint, batch, self.exported_bits)


def peers_here(
    names: Sequence[str], ultralytics_python: str | None, inference_python: str | None
) -> tuple[list[Peer], dict[str, str]]:
    """The systems to measure, ours first, and of those that are not here how to install them.

    Raises:
        ValueError: a name that there is not.
    """
    every = _systems(ultralytics_python or sys.executable, inference_python or sys.executable)
    if strangers := sorted(set(names) - {peer.name for peer in every}):
        known = ", ".join(peer.name for peer in every)
        raise ValueError(f"no system {strangers[0]!r}; there are {known}")
    here, missing = [], {}
    for peer in every:
        if names and peer.name not in (OURS, *names):
            continue
        lacking = _lacking(peer)
        if lacking:
            missing[peer.name] = f"not installed here ({lacking}): {peer.install}"
        else:
            here.append(peer)
    return here, missing


def _systems(ultralytics_python: str, inference_python: str) -> list[Peer]:
    ultralytics: dict[str, Any] = {
        "program": "peers_ultralytics.py",
        "needs": ("ultralytics", "openvino", "lap"),  # it would fetch `lap` by itself
        "install": "pip install lap nncf tabulate beside this project's packages, in a copy of its "
        "environment, and name that Python with --ultralytics-python",
        "python": ultralytics_python,
    }
    openvino = {"tracker": "bytetrack.yaml"}
    return [
        Peer(OURS, "this project's worker", "peers_ours.py"),
        Peer(
            "ultralytics",
            "ultralytics track(stream=True), as it comes",
            **ultralytics,
            options={"tracker": "tracktrack.yaml", "backend": "torch-cpu-fp32"},
        ),
        Peer(
            "ultralytics-openvino",
            "ultralytics track(stream=True), its OpenVINO export",
            **ultralytics,
            options={**openvino, "backend": "its openvino export, half"},
            exported_bits=16,
        ),
        Peer(
            "ultralytics-int8",
            "ultralytics track(stream=True), its INT8 OpenVINO export",
            **{**ultralytics, "needs": (*ultralytics["needs"], "nncf", "tabulate")},
            options={**openvino, "backend": "its openvino export, int8"},
            exported_bits=8,
        ),
        Peer(
            "inference",
            "Roboflow InferencePipeline, our network inside",
            "peers_inference.py",
            ("inference", "openvino", "ultralytics", "trackers"),
            "pip install inference ultralytics openvino into an environment of its own and name "
            "its Python with --inference-python",
            inference_python,
            {"mode": "freshest"},
        ),
        Peer("opencv", "a plain loop over cv2.VideoCapture", "peers_opencv.py"),
    ]


def _lacking(peer: Peer) -> str:
    """The modules that the system's interpreter does not have; what is wrong where it has none."""
    if not peer.needs:
        return ""
    ask = (
        "import importlib.util as u, sys; "
        "print(*(n for n in sys.argv[1:] if u.find_spec(n) is None))"
    )
    try:
        told = subprocess.run(
            [peer.python, "-P", "-c", ask, *peer.needs],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            cwd=tempfile.gettempdir(),
        )
    except (OSError, subprocess.SubprocessError):
        return f"no interpreter {peer.python}"
    return ", ".join(told.stdout.split())


def exported(python: str, checkpoint: Path, batch: int, bits: int) -> str:
    """Ultralytics' own OpenVINO export for one batch size; kept in the cache.

    Raises:
        PeerFailedError: the export failed.
    """
    program = HERE / "peers_export.py"
    key = hashlib.sha256(checkpoint.read_bytes() + program.read_bytes() + python.encode())
    folder = cache_dir() / "peers" / f"{key.hexdigest()[:16]}-{batch}-{bits}"
    done = folder / "exported"
    if not done.exists():
        command = [python, "-P", str(program), str(checkpoint), str(folder), str(batch), str(bits)]
        if bits == 8:  # noqa: PLR2004 - bits
            command.append(str(_calibration_pictures(folder / "pictures")))
        try:
            told = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=EXPORT_PATIENCE_S,
                check=False,
                env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            )
        except subprocess.TimeoutExpired as error:
            raise PeerFailedError(
                f"ultralytics' export was not ready after {EXPORT_PATIENCE_S:.0f} s"
            ) from error
        if told.returncode:
            raise PeerFailedError(f"ultralytics' export failed: {told.stderr.strip()[-1000:]}")
        done.write_text(told.stdout.strip(), encoding="utf-8")
    return done.read_text(encoding="utf-8")


def _calibration_pictures(folder: Path) -> Path:
    """A data file as ultralytics wants it, with pictures of the clips' recordings."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for number, video in enumerate(recordings()):
        for frame in islice(decode_file(video, "clip"), 0, 100 * CALIBRATED_WITH, 100):
            stem = f"{number}-{frame.index}"
            cv2.imwrite(str(folder / "images" / f"{stem}.jpg"), frame.image)
            # Calibration looks at pictures alone, the loader wants a box beside each.
            (folder / "labels" / f"{stem}.txt").write_text("0 0.5 0.5 0.1 0.1\n", encoding="utf-8")
    data = folder / "data.yaml"
    data.write_text(
        f"path: {folder}\ntrain: images\nval: images\nnames: [person, firearm]\n", encoding="utf-8"
    )
    return data
